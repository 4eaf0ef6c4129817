"""Full-FORCE: learns the currents of a target network that is told the answer.

DePasquale, Cueva, Rajan, Escola & Abbott, PLoS ONE 2018;13:e0191527; settings after the
code of McMahan, Kleinman & Kao, NeurIPS 2021.  The target network (x_d, r_d) has fixed
random weights J_d and gets, besides all that the network gets, the target f:

    x_d(t+1) = x_d(t) + (dt / tau) (-x_d(t) + c(t) + W_in u(t) + ...)
    c(t) = J_d r_d(t) + W_f f(t)

The network gets no target: W is to make c(t) of its own rates.  Every ``every_s`` of
the trials that is learned from, by least squares over the B trials at once,

    W r(t) -> c(t)      then      x(t+1) = x(t) + (dt / tau) (-x(t) + W r(t) + ...)

and W_out r(t+1) -> f(t) wherever an output is scored, f being 0 elsewhere; or, told
``throughout`` as by McMahan et al., at every step that is learned from.  Both start
from the trial's x(0).  The sums over samples, in P and P_out, go on over batches.

Theirs besides: a hint, a further input of the target network, which McMahan et al. set
equal to the target; that is a larger ``target_scale``.  Learning W and W_out from
different samples, and from W r before the step, is our choice.  Scored is, as by rule
force, a run with all weights as they were before the batch: while it learns, a network
follows the target of its own trial.  Absent weights and wrong signs are put to 0 after
each batch, which leaves less than least squares would.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from popnet.config import Network, PerNetwork
from popnet.config.settings import Inconsistent
from popnet.core.cell import Cell, Params, clamp, rates
from popnet.core.constraints import project
from popnet.core.impulses import currents
from popnet.core.least_squares import Fit, after_block, no_samples
from popnet.core.optimisers import along
from popnet.core.rollout import drive, outputs
from popnet.core.scoring import Score
from popnet.core.time_steps import updates
from popnet.rules._rule import (
    Episode,
    Hyper,
    Outcome,
    Published,
    refuse_feedback,
    refuse_rate_form,
)
from popnet.seeding import Seed


class FullForce(Published):
    """Defaults: learns at every step; target and hint of sd 0.5 each are one of 0.7.

    McMahan et al. learn at the first step and from 0.6 s on, with alpha 10,000.
    """

    at_start: ClassVar[tuple[str, ...]] = ("alpha", "target_gain", "target_scale")
    reference: ClassVar[str] = "DePasquale et al. 2018, PLoS ONE 13:e0191527"
    summary: ClassVar[str] = "full-FORCE: least squares on a target network's currents"
    forms: ClassVar[tuple[str, ...]] = ("current",)
    readouts: ClassVar[tuple[str, ...]] = ("linear",)
    takes_feedback: ClassVar[bool] = False
    example: ClassVar[dict[str, Any]] = {"batch_trials": 50, "every_s": 0.002}
    network_defaults: ClassVar[dict[str, Any]] = {
        "gain": 0.0,
        "readout": {"kind": "linear", "scale": 0.0},
        "clamped": {},
    }
    # two matrices in float64 and the target network; both fits in float64 at work
    state_copies: ClassVar[int] = 6
    weight_copies: ClassVar[int] = 12
    activity_copies: ClassVar[int] = 4
    kernel_copies: ClassVar[int] = 4  # there is no kernel
    presets: ClassVar[dict[str, dict[str, Any]]] = {"published": {}, "matched": {}}

    name: Literal["full_force"] = "full_force"  # type: ignore[assignment]
    alpha: Annotated[
        float, PerNetwork, Field(gt=0, description="P(0) = P_out(0) = I / alpha")
    ] = 1.0
    every_s: Annotated[
        float, Field(gt=0, le=1, description="from one update to the next")
    ] = 0.001
    trigger_s: Annotated[
        float, Field(ge=0, description="learns at the first step and from here on")
    ] = 0.0
    target_gain: Annotated[
        float, PerNetwork, Field(ge=0, description="g: J_d ~ normal, sd g / sqrt(N)")
    ] = 1.0
    target_scale: Annotated[
        float, PerNetwork, Field(ge=0, description="W_f ~ normal with this sd")
    ] = 0.7
    told: Annotated[
        Literal["scored", "throughout"],
        Field(description="when f is the target and is learned: where scored, or all"),
    ] = "scored"
    batch_trials: Annotated[int, Field(ge=1, description="B, learned at once")] = 32

    @property
    def batch(self) -> int:
        """Trials per step."""
        return self.batch_trials

    @property
    def recordable(self) -> bool:
        """No: the factorisation at each step was never recorded on a GPU."""
        return False

    def fitted(self, network: Network) -> FullForce:
        """The same, for the current form and a linear readout that is not fed back."""
        refuse_feedback(network, self.name)
        refuse_rate_form(network, self.name)
        if network.readout.kind == "unit":
            raise Inconsistent(
                "network.readout",
                "rule full_force learns weights of a readout and an output unit has "
                "none; use readout: {kind: linear}",
                "rule",
            )
        return self


class State(NamedTuple):
    """What the rule carries from batch to batch; the P of least squares in float64."""

    p_PNN: Tensor
    pout_PNN: Tensor
    target_PNN: Tensor
    """J_d, never learned."""
    target_PNO: Tensor
    """W_f, never learned."""


def init(
    params: Params,
    settings: FullForce,
    hyper: Hyper,
    types: int,
    seeds: Sequence[Seed],
) -> State:
    """P(0) = I / alpha, and the target network of each network's own streams."""
    assert params.wout_PON is not None
    units, outs = params.tau_PN.shape[1], params.wout_PON.shape[1]

    def normal(what: str, *shape: int) -> Tensor:
        drawn = [s.stream(f"target/{what}").standard_normal(shape) for s in seeds]
        return torch.from_numpy(np.stack(drawn)).to(params.w_PNN)

    recurrent_PNN = normal("recurrent", units, units)
    # drawn output by output, as an input's channels
    into_PNO = normal("output", outs, units).mT
    nothing = no_samples(hyper["alpha"], units, torch.float64)
    return State(
        nothing,
        nothing,
        along(hyper["target_gain"], recurrent_PNN) * recurrent_PNN / units**0.5,
        (along(hyper["target_scale"], into_PNO) * into_PNO).contiguous(),
    )


