"""A launch begins to train soon: a process imports what it needs when it needs it."""

import os
import subprocess
import sys
import threading

import pytest

from popnet.environment import environment
from popnet.sweep import getting_ready, mlflow_recorder
from popnet.sweep.getting_ready import GettingReady
from popnet.sweep.lean_tune import lean_tune
from popnet.sweep.mlflow_recorder import RecorderHandle
from popnet.sweep.progress import ProgressReporter


def _imported_by(statement):
    """Return which of some heavy packages a fresh process has after a statement."""
    heavy = "'torch', 'numba', 'mlflow', 'matplotlib', 'scipy.stats'"
    code = (
        f"{statement}\nimport sys\nprint(*[m for m in ({heavy}) if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_the_process_of_a_pack_needs_no_torch():
    # it asks for actors as its first deed, and reads their reports
    statement = (
        "import popnet.sweep.train_pack, pickle\n"
        "from popnet.work.shard_report import ShardReport\n"
        "pickle.loads(pickle.dumps(ShardReport('a', 1, {}, {}, True)))"
    )
    assert _imported_by(statement) == []


def test_a_launch_imports_no_mlflow_before_networks_train():
    statement = (
        "import popnet.catalogue, popnet.sweep.launch, popnet.sweep.tune_packs\n"
        "from popnet.sweep.lean_tune import lean_tune\n"
        "from ray.air._internal import usage\n"
        "lean_tune()\nusage.tag_callbacks([])"
    )
    assert _imported_by(statement) == ["torch"]


def test_trials_of_tune_have_no_environment_of_their_own(monkeypatch):
    from ray.tune.execution import class_cache

    monkeypatch.setitem(class_cache.DEFAULT_ENV_VARS, "PL_DISABLE_FORK", "1")
    for name in class_cache.ENV_VARS_TO_PROPAGATE:
        monkeypatch.delenv(name, raising=False)
    lean_tune()
    made = []

    def remote(**options):
        made.append(options)
        return lambda cls: cls

    monkeypatch.setattr(class_cache.ray, "remote", remote)
    class_cache._ActorClassCache().get(object)
    assert made == [{"runtime_env": {"env_vars": {}}}]


class _Actor:
    """A recorder that does not answer."""

    @property
    def progress(self):
        return self

    def remote(self):
        return "asked"


def test_a_short_launch_starts_no_recorder(own_run, monkeypatch):
    now, started, ended = [0.0], [], []

    def start(handle):
        started.append(now[0])
        handle.actor, handle.request = _Actor(), "asked"

    monkeypatch.setattr(mlflow_recorder.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(RecorderHandle, "_start", start)
    monkeypatch.setattr(mlflow_recorder.ray, "wait", lambda *_, **__: ([], []))
    monkeypatch.setattr(mlflow_recorder.ray, "kill", ended.append)
    with mlflow_recorder.recording(own_run, None) as recorder:
        now[0] = mlflow_recorder.BEGIN_AFTER_S
        assert recorder.progress() == (0, "")
    assert not started and not ended
    with mlflow_recorder.recording(own_run, None) as recorder:
        for now[0] in (20.0, 100.0, 200.0):
            recorder.progress()
    assert started == [100.0] and len(ended) == 1


@pytest.mark.parametrize("trials", [0, 5])
def test_a_launch_gets_ready_once_networks_train(own_run, monkeypatch, trials):
    begun, done = [], threading.Event()

    def get_ready(*_):
        begun.append(threading.current_thread())
        done.wait()

    monkeypatch.setattr(getting_ready, "_get_ready", get_ready)
    reporter = ProgressReporter(own_run, lambda _: None)
    reporter.count({"trials": trials})
    reporter.count({"trials": 0})
    assert len(begun) == (trials > 0)
    done.set()
    reporter.getting_ready.wait()
    assert not any(thread.is_alive() for thread in begun)


def test_what_goes_wrong_in_getting_ready_is_left_to_the_end(own_run, monkeypatch):
    def fail(*_):
        raise OSError("the disk is full")

    monkeypatch.setattr("popnet.tracking.filling.prepare", fail)
    ready = GettingReady(own_run, None)
    ready.begin()
    ready.wait()
    ready.begin()  # once is enough


def test_variables_are_as_they_were_afterwards(monkeypatch):
    monkeypatch.setenv("POPNET_ONE", "before")
    monkeypatch.delenv("POPNET_TWO", raising=False)
    with pytest.raises(KeyError), environment({"POPNET_ONE": "1", "POPNET_TWO": "2"}):
        assert (os.environ["POPNET_ONE"], os.environ["POPNET_TWO"]) == ("1", "2")
        raise KeyError
    assert os.environ["POPNET_ONE"] == "before" and "POPNET_TWO" not in os.environ
