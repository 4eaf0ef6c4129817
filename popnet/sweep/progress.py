"""How far a launch is, in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from popnet.runs import Run
from popnet.work import pending

if TYPE_CHECKING:
    from popnet.sweep.mlflow_recorder import RecorderHandle


class LaunchProgress(NamedTuple):
    """How far a launch is."""

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
    """Recorded networks that MLflow still lacks; known while Ray runs."""
    waiting: str = ""
    """Why nothing can be put on disk at the moment."""
    lost_address: str = ""
    """The address of the cluster that is lost."""


ProgressListener = Callable[[LaunchProgress], None]


def lost(address: str) -> LaunchProgress:
    """What is told when nobody answers any more where the cluster's head was."""
    return LaunchProgress("lost", 0, {}, 0, lost_address=address)


class ProgressReporter:
    """Keeps count of a launch and tells the listener."""

    def __init__(
        self, run: Run, listen: ProgressListener, tracking_uri: str | None = None
    ) -> None:
        self.run, self.listen, self.tracking_uri = run, listen, tracking_uri
        self.recorder: RecorderHandle | None = None
        self.known = pending.statuses(run)
        self.finished = Counter(self.known.values())
        self.trials = self.losses = 0
        self.waiting = ""
        self.heard_notes: dict[str, None] = {}
        self.planned = len(run.positions) if run.ledger is None else run.planned()

    @property
    def notes(self) -> list[str]:
        """What happened on the way."""
        notes = list(self.heard_notes)
        if self.losses:
            times = "time" if self.losses == 1 else "times"
            notes.append(
                f"{self.losses} {times} a process or machine was lost in training; its "
                "networks went on elsewhere from where they were"
            )
        return notes

    def say(self, stage: str, done: int = 0, of: int = 0) -> None:
        """Tell how far the launch is."""
        status = LaunchProgress(
            stage, self.planned, dict(self.finished), self.trials, done, of,
            self._behind(), self.waiting,
        )  # fmt: skip
        self.listen(status)

    @contextmanager
    def recording(self) -> Iterator[None]:
        """MLflow is filled in the background; for use where Ray runs."""
        from popnet.sweep.mlflow_recorder import recording

        with recording(self.run, self.tracking_uri) as self.recorder:
            yield
        self.recorder = None

    def _behind(self) -> int:
        if self.recorder is None:
            return 0
        return max(0, len(self.known) - self.recorder.progress().written)

    def count(self, result: dict[str, Any]) -> dict[str, str]:
        """Count a pack's report; returns the networks newly on disk."""
        self.trials += int(result.get("trials", 0))
        self.finished.update(result.get("finished", {}))
        recorded = {
            k: v for k, v in result.get("recorded", {}).items() if k not in self.known
        }
        self.known |= recorded
        self.losses += int(result.get("lost", 0))
        self.waiting = str(result.get("waiting", ""))
        self.heard_notes |= dict.fromkeys(result.get("notes", []))
        # once something trains, other kernels are compiled beside it
        compiling = result.get("compiling") and self.trials == 0
        self.say("compile" if compiling else "train")
        return recorded
