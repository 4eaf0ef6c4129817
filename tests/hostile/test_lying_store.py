"""A store that lies: its weights, tables and entries are not believed."""

import json
import struct

import numpy as np
import pandas as pd
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from popnet.store import Store
from popnet.store.atomic_files import sha256


def lying(path, **lies):
    """A weights file whose header says what is not so."""
    one = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], **lies}
    header = {f"{min(keys_in(path))}/final.x": one}
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(8))


def overlapping(path):
    one = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
    key = min(keys_in(path))
    text = json.dumps({f"{key}/final.{n}": one for n in "xy"}).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(8))


def keys_in(path):
    """The networks of an honest file."""
    with safe_open(path, framework="numpy") as handle:
        return {name.partition("/")[0] for name in handle.keys()}  # noqa: SIM118


LIES = {
    "length beyond the file": lambda p: p.write_bytes(struct.pack("<Q", 2**62) + b"{}"),
    "offsets beyond the file": lambda p: lying(p, data_offsets=[0, 2**40]),
    "offsets backwards": lambda p: lying(p, data_offsets=[8, 0]),
    "negative shape": lambda p: lying(p, shape=[-2]),
    "a shape to be guessed": lambda p: lying(p, shape=[-1]),
    "huge shape": lambda p: lying(p, shape=[2**40, 2**40]),
    "another dtype": lambda p: lying(p, dtype="F64"),
    "an unknown dtype": lambda p: lying(p, dtype="O"),
    "a pickle": lambda p: p.write_bytes(b"\x80\x04\x95cposix\nsystem\n(S'x'\ntR."),
    "nothing": lambda p: p.write_bytes(b""),
    "overlap": overlapping,
    "other names": lambda p: save_file({"b/final.x": np.zeros(2)}, p),
}


def forged(run, folder, harm):
    """Harm a file of the first batch that has one, and make all checksums agree."""
    for entry in sorted((run.store.folder / "index").glob("*.json")):
        about = json.loads(entry.read_text())
        for name in about["files"]:
            if name.startswith(f"{folder}/"):
                harm(run.store.folder / name)
                about["files"][name] = {"sha256": sha256(run.store.folder / name)}
                about.pop("checksum")
                entry.write_text(json.dumps(about))
                return run.store.folder / name, about["keys"][0]
    raise AssertionError(folder)


@pytest.mark.parametrize("kind", LIES)
def test_weights_with_a_lying_header_are_not_given_out(run, refused, here, kind):
    path, key = forged(run, "weights", LIES[kind])
    said = refused("export", run.folder, key, "--file", here / "own.npz")
    assert path.name in said and "popnet launch" in said


@pytest.mark.parametrize("folder", ["networks", "evaluations", "curves"])
@pytest.mark.parametrize("kind", ["cut", "other columns", "text"])
def test_a_table_of_the_store_that_is_none_is_said(run, asked, folder, kind):
    def harm(path):
        data = path.read_bytes()
        if kind == "other columns":
            pd.DataFrame({"secret": [1]}).to_parquet(path)
        else:
            path.write_bytes(data[:-9] if kind == "cut" else b"root:x:0:0")

    path, _ = forged(run, folder, harm)
    assert path.name in asked("report")


OTHER_FILES = ["../../etc/passwd", "/etc/passwd", "weights/../x", "weights/a.pkl",
               "weights/é.safetensors"]  # fmt: skip


@pytest.mark.parametrize("name", OTHER_FILES)
def test_an_entry_that_names_another_file_is_none(run, name):
    for entry in (run.store.folder / "index").glob("*.json"):
        about = json.loads(entry.read_text())
        about["files"] = {name: {"sha256": "0" * 64, "bytes": 1}}
        about.pop("checksum")
        entry.write_text(json.dumps(about))
    assert Store(run.store.folder).batches() == []


def test_a_damaged_record_is_set_aside_and_said_by_launch(run, again):
    """What launch does of its own; what it then trains is seen in tests/flow."""
    from popnet.catalogue import load_sweep
    from popnet.sweep.launch import prepare

    forged(run, "weights", lambda p: p.write_bytes(p.read_bytes()[:-4]))
    entry = next(p for p in (run.store.folder / "weights").iterdir())
    entry.write_bytes(entry.read_bytes()[:-1])
    plan, source = load_sweep(again)
    prepared = prepare(plan, source, run.out)
    (said,) = [n for n in prepared.notes if "weights" in n]
    assert "will be made again" in said
    assert sum(len(p.networks) for p in prepared.todo) > 0
