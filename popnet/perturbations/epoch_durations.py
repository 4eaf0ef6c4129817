"""Longer or shorter epochs: duration (1 + level); the scored window stays as it is."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from popnet.config import NetworkConfig, PerturbationSettings, TaskSettings
from popnet.perturbations._situation import Situation
from popnet.seeding import Seed

SEVERAL = ("all", "delay_or_all")
"""Names that mean one or several epochs, by the task."""


class EpochDurations(PerturbationSettings):
    """One epoch of the task, or all of them, stretched or shrunk.

    ``delay_or_all`` at level 1 is the generalisation in time of Huang et al. (2025),
    whatever the tasks of a sweep: the delay doubled, or the whole trial.
    """

    reference: ClassVar[str] = "Santhosh & Narayanan 2026 (abstract); levels proposed"
    summary: ClassVar[str] = "epochs of the task stretched or shrunk"
    unit: ClassVar[str] = "change of duration, relative"
    limit: ClassVar[float | None] = 7.0
    limit_reason: ClassVar[str] = (
        "eight times the duration: a delay of 0.2 s is 50 time constants of 30 ms"
    )
    changes: ClassVar[frozenset[str]] = frozenset({"task"})
    example: ClassVar[dict[str, Any]] = {"epoch": "delay"}
    name: Literal["epoch_durations"] = "epoch_durations"  # type: ignore[assignment]
    epoch: Annotated[
        str,
        Field(
            description="stimulus, delay, wait ...: the task's own epochs; all, every "
            "one that can be stretched; delay_or_all, the delay where there is one"
        ),
    ]
    levels: Annotated[
        tuple[Annotated[float, Field(gt=-1, le=20)], ...],
        Field(strict=False, min_length=1),
    ] = (-0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 1.0, 3.0, 7.0)

    def refuse(self, config: NetworkConfig) -> str | None:
        """An epoch of the task, with something of it left at every level."""
        task, dt_s = config.task, config.network.dt_s
        if self.epoch in SEVERAL and task.stretchable:
            meant = _epochs(self.epoch, task)
            short = (self._too_short(task, one, dt_s) for one in meant)
            return next(filter(None, short), None)
        if self.epoch not in task.stretchable:
            return (
                f"epoch: task {task.name!r} has no epoch {self.epoch!r} to stretch; "
                f"it has: {', '.join(task.stretchable) or 'none'}"
            )
        duration_s = getattr(task, f"{self.epoch}_s")
        if duration_s == 0:
            return (
                f"epoch: {self.epoch!r} lasts 0 s in task {task.name!r}; stretching it "
                "changes nothing"
            )
        return self._too_short(task, self.epoch, dt_s)

    def _too_short(self, task: TaskSettings, epoch: str, dt_s: float) -> str | None:
        shortest_s = getattr(task, f"{epoch}_s") * (1 + min(self.levels))
        if round(shortest_s / dt_s) >= 1:
            return None
        return (
            f"levels: {min(self.levels):g} leaves {shortest_s:g} s of epoch "
            f"{epoch!r}, less than one step of {dt_s:g} s"
        )


def _epochs(epoch: str, task: TaskSettings) -> list[str]:
    """The epochs meant: the named one, or all that last and can be stretched."""
    if epoch not in SEVERAL:
        return [epoch]
    lasting = [one for one in task.stretchable if getattr(task, f"{one}_s") > 0]
    alone = epoch == "delay_or_all" and "delay" in lasting
    return ["delay"] if alone else lasting


def apply(
    settings: EpochDurations, level: float, situation: Situation, seed: Seed
) -> Situation:
    """The network on the stretched task.  Raises ValueError for an unknown epoch."""
    factors = dict.fromkeys(_epochs(settings.epoch, situation.task), 1 + level)
    stretched = situation.task.with_epochs(factors)
    return situation if level == 0 else situation._replace(task=stretched)
