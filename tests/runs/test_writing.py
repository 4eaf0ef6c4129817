"""One process at a time writes into a run's folder; the second says who is at work."""

import errno
import fcntl
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading

import pytest
from popnet.cli.main import app
from typer.testing import CliRunner

from popnet.config import ConfigError
from popnet.runs import writing

HOLDER = """
import sys, time
from pathlib import Path
from popnet.runs import writing
sys.argv[0:] = ["popnet", "launch", "a sweep.yaml"]
with writing(Path({folder!r})):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def holder():
    """``holder(folder)``: another process that holds the lock, until the test ends."""
    started = []

    def hold(folder):
        text = HOLDER.format(folder=str(folder))
        process = subprocess.Popen(
            [sys.executable, "-c", text], stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        assert process.stdout and process.stdout.readline() == "held\n"
        return process

    yield hold
    for process in started:
        process.kill()
        process.communicate()


def popnet(*args):
    return CliRunner().invoke(app, [str(a) for a in args])


def files_of(folder):
    return {
        path: (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_second_says_who_is_at_work_and_a_kill_frees(tmp_path, holder):
    process = holder(tmp_path / "run")
    with pytest.raises(ConfigError) as caught, writing(tmp_path / "run"):
        pytest.fail("both hold the lock")
    said = str(caught.value)
    assert "`popnet launch 'a sweep.yaml'`" in said and "\n" not in said
    assert f"process {process.pid} on {socket.gethostname()}" in said
    assert re.search(r"since 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d", said)
    with writing(tmp_path / "other"):
        pass
    process.send_signal(signal.SIGKILL)
    process.wait()
    with writing(tmp_path / "run"):
        about = json.loads((tmp_path / "run" / ".lock").read_text())
        assert about["pid"] == os.getpid()
    with pytest.raises(ValueError), writing(tmp_path / "run"):
        raise ValueError
    with writing(tmp_path / "run"):
        pass


def test_the_same_thread_may_ask_again_and_another_may_not(tmp_path):
    refused = []

    def ask():
        try:
            with writing(tmp_path):
                refused.append(False)
        except ConfigError:
            refused.append(True)

    with writing(tmp_path):
        with writing(tmp_path / "." / ""):
            pass
        for _ in range(2):  # the inner one has not let go of it
            thread = threading.Thread(target=ask)
            thread.start()
            thread.join()
    ask()
    assert refused == [True, True, False]


def test_what_a_lock_says_is_shown_as_text(tmp_path, holder):
    holder(tmp_path)
    about = {"command": "\x1b[2J" * 99, "pid": 3, "host": "h\n", "since": "s"}
    (tmp_path / ".lock").write_text(json.dumps(about))
    with pytest.raises(ConfigError) as caught, writing(tmp_path):
        pass
    assert str(caught.value).isprintable() and len(str(caught.value)) < 400
    (tmp_path / ".lock").write_text("[1]")
    with pytest.raises(ConfigError, match="another process is at work"):
        writing(tmp_path).__enter__()


@pytest.mark.parametrize("error", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_said(tmp_path, monkeypatch, error):
    def no_lock(*_):
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(fcntl, "flock", no_lock)
    with pytest.raises(ConfigError, match=r"\.lock: this file system has no locks"):
        writing(tmp_path).__enter__()


# --- commands ------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["report", "sync"])
def test_a_writer_beside_a_launch_is_refused_and_changes_nothing(
    own_run, holder, command
):
    process = holder(own_run.folder)
    before = files_of(own_run.out)
    done = popnet(command, own_run.folder)
    assert done.exit_code == 2 and done.stdout == ""
    assert done.stderr.count("\n") == 1 and f"process {process.pid}" in done.stderr
    assert files_of(own_run.out) == before


def test_readers_beside_a_launch_read_and_write_nothing(own_run, holder, tmp_path):
    holder(own_run.folder)
    before = files_of(own_run.out)
    key = own_run.networks[0].key
    for command in (
        ("show", own_run.folder), ("status", own_run.folder),
        ("retrain", own_run.folder, key),
        ("export", own_run.folder, key, "--file", tmp_path / "n.npz"),
    ):  # fmt: skip
        assert popnet(*command).exit_code == 0, command
    assert files_of(own_run.out) == before


def test_a_launch_beside_a_report_is_refused(own_run, holder, tiny, monkeypatch):
    from popnet.sweep.launch import launch

    monkeypatch.setattr("popnet.sweep.launch.joined", pytest.fail)
    process = holder(own_run.folder)
    before = files_of(own_run.out)
    with pytest.raises(ConfigError, match=f"process {process.pid}"):
        launch(*tiny(), own_run.out)
    assert files_of(own_run.out) == before


def test_a_sync_after_a_killed_launch_takes_no_network_out_of_mlflow(own_run):
    """The launch had put its networks into MLflow and written no table yet."""
    from mlflow import MlflowClient

    from popnet.runs.tables import rows_of
    from popnet.tracking import Filler
    from popnet.tracking.client import embedded_uri

    keys = [n.key for n in own_run.networks]
    Filler(own_run, None).fill(rows_of(own_run, keys))
    for path in own_run.folder.glob("*.parquet"):
        path.unlink()
    assert popnet("sync", own_run.folder).exit_code == 0
    client = MlflowClient(embedded_uri(own_run.out))
    experiment = client.get_experiment_by_name("tiny").experiment_id
    found = client.search_runs([experiment], "tags.`popnet.kind` = 'network'")
    assert {run.data.tags["popnet.key"] for run in found} == set(keys)
