"""Random initial states: x(0) + a u, u ~ U(-1, 1) per unit and trial, a the level."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from popnet.config import PerturbationSettings
from popnet.perturbations._situation import Situation
from popnet.seeding import Seed


class InitialState(PerturbationSettings):
    """A wider cloud of initial states; the same draws at every level."""

    reference: ClassVar[str] = "Santhosh & Narayanan 2026 (abstract); levels proposed"
    summary: ClassVar[str] = "random initial states"
    unit: ClassVar[str] = "half-width added, in x"
    limit: ClassVar[float | None] = 16.0
    limit_reason: ClassVar[str] = (
        "no larger x can come from the recurrent weights: sum |W_ij| is about "
        "g sqrt(2 N / pi), 17 at g = 1.5 and N = 200"
    )
    changes: ClassVar[frozenset[str]] = frozenset({"initial state"})
    name: Literal["initial_state"] = "initial_state"  # type: ignore[assignment]
    levels: Annotated[
        tuple[Annotated[float, Field(ge=0)], ...], Field(strict=False, min_length=1)
    ] = (0.0, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)


def apply(
    settings: InitialState, level: float, situation: Situation, seed: Seed
) -> Situation:
    """The network started from a wider cloud."""
    return situation._replace(added_start=situation.added_start + level)
