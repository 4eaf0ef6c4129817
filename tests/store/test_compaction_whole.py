"""A merge loses nothing wherever it ends and whoever reads and writes beside it."""

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from helpers.batches import commit_each_kind, values
from helpers.failing import Failing, Killed
from helpers.merged import ALL, contents, files, fill, whole

from popnet.store import Store
from popnet.store.audit import audit
from popnet.store.compaction import Bounds, compact

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("dies", [False, True], ids=["full", "killed"])
def test_a_merge_that_ends_at_any_operation_loses_nothing(tmp_path, after, dies):
    """Each operation in turn fails, or the process is killed there."""
    kth, ended, first = 0, [], Store(tmp_path / "first")
    keys = fill(first, 4)
    before = contents(first, keys)
    while True:
        kth += 1
        store = Store(shutil.copytree(first.folder, tmp_path / str(kth)))
        reader = Store(store.folder)
        reader.batches()
        backend = Failing(store.backend, kth, dies, after)
        try:
            compact(Store(backend), ALL)
        except (OSError, Killed) as error:
            ended.append(type(error))
        else:
            if backend.count < kth:
                break
        for opened in (reader, Store(store.folder)):
            assert contents(opened, keys) == before, backend.done[-1]
            assert audit(opened, set(keys)).problems == []
            for kind in ("networks", "evaluations", "comparisons"):
                held = [k for b in opened.batches(kind) for k in b.keys]
                assert sorted(held) == keys
        again = Store(store.folder)
        compact(again, ALL)
        assert contents(again, keys) == before and len(again.batches()) == 3
        sweep_all(again)
        assert whole(again)
    assert kth > 50 and len(ended) > 40
    assert set(ended) == {Killed if dies else OSError}


def sweep_all(store):
    """Make what is left over old, and let it be taken away."""
    for file in files(store):
        os.utime(store.folder / file, (1, 1))
    compact(store, ALL)


WRITER = """
import sys
from popnet.store import Store
sys.path.insert(0, sys.argv[3])
from helpers.batches import commit, commit_each_kind
store, me = Store(sys.argv[1]), sys.argv[2]
for i in range(15):
    commit_each_kind(store, [f"{me}{i:019d}", f"f{i:019d}"])
"""


def test_readers_and_writers_see_everything_while_batches_are_merged(tmp_path):
    """Two writers, two that merge, a reader: each network is always there, once."""
    tests = str(Path(__file__).parents[1])
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    writers = [subprocess.Popen([*command, me, tests]) for me in "12"]
    stop, trouble = threading.Event(), []

    def merge():
        mine = Store(tmp_path)
        while not stop.is_set():
            try:
                compact(mine, Bounds(least=3, networks=40))
            except Exception as error:
                trouble.append(error)
                return

    merging = [threading.Thread(target=merge) for _ in "ab"]
    for thread in merging:
        thread.start()
    reader, seen = Store(tmp_path), set()
    while any(w.poll() is None for w in writers):
        recorded = reader.recorded()
        assert seen <= recorded
        seen = recorded
        found = values(reader, seen)
        assert found == {k: [1.0] for k in seen}
        assert set(reader.many_tensors(seen)) == seen
        assert audit(reader, seen).problems == []
    stop.set()
    for thread in merging:
        thread.join()
    assert trouble == [] and [w.returncode for w in writers] == [0, 0]
    store = Store(tmp_path)
    keys = {f"{me}{i:019d}" for me in "12f" for i in range(15)}
    assert store.recorded() == keys and values(store, keys) == {k: [1.0] for k in keys}
    compact(store, ALL)
    assert audit(store, keys).problems == [] and len(store.batches()) < 10
    commit_each_kind(store, ["1" + "0" * 19, "f" + "0" * 19])
    assert values(store, keys) == {k: [1.0] for k in keys}
