"""Reaching: the closed form, and a user's own recordings from a file."""

import os

import numpy as np
import pytest
import yaml

from popnet.catalogue import CATALOGUE
from popnet.config import ConfigError, dump, expand, load, read_text, shared_part
from popnet.plan import label, networks
from popnet.tasks import TASKS

TASK = TASKS["reaching"]
SWEEP = {"name": "reach", "seed": 1, "networks": 1, "rule": "bptt"}


@pytest.fixture
def file(tmp_path):
    """``file(**arrays)``: the path of an .npz file that holds them."""

    def make(name="muscles.npz", **arrays):
        np.savez(tmp_path / name, **arrays)
        return str(tmp_path / name)

    return make


def recorded(conditions=4, samples=21, muscles=3, seed=0):
    return np.random.default_rng(seed).normal(size=(conditions, samples, muscles))


def read(**task):
    """A plan and its source from a sweep file with this task."""
    source = read_text(yaml.safe_dump({**SWEEP, "task": {"name": "reaching", **task}}))
    return load(source, CATALOGUE), source


def key(plan):
    return networks(plan)[0].key


def refusal(call, *given, **task):
    with pytest.raises(ConfigError) as caught:
        call(*given, **task)
    text = str(caught.value)
    assert "\n" not in text
    return text


@pytest.mark.parametrize("dt_s", [0.002, 0.01])
def test_the_synthetic_set_is_its_closed_form(draw, dt_s):
    _, (inputs, target, mask) = draw("reaching", np.arange(16) % 8, dt_s, target=0.5)
    still = round(0.2 / dt_s)
    assert target.shape == (16, round(0.8 / dt_s), 6) and mask.all()
    assert not target[:, :still].any()
    for trial, muscle, step in [(0, 0, 0), (3, 5, 20), (9, 2, 41), (15, 1, 59)]:
        theta, own = 2 * np.pi * (trial % 8) / 8, 2 * np.pi * muscle / 6
        t = (step + 1) * dt_s
        rise = t / 0.1 * np.exp(1 - t / 0.1)
        waves = [np.sin(2 * np.pi * f * t + theta - own) for f in (2, 3)]
        expected = 0.5 * rise * sum(waves) / 2
        assert target[trial, still + step, muscle] == pytest.approx(expected)
        cue = [np.cos(theta), np.sin(theta)]
        np.testing.assert_allclose(
            inputs[trial, :, :2], np.tile(cue, (len(mask[0]), 1))
        )
    assert not inputs[:, :still, 2].any() and (inputs[:, still:, 2] == 1).all()
    assert 0.3 < np.abs(target).max() <= 0.5


def test_muscles_are_cosine_tuned_at_every_moment(draw):
    given = {"conditions": 12, "muscles": 4}
    _, (_, target, _) = draw("reaching", np.arange(12), 0.01, **given)
    power = np.abs(np.fft.rfft(target, axis=0)) ** 2
    np.testing.assert_allclose(np.delete(power, 1, axis=0), 0, atol=1e-20)
    assert (power[1, 20:59].min(1) > 1e-6).all()


def test_a_reach_is_right_when_it_explains_nine_tenths(draw, correct):
    settings, trials = draw("reaching", np.arange(8), 0.01)
    mean = trials.target_BTO.mean(1, keepdims=True)
    for short, right in ((0.31, True), (0.32, False)):
        output = mean + (1 - short) * (trials.target_BTO - mean)
        assert (correct(settings, trials, output=output) == right).all()
    other = np.roll(trials.target_BTO, 1, axis=0)
    assert not correct(settings, trials, output=other).any()


