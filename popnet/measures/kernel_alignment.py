"""Alignment of the neural tangent kernel before and after training."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from popnet.config import MeasureSettings, Observed
from popnet.core.cell import Params
from popnet.measures._seen import NetworkSeen, NetworkTrials
from popnet.measures._trained_weights import (
    Part,
    outputs,
    scored_places,
    trained_parts,
    vector,
    with_vector,
)
from popnet.seeding import stream

AT_ONCE = 50
"""Single outputs whose slopes are computed together."""


class KernelAlignment(MeasureSettings):
    """Likeness of the neural tangent kernel to that before training, no unit."""

    reference: ClassVar[str] = "Huang et al. 2025; Jacot, Gabriel & Hongler 2018"
    summary: ClassVar[str] = "neural tangent kernel as drawn and as trained: likeness"
    needs: ClassVar[Observed] = "network"
    label: ClassVar[str] = "kernel alignment"
    form: ClassVar[str] = ".3f"
    range: ClassVar[tuple[float, float]] = (0, 1)
    invariances: ClassVar[frozenset[str]] = frozenset(
        {"relabelling", "sign", "other targets"}
    )
    name: Literal["kernel_alignment"] = "kernel_alignment"  # type: ignore[assignment]
    trials: Annotated[int, Field(ge=1, description="of the network's own task")] = 16
    probes: Annotated[
        int, Field(ge=2, description="single outputs: trial, time and channel")
    ] = 200


def kernel_alignment(settings: KernelAlignment, seen: NetworkSeen) -> float:
    """tr(K_T K_0) / (|K_T|_F |K_0|_F), in [0, 1]; the lower, the richer the learning.

    K = G G' with G_e = dy_e / dtheta the slope of a single output (one trial, step and
    channel) over the weights that training moved, in the size in which they are
    trained; K_0 of the network as drawn, K_T as trained, on the same ``probes`` scored
    outputs, drawn at random.  Huang et al. (2025); how many they took is not known.
    1 where nothing was trained, NaN where a kernel is 0 or not finite.
    """
    parts = trained_parts(seen)
    if not parts:
        return 1.0
    trials = seen.trials(settings.trials)
    places = scored_places(trials)
    random = stream("measures", "neural tangent kernel")
    chosen = random.permutation(len(places))[: settings.probes]
    chosen_E = places[torch.from_numpy(chosen)]
    first_EE, last_EE = (
        _kernel(params, parts, seen, trials, chosen_E)
        for params in (seen.initial, seen.final)
    )
    size = float(first_EE.norm() * last_EE.norm())
    if not 0 < size < float("inf"):
        return float("nan")
    # rounding may lead past 1 for two equal kernels
    return min(1.0, float((first_EE * last_EE).sum()) / size)


def _kernel(
    params: Params,
    parts: list[Part],
    seen: NetworkSeen,
    trials: NetworkTrials,
    chosen_E: Tensor,
) -> Tensor:
    """G G' over the chosen single outputs."""
    theta_R = vector(params, parts).requires_grad_(True)
    with torch.enable_grad():
        made = outputs(with_vector(params, parts, theta_R), seen.cell, trials)
        picked_E = made.flatten()[chosen_E]
    rows = torch.eye(len(chosen_E), dtype=torch.float64).split(AT_ONCE)
    slopes = [
        torch.autograd.grad(
            picked_E, theta_R, row, retain_graph=True, is_grads_batched=True
        )[0]
        for row in rows
    ]
    slope_ER = torch.cat(slopes)
    return slope_ER @ slope_ER.T
