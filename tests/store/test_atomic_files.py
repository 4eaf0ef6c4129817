"""A file is whole or not there."""

import hashlib
import json
import os
import threading

import pytest
from helpers.pace import PATIENCE_S

from popnet.store import atomic_files


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / "deep" / "er" / "file"
    atomic_files.write_bytes(path, b"\x00\xff")
    assert path.read_bytes() == b"\x00\xff"
    atomic_files.write_text(path, "é\n")
    assert path.read_bytes() == b"\xc3\xa9\n"
    atomic_files.write_json(path, {"b": [1], "a": None})
    assert json.loads(path.read_text()) == {"a": None, "b": [1]}
    assert path.read_text().index('"a"') < path.read_text().index('"b"')
    assert atomic_files.sha256(path) == hashlib.sha256(path.read_bytes()).hexdigest()
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError, OSError, KeyboardInterrupt])
@pytest.mark.parametrize("there", [False, True])
def test_a_write_that_fails_leaves_what_was_there(tmp_path, there, error):
    path = tmp_path / "file"
    if there:
        path.write_text("old")

    def half(part):
        part.write_text("ne")
        assert not there or path.read_text() == "old"  # written beside, not into
        raise error("half way")

    with pytest.raises(error, match="half way"):
        atomic_files.write_atomically(path, half)
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == (
        [("file", "old")] if there else []
    )


def test_the_data_are_on_the_disk_before_the_name(tmp_path, monkeypatch):
    """Else a power cut leaves an empty file under the right name."""
    happened = []
    real = os.fsync

    def fsync(handle):
        happened.append([p.name for p in tmp_path.iterdir()])
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    atomic_files.write_bytes(tmp_path / "file", b"data")
    assert len(happened) == 1 and happened[0] != ["file"]


def test_a_lock_is_held_by_one_at_a_time(tmp_path):
    order = []

    def second():
        with atomic_files.locked(tmp_path / "deep" / ".lock"):
            order.append("second")

    with atomic_files.locked(tmp_path / "deep" / ".lock"):
        other = threading.Thread(target=second)
        other.start()
        other.join(0.1)
        assert other.is_alive()
        order.append("first")
    other.join(PATIENCE_S)
    assert order == ["first", "second"]
    with pytest.raises(ValueError), atomic_files.locked(tmp_path / ".lock"):
        raise ValueError
    with atomic_files.locked(tmp_path / ".lock"):
        order.append("free again")
    assert len(order) == 3