def test_recordings_are_interpolated_scaled_and_held_before(draw, file):
    made = recorded() * [1, 10, 0]  # the last muscle is silent
    path = file(targets=made.astype(np.float32), other=np.zeros(3))
    settings, (inputs, target, _) = draw("reaching", [3, 0, 1], 0.01, targets=path)
    made = made.astype(np.float32).astype(np.float64)
    assert (settings.types, settings.inputs, settings.outputs) == (4, 3, 3)
    largest = np.abs(made[..., :2]).max((0, 1))
    time, samples = 0.01 * np.arange(1, 61), np.linspace(0, 0.6, 21)
    for trial, condition in enumerate((3, 0, 1)):
        for muscle in range(2):
            scaled = made[condition, :, muscle] / largest[muscle]
            expected = np.interp(time, samples, scaled)
            got = target[trial, :, muscle]
            np.testing.assert_allclose(got[20:], expected, atol=1e-12)
            np.testing.assert_allclose(got[:20], scaled[0])
    assert not target[..., 2].any()
    np.testing.assert_allclose(inputs[0, 5, :2], [0, -1], atol=1e-12)


def test_inputs_of_the_file_take_the_place_of_ours(draw, file, correct):
    given = recorded(4, 7, 5, seed=1)
    path = file(targets=recorded(), inputs=given)
    settings, trials = draw("reaching", [0, 2], 0.01, targets=path, movement_s=1.2)
    inputs = trials.input_BTI
    assert settings.inputs == 5 and inputs.shape == (2, 140, 5)
    np.testing.assert_array_equal(inputs[1, :20], np.tile(given[2, 0], (20, 1)))
    np.testing.assert_allclose(inputs[:, 39], given[[0, 2], 1], atol=1e-12)
    np.testing.assert_allclose(inputs[:, -1], given[[0, 2], -1], atol=1e-12)
    assert correct(settings, trials, 0.01).all()


def test_a_key_depends_on_what_the_file_holds_and_not_on_its_place(file, tmp_path):
    path, same = file(targets=recorded()), file("same.npz", targets=recorded())
    other = file("other.npz", targets=recorded(seed=1))
    plan, source = read(targets=path)
    keys = [key(read(targets=each)[0]) for each in (path, same, other)]
    assert keys[0] == keys[1] != keys[2]
    assert keys[0] != key(read(conditions=4, muscles=3)[0])
    task = plan.conditions[0].config.task
    assert str(tmp_path) not in label(task) and "targets" in shared_part(task)
    # relative to where popnet is called
    before = os.getcwd()
    try:
        os.chdir(tmp_path)
        here, _ = read(targets="same.npz")
    finally:
        os.chdir(before)
    assert key(here) == keys[0] and here.conditions[0].config.task.targets == same
    # the sweep as it is kept means the same network
    again = load(read_text(dump(plan, source)), CATALOGUE)
    assert again.conditions[0].config == plan.conditions[0].config


@pytest.mark.parametrize("fate", ["changed", "gone"])
def test_a_run_is_readable_without_its_file_but_trains_on_no_other(file, fate):
    path = file(targets=recorded())
    plan, source = read(targets=path)
    kept = read_text(dump(plan, source), "kept.yaml")
    os.remove(path)
    if fate == "changed":
        file(targets=recorded() * 2)
    again = expand(kept, CATALOGUE)
    assert key(again) == key(plan), "tables and reports need no recordings"
    text = refusal(load, kept, CATALOGUE)
    assert text.startswith("kept.yaml, line ") and f"task.targets: {path} " in text
    settings = again.conditions[0].config.task.with_epochs({"movement": 2.0})
    told = refusal(TASK.draw, settings, np.zeros(1, int), 0.01, None)
    for sentence in (text, told):
        if fate == "gone":
            assert "cannot be read: No such file or directory." in sentence
        else:
            assert (
                f"has changed: digest {settings.__class__(targets=path).digest}, "
                in (sentence)
            )
    if fate == "changed":
        assert key(read(targets=path)[0]) != key(plan), "a fresh start"


