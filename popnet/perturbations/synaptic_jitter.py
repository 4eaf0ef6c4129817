"""Random changes of the recurrent weights.

relative  W_ij (1 + s xi_ij)
absolute  W_ij + s w xi_ij,  w = sqrt(mean of W_ij^2 over the weights that are present)

xi ~ N(0, 1), s the level; weights that are absent stay absent.  In both modes the
jitter is s times as large as the weights are: s is one scale for every network.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from popnet.config import NetworkConfig, PerturbationSettings
from popnet.core.cell import Params
from popnet.core.constraints import project
from popnet.perturbations._situation import Situation
from popnet.seeding import Seed


class SynapticJitter(PerturbationSettings):
    """Jitter of every recurrent weight; the draws are the same at every level."""

    reference: ClassVar[str] = "Santhosh & Narayanan 2026 (abstract); levels proposed"
    summary: ClassVar[str] = "random changes of the recurrent weights"
    unit: ClassVar[str] = "standard deviation, relative"
    limit: ClassVar[float | None] = 5.0
    limit_reason: ClassVar[str] = (
        "the weights are correlated by 1 / sqrt(1 + level^2), 0.2, with those trained"
    )
    changes: ClassVar[frozenset[str]] = frozenset({"recurrent weights"})
    name: Literal["synaptic_jitter"] = "synaptic_jitter"  # type: ignore[assignment]
    levels: Annotated[
        tuple[Annotated[float, Field(ge=0)], ...], Field(strict=False, min_length=1)
    ] = (0.0, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
    mode: Annotated[
        Literal["relative", "absolute"],
        Field(description="relative to each weight, or to their root mean square"),
    ] = "relative"

    def idle(self, config: NetworkConfig) -> str | None:
        """Whether all recurrent weights are 0, and stay so."""
        learned = config.rule.trains_recurrent and config.train.trials > 0
        if config.network.gain > 0 or learned:
            return None
        return "all recurrent weights are 0 (gain 0, and not trained)"


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
        w_PNN = params.w_PNN + level * weight_size(params) * xi
    return situation._replace(params=project(params._replace(w_PNN=w_PNN)))


def weight_size(params: Params) -> Tensor:
    """sqrt(sum W_ij^2 / number of weights that are present), [P, 1, 1]."""
    squares_P11 = params.w_PNN.square().sum((1, 2), keepdim=True)
    if params.mask_PNN is None:
        return (squares_P11 / params.w_PNN[0].numel()).sqrt()
    present_P11 = params.mask_PNN.sum((1, 2), keepdim=True).clamp(min=1)
    return (squares_P11 / present_P11).sqrt()
