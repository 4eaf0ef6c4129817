"""Shows the progress of a launch: bars on a terminal, lines of text elsewhere."""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID
from rich.table import Column
from rich.text import Text

from popnet.runs.provenance import command_line
from popnet.sweep.progress import LaunchProgress, ProgressListener

from .shell import INTERRUPTED, say

STAGES = {
    "start": ("start", "starting Ray"),
    "compile": ("compile", "compiling kernels for this CPU, once"),
    "train": ("train", "training"),
    "test": ("test", "testing"),
    "prepare": ("prepare", "preparing networks to be compared"),
    "compare": ("compare", "comparing pairs"),
    "record": ("tables", "writing tables"),
    "report": ("report", "drawing the report"),
    "mlflow": ("MLflow", "filling MLflow"),
    "done": ("done", "done"),
}
"""The stages of a launch in their order: (name of the bar, words of the line)."""
LINE_S = 10.0
"""Seconds between two lines of text of the same stage."""
WARM_UP_S = 2.0
"""Seconds of training before the speed is shown."""


@contextmanager
def shown_progress(name: str) -> Iterator[ProgressListener]:
    """Yield a listener that shows the progress of the launch of this sweep.

    The listener ends the process when the cluster is lost, since Ray would wait for it.
    """
    console = Console(stderr=True)
    bars = sys.stderr.isatty() and console.is_interactive
    display = ProgressBars(name, console) if bars else ProgressLines(name)

    def listen(status: LaunchProgress) -> None:
        if status.stage == "lost":
            display.close()
            _give_up(status.lost_address)
        display.show(status)

    try:
        yield listen
    finally:
        display.close()


def _give_up(address: str) -> NoReturn:
    """End the process with advice on how to continue."""
    say(
        f"popnet: the Ray cluster at {address} is gone; finished networks and the "
        "last checkpoints are on disk. Start it again and continue with: "
        f"{shlex.join(command_line())}"
    )
    os._exit(INTERRUPTED)


class TrainingSpeed:
    """Measures the trials per second of this launch, and estimates the time left."""

    def __init__(self) -> None:
        self.first: tuple[float, int] | None = None
        self.rate: float | None = None

    def update(self, status: LaunchProgress, now: float) -> None:
        """Update the speed, measured from the first report with trials."""
        if self.first is None:
            self.first = (now, status.trials) if status.trials else None
        elif status.stage == "train" and now - self.first[0] > WARM_UP_S:
            self.rate = (status.trials - self.first[1]) / (now - self.first[0])

    def words(self) -> str:
        """Return the speed in words, or "" before it is known."""
        return "" if self.rate is None else f"{self.rate:.0f} trials/s"

    def seconds_left(self, status: LaunchProgress) -> float | None:
        """Estimate the seconds left; None before a network has finished.

        Each remaining network is assumed to need the mean number of trials so far.
        """
        finished = sum(status.by_status.values())
        if not self.rate or not finished or not status.trials:
            return None
        left = (status.planned - finished) * status.trials / finished
        return left / self.rate


class ProgressLines:
    """Writes a line of text when a stage begins, and then one every few seconds."""

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.name, self.clock = name, clock
        self.training_speed = TrainingSpeed()
        self.begun: set[str] = set()
        self.last_s = 0.0

    def show(self, status: LaunchProgress) -> None:
        """Write a line, unless the last one is too recent."""
        now = self.clock()
        self.training_speed.update(status, now)
        if status.stage not in self.begun or now - self.last_s > LINE_S:
            say(f"{self.name}: {self.words(status)}")
            self.last_s = now
        self.begun.add(status.stage)

    def words(self, status: LaunchProgress) -> str:
        """Return the progress in words."""
        if status.waiting:
            return f"waiting, {status.waiting}"
        if status.stage == "train":
            left = self.training_speed.seconds_left(status)
            parts = [
                f"{sum(status.by_status.values())}/{status.planned} networks",
                *_counts(status),
                self.training_speed.words(),
                "" if left is None else f"about {left / 60:.0f} min left",
            ]
        else:
            _, words = STAGES.get(status.stage, ("", status.stage))
            parts = [f"{words} {status.done}/{status.jobs}" if status.jobs else words]
        return ", ".join(part for part in [*parts, _mlflow_backlog(status)] if part)

    def close(self) -> None:
        """Do nothing: every line is complete."""