def step(
    params: Params,
    state: State,
    episode: Episode,
    settings: FullForce,
    hyper: Hyper,
    cell: Cell,
    score: Score,
) -> tuple[Params, State, Outcome]:
    """B trials side by side, with an update from all of them at each step."""
    steps = episode.input_PBTI.shape[2]
    current = currents(episode.noise_PBTN, episode.impulses, episode.x0_PBN, steps)
    drive_PBTN = drive(params, episode.input_PBTI, current)
    frozen = outputs(params, cell, drive_PBTN, episode.x0_PBN)
    scores = score(frozen, episode.target_PBTO, episode.mask_PBTO)
    inner, outer = _learned(params, state, episode, settings, cell, drive_PBTN)
    own = params.w_PNN.dtype
    params = params._replace(w_PNN=inner.w_PON.to(own), wout_PON=outer.w_PON.to(own))
    state = state._replace(p_PNN=inner.p_PNN, pout_PNN=outer.p_PNN)
    return project(params), state, Outcome(scores.error_PB, scores.correct_PB)


def _learned(
    params: Params,
    state: State,
    episode: Episode,
    settings: FullForce,
    cell: Cell,
    drive_PBTN: Tensor,
) -> tuple[Fit, Fit]:
    """W and W_out after the trials, in float64 as their P."""
    assert params.wout_PON is not None
    inner = Fit(params.w_PNN.double(), state.p_PNN)
    outer = Fit(params.wout_PON.double(), state.pout_PNN)
    mask_PBTO = episode.mask_PBTO
    if settings.told == "throughout":
        mask_PBTO = torch.ones_like(mask_PBTO)
    target_PBTO = torch.where(mask_PBTO, episode.target_PBTO, 0.0)
    a_P1N = cell.dt_s / params.tau_PN[:, None]
    trigger = round(settings.trigger_s / cell.dt_s)
    every = updates(settings.every_s, cell.dt_s)
    x = clamp(cell, episode.x0_PBN.clone())
    x_d, w_PNN = x, params.w_PNN
    r = r_d = rates(params, cell, x)
    for t in range(drive_PBTN.shape[2]):
        learns = t % every.steps == 0 and (t == 0 or t >= trigger)
        arriving, f = drive_PBTN[:, :, t], target_PBTO[:, :, t]
        c = r_d @ state.target_PNN.mT + f @ state.target_PNO.mT
        if learns:
            known = torch.ones_like(c, dtype=torch.bool)
            inner = _towards(inner, r, c, known, every.weight)
            w_PNN = inner.w_PON.to(r.dtype)
        x = clamp(cell, x + a_P1N * (arriving + r @ w_PNN.mT - x))
        x_d = clamp(cell, x_d + a_P1N * (arriving + c - x_d))
        r, r_d = rates(params, cell, x), rates(params, cell, x_d)
        if learns:
            outer = _towards(outer, r, f, mask_PBTO[:, :, t], every.weight)
    return inner, outer


def _towards(
    fit: Fit, r_PBN: Tensor, wanted_PBO: Tensor, known_PBO: Tensor, weight: float
) -> Fit:
    """The fit with a sample of each of B trials; one with nothing known is none.

    Each counts as ``weight`` samples, see ``rules.force``.
    """
    r_PBN = torch.where(known_PBO.any(2, keepdim=True), r_PBN, 0.0).double()
    wrong_PBO = r_PBN @ fit.w_PON.mT - wanted_PBO.double()
    wrong_PBO = torch.where(known_PBO, wrong_PBO, 0.0)
    return after_block(fit, weight**0.5 * r_PBN, weight**0.5 * wrong_PBO)
