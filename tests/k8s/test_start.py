"""popnet k8s start: what each end of a launch is to the operator; the real start-up."""

from contextlib import contextmanager
from types import SimpleNamespace

import pytest
import typer
from popnet.cli import kubernetes, launching
from popnet.cli.main import app
from typer.testing import CliRunner

from popnet.config import ConfigError, dump
from popnet.sweep import autoscaling


@pytest.fixture
def sweep(tiny, tmp_path):
    path = tmp_path / "sweep.yaml"
    path.write_text(dump(*tiny()))
    return str(path)


@pytest.fixture
def job(monkeypatch, sweep):
    """``job(statuses or error)``: start with a launch that ends so; what was done."""

    def run(end, *words, file=sweep):
        did = []

        def launched(_plan, _source, out, address, tracking_uri, _storage):
            did.append(("launched", str(out), address, tracking_uri))
            if isinstance(end, BaseException):
                raise end
            return SimpleNamespace(by_status=end)

        def wait(*given):
            did.append(("waited", *given[:4]))

        monkeypatch.setattr(launching, "launched", launched)
        monkeypatch.setattr(launching, "_conclude", lambda _: None)
        monkeypatch.setattr(autoscaling, "wait_for_workers", wait)
        monkeypatch.setattr(kubernetes, "_stop_own_job", lambda: did.append("stopped"))
        given = ["k8s", "start", file, "--nodes", "3", "--node-cpus", "4", *words]
        done = CliRunner().invoke(app, given)
        return done.exit_code, did, done.stderr

    return run


WAITED = ("waited", "auto", 3, {"CPU": 4.0}, 900.0)
OPTIONS = ["--address", "auto", "--out", "/runs", "--tracking-uri", "http://mlflow"]


def test_a_launch_that_is_done(job):
    code, did, _ = job({"trained": 4}, *OPTIONS)
    launch = ("launched", "/runs", "auto", "http://mlflow")
    assert (code, did) == (0, [WAITED, launch])


def test_gpus_are_waited_for(job):
    _, did, _ = job({}, "--node-gpus", "2", "--patience-s", "60")
    assert did[0] == ("waited", "auto", 3, {"CPU": 4.0, "GPU": 2.0}, 60.0)


def test_diverged_networks_are_no_failure_of_the_job(job):
    code, did, said = job({"trained": 3, "diverged": 1})
    assert code == 0 and len(did) == 2 and "code 0" in said


def test_an_interruption_is_tried_again(job):
    code, did, _ = job(typer.Exit(3))
    assert code == 3 and "stopped" not in did


def test_an_error_of_the_machine_is_tried_again(job):
    code, did, said = job(OSError("stale file handle"))
    assert code == 1 and "stopped" not in did and "stale" in said
    # a lock that a lost node still holds goes after a while
    code, did, _ = job(ConfigError("being launched by another process"))
    assert code == 2 and "stopped" not in did


def test_a_wrong_file_stops_the_job_before_a_worker_is_asked_for(job, tmp_path):
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("name: a\nseeds: 3\n")
    code, did, said = job({}, file=str(wrong))
    assert (code, did) == (2, ["stopped"]) and "seeds" in said


def test_an_option_of_another_version_stops_the_job(job):
    code, did, said = job({}, "--not-an-option", "x")
    assert (code, did) == (2, ["stopped"]) and "--not-an-option" in said


def test_what_is_stopped_is_this_very_job(monkeypatch):
    ran = []
    monkeypatch.setattr(kubernetes.subprocess, "run", lambda w, **_: ran.append(w))
    monkeypatch.setattr(kubernetes.time, "sleep", lambda _: None)
    monkeypatch.delenv("RAY_JOB_CONFIG_JSON_ENV_VAR", raising=False)
    kubernetes._stop_own_job()
    assert ran == []  # run by hand, there is nothing to stop
    about = '{"metadata": {"job_submission_id": "raysubmit_1"}}'
    monkeypatch.setenv("RAY_JOB_CONFIG_JSON_ENV_VAR", about)
    kubernetes._stop_own_job()
    assert ran[0][-4:] == ["job", "stop", "--no-wait", "raysubmit_1"]


@pytest.mark.parametrize("name", ["render", "submit", "start"])
def test_each_command_has_help(name):
    done = CliRunner().invoke(app, ["k8s", name, "--help"])
    assert done.exit_code == 0 and f"Usage: popnet k8s {name}" in done.stdout
    about = {"render": "--gpu-type", "submit": "--again", "start": "--patience-s"}
    assert about[name] in done.stdout


# --- waiting for workers -------------------------------------------------------------


@pytest.fixture
def cluster(monkeypatch):
    """A cluster whose resources come in steps of a second; what was asked of it."""

    def make(*steps):
        clock, asked = [0.0], []

        @contextmanager
        def running(address, _cpus):
            assert address == "auto"
            at = lambda: steps[min(int(clock[0]), len(steps) - 1)]  # noqa: E731
            yield SimpleNamespace(cluster_resources=at)

        monkeypatch.setattr(autoscaling, "ray_running", running)
        monkeypatch.setattr(
            "ray.autoscaler.sdk.request_resources",
            lambda bundles: asked.append(bundles),
        )
        monkeypatch.setattr(autoscaling, "EVERY_S", 1.0)
        later = lambda s: clock.__setitem__(0, clock[0] + s)  # noqa: E731
        monkeypatch.setattr(
            autoscaling,
            "time",
            SimpleNamespace(monotonic=lambda: clock[0], sleep=later),
        )
        return asked

    return make


EACH = {"CPU": 4.0, "GPU": 1.0}
NONE, ONE, TWO = {}, {"CPU": 4.0, "GPU": 1.0}, {"CPU": 8.0, "GPU": 2.0}


def test_all_workers_are_asked_for_and_waited_for(cluster):
    asked, said = cluster(NONE, ONE, ONE, TWO), []
    found = autoscaling.wait_for_workers("auto", 2, EACH, 100, said.append)
    assert found == TWO
    assert asked == [[EACH, EACH], []]
    told = [text.split(" workers")[0] for text in said]
    assert told == ["0 of 2", "1 of 2", "2 of 2"]


def test_a_node_without_its_gpu_is_not_there(cluster):
    cluster({"CPU": 8.0, "GPU": 1.0}, TWO)
    assert autoscaling.wait_for_workers("auto", 2, EACH, 100, lambda _: None) == TWO


def test_after_a_while_fewer_will_do(cluster):
    asked = cluster(NONE, ONE)
    assert autoscaling.wait_for_workers("auto", 2, EACH, 5, lambda _: None) == ONE
    assert asked[-1] == []


def test_none_at_all_is_an_error_and_the_request_is_taken_back(cluster):
    asked = cluster(NONE)
    with pytest.raises(TimeoutError, match="no worker came in 5 s"):
        autoscaling.wait_for_workers("auto", 2, EACH, 5, lambda _: None)
    assert asked[-1] == []
