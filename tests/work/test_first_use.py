"""A launch tells that kernels are compiled, before they are."""

import errno

import pytest
from ray.exceptions import RayTaskError

from popnet.kernels import compile_cache
from popnet.kernels.first_use import NotCompiled, announce, compiling
from popnet.store import Store
from popnet.sweep import diagnosis, ray_tasks
from popnet.sweep.progress import ProgressReporter
from popnet.sweep.train_pack import _summary
from popnet.work import shard
from popnet.work.shard import Shard
from popnet.work.shard_report import ShardReport


def test_a_shard_stops_before_it_must_compile_and_then_goes_on(
    planned, tmp_path, monkeypatch
):
    advance, there = shard.advance, []

    def first_compiles(population, steps):
        if not there:
            announce()
            there.append(True)
        return advance(population, steps)

    monkeypatch.setattr(shard, "advance", first_compiles)
    network = {"units": 12, "dt_s": 0.01, "tau_s": 0.05}
    (member,) = planned(network=network, train={"trials": 30, "until": None})
    worker = Shard(str(tmp_path), "cpu", 3600)
    told = worker.work(3600, (member,), compiles=False)
    assert told == ShardReport(told.shard, 0, {}, {}, done=False, must_compile=True)
    done = worker.work(3600, compiles=told.must_compile)
    assert done.done and done.trials == 30 and not done.must_compile
    assert Store(tmp_path).recorded() == {member.key}
    assert [_summary([done, b])["compiling"] for b in (told, done)] == [True, False]


def test_the_stage_is_compile_until_something_trains(tiny_run):
    stages = []
    reporter = ProgressReporter(tiny_run, lambda status: stages.append(status.stage))
    for trials, compiling_now in [(0, True), (0, False), (5, True)]:
        reporter.count({"trials": trials, "compiling": compiling_now})
    assert stages == ["compile", "train", "train"]


class _Ray:
    """Tasks run when they are asked for; the futures are what they came to."""

    def __init__(self):
        self.seen = []

    def options(self, **_):
        return self

    def remote(self, compiles, *given):
        self.seen.append(compiles)
        with compiling(allowed=compiles):
            try:
                announce()
            except NotCompiled as error:
                return RayTaskError("test", "", error).as_instanceof_cause()
        return given

    def wait(self, futures, **_):
        return futures[:1], futures[1:]

    def get(self, future):
        if isinstance(future, Exception):
            raise future
        return future


def test_a_test_that_must_compile_is_begun_again_and_this_is_told(
    tiny_run, monkeypatch
):
    local = _Ray()
    monkeypatch.setattr(ray_tasks, "ray", local)
    tasks = ray_tasks.FollowUpTasks(tiny_run, cpus=0, at_once=1)
    tasks._submit(local, ("networks",))
    told = []
    tasks.wait(lambda done, of: told.append((tasks.compiling, done, of)))
    assert local.seen == [False, True]
    assert told == [(False, 0, 1), (True, 0, 1)]


class _FullDisk(_Ray):
    """The disk takes nothing, so many times."""

    def __init__(self, times):
        super().__init__()
        self.left = times

    def remote(self, _, *given):
        self.left -= 1
        if self.left >= 0:
            full = OSError(errno.ENOSPC, "No space left on device")
            return RayTaskError("test", str(full), full).as_instanceof_cause()
        return given


@pytest.mark.parametrize("times", [2, 4])
def test_a_full_disk_is_given_time_by_a_test_but_not_for_ever(
    tiny_run, monkeypatch, times
):
    monkeypatch.setattr(ray_tasks, "WAIT_S", 0.01)
    monkeypatch.setattr(ray_tasks, "REFUSALS", 3)
    monkeypatch.setattr(ray_tasks.time, "sleep", lambda _: None)
    full = _FullDisk(times)
    monkeypatch.setattr(ray_tasks, "ray", full)
    tasks = ray_tasks.FollowUpTasks(tiny_run, cpus=0, at_once=1)
    tasks._submit(full, ("networks",))
    if times <= 3:
        tasks.wait(lambda *_: None)
        assert full.left == -1 and not tasks.queue
    else:
        with pytest.raises(RuntimeError, match="No space left"):
            tasks.wait(lambda *_: None)


@pytest.mark.parametrize("folder", ["/somewhere/popnet/kernels-1", None])
def test_the_doctor_says_where_kernels_are_and_why_there(monkeypatch, folder):
    where = compile_cache.Where(folder, ["Permission denied: '/home/me/.cache'"])
    monkeypatch.setattr(compile_cache, "where", lambda: where)
    _, fit, words = diagnosis._kernels()
    assert "(Permission denied: '/home/me/.cache')" in words
    if folder:
        assert fit and f"kept in {folder}" in words
    else:
        assert fit is None and "a folder of yours in NUMBA_CACHE_DIR" in words
