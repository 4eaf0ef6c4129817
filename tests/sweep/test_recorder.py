"""The recorder puts into MLflow what `sync` would, as it comes, whatever happens."""

import threading

import pytest
from helpers.pace import PATIENCE_S
from helpers.resigned import put_table

from popnet import tracking
from popnet.runs import open_run
from popnet.runs.tables import write_tables
from popnet.sweep import finish, mlflow_recorder
from popnet.sweep.mlflow_recorder import MlflowBacklog, Recorder
from popnet.tracking import claim, filling
from popnet.tracking import client as tracking_client
from popnet.work import evaluation, pending


def test_a_network_goes_when_it_is_tested(make_run, mlflow_of, tmp_path):
    run = make_run(tmp_path / "runs", stage="trained")
    held = mlflow_of(run)
    backlog = MlflowBacklog(run, None)
    backlog.fill()
    assert held() == {} and backlog.written == 0
    known = pending.statuses(run)
    first, *_ = pending.test_jobs(run, list(known)[:1], known)
    evaluation.test_networks(str(run.store.folder), first, run.sweep.after)
    backlog.fill()
    assert set(held()) == {n.key for n in first.networks} and backlog.written == 1
    for job in pending.test_jobs(run, known, known):
        evaluation.test_networks(str(run.store.folder), job, run.sweep.after)
    backlog.fill()
    assert set(held()) == set(known) and backlog.written == 4
    # the sync at the end finds the very same entries, and completes the rest
    before = {key: r.to_dictionary() for key, r in held().items()}
    write_tables(run)
    report = tracking.sync(run)
    assert (report.created, report.completed, report.unchanged) == (0, 0, 4)
    assert report.retired == 0
    assert {key: r.to_dictionary() for key, r in held().items()} == before
    conditions = held("condition")
    assert {c.info.status for c in conditions.values()} == {"FINISHED"}
    for network in before.values():
        (condition,) = (
            c for c in conditions.values()
            if c.info.run_id == network["data"]["tags"]["mlflow.parentRunId"]
        )  # fmt: skip
        assert condition.data.metrics["networks"] == 2
    assert len(held("sweep")) == 1


def test_a_diverged_network_waits_for_no_test(make_run, mlflow_of, tmp_path):
    run = make_run(
        tmp_path / "runs", stage="trained",
        rule={"name": "bptt", "batch_trials": 4},
        network={"units": 8, "dt_s": 0.02, "tau_s": 0.06},
        grid={"rule.learning_rate": [1e-3, 3e38]},
    )  # fmt: skip
    held = mlflow_of(run)
    MlflowBacklog(run, None).fill()
    wild = {k for k, status in pending.statuses(run).items() if status == "diverged"}
    assert len(wild) == 2 and set(held()) == wild
    write_tables(run)
    tracking.sync(run)
    assert {r.info.status for k, r in held().items() if k in wild} == {"FAILED"}


def test_grown_tests_and_settings_of_several_kinds_give_the_same_entries(
    make_run, mlflow_of, tmp_path
):
    """Columns that only some conditions have, numbers that are whole in some."""
    run = make_run(
        tmp_path / "runs", stage="tested",
        grid={
            "network.tau_s.spread": [0, 0.4],
            "task": [{"name": "dnms"}, {"name": "dms", "delay_s": 1}],
            "train.until": [None, {"accuracy": 0.95, "window": 10}],
        },
        after={"trials": 1, "compare": []}, networks=1,
    )  # fmt: skip
    mlflow_of(run)
    backlog = MlflowBacklog(run, None)
    backlog.fill()
    assert backlog.written == 8
    write_tables(run)
    assert tracking.sync(run).unchanged == 8


EVERY = 13
"""Every so many requests of MLflow fail: more than one network and a claim need."""


class Flaky:
    """MLflow that fails at some calls: before, or after, it has done what was asked."""

    def __init__(self, monkeypatch, fails, afterwards):
        self.count, self.fails, self.afterwards = 0, fails, afterwards
        real = tracking_client.Client.__getattr__

        def ask(client, name):
            method = real(client, name)

            def call(*args, **settings):
                self.count += 1
                fail = self.fails(self.count)
                if not fail or self.afterwards:
                    answer = method(*args, **settings)
                if fail:
                    raise tracking.TrackingError("it does not answer")
                return answer

            return call

        monkeypatch.setattr(tracking_client.Client, "__getattr__", ask)


@pytest.mark.parametrize("afterwards", [False, True], ids=["before", "after"])
def test_mlflow_that_comes_and_goes_gets_everything_once(
    own_run, mlflow_of, monkeypatch, afterwards
):
    held = mlflow_of(own_run)
    monkeypatch.setattr(mlflow_recorder, "AT_ONCE", 1)
    backlog = MlflowBacklog(own_run, None)
    with monkeypatch.context() as patched:
        flaky = Flaky(patched, lambda n: n % EVERY == 0, afterwards)
        for _ in range(60):
            try:
                backlog.fill()
            except tracking.TrackingError:
                continue
            break
        assert flaky.count > 2 * EVERY
    assert backlog.written == 4 and len(held()) == 4
    report = tracking.sync(own_run)
    assert (report.unchanged, report.retired) == (4, 0)


