"""Random changes of the time constants: tau_i (1 + q u_i), u ~ U(-1, 1), q the level.

Never below one time step, where the Euler scheme would overshoot.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field

from popnet.config import PerturbationSettings
from popnet.perturbations._situation import Situation
from popnet.seeding import Seed


class TimeConstants(PerturbationSettings):
    """Jitter of every unit's time constant; the same draws at every level."""

    reference: ClassVar[str] = "Santhosh & Narayanan 2026 (abstract); levels proposed"
    summary: ClassVar[str] = "random changes of the units' time constants"
    unit: ClassVar[str] = "half-width, relative"
    limit: ClassVar[float | None] = 1.0
    limit_reason: ClassVar[str] = "a wider law has time constants below 0"
    changes: ClassVar[frozenset[str]] = frozenset({"time constants"})
    name: Literal["time_constants"] = "time_constants"  # type: ignore[assignment]
    levels: Annotated[
        tuple[Annotated[float, Field(ge=0, le=1)], ...],
        Field(strict=False, min_length=1),
    ] = (0.0, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0)


def apply(
    settings: TimeConstants, level: float, situation: Situation, seed: Seed
) -> Situation:
    """The network with jittered time constants."""
    if level == 0:
        return situation
    params = situation.params
    random = seed.stream("perturb/time_constants")
    u = torch.from_numpy(random.uniform(-1, 1, params.tau_PN.shape[1]))
    tau_PN = params.tau_PN * (1 + level * u.to(params.tau_PN))[None]
    tau_PN = tau_PN.clamp(min=situation.config.network.dt_s)
    return situation._replace(params=params._replace(tau_PN=tau_PN))
