"""Counts the progress of a launch and reports it to a listener."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from popnet.config.address import Address
from popnet.runs import Run
from popnet.sweep.getting_ready import GettingReady
from popnet.work import pending

if TYPE_CHECKING:
    from popnet.sweep.mlflow_recorder import RecorderHandle


class LaunchProgress(NamedTuple):
    """Progress of a launch: counts, and the stage it is in."""

    stage: str
    """start, compile, train, test, prepare, compare, record, report, mlflow, done or
    lost."""
    planned: int
    """Networks that the sweep asks for."""
    by_status: dict[str, int]
    """Finished networks by status, those of earlier launches too."""
    trials: int
    """Trials trained by this launch."""
    done: int = 0
    """Jobs of this stage that are done."""
    jobs: int = 0
    """All jobs of this stage; 0 where they are not counted."""
    not_in_mlflow: int = 0
    """Recorded networks that MLflow still lacks; counted while Ray runs."""
    waiting: str = ""
    """Why nothing can be put on disk at the moment."""
    lost_address: str = ""
    """The address of the cluster that is lost."""


ProgressListener = Callable[[LaunchProgress], None]
StageCallback = Callable[..., None]
"""Called with a stage, and the jobs of it that are done and there are."""


def lost(address: str) -> LaunchProgress:
    """Return the report that the head of the cluster no longer answers."""
    return LaunchProgress("lost", 0, {}, 0, lost_address=address)


class ProgressReporter:
    """Keeps count of a launch and reports to its listener."""

    def __init__(
        self, run: Run, listen: ProgressListener, tracking_uri: Address | None = None
    ) -> None:
        self.run, self.listen, self.tracking_uri = run, listen, tracking_uri
        self.recorder: RecorderHandle | None = None
        self.getting_ready = GettingReady(run, tracking_uri)
        self.trials = self.losses = 0
        self.waiting = ""
        self.worker_notes: dict[str, None] = {}
        """Notes of shards and tasks, each once, in the order in which they came."""
        self.planned = len(run.positions) if run.ledger is None else run.planned()
        self.refresh(run)

    def refresh(self, run: Run) -> None:
        """Read anew from the store which networks of the run are recorded."""
        self.statuses = pending.statuses(run)
        """The status of each recorded network by its key."""
        self.finished = Counter(self.statuses.values())

    @property
    def notes(self) -> list[str]:
        """Notes for the user on what happened during the launch."""
        notes = list(self.worker_notes)
        if self.losses:
            times = "time" if self.losses == 1 else "times"
            notes.append(
                f"{self.losses} {times} a process or machine was lost in training; its "
                "networks went on elsewhere from where they were"
            )
        return notes

    def report(self, stage: str, done: int = 0, jobs: int = 0) -> None:
        """Send the progress to the listener."""
        progress = LaunchProgress(
            stage, self.planned, dict(self.finished), self.trials, done, jobs,
            self._not_in_mlflow(), self.waiting,
        )  # fmt: skip
        self.listen(progress)

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Fill MLflow in the background; for use where Ray runs."""
        from popnet.sweep.mlflow_recorder import recording

        with recording(self.run, self.tracking_uri) as self.recorder:
            yield
        self.recorder = None

    def _not_in_mlflow(self) -> int:
        if self.recorder is None:
            return 0
        return max(0, len(self.statuses) - self.recorder.progress().written)

    def count(self, result: dict[str, Any]) -> dict[str, str]:
        """Count a pack's result; returns the statuses of networks newly on disk."""
        self.trials += int(result.get("trials", 0))
        if self.trials:  # not sooner: actors that start need the cores
            self.getting_ready.begin()
        self.finished.update(result.get("finished", {}))
        recorded = {
            key: status
            for key, status in result.get("recorded", {}).items()
            if key not in self.statuses
        }
        self.statuses |= recorded
        self.losses += int(result.get("lost", 0))
        self.waiting = str(result.get("waiting", ""))
        self.worker_notes |= dict.fromkeys(result.get("notes", []))
        # once something trains, other kernels are compiled beside it
        compiling = result.get("compiling") and self.trials == 0
        self.report("compile" if compiling else "train")
        return recorded
