"""FORCE learning: least squares on a readout that is fed back while it learns.

Sussillo & Abbott, Neuron 2009;63:544.  Within a trial, step by step, with W_out(t) the
readout after step t and f the target:

    x(t+1) = x(t) + (dt / tau) (-x(t) + W r(t) + W_fb W_out(t) r(t) + ...)
    e = W_out(t) r(t+1) - f(t+1)
    W_out(t+1) = W_out(t) - e k',   k = P r / (1 + r' P r),   P <- P - k (P r)'

every ``every_s`` where an output is scored; else W_out(t+1) = W_out(t).  So what is fed
back is the output after its update (eq. 3); the scripts published with the paper feed
back the one from before it.  Only W_out is trained.  P, the inverse of the rates'
correlation, is kept from trial to trial and shared by the outputs.  Where ``every_s``
is not a whole number of steps, a sample counts as c = (time between samples) / every_s
samples, r and e above being multiplied by sqrt(c): a second weighs the same at any dt.

While it learns, the output follows the target of its own trial: it is right with
nothing learned.  So each trial is first run with the readout as it was before the
trial, and that run is scored.  P networks, T steps, N units, O outputs; B trials,
learned from one after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

import torch
from pydantic import Field
from torch import Tensor

from popnet import kernels
from popnet.config import Network, PerNetwork
from popnet.config.settings import Inconsistent
from popnet.core.cell import Cell, Params, clamp, rates
from popnet.core.least_squares import Fit, after_sample, no_samples
from popnet.core.rollout import drive, outputs, readout
from popnet.core.scoring import Score
from popnet.core.time_steps import Updates, updates
from popnet.rules._rule import (
    MATCHED,
    Episode,
    Hyper,
    Outcome,
    Published,
    in_turn,
    refuse_rate_form,
)
from popnet.seeding import Seed


class Force(Published):
    """Defaults: the paper's, its scripts' interval; but all weights are present.

    A tenth of them, as there among 1,000 units, leaves small networks too few.
    """

    at_start: ClassVar[tuple[str, ...]] = ("alpha",)
    reference: ClassVar[str] = "Sussillo & Abbott 2009, Neuron 63:544"
    summary: ClassVar[str] = "FORCE: recursive least squares on a readout fed back"
    forms: ClassVar[tuple[str, ...]] = ("current",)
    readouts: ClassVar[tuple[str, ...]] = ("linear",)
    sequential: ClassVar[bool] = True
    network_defaults: ClassVar[dict[str, Any]] = {
        "readout": {"kind": "linear", "scale": 0.0},
        "feedback": 1.0,
        "clamped": {},
        "tau_s": {"mean": 0.010},
    }
    # P in float64 is kept; during the trials there are two more, and the kernel's W
    state_copies: ClassVar[int] = 2
    weight_copies: ClassVar[int] = 6
    presets: ClassVar[dict[str, dict[str, Any]]] = {"published": {}, "matched": {}}
    preset_networks: ClassVar[dict[str, dict[str, Any]]] = {
        "matched": MATCHED | {"feedback": 1.0}
    }

    name: Literal["force"] = "force"  # type: ignore[assignment]
    alpha: Annotated[
        float, PerNetwork, Field(gt=0, description="P(0) = I / alpha; they: 1 to 100")
    ] = 1.0
    every_s: Annotated[
        float, Field(gt=0, le=1, description="from one update to the next")
    ] = 0.002

    @property
    def trains_recurrent(self) -> bool:
        """The readout alone is learned."""
        return False

    def fitted(self, network: Network) -> Force:
        """The same, for the current form and a linear readout alone."""
        refuse_rate_form(network, self.name)
        if network.readout.kind == "unit":
            raise Inconsistent(
                "network.readout",
                "an output unit has no weights of its own, and they are all that rule "
                "force trains; use readout: {kind: linear}",
                "rule",
            )
        return self


class State(NamedTuple):
    """What the rule carries from trial to trial."""

    p_PNN: Tensor
    """(alpha I + sum r r')^-1, in float64 whatever the network's precision: in float32
    it ceases to fall, so that the readout never settles.  Measured: three times too
    large after 30,000 updates; see ``tests/core/test_least_squares``."""


def init(
    params: Params,
    settings: Force,
    hyper: Hyper,
    types: int,
    seeds: Sequence[Seed],
) -> State:
    """P(0) = I / alpha."""
    units = params.tau_PN.shape[1]
    return State(no_samples(hyper["alpha"], units, torch.float64))


def step(
    params: Params,
    state: State,
    episode: Episode,
    settings: Force,
    hyper: Hyper,
    cell: Cell,
    score: Score,
) -> tuple[Params, State, Outcome]:
    """B trials one after the other, with updates in each."""
    if kernels.fast(params.w_PNN, cell):
        wout_PON, p_PNN, error_PB, correct_PB = kernels.learn_by_least_squares(
            params,
            state.p_PNN,
            episode,
            updates(settings.every_s, cell.dt_s),
            cell,
            score,
        )
        learned = params._replace(wout_PON=wout_PON)
        return learned, State(p_PNN), Outcome(error_PB, correct_PB)
    return in_turn(_one_trial, params, state, episode, settings, hyper, cell, score)


def _one_trial(
    params: Params,
    state: State,
    episode: Episode,
    settings: Force,
    hyper: Hyper,
    cell: Cell,
    score: Score,
) -> tuple[Params, State, Outcome]:
    """One trial and its updates, in plain torch: the kernel's reference."""
    drive_PBTN = drive(params, episode.input_PBTI, episode.noise_PBTN)
    x0_PBN, target, mask = episode.x0_PBN, episode.target_PBTO, episode.mask_PBTO
    scores = score(outputs(params, cell, drive_PBTN, x0_PBN), target, mask)
    fit = _learned(
        params, state, cell, drive_PBTN, x0_PBN, target[:, 0], mask[:, 0],
        updates(settings.every_s, cell.dt_s),
    )  # fmt: skip
    params = params._replace(wout_PON=fit.w_PON.to(params.w_PNN.dtype))
    return params, State(fit.p_PNN), Outcome(scores.error_PB, scores.correct_PB)


def _learned(
    params: Params,
    state: State,
    cell: Cell,
    drive_PBTN: Tensor,
    x0_PBN: Tensor,
    target_PTO: Tensor,
    mask_PTO: Tensor,
    every: Updates,
) -> Fit:
    """Readout and P after one trial (B = 1), the readout in P's precision."""
    assert params.wout_PON is not None
    a_P1N = cell.dt_s / params.tau_PN[:, None]
    fit = Fit(params.wout_PON.to(state.p_PNN.dtype), state.p_PNN)
    x = clamp(cell, x0_PBN.clone())
    r = rates(params, cell, x)
    for t in range(drive_PBTN.shape[2]):
        total = drive_PBTN[:, :, t] + r @ params.w_PNN.mT
        if params.wfb_PNO is not None:
            total = total + _output(params, cell, fit, r) @ params.wfb_PNO.mT
        x = clamp(cell, x + a_P1N * (total - x))
        r = rates(params, cell, x)
        if (t + 1) % every.steps == 0:
            wrong_PO = _output(params, cell, fit, r)[:, 0] - target_PTO[:, t]
            fit = _updated(fit, r[:, 0], wrong_PO, mask_PTO[:, t], every.weight)
    return fit


def _output(params: Params, cell: Cell, fit: Fit, r_PBN: Tensor) -> Tensor:
    """W_out(t) r, in the network's own precision."""
    now = params._replace(wout_PON=fit.w_PON.to(r_PBN.dtype))
    return readout(now, cell, r_PBN[:, :, None])[:, :, 0]


def _updated(
    fit: Fit, r_PN: Tensor, wrong_PO: Tensor, scored_PO: Tensor, weight: float
) -> Fit:
    """One update where an output is scored; another output keeps its weights."""
    precise = fit.p_PNN.dtype
    r_PN = torch.where(scored_PO.any(1, keepdim=True), r_PN, 0.0).to(precise)
    wrong_PO = torch.where(scored_PO, wrong_PO, 0.0).to(precise)
    return after_sample(fit, weight**0.5 * r_PN, weight**0.5 * wrong_PO)
