"""The Hessian of a network's loss over its trained weights, for the measures of it.

    H = d^2 L / d theta^2,  L = mean (output - target)^2 over trials and scored outputs

theta are the weights that training moved (``_trained_weights``), in the trained
network.  Penalties are no part of L, nor is noise: the trials are the common ones.
Products H v are slopes of (dL/dtheta)' v, in float64 (Pearlmutter, Neural Comput
1994;6:147).  R weights, C of them at a time.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from popnet.analysis.lanczos import Spectrum, estimated_spectrum, whole_spectrum
from popnet.config import MeasureSettings, Observed
from popnet.measures._seen import NetworkSeen
from popnet.measures._trained_weights import (
    loss,
    trained_parts,
    vector,
    with_vector,
)
from popnet.seeding import stream

AT_ONCE = 2**21
"""States of units, over trials and steps, that products of several vectors hold."""
DEFLATED = 8
"""Probes for each start: a start needs ``steps`` products, a probe one."""


class HessianSettings(MeasureSettings):
    """How the Hessian of the loss is computed."""

    reference: ClassVar[str] = "Huang et al. 2026; Ghorbani, Krishnan & Xiao 2019"
    needs: ClassVar[Observed] = "network"
    invariances: ClassVar[frozenset[str]] = frozenset(
        {"relabelling", "sign", "reordering", "other beginning"}
    )
    trials: Annotated[int, Field(ge=1, description="of the network's own task")] = 64
    exact_up_to: Annotated[
        int,
        Field(
            ge=0,
            description="so many weights: the matrix is computed whole, by as many "
            "products; with more its spectrum is estimated",
        ),
    ] = 1000
    steps: Annotated[
        int, Field(ge=2, description="products per start of an estimate")
    ] = 100
    starts: Annotated[int, Field(ge=1, description="random ones, of an estimate")] = 4


def hessian_spectrum(settings: HessianSettings, seen: NetworkSeen) -> Spectrum | None:
    """The spectrum of the Hessian; None where nothing was trained or it is not finite.

    Measures of one network share it where ``seen`` keeps what was computed.
    """
    what = (
        "hessian",
        settings.trials,
        settings.exact_up_to,
        settings.steps,
        settings.starts,
    )
    if seen.kept is None:
        return _spectrum(settings, seen)
    if what not in seen.kept:
        seen.kept[what] = _spectrum(settings, seen)
    return seen.kept[what]


def _spectrum(settings: HessianSettings, seen: NetworkSeen) -> Spectrum | None:
    hessian = Hessian(seen, settings.trials)
    size = hessian.weights
    if size == 0 or not hessian.finite():
        return None
    if size <= settings.exact_up_to:
        return whole_spectrum(hessian.whole())
    random = stream("measures", "hessian", size)
    starts_SR = random.standard_normal((settings.starts, size))
    probes_SR = random.standard_normal((DEFLATED * settings.starts, size))
    return estimated_spectrum(hessian.product, starts_SR, probes_SR, settings.steps)


class Hessian:
    """Second derivatives of the loss of one network, by their products with vectors."""

    def __init__(self, seen: NetworkSeen, trials: int) -> None:
        """On so many trials of its task."""
        parts = trained_parts(seen)
        self.weights = sum(len(part.places_R) for part in parts)
        if not parts:
            return
        shown = seen.trials(trials)
        self._states = shown.mask_PBTO[..., 0].numel() * seen.final.tau_PN.shape[1]
        with torch.enable_grad():
            self._theta_R = vector(seen.final, parts).requires_grad_(True)
            network = with_vector(seen.final, parts, self._theta_R)
            (self._slope_R,) = torch.autograd.grad(
                loss(network, seen.cell, shown), self._theta_R, create_graph=True
            )

    def finite(self) -> bool:
        """True where the loss has a slope."""
        return bool(self._slope_R.isfinite().all())

    def product(self, v_R: NDArray[np.float64]) -> NDArray[np.float64]:
        """H v."""
        return self._times(torch.from_numpy(v_R), False).numpy()

    def whole(self) -> NDArray[np.float64]:
        """H [R, R], row by row."""
        rows = torch.eye(self.weights, dtype=torch.float64)
        chunk = max(1, min(64, AT_ONCE // self._states))
        return torch.cat(
            [self._times(v_CR, True) for v_CR in rows.split(chunk)]
        ).numpy()

    def _times(self, v: Tensor, batched: bool) -> Tensor:
        (image,) = torch.autograd.grad(
            self._slope_R,
            self._theta_R,
            v,
            retain_graph=True,
            is_grads_batched=batched,
        )
        return image
