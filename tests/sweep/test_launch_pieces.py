"""What a launch does besides Ray: it prepares, finishes, and refuses in time."""

from contextlib import nullcontext

import pytest
import torch

from popnet import tracking
from popnet.config import ConfigError, Machine
from popnet.runs import open_run
from popnet.runs.tables import write_tables
from popnet.store import Store
from popnet.sweep import launch as launching
from popnet.sweep import ray_tasks
from popnet.sweep.cluster import check_device, cores, device_and_workers
from popnet.sweep.launch import finish, launch, prepare
from popnet.sweep.progress import ProgressReporter
from popnet.work.shard import Shard


@pytest.fixture
def quiet(monkeypatch):
    """MLflow and the report are not made; what was asked of them is kept."""
    asked = []
    monkeypatch.setattr(
        tracking, "sync", lambda *args: asked.append(("sync", *args[:2]))
    )
    monkeypatch.setattr(tracking, "is_filled", lambda *_: False)
    monkeypatch.setattr(
        "popnet.report.write_report", lambda run: asked.append(("report", run))
    )
    return asked


@pytest.fixture
def no_ray(monkeypatch):
    """Starting Ray is a failure."""

    def joined(*_):
        pytest.fail("Ray would be started")

    monkeypatch.setattr(launching, "joined", joined)


# --- tests and comparisons ------------------------------------------------------------


class _Endless:
    """Tasks that are begun and never done."""

    def options(self, **_):
        return self

    def remote(self, *_):
        return object()

    def wait(self, futures, **_):
        return [], futures


@pytest.mark.parametrize(
    ("jobs", "tests", "comparisons"), [(1, 1, 1), (4, 1, 3), (5, 2, 3), (40, 3, 3)]
)
def test_a_process_more_for_several_tests(
    jobs, tests, comparisons, tiny_run, monkeypatch
):
    test, compare = _Endless(), _Endless()
    monkeypatch.setattr(ray_tasks, "ray", test)
    monkeypatch.setattr(ray_tasks, "_test", test)
    for task, expected in ((test, tests), (compare, comparisons)):
        tasks = ray_tasks.FollowUpTasks(tiny_run, cpus=0, at_once=3)
        for _ in range(jobs):
            tasks._submit(task, ())
        tasks._poll(timeout=0)
        assert len(tasks.busy) == expected
        assert len(tasks.busy) + len(tasks.queue) == jobs


# --- devices -------------------------------------------------------------------------


def test_a_gpu_is_refused_where_there_is_none(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    check_device(Machine())
    check_device(Machine(device="cpu"))
    with pytest.raises(ConfigError, match="torch sees no GPU here; use cpu"):
        check_device(Machine(device="cuda"))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    check_device(Machine(device="cuda"))


WORKERS = [
    ({}, {"CPU": 8.0}, ("cpu", 8)),
    ({}, {"CPU": 8.0, "GPU": 2.0}, ("cuda", 2)),
    ({"device": "cpu"}, {"CPU": 8.0, "GPU": 2.0}, ("cpu", 8)),
    ({"workers": 3}, {"CPU": 8.0}, ("cpu", 3)),
    ({"workers": 1}, {"CPU": 8.0, "GPU": 2.0}, ("cuda", 1)),
    ({"device": "cuda", "workers": 2}, {"CPU": 2.0, "GPU": 2.0}, ("cuda", 2)),
]


@pytest.mark.parametrize(("machine", "resources", "expected"), WORKERS)
def test_the_actors_are_as_asked_or_one_per_gpu_or_core(machine, resources, expected):
    assert device_and_workers(Machine(**machine), resources) == expected


@pytest.mark.parametrize(
    ("machine", "resources", "most"),
    [
        ({"workers": 9}, {"CPU": 8.0}, 8),
        ({"workers": 3}, {"CPU": 8.0, "GPU": 2.0}, 2),
        ({"workers": 3}, {"CPU": 2.0, "GPU": 4.0}, 2),
    ],
)
def test_more_actors_than_ray_can_place_are_refused(machine, resources, most):
    """Ray would wait forever."""
    with pytest.raises(ConfigError, match=rf"machine.workers.* at most {most}\."):
        device_and_workers(Machine(**machine), resources)


def test_cores_are_those_this_process_may_use(monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 2, 5}, raising=False)
    assert cores() == 3
    monkeypatch.delattr("os.sched_getaffinity")
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    assert cores() == 4


