"""Random changes of the recurrent weights.

relative  W_ij (1 + s xi_ij)
absolute  W_ij + s (g / sqrt(N)) xi_ij,  xi ~ N(0, 1), s the level; absent stay absent
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field

from popnet.config import PerturbationSettings
from popnet.core.constraints import project
from popnet.perturbations._situation import Situation
from popnet.seeding import Seed


class SynapticJitter(PerturbationSettings):
    """Jitter of every recurrent weight; the draws are the same at every level."""

    reference: ClassVar[str] = "Santhosh & Narayanan 2026 (abstract); levels proposed"
    summary: ClassVar[str] = "random changes of the recurrent weights"
    unit: ClassVar[str] = "standard deviation, relative"
    changes: ClassVar[frozenset[str]] = frozenset({"recurrent weights"})
    name: Literal["synaptic_jitter"] = "synaptic_jitter"  # type: ignore[assignment]
    levels: Annotated[
        tuple[Annotated[float, Field(ge=0)], ...], Field(strict=False, min_length=1)
    ] = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
    mode: Annotated[
        Literal["relative", "absolute"],
        Field(description="relative to the weight, or to g / sqrt(N)"),
    ] = "relative"


def apply(
    settings: SynapticJitter, level: float, situation: Situation, seed: Seed
) -> Situation:
    """The network with jittered weights."""
    if level == 0:
        return situation
    params, net = situation.params, situation.config.network
    random = seed.stream(f"perturb/synaptic_jitter/{settings.mode}")
    xi = torch.from_numpy(random.standard_normal((net.units, net.units)))
    xi = xi.to(params.w_PNN)[None]
    if settings.mode == "relative":
        w_PNN = params.w_PNN * (1 + level * xi)
    else:
        w_PNN = params.w_PNN + level * net.gain / np.sqrt(net.units) * xi
    return situation._replace(params=project(params._replace(w_PNN=w_PNN)))
