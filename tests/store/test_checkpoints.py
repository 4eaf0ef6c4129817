"""Checkpoints: the furthest sound one of each network, and never an exception."""

import json
import shutil

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from popnet.store import checkpoints, tensorfile

A, B, C = "a" * 20, "b" * 20, "c" * 20


def stacked(keys, trials, dtype=np.float32):
    """What a shard saves of some networks; row and trial are in the numbers."""
    rows = np.arange(len(keys), dtype=dtype)[:, None, None]
    return {
        "params.w_PNN": rows + np.linspace(0, 1, 9, dtype=dtype).reshape(3, 3),
        "params.tau_PN": np.full((len(keys), 3), 0.1, dtype),
        "progress.trial_P": np.asarray(trials, np.int64),
    }


def save(store, shard, keys, trials, dtype=np.float32):
    checkpoints.save(store, shard, [(keys, stacked(keys, trials, dtype))])


def load(store, keys):
    return checkpoints.load(store, keys).networks


def trial(found, key):
    return int(found[key]["progress.trial_P"][0])


def path_of(store, shard):
    return store / "checkpoints" / f"{shard}.safetensors"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_was_saved_comes_back_bit_for_bit(tmp_path, dtype):
    given = stacked([A, B], [40, 60], dtype)
    given["params.w_PNN"][1, 0] = [np.nan, -0.0, np.inf]
    checkpoints.save(tmp_path, "s", [([A, B], given)])
    found = load(tmp_path, [A, B, C])
    assert set(found) == {A, B}
    for row, key in enumerate([A, B]):
        assert set(found[key]) == set(given)
        for name, array in given.items():
            assert found[key][name].dtype == array.dtype
            assert found[key][name].shape == (1, *array.shape[1:])
            assert found[key][name].tobytes() == array[row : row + 1].tobytes()


def test_groups_of_other_shapes_share_a_file(tmp_path):
    wide = {"params.tau_PN": np.ones((1, 9)), "progress.trial_P": np.array([7])}
    groups = [([A, B], stacked([A, B], [1, 2])), ([C], wide)]
    checkpoints.save(tmp_path, "s", groups)
    found = load(tmp_path, [B, C])
    assert set(found) == {B, C}
    assert found[C]["params.tau_PN"].shape == (1, 9) and trial(found, C) == 7
    assert found[B]["params.tau_PN"].shape == (1, 3) and trial(found, B) == 2


@pytest.mark.parametrize("order", [("x", "y"), ("y", "x")])
def test_the_furthest_of_several_is_taken(tmp_path, order):
    save(tmp_path, order[0], [A, B], [40, 20])
    save(tmp_path, order[1], [B, A, C], [60, 30, 5])
    found = load(tmp_path, [A, B, C])
    assert [trial(found, k) for k in (A, B, C)] == [40, 60, 5]
    assert found[B]["params.w_PNN"][0, 0, 0] == 0  # its row in the second file


def test_a_later_save_of_a_shard_takes_the_place_of_the_former(tmp_path):
    save(tmp_path, "s", [A], [40])
    save(tmp_path, "s", [A], [50])
    assert trial(load(tmp_path, [A]), A) == 50
    assert [p.name for p in (tmp_path / "checkpoints").iterdir()] == ["s.safetensors"]
    checkpoints.drop(tmp_path, "s")
    checkpoints.drop(tmp_path, "s")
    assert load(tmp_path, [A]) == {}


def test_where_nothing_was_saved_nothing_is_found_or_made(tmp_path):
    assert load(tmp_path / "none", [A]) == {}
    checkpoints.tidy(tmp_path / "none", {A})
    checkpoints.drop(tmp_path / "none", "s")
    assert not (tmp_path / "none").exists()