class ProgressBars:
    """Shows a bar for every stage, and a line of further text below the bars."""

    def __init__(
        self,
        name: str,
        console: Console,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.clock = clock
        self.training_speed = TrainingSpeed()
        self.bars: dict[str, TaskID] = {}
        self.progress = Progress(
            _Name(), BarColumn(bar_width=None), _Count(), _Time(),
            console=console, expand=True, get_time=clock,
        )  # fmt: skip
        self.below = Text()
        title = Text(name, style="bold", no_wrap=True, overflow="ellipsis")
        self.live = Live(
            Group(title, self.progress, self.below),
            console=console,
            refresh_per_second=2,
            redirect_stdout=False,  # data on stdout stays there
        )

    def show(self, status: LaunchProgress) -> None:
        """Bring the bars and the text below them up to date."""
        self.training_speed.update(status, self.clock())
        for stage in _earlier_stages(status.stage):
            if stage in self.bars:
                self._end(self.bars[stage])
        if status.stage != "done":
            self._advance(status)
        if "train" in self.bars:
            finished = sum(status.by_status.values())
            self.progress.update(
                self.bars["train"], completed=finished, total=status.planned
            )
        self.below.plain = self._below(status)
        self.live.start()
        self.live.refresh()

    def close(self) -> None:
        """Leave the bars as they are and give the terminal back."""
        self.live.stop()

    def _advance(self, status: LaunchProgress) -> None:
        """Move the bar of this stage; without a number of jobs it has no end."""
        if status.stage not in self.bars:
            name, _ = STAGES.get(status.stage, (status.stage, ""))
            self.bars[status.stage] = self.progress.add_task(name, total=None)
        bar = self.bars[status.stage]
        if status.jobs:
            self.progress.update(bar, completed=status.done, total=status.jobs)
        elif status.stage == "train":
            left = self.training_speed.seconds_left(status)
            self.progress.update(bar, left_s=left)
        elif self.progress.tasks[bar].finished:  # more kernels are to be compiled
            self.progress.reset(bar, total=None)

    def _end(self, bar: TaskID) -> None:
        """Fill the bar of a stage that is over."""
        task = self.progress.tasks[bar]
        if not task.finished:
            total = task.total or 0
            self.progress.update(bar, completed=total, total=total)

    def _below(self, status: LaunchProgress) -> str:
        if status.waiting:
            return f"waiting, {status.waiting}"
        parts = [*_counts(status)]
        if status.stage == "train":
            parts.append(self.training_speed.words())
        elif status.stage in ("compile", "prepare"):  # one word does not explain these
            parts.append(STAGES[status.stage][1])
        return ", ".join(part for part in [*parts, _mlflow_backlog(status)] if part)


def _counts(status: LaunchProgress) -> list[str]:
    return [f"{n} {outcome}" for outcome, n in sorted(status.by_status.items())]


def _mlflow_backlog(status: LaunchProgress) -> str:
    return f"MLflow {status.not_in_mlflow} behind" if status.not_in_mlflow else ""


def _earlier_stages(stage: str) -> list[str]:
    """Return the stages that are over when this one has begun."""
    order = list(STAGES)
    return order[: order.index(stage)] if stage in order else []


class _Name(ProgressColumn):
    """Column with the name of a stage."""

    def get_table_column(self) -> Column:
        return Column(no_wrap=True)

    def render(self, task: Task) -> Text:
        return Text(task.description)


class _Count(ProgressColumn):
    """Column with the number of networks or jobs done, and of all."""

    def get_table_column(self) -> Column:
        return Column(no_wrap=True, justify="right")

    def render(self, task: Task) -> Text:
        return Text(f"{task.completed:.0f}/{task.total:.0f}" if task.total else "")


class _Time(ProgressColumn):
    """Column with the time left, or with the time that a stage took."""

    max_refresh = 0.5

    def get_table_column(self) -> Column:
        return Column(no_wrap=True, justify="right", min_width=len("10 min left"))

    def render(self, task: Task) -> Text:
        left = task.fields.get("left_s", task.time_remaining)
        if task.finished or left is None:
            spent = task.finished_time if task.finished else task.elapsed
            return Text(duration(spent or 0.0))
        return Text(f"{duration(left)} left")


def duration(seconds: float) -> str:
    """Return a time, rounded, in seconds, minutes or hours."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