def test_other_tasks_are_checked_too(file):
    path = file(targets=recorded(muscles=6))
    task = {"name": "reaching", "targets": path}
    raw = {**SWEEP, "task": "reaching", "after": {"other_tasks": [task]}}
    source = read_text(yaml.safe_dump(raw))
    load(source, CATALOGUE)
    os.remove(path)
    assert "after.other_tasks.0.targets: " in refusal(load, source, CATALOGUE)


class Trap:
    """Runs when it is unpickled."""

    def __reduce__(self):
        return (os.mkdir, (os.environ["POPNET_TRAP"],))


@pytest.mark.parametrize("saved", [True, False])
def test_nothing_in_a_file_is_ever_run(file, tmp_path, monkeypatch, saved):
    import pickle

    monkeypatch.setenv("POPNET_TRAP", str(tmp_path / "sprung"))
    objects = np.array([[[Trap()] * 2] * 2] * 2, dtype=object)
    path = file(targets=objects)
    if not saved:
        with open(path, "wb") as stream:
            pickle.dump({"targets": objects}, stream)
    text = refusal(read, targets=path)
    assert f"task.targets: {path} is not an .npz file of plain arrays" in text
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"emg": recorded()}, "has no array targets; it has: emg."),
        (
            {"targets": recorded()[0]},
            "has targets of shape (21, 3); must be (conditions, samples, muscles), at "
            "least (2, 2, 1).",
        ),
        ({"targets": recorded(samples=1)}, "has targets of shape (4, 1, 3); must be "),
        (
            {"targets": recorded(), "inputs": recorded(4, 9, 0)},
            "has inputs of shape (4, 9, 0); must be (conditions, samples, channels)",
        ),
        (
            {"targets": recorded(), "inputs": recorded(5)},
            "has targets for 4 conditions and inputs for 5; must be as many.",
        ),
        ({"targets": recorded() * np.nan}, "has targets that are not finite real "),
        ({"targets": recorded() + 1j}, "has targets that are not finite real numbers"),
    ],
)
def test_arrays_of_another_kind_are_refused(file, arrays, sentence):
    path = file(**arrays)
    assert f", line 7: task.targets: {path} {sentence}" in refusal(read, targets=path)


def test_files_of_another_kind_are_refused(tmp_path, file):
    np.save(tmp_path / "one.npy", recorded())
    whole = file(targets=recorded())
    with open(whole, "rb") as stream:
        content = bytearray(stream.read())
    (tmp_path / "short.npz").write_bytes(content[:-40])
    content[200] ^= 255
    (tmp_path / "flipped.npz").write_bytes(content)
    # numbers whose compressed bytes are spoilt
    np.savez_compressed(tmp_path / "packed.npz", targets=np.zeros((9, 90, 90)))
    packed = bytearray((tmp_path / "packed.npz").read_bytes())
    packed[60:90] = bytes(range(200, 230))
    (tmp_path / "packed.npz").write_bytes(packed)
    (tmp_path / "empty.npz").write_bytes(b"")
    (tmp_path / "text.npz").write_text("targets")
    spoilt = ("short.npz", "flipped.npz", "packed.npz")
    for name in ("one.npy", *spoilt, "empty.npz", "text.npz"):
        text = refusal(read, targets=str(tmp_path / name))
        assert f"{name} is not an .npz file of plain arrays" in text, name
    assert "cannot be read: Is a directory" in refusal(read, targets=str(tmp_path))


@pytest.mark.parametrize(
    ("task", "sentence"),
    [
        ({"conditions": 5}, "task.conditions: got 5; the file has 4; leave it out."),
        ({"digest": "5c1f"}, "task.digest: got '5c1f'; the file has "),
        ({"targets": 3}, "task.targets: got 3; expected text or null"),
        ({"targets": None, "channels": 4}, "task.channels: got 4; without a file of "),
    ],
)
def test_what_is_filled_in_cannot_be_chosen(file, task, sentence):
    path = file(targets=recorded())
    assert sentence in refusal(read, **{"targets": path, **task})