def test_any_flipped_bit_is_noticed(tmp_path):
    """Each byte in turn: what comes back is right, or it does not come back."""
    save(tmp_path, "s", [A, B], [40, 60])
    path = path_of(tmp_path, "s")
    whole, right = path.read_bytes(), load(tmp_path, [A, B])
    header = 8 + int.from_bytes(whole[:8], "little")
    lost = 0
    for place in range(len(whole)):
        data = bytearray(whole)
        data[place] ^= 1 << (place % 8)
        path.write_bytes(bytes(data))
        found = load(tmp_path, [A, B])
        checkpoints.tidy(tmp_path, {C})
        lost += len(found) < 2
        assert place < header or not found
        for key, tensors in found.items():
            # one that lacks a tensor is refused where it is taken up: tests/sweep
            assert set(tensors) <= set(right[key])
            for name, array in tensors.items():
                assert array.tobytes() == right[key][name].tobytes()
    assert lost > (len(whole) - header)
    path.write_bytes(whole)
    assert set(load(tmp_path, [A, B])) == {A, B}


def test_a_truncated_file_is_not_used(tmp_path):
    save(tmp_path, "s", [A], [40])
    save(tmp_path, "t", [B], [40])
    path = path_of(tmp_path, "s")
    whole = path.read_bytes()
    for length in [*range(0, len(whole), 37), len(whole) - 1]:
        path.write_bytes(whole[:length])
        found = checkpoints.load(tmp_path, [A, B])
        assert set(found.networks) == {B}
        (said,) = found.notes
        assert said.startswith("checkpoints/s.safetensors cannot be read (")
        assert "kept as checkpoints/s.safetensors.damaged, and its networks" in said
        aside = path.with_name("s.safetensors.damaged")
        assert aside.read_bytes() == whole[:length] and not path.exists()
        checkpoints.tidy(tmp_path, {A})
        assert checkpoints.load(tmp_path, [A]).notes == ()  # said once


def test_a_damaged_file_does_not_hide_a_sound_one(tmp_path):
    save(tmp_path, "s", [A], [40])
    save(tmp_path, "t", [A], [90])
    path = path_of(tmp_path, "t")
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    assert trial(load(tmp_path, [A]), A) == 40


def test_a_damaged_group_is_said_to_whom_it_concerns(tmp_path):
    groups = [([A, B], stacked([A, B], [1, 2])), ([C], stacked([C], [3]))]
    checkpoints.save(tmp_path, "s", groups)
    path = path_of(tmp_path, "s")
    data = bytearray(path.read_bytes())
    with safe_open(path, framework="numpy") as handle:
        spoilt = handle.get_tensor("0/params.w_PNN").tobytes()
    data[data.index(spoilt)] ^= 1
    path.write_bytes(bytes(data))
    one, other = (checkpoints.load(tmp_path, keys) for keys in ([A, C], [C]))
    assert set(one.networks) == set(other.networks) == {C} and other.notes == ()
    (said,) = one.notes
    assert said.startswith("checkpoints/s.safetensors: the checkpoint of 1 networks is")


def test_other_physics_is_not_used(tmp_path, monkeypatch):
    save(tmp_path, "now", [B], [40])
    monkeypatch.setattr(checkpoints, "PHYSICS", checkpoints.PHYSICS + 1)
    save(tmp_path, "later", [A], [40])
    assert set(load(tmp_path, [A, B])) == {A}
    monkeypatch.undo()
    assert set(load(tmp_path, [A, B])) == {B}


def _about(**changes):
    """A file like popnet's but for some of what it says of itself."""

    def write(path):
        arrays = {f"0/{n}": a for n, a in stacked([A], [9]).items()}
        about = {"physics": checkpoints.PHYSICS, "groups": [[A]]}
        about["sums"] = {n: tensorfile.crc(a) for n, a in arrays.items()}
        about = {k: v for k, v in {**about, **changes}.items() if v != "drop"}
        save_file(arrays, path, {"popnet": json.dumps(about)})

    return write


def _without_progress(path):
    arrays = {"0/params.x": np.ones((1, 2))}
    sums = {n: tensorfile.crc(a) for n, a in arrays.items()}
    about = {"physics": checkpoints.PHYSICS, "groups": [[A]], "sums": sums}
    save_file(arrays, path, {"popnet": json.dumps(about)})