@pytest.mark.usefixtures("no_ray")
def test_a_gpu_that_is_not_there_is_said_before_anything_is_written(
    tiny, tmp_path, monkeypatch
):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    plan, source = tiny(machine={"device": "cuda"})
    with pytest.raises(ConfigError, match="no GPU here"):
        launch(plan, source, tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


@pytest.mark.usefixtures("no_ray")
def test_a_finished_sweep_needs_no_gpu(own_run, tiny, monkeypatch, quiet):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    plan, source = tiny(machine={"device": "cuda"})
    assert launch(plan, source, own_run.out).trained == 0
    assert len(quiet) == 2


@pytest.mark.usefixtures("quiet")
def test_a_cluster_may_have_the_gpu_that_is_not_here(
    tiny, tmp_path, monkeypatch, working
):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    addresses = working(lambda *_: None)
    plan, source = tiny(machine={"device": "cuda"})
    with pytest.raises(RuntimeError, match="4 of 4 networks are not in the store"):
        launch(plan, source, tmp_path, address="ray://head:10001")
    assert addresses == ["ray://head:10001"]


# --- prepare -------------------------------------------------------------------------


def test_prepare_plans_what_is_missing(tiny, tmp_path, make_run):
    plan, source = tiny()
    prepared = prepare(plan, source, tmp_path)
    assert prepared.notes == []
    assert [len(pack.networks) for pack in prepared.todo] == [4]
    make_run(tmp_path, "trained", name="part", grid={"network.tau_s.spread": [0.4]})
    again = prepare(plan, source, tmp_path)
    (pack,) = again.todo
    assert [n.seed.number for n in pack.networks] == [0, 1]
    assert all(n.config.network.tau_s.spread == 0 for n in pack.networks)
    assert len(again.run.provenance()["launches"]) == 2


def test_prepare_says_what_was_damaged_and_plans_it_again(tiny, own_run):
    next((own_run.out / "store" / "weights").iterdir()).unlink()
    prepared = prepare(*tiny(), own_run.out)
    (note,) = prepared.notes
    assert "is missing; 4 records of networks will be made again" in note
    assert [len(pack.networks) for pack in prepared.todo] == [4]
    assert prepare(*tiny(), own_run.out).notes == []


def test_another_sweep_of_the_same_name_is_noted(tiny, tmp_path):
    """Its tables go; its networks stay."""
    assert prepare(*tiny(), tmp_path).notes == []
    assert prepare(*tiny(networks=1), tmp_path).notes == []
    (note,) = prepare(*tiny(seed=99), tmp_path).notes
    assert note.startswith("tiny: another sweep of this name was here")
    assert prepare(*tiny(seed=99, name="other"), tmp_path).notes == []


def test_what_a_killed_launch_left_of_tune_goes(tiny, tmp_path):
    (tmp_path / "tiny" / ".tune-abc" / "deep").mkdir(parents=True)
    prepare(*tiny(), tmp_path)
    assert not list((tmp_path / "tiny").glob(".tune-*"))


def test_a_wrong_combination_is_refused_before_anything_is_written(tiny, tmp_path):
    with pytest.raises(ConfigError, match="cannot be moved"):
        launch(*tiny(after={"other_tasks": ["flipflop"]}), tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


# --- finish --------------------------------------------------------------------------


def test_finish_makes_tables_then_the_report_then_mlflow(own_run, quiet):
    for path in own_run.folder.glob("*.parquet"):
        path.unlink()
    stages = []

    def on_stage(stage):
        stages.append((stage, (own_run.folder / "comparisons.parquet").is_file()))

    assert finish(own_run, "http://localhost:1", on_stage) == []
    assert stages == [("record", False), ("report", True), ("mlflow", True)]
    assert quiet == [("report", own_run), ("sync", own_run, "http://localhost:1")]
    assert len(own_run.table()) == 4


@pytest.mark.usefixtures("quiet")
def test_mlflow_away_is_a_note(own_run, monkeypatch):
    def away(*_):
        raise tracking.TrackingError("no server answers")

    monkeypatch.setattr(tracking, "sync", away)
    assert finish(own_run, None, lambda _: None) == ["no server answers"]


def test_tables_are_the_same_again(own_run):
    before = {p.name: p.read_bytes() for p in own_run.folder.glob("*.parquet")}
    assert len(before) == 5
    write_tables(own_run)
    assert before == {p.name: p.read_bytes() for p in own_run.folder.glob("*.parquet")}


# --- launch --------------------------------------------------------------------------


@pytest.mark.usefixtures("no_ray", "quiet")
def test_launched_again_starts_no_ray_and_trains_nothing(own_run, tiny):
    told = []
    done = launch(*tiny(), own_run.out, listen=told.append)
    assert done.trained == 0 and done.notes == []
    assert done.by_status == {"trained": 4} and done.run.name == "tiny"
    assert [s.stage for s in told] == ["record", "report", "mlflow", "done"]
    told.clear()
    launch(*tiny(), own_run.out, listen=told.append)
    assert [s.stage for s in told] == ["mlflow", "done"]
    for status in told:
        assert (status.planned, status.trials) == (4, 0)
        assert status.by_status == {"trained": 4}


@pytest.mark.usefixtures("no_ray", "quiet")
def test_renamed_it_starts_no_ray(own_run, tiny):
    done = launch(*tiny(name="renamed", machine={"shard": 1}), own_run.out)
    assert done.trained == 0 and len(done.run.table()) == 4
    assert len(done.run.comparisons()) == 12


LACKING = {
    "a network": {"networks": 3},
    "a test": {"after": {"trials": 3}},
    "a pair": {"after": {"trials": 1, "compare": ["weights"]}},
}


@pytest.mark.parametrize("changes", LACKING.values(), ids=LACKING)
@pytest.mark.usefixtures("quiet")
def test_ray_works_where_something_is_missing(own_run, tiny, working, changes):
    called = []
    working(lambda *args: called.append(args))
    lacking = "networks" in changes
    with pytest.raises(RuntimeError) if lacking else nullcontext():
        launch(*tiny(name="more", **changes), own_run.out)
    ((_, todo, *_),) = called
    assert sum(len(p.networks) for p in todo) == (2 if lacking else 0)


@pytest.mark.usefixtures("quiet")
def test_what_was_made_is_seen_though_the_launch_failed(tiny, tmp_path, working):
    def work(run, todo, *_):
        Shard(str(run.store.folder), "cpu", 3600).work(3600, todo[0].networks[:1])
        raise RuntimeError("training failed")

    working(work)
    with pytest.raises(RuntimeError, match="training failed"):
        launch(*tiny(), tmp_path)
    assert len(open_run(tmp_path / "tiny").table()) == 1


def test_a_launch_keeps_count_of_what_the_packs_report(tiny, tmp_path, make_run):
    make_run(tmp_path, "trained", name="part", grid={"network.tau_s.spread": [0.4]})
    run = prepare(*tiny(), tmp_path).run
    told = []
    reporter = ProgressReporter(run, told.append)
    old, new = set(reporter.statuses), [n.key for n in run.networks[:2]]
    assert len(old) == 2
    result = {"trials": 70, "finished": {"trained": 1, "diverged": 1}}
    fresh = reporter.count({**result, "recorded": {new[0]: "trained"}})
    assert fresh == {new[0]: "trained"}
    again = {new[0]: "trained", new[1]: "diverged"}  # Tune may repeat a result
    assert reporter.count({"trials": 10, "recorded": again}) == {new[1]: "diverged"}
    assert reporter.count({}) == {}
    assert [s.stage for s in told] == ["train"] * 3
    assert told[-1].trials == 80 and told[-1].planned == 4
    assert told[-1].by_status == {"trained": 3, "diverged": 1}


@pytest.mark.usefixtures("no_ray", "quiet")
def test_checkpoints_of_recorded_networks_go_with_the_launch(own_run, tiny):
    import numpy as np

    from popnet.store import checkpoints

    folder = own_run.store.folder
    keys = sorted(Store(folder).recorded())
    arrays = {"progress.trial_P": np.array([1])}
    checkpoints.save(folder, "mine", [(keys[:1], arrays)])
    checkpoints.save(folder, "other", [(["0" * 20], arrays)])
    launch(*tiny(), own_run.out)
    assert [p.stem for p in (folder / "checkpoints").iterdir()] == ["other"]


def test_a_launch_says_what_happened_on_the_way(tiny, tmp_path):
    run, told = prepare(*tiny(), tmp_path).run, []
    reporter = ProgressReporter(run, told.append)
    assert reporter.notes == []
    full = "store cannot be written: No space left on device"
    for result in (
        {"waiting": full, "notes": ["a"], "lost": 1}, {"lost": 1, "notes": ["a", "b"]},
    ):  # fmt: skip
        reporter.count(result)
    assert [s.waiting for s in told] == [full, ""]
    assert reporter.notes[:2] == ["a", "b"] and reporter.notes[2].startswith("2 times")


def test_ray_tune_may_copy_what_listens_though_it_holds_a_lock():
    from threading import RLock

    from ray import cloudpickle

    from popnet.sweep.search import LedgerCallback
    from popnet.sweep.search_pbt import MemberLedgerCallback
    from popnet.sweep.tune_packs import ResultCallback

    lock = RLock()

    def on_result(result):
        with lock:
            raise AssertionError(result)

    for kind in (ResultCallback, LedgerCallback, MemberLedgerCallback):
        callback = kind.__new__(kind)
        callback.on_result = on_result
        assert vars(cloudpickle.loads(cloudpickle.dumps(callback))) == {}
        assert callback.on_result is on_result
