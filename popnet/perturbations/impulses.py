"""Impulses to random single units, at an added rate, the level.

They come on top of the exploratory impulses a rule keeps on while testing.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from popnet.config import Impulses, PerturbationSettings
from popnet.perturbations._situation import Situation
from popnet.seeding import Seed


class AddedImpulses(PerturbationSettings):
    """Further impulses in the amplitude of the published code unless said."""

    reference: ClassVar[str] = "Santhosh & Narayanan 2026 (abstract); levels proposed"
    summary: ClassVar[str] = "random impulses to single units, at an added rate"
    unit: ClassVar[str] = "added rate per unit (Hz)"
    limit: ClassVar[float | None] = 1000.0
    limit_reason: ClassVar[str] = "an impulse of 1 ms in every unit at every time"
    changes: ClassVar[frozenset[str]] = frozenset({"added impulses"})
    name: Literal["impulses"] = "impulses"  # type: ignore[assignment]
    levels: Annotated[
        tuple[Annotated[float, Field(ge=0, le=1000)], ...],
        Field(strict=False, min_length=1),
    ] = (0.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
    amplitude: Annotated[
        float, Field(gt=0, description="half-width of the uniform law")
    ] = 16.0
    duration_s: Annotated[
        float, Field(gt=0, le=1, description="of the current; published: 1 ms")
    ] = 0.001
    into: Literal["drive", "state"] = "drive"


def apply(
    settings: AddedImpulses, level: float, situation: Situation, seed: Seed
) -> Situation:
    """The network under further impulses."""
    if level == 0:
        return situation
    added = Impulses(
        rate_hz=level,
        amplitude=settings.amplitude,
        duration_s=settings.duration_s,
        into=settings.into,
    )
    return situation._replace(added_impulses=added)