FOREIGN = {
    "empty": lambda p: p.write_bytes(b""),
    "text": lambda p: p.write_text("not a checkpoint"),
    "zeros": lambda p: p.write_bytes(bytes(4096)),
    "folder": lambda p: p.mkdir(),
    "broken link": lambda p: p.symlink_to("nowhere"),
    "no metadata": lambda p: save_file({"x": np.ones(3)}, p),
    "other metadata": lambda p: save_file({"x": np.ones(3)}, p, {"format": "pt"}),
    "metadata no JSON": lambda p: save_file({"x": np.ones(3)}, p, {"popnet": "{"}),
    "metadata a list": lambda p: save_file({"x": np.ones(3)}, p, {"popnet": "[1]"}),
    "no groups": _about(groups="drop"),
    "groups a number": _about(groups=3),
    "groups null": _about(groups=[None]),
    "no sums": _about(sums="drop"),
    "sums a list": _about(sums=[1, 2]),
    "sums of absent tensors": _about(sums={"0/absent": 1}),
    "sums wrong": _about(sums={"0/progress.trial_P": 1}),
    "no physics": _about(physics="drop"),
    "more keys than rows": _about(groups=[[B, A]]),
    "no progress": _without_progress,
}


@pytest.mark.parametrize("write", FOREIGN.values(), ids=FOREIGN)
def test_a_foreign_file_is_not_used_and_stops_nothing(tmp_path, write):
    for name in ("first", "other", "zlast"):  # before and after the sound one
        (tmp_path / "checkpoints").mkdir(exist_ok=True)
        write(path_of(tmp_path, name))
    save(tmp_path, "sound", [B], [40])
    found = load(tmp_path, [A, B])
    assert trial(found, B) in (9, 40) and A not in found
    checkpoints.tidy(tmp_path, {C})
    assert path_of(tmp_path, "sound").is_file()


def test_tidy_removes_only_what_is_wholly_recorded(tmp_path):
    save(tmp_path, "whole", [A, B], [40, 60])
    save(tmp_path, "half", [B, C], [40, 60])
    groups = [([A], stacked([A], [1])), ([C], stacked([C], [1]))]
    checkpoints.save(tmp_path, "groups", groups)
    path_of(tmp_path, "mine").write_text("not popnet's")
    (tmp_path / "checkpoints" / "notes.txt").write_text("mine")
    checkpoints.tidy(tmp_path, {A, B})
    left = sorted(p.name for p in (tmp_path / "checkpoints").iterdir())
    kept = ["groups", "half", "mine"]
    assert left == [*(f"{n}.safetensors" for n in kept), "notes.txt"]
    checkpoints.tidy(tmp_path, {A, B, C})
    left = sorted(p.name for p in (tmp_path / "checkpoints").iterdir())
    assert left == ["mine.safetensors", "notes.txt"]


def test_a_failed_save_keeps_the_former_checkpoint(tmp_path, monkeypatch):
    save(tmp_path, "s", [A], [40])

    def half(path, *_):
        path.write_bytes(b"half")
        raise OSError("the disk is full")

    with monkeypatch.context() as patched, pytest.raises(OSError, match="full"):
        patched.setattr(tensorfile, "write", half)
        save(tmp_path, "s", [A], [50])
    assert trial(load(tmp_path, [A]), A) == 40
    assert [p.name for p in (tmp_path / "checkpoints").iterdir()] == ["s.safetensors"]


def test_the_file_opens_without_popnet(tmp_path):
    save(tmp_path, "s", [A, B], [40, 60])
    path = path_of(tmp_path, "s")
    shutil.copy(path, tmp_path / "copy.safetensors")
    with safe_open(tmp_path / "copy.safetensors", framework="numpy") as handle:
        about = json.loads(handle.metadata()["popnet"])
    assert about["groups"] == [[A, B]]
    np.testing.assert_array_equal(
        load_file(path)["0/progress.trial_P"], np.array([40, 60])
    )
