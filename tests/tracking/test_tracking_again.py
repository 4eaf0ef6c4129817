"""What was synced before, whole or cut short, is brought to what is recorded now."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from helpers.made_up_run import (
    FakeRun,
    active,
    check_whole,
    client_of,
    fake,
    points,
    weights_of,
)

from popnet import tracking
from popnet.tracking import writer


def test_scores_that_arrive_later_update_the_same_run(out: Path) -> None:
    tracking.sync(fake(out, evaluated=False))
    before = active(out)
    assert "task.dms" not in next(iter(before.values())).data.metrics
    report = tracking.sync(fake(out))
    assert (report.created, report.completed, report.unchanged) == (0, 4, 0)
    after = active(out)
    assert {k: r.info.run_id for k, r in after.items()} == {
        k: r.info.run_id for k, r in before.items()
    }
    check_whole(out, fake(out))


def test_a_score_that_changes_becomes_the_latest(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracking.sync(fake(out))
    table = fake(out).table().assign(accuracy=0.7)
    monkeypatch.setattr(FakeRun, "table", lambda _: table)
    tracking.sync(fake(out))
    tracking.sync(fake(out))
    network = active(out)[fake(out).keys()[0]]
    assert network.data.metrics["accuracy"] == 0.7
    assert points(out, network, "accuracy") == [(0, 0.7), (0, 0.9)]
    assert len(points(out, network, "curve_error")) == 10


def test_more_networks_replace_the_curves_of_their_population(out: Path) -> None:
    tracking.sync(fake(out, each=1))
    old = active(out, "condition")["0000000000"].info.run_id
    report = tracking.sync(fake(out, each=3))
    assert (report.created, report.unchanged, report.retired) == (4, 2, 0)
    check_whole(out, fake(out, each=3))
    assert active(out, "condition")["0000000000"].info.run_id != old


def test_what_the_sweep_no_longer_has_is_retired(out: Path) -> None:
    tracking.sync(fake(out))
    report = tracking.sync(fake(out, spreads=(0.2,)))
    assert report.retired == 3  # two networks and their condition
    check_whole(out, fake(out, spreads=(0.2,)))


def test_twins_become_one_and_a_lost_artifact_comes_back(out: Path) -> None:
    run = fake(out)
    tracking.sync(run)
    network = active(out)[run.keys()[0]]
    tags = {k: v for k, v in network.data.tags.items() if k != "popnet.complete"}
    client_of(out).create_run(network.info.experiment_id, 1, tags)
    weights_of(network).unlink()
    report = tracking.sync(run)
    assert (report.completed, report.retired) == (1, 1)
    check_whole(out, run)


def test_an_experiment_deleted_by_hand_comes_back(out: Path) -> None:
    tracking.sync(fake(out))
    client = client_of(out)
    experiment = client.get_experiment_by_name("spread").experiment_id
    client.delete_experiment(experiment)
    assert tracking.sync(fake(out)).unchanged == 4
    check_whole(out, fake(out))


class Killed(BaseException):
    """Stands for kill -9: nothing catches it."""


@contextmanager
def killed_at_commit(number: int, how: Any) -> Any:
    """Call `how` in place of the transaction with this number."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    count = 0

    def commit(_: object) -> None:
        nonlocal count
        count += 1
        if count == number:
            how()

    event.listen(Engine, "commit", commit)
    try:
        yield lambda: count
    finally:
        event.remove(Engine, "commit", commit)


def die() -> None:
    raise Killed


@pytest.mark.slow
@pytest.mark.parametrize("limit", [800, 9], ids=["one batch", "many batches"])
def test_killed_anywhere_and_synced_again_it_is_whole(
    limit: int,
    out: Path,
    tmp_path: Path,
    fresh: Callable[[Path], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(writer, "BATCH", {"metrics": limit, "params": limit // 2})
    with killed_at_commit(0, die) as count:
        tracking.sync(fake(out, spreads=(0.2,)))
    assert count() > 30
    for number in range(2, count(), 3 if limit == 800 else 7):
        run = fake(fresh(tmp_path / f"{number}"), spreads=(0.2,))
        with killed_at_commit(number, die), pytest.raises(Killed):
            tracking.sync(run)
        tracking.sync(run)
        check_whole(run.out, run)


@pytest.mark.slow
def test_killed_for_good_and_synced_again_it_is_whole(out: Path) -> None:
    # warnings are errors here too: MLflow's libraries give some when first imported
    command = [sys.executable, "-W", "error", __file__, str(out)]
    helped = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    killed = subprocess.run(command, capture_output=True, check=False, env=helped)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert 0 < len(active(out)) < 4
    report = tracking.sync(fake(out))
    assert report.created < 4
    check_whole(out, fake(out))


if __name__ == "__main__":
    with killed_at_commit(34, lambda: os.kill(os.getpid(), signal.SIGKILL)):
        tracking.sync(fake(Path(sys.argv[1])))
