"""One folder of runs fills an experiment at a time."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time

import pytest
from helpers.made_up_run import active, client_of, fake

from popnet.tracking import TrackingError, claim, sync


@pytest.fixture
def two(out, tmp_path):
    """A run, and a copy of its folder that fills the same experiment."""
    run = fake(out)
    sync(run)
    shutil.copytree(out, tmp_path / "copy" / "runs")
    return run, fake(tmp_path / "copy" / "runs")


def put(run, **changes):
    """A claim in the experiment, made up."""
    about = {
        "folder": "another", "pid": os.getpid(), "host": socket.gethostname(),
        "command": "popnet launch x", "since": "then", "seen": time.time(),
    }  # fmt: skip
    client = client_of(run.out)
    experiment = client.get_experiment_by_name(run.name)
    text = json.dumps({**about, **changes})
    client.set_experiment_tag(experiment.experiment_id, claim.TAG, text)


def test_another_folder_is_refused_and_takes_nothing_out(two):
    run, _ = two
    put(run)
    before = active(run.out)
    run.spreads = (0.0,)
    with pytest.raises(TrackingError, match="`popnet launch x`") as caught:
        sync(run)
    assert str(os.getpid()) in str(caught.value) and "\n" not in str(caught.value)
    assert set(active(run.out)) == set(before)


def test_a_copy_of_a_folder_is_another_folder(two):
    run, copy = two
    assert claim._identity(run.folder) == claim._identity(run.folder / ".")
    assert claim._identity(run.folder) != claim._identity(copy.folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"seen": time.time() - 10 * claim.STALE_S, "host": "elsewhere"},
        {"pid": "dead"},
        {"seen": "never"},
        {"folder": "mine", "host": "elsewhere"},
    ],
)
def test_a_claim_of_the_dead_or_of_the_same_folder_is_none(two, changes):
    run, _ = two
    if changes.get("pid") == "dead":
        with subprocess.Popen([sys.executable, "-c", "pass"]) as process:
            pass
        changes = {"pid": process.pid}
    if changes.get("folder") == "mine":
        changes = {**changes, "folder": claim._identity(run.folder)}
    put(run, **changes)
    assert sync(run).unchanged == 4


def test_it_is_given_back(two):
    run, _ = two
    experiment = client_of(run.out).get_experiment_by_name(run.name)
    assert experiment.tags[claim.TAG] == ""


class Server:
    """Tags of an experiment on a server, to which two write at once."""

    sqlite = False

    def __init__(self, others):
        self.tags, self.others = {}, others

    def get_experiment(self, _):
        return self

    def set_experiment_tag(self, _, name, value):
        self.tags[name] = self.others or value


def test_of_two_that_claim_at_once_the_later_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(claim, "SETTLE_S", 0.0)
    later = {"folder": "x", "pid": os.getpid(), "host": "h", "seen": time.time()}
    with pytest.raises(TrackingError):
        claim.claim(Server(json.dumps(later)), "1", tmp_path)
    claim.claim(Server(None), "1", tmp_path)