def test_somebody_who_syncs_meanwhile_is_noticed(own_run, mlflow_of):
    held = mlflow_of(own_run)
    backlog = MlflowBacklog(own_run, None)
    keys = sorted(backlog.asked)
    backlog._write(keys[:1])
    tracking.sync(own_run)
    backlog._write(keys[1:])
    assert len(held()) == 4 and len(held("condition")) == 2 and len(held("sweep")) == 1


def test_the_recorder_waits_longer_and_longer_and_says_why(own_run, monkeypatch):
    waits, turns = [], iter([False] * 7 + [True] + [False] * 2)
    enough = threading.Event()

    def fill(self):
        good = next(turns, None)
        if good is None:
            enough.set()
            threading.Event().wait()
        if not good:
            raise tracking.TrackingError("nobody answers")
        self.written = 3

    monkeypatch.setattr(MlflowBacklog, "fill", fill)
    monkeypatch.setattr(mlflow_recorder.time, "sleep", waits.append)
    monkeypatch.setattr(mlflow_recorder.os, "nice", lambda n: waits.append(("nice", n)))
    actor = Recorder(str(own_run.folder), None)
    assert enough.wait(PATIENCE_S)
    assert waits[0] == ("nice", mlflow_recorder.YIELDS)
    assert waits[1:] == [2, 4, 8, 16, 32, 60, 60, mlflow_recorder.POLL_S, 2, 4]
    assert actor.progress() == (3, "nobody answers")


def test_progress_is_answered_at_once_while_mlflow_hangs(own_run, monkeypatch):
    answers = threading.Event()
    monkeypatch.setattr(MlflowBacklog, "fill", lambda _: answers.wait())
    monkeypatch.setattr(mlflow_recorder.os, "nice", lambda _: None)
    actor = Recorder(str(own_run.folder), None)
    # were progress to wait for MLflow, it would be answered by this timer only
    timer = threading.Timer(30, answers.set)
    timer.start()
    assert actor.progress() == (0, "")
    assert not answers.is_set()
    timer.cancel()


# --- launched again ------------------------------------------------------------------


@pytest.fixture
def done(own_run, mlflow_of, monkeypatch):
    """A finished sweep with its report stubbed; gives stages of a further launch."""
    mlflow_of(own_run)

    def report(run):
        (run.folder / "report").mkdir(exist_ok=True)
        (run.folder / "report" / "index.html").write_text("<html>")

    monkeypatch.setattr("popnet.report.write_report", report)
    synced = []
    real = tracking.sync

    def sync(*args):
        synced.append(real(*args))

    monkeypatch.setattr(tracking, "sync", sync)

    def again(run=own_run):
        stages = []
        synced.clear()
        assert finish.finish(run, None, lambda stage, *_: stages.append(stage)) == []
        return list(dict.fromkeys(stages)), list(synced)

    assert again()[0] == ["record", "report", "mlflow"]
    return again


def test_again_nothing_is_made(done):
    assert done() == (["mlflow"], [])


@pytest.mark.parametrize("lost", ["curves.parquet", "report/index.html"])
def test_a_lost_table_or_report_is_made_again(done, own_run, lost):
    (own_run.folder / lost).unlink()
    assert done() == (["record", "report", "mlflow"], [])
    assert (own_run.folder / lost).is_file()
    assert done() == (["mlflow"], [])


def test_a_lost_mlflow_store_is_filled_again(done, own_run):
    (own_run.out / "mlflow.db").unlink()
    stages, (report,) = done()
    assert stages == ["mlflow"] and report.created == 4
    assert done() == (["mlflow"], [])


def test_a_deleted_experiment_is_filled_again(done, own_run):
    from mlflow import MlflowClient

    client = MlflowClient(tracking_client.embedded_uri(own_run.out))
    sweep = client.get_experiment_by_name("tiny").experiment_id
    client.rename_experiment(sweep, "gone")
    client.delete_experiment(sweep)
    stages, (report,) = done()
    assert stages == ["mlflow"] and report.created == 4


def test_a_changed_store_and_a_grown_grid_are_made_anew(done, make_run, own_run):
    grown = make_run(own_run.out, stage="tested", networks=3)
    stages, (report,) = done(grown)
    assert stages == ["record", "report", "mlflow"]
    assert (report.created, report.unchanged) == (2, 4)
    assert done(grown) == (["mlflow"], [])


def test_a_sync_that_was_cut_short_is_no_whole_one(done, own_run, monkeypatch):
    """Nor is the earlier whole one any more."""
    made = filling.recorded_fingerprint(own_run)
    assert tracking.is_filled(own_run, None, made)
    real = tracking_client.Client.__getattr__

    def ask(client, name):
        asked = real(client, name)
        if name == "delete_run":
            raise tracking.TrackingError("cut short")
        if name != "set_experiment_tag":
            return asked

        def tag(experiment, key, value):
            if key != claim.TAG:
                raise tracking.TrackingError("cut short")
            return asked(experiment, key, value)

        return tag

    table = own_run.table()
    put_table(own_run.folder, "networks", table.iloc[1:])
    with monkeypatch.context() as patched:
        patched.setattr(tracking_client.Client, "__getattr__", ask)
        with pytest.raises(tracking.TrackingError):
            tracking.sync(open_run(own_run.folder))
    assert not tracking.is_filled(own_run, None, made)
    assert done()[0] == ["record", "report", "mlflow"]
    assert tracking.is_filled(own_run, None, made)
