"""Longer or shorter epochs: duration (1 + level); the scored window stays as it is."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from popnet.config import PerturbationSettings, TaskSettings
from popnet.perturbations.situation import Situation
from popnet.seeding import Seed


class EpochDurations(PerturbationSettings):
    """One epoch of the task stretched or shrunk."""

    reference: ClassVar[str] = "Santhosh & Narayanan 2026 (abstract); levels proposed"
    summary: ClassVar[str] = "one epoch of the task stretched or shrunk"
    unit: ClassVar[str] = "change of duration, relative"
    name: Literal["epoch_durations"] = "epoch_durations"  # type: ignore[assignment]
    epoch: Annotated[
        str, Field(description="stimulus, delay, wait ...: the task's own epochs")
    ]
    levels: Annotated[
        tuple[Annotated[float, Field(gt=-1, le=20)], ...],
        Field(strict=False, min_length=1),
    ] = (-0.5, -0.25, 0.0, 0.25, 0.5, 1.0)

    def refuse(self, task: TaskSettings, dt_s: float) -> str | None:
        """An epoch of this task, with something of it left at every level."""
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
        shortest_s = duration_s * (1 + min(self.levels))
        if round(shortest_s / dt_s) >= 1:
            return None
        return (
            f"levels: {min(self.levels):g} leaves {shortest_s:g} s of epoch "
            f"{self.epoch!r}, less than one step of {dt_s:g} s"
        )


def apply(
    settings: EpochDurations, level: float, situation: Situation, seed: Seed
) -> Situation:
    """The network on the stretched task.  Raises ValueError for an unknown epoch."""
    stretched = situation.task.with_epochs({settings.epoch: 1 + level})
    return situation if level == 0 else situation._replace(task=stretched)
