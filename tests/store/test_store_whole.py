"""A commit to the store is whole or not at all, whoever dies or writes beside it."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers.batches import A, commit, left_over, values
from helpers.pace import PATIENCE_S

from popnet.store import Store
from popnet.store.audit import audit


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
@pytest.mark.parametrize("place", ["os.fsync", "pathlib.Path.replace"])
@pytest.mark.parametrize("kth", range(4))  # networks, curves, weights, index
def test_a_commit_that_fails_leaves_nothing(store, monkeypatch, place, kth, error):
    owner, name = (os, "fsync") if place == "os.fsync" else (Path, "replace")
    real, calls = getattr(owner, name), []

    def failing(*args):
        calls.append(args)
        if len(calls) == kth + 1:
            raise error("the disk is full")
        return real(*args)

    with monkeypatch.context() as patched, pytest.raises(error):
        patched.setattr(owner, name, failing)
        commit(store)
    assert len(calls) == kth + 1
    for opened in (store, Store(store.folder)):
        assert opened.batches() == [] and opened.recorded() == set()
        assert values(opened, [A]) == {}
    assert not list(store.folder.glob("index/*")) and left_over(store) == []
    commit(store)
    assert store.recorded() == {A} and values(store, [A]) == {A: [1.0]}
    assert audit(store, {A}).problems == []


KILLED = """
import os, signal, sys
from pathlib import Path
import numpy as np
from popnet.store import Store
real, calls = os.fsync, []
def fsync(handle):
    calls.append(handle)
    if len(calls) == kth + 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(handle)
os.fsync = fsync
for kth in range(4):
    child = os.fork()
    if not child:
        store = Store(Path(sys.argv[1]) / str(kth))
        key = "a" * 20
        store.commit("networks", [key], {"networks": [{"key": key}], "curves": []},
                     {"weights": {f"{key}/final.recurrent": np.zeros(3)}})
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
"""


def test_a_process_killed_in_a_commit_has_recorded_nothing(tmp_path):
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=True)
    for kth in range(4):
        store = Store(tmp_path / str(kth))
        assert store.folder.is_dir() and store.recorded() == set()
        assert store.table("networks", "networks", "key", {A}) is None
        commit(store)
        assert Store(store.folder).recorded() == {A}
        assert values(store, [A]) == {A: [1.0]} and audit(store, {A}).problems == []


WRITER = """
import sys
from pathlib import Path
import numpy as np
from popnet.store import Store
store, me = Store(Path(sys.argv[1])), sys.argv[2]
print("ready", flush=True)
sys.stdin.readline()
for i in range(50):
    for key in (f"{me}{i:019d}", f"f{i // 2:019d}"):  # its own, and one of both
        row = [{"key": key, "value": float(me)}]
        weights = {f"{key}/final.recurrent": np.full(4, key[-3:], float)}
        store.commit("networks", [key], {"networks": row, "curves": row},
                     {"weights": weights})
"""


def test_two_writers_at_once_lose_and_spoil_nothing(tmp_path):
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    writers = [subprocess.Popen([*command, me], **pipes) for me in "12"]
    for writer in writers:
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        writer.communicate(timeout=PATIENCE_S)
        assert writer.returncode == 0
    store = Store(tmp_path)
    keys = {f"{me}{i:019d}" for me in "12" for i in range(50)}
    keys |= {f"f{i:019d}" for i in range(25)}
    assert store.recorded() == keys and len(store.batches()) == 125
    assert audit(store, keys).problems == [] and left_over(store) == []
    found = values(store, keys)
    assert set(found) == keys and all(len(v) == 1 for v in found.values())
    for i in range(25):
        np.testing.assert_array_equal(
            store.tensors(f"f{i:019d}")["final.recurrent"], np.full(4, i)
        )
