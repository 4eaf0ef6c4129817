"""Reward-modulated Hebbian learning with exploratory impulses.

Miconi, eLife 2017;6:e20899.  Within a trial, with d(t) = x(t) - xbar(t):

    xbar(t+1) = a_x xbar(t) + (1 - a_x) x(t)
    e_ij = sum_t S(r_j(t-1) d_i(t)),   S(z) = z^3                          (eq. 1)

or, knowing the impulses p_i(t) that arrived (node perturbation: Fiete & Seung, Phys Rev
Lett 2006;97:048104; METHOD=NODEPERT of the published code):

    e_ij = sum_t r_j(t-1) p_i(t) dt / ms

and after it, with m the trial's mean error and m_k the running mean of its type k:

    dJ = clip(-eta m_k (m - m_k) e, +-max_update),  m_k <- a m_k + (1 - a) m

S acts on a product, so e = (d^3)' (r^3): one matrix product per trial, exactly.  The
factor m_k stands in the published code, not in the paper.

In the first of these sums t counts samples of x, see ``rules._trace``.  P networks, T
steps, N units, K trial types; B trials, learned from one after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

import torch
from pydantic import Field, model_validator
from torch import Tensor

from popnet import kernels
from popnet.config import Impulses, Network, PerNetwork, RuleSettings, only_with
from popnet.config.settings import Inconsistent
from popnet.core.cell import Cell, Params
from popnet.core.constraints import project
from popnet.core.impulses import currents
from popnet.core.optimisers import along
from popnet.core.rollout import drive, readout
from popnet.core.scoring import Score, mean_error
from popnet.core.time_steps import sampled
from popnet.rules._rule import (
    MATCHED,
    Episode,
    Hyper,
    Outcome,
    in_turn,
    refuse_feedback,
    refuse_rate_form,
)
from popnet.rules._trace import Samples, Trace, samples_of, trace_factors
from popnet.seeding import Seed

CODE_IMPULSES = {"rate_hz": 3.0, "amplitude": 16.0, "into": "drive", "quiet_s": 0.004}


class RewardHebbian(RuleSettings):
    """Defaults: the published code.  Preset ``paper``: the constants of the text.

    Preset ``node_perturbation``: the published code with METHOD=NODEPERT.
    """

    reference: ClassVar[str] = "Miconi 2017, eLife 6:e20899"
    summary: ClassVar[str] = "reward-modulated Hebbian learning, one update per trial"
    sequential: ClassVar[bool] = True
    forms: ClassVar[tuple[str, ...]] = ("current",)
    takes_feedback: ClassVar[bool] = False
    example: ClassVar[dict[str, Any]] = {
        "learning_rate": 1.0,
        "max_update": 3e-3,
        "wait_trials": 20,
        "exploration": {"rate_hz": 10.0, "amplitude": 16.0, "quiet_s": 0.004},
    }
    network_defaults: ClassVar[dict[str, Any]] = {
        "clamped": {1: 1.0, 10: 1.0, 11: -1.0},
        "readout": {"kind": "unit", "unit": 0},
    }
    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "published_code": {},
        "paper": {
            "learning_rate": 0.5,
            "max_update": 1e-4,
            "baseline_decay": 0.33,
            "error_factor": False,
            "exploration": CODE_IMPULSES | {"amplitude": 15.0},
        },
        "node_perturbation": {"trace": "node_perturbation", "learning_rate": 1e-3},
        "matched": {},
    }
    preset_networks: ClassVar[dict[str, dict[str, Any]]] = {"matched": MATCHED}

    name: Literal["reward_hebbian"] = "reward_hebbian"  # type: ignore[assignment]
    preset: Annotated[
        Literal["published_code", "paper", "node_perturbation", "matched"],
        PerNetwork,
        Field(description="where settings not given come from"),
    ] = "published_code"
    learning_rate: Annotated[float, PerNetwork, Field(ge=0, description="eta")] = 0.1
    max_update: Annotated[
        float, PerNetwork, Field(ge=0, description="largest change of a weight a trial")
    ] = 3e-4
    baseline_decay: Annotated[
        float, PerNetwork, Field(ge=0, lt=1, description="a, per trial of a type")
    ] = 0.75
    state_decay_per_ms: Annotated[
        float,
        PerNetwork,
        Field(ge=0, lt=1, description="a_x of samples 1 ms apart; else to a power"),
    ] = 0.05
    error_factor: Annotated[
        bool, PerNetwork, Field(description="multiply by m_k (code) or not (paper)")
    ] = True
    trace: Annotated[
        Trace,
        Field(description="S(z): z^3 or z |z|; or the impulses themselves"),
    ] = "cube"
    wait_trials: Annotated[
        int, PerNetwork, Field(ge=0, description="no learning in the first trials")
    ] = 101
    trace_every_s: Annotated[
        float,
        Field(gt=0, le=1, description="between samples of x; published: one step"),
    ] = 0.001
    skip_s: Annotated[
        float, Field(ge=0, description="no trace before this time of a trial")
    ] = 0.003
    exploration: Impulses = Impulses(**CODE_IMPULSES)  # type: ignore[arg-type]

    @model_validator(mode="after")
    def _used(self) -> RewardHebbian:
        # a trace of the impulses looks at no x
        only_with(
            self, "trace", ["cube", "signed_square"], "trace_every_s",
            "state_decay_per_ms",
        )  # fmt: skip
        return self

    @property
    def impulses(self) -> Impulses:
        """They stay on in testing (Miconi 2017)."""
        return self.exploration

    def fitted(self, network: Network) -> RewardHebbian:
        """The same, for the current form without feedback alone.

        Samples and steps have to fit into each other.
        """
        refuse_feedback(network, self.name)
        refuse_rate_form(network, self.name)
        every_s, dt_s = self.trace_every_s, network.dt_s
        if self.trace != "node_perturbation" and sampled(every_s, dt_s) is None:
            raise Inconsistent(
                "network.dt_s",
                f"got {dt_s:g}; rule {self.name} samples x every {every_s:g} s, and "
                "one has to be a multiple of the other; use another dt_s, or set "
                "rule.trace_every_s",
                "rule",
            )
        return self


class State(NamedTuple):
    """What the rule carries from trial to trial."""

    baseline_PK: Tensor
    xbar_PN: Tensor
    """Not reset between trials, as in the published code."""


def samples_in(settings: RewardHebbian, dt_s: float) -> Samples:
    """The samples of which the trace of a network with this time step is the sum."""
    return samples_of(settings.trace, settings.trace_every_s, settings.skip_s, dt_s)


def init(
    params: Params,
    settings: RewardHebbian,
    hyper: Hyper,
    types: int,
    seeds: Sequence[Seed],
) -> State:
    """Baselines 0 per trial type, running mean of x 0."""
    zeros_PN = torch.zeros_like(params.tau_PN)
    return State(zeros_PN.new_zeros(len(zeros_PN), types), zeros_PN)


def step(
    params: Params,
    state: State,
    episode: Episode,
    settings: RewardHebbian,
    hyper: Hyper,
    cell: Cell,
    score: Score,
) -> tuple[Params, State, Outcome]:
    """B trials one after the other, with the update after each."""
    if kernels.fast(params.w_PNN, cell):
        w_PNN, baseline_PK, xbar_PN, error_PB, correct_PB = kernels.learn_by_reward(
            params, state, episode, samples_in(settings, cell.dt_s), settings.trace,
            hyper, cell, score,
        )  # fmt: skip
        learned = State(baseline_PK, xbar_PN)
        return params._replace(w_PNN=w_PNN), learned, Outcome(error_PB, correct_PB)
    return in_turn(_one_trial, params, state, episode, settings, hyper, cell, score)


def _one_trial(
    params: Params,
    state: State,
    episode: Episode,
    settings: RewardHebbian,
    hyper: Hyper,
    cell: Cell,
    score: Score,
) -> tuple[Params, State, Outcome]:
    """One trial and the update after it, in plain torch: the kernel's reference."""
    impulses_PTN = _impulse_current(episode)
    drive_PBTN = drive(params, episode.input_PBTI, episode.noise_PBTN)
    drive_PTN = drive_PBTN[:, 0] + impulses_PTN
    factors = trace_factors(
        params, cell, drive_PTN, impulses_PTN, episode.x0_PBN[:, 0], state.xbar_PN,
        hyper["state_decay_per_ms"], samples_in(settings, cell.dt_s), settings.trace,
    )  # fmt: skip
    output = readout(params, cell, factors.r_PTN[:, None])
    scores = score(output, episode.target_PBTO, episode.mask_PBTO)
    # the reward, whatever the task's own error is
    reward = mean_error(output, episode.target_PBTO, episode.mask_PBTO)
    error_P = reward[:, 0]
    kind_P1 = episode.type_PB
    before_P = state.baseline_PK.gather(1, kind_P1)[:, 0]
    factor_P = torch.where(hyper["error_factor"] > 0, before_P, 1.0)
    size_P = -hyper["learning_rate"] * factor_P * (error_P - before_P)
    learns_P = episode.trial_P >= hyper["wait_trials"]
    trace_PNN = torch.bmm(factors.post_PSN.mT, factors.pre_PSN)
    limit = along(hyper["max_update"], trace_PNN)
    change = (along(size_P, trace_PNN) * trace_PNN).clamp(-limit, limit)
    w_PNN = torch.where(along(learns_P, change), params.w_PNN + change, params.w_PNN)
    decay_P = hyper["baseline_decay"]
    after_P = decay_P * before_P + (1 - decay_P) * error_P
    baseline_PK = state.baseline_PK.scatter(1, kind_P1, after_P[:, None])
    params = project(params._replace(w_PNN=w_PNN))
    outcome = Outcome(scores.error_PB, scores.correct_PB)
    return params, State(baseline_PK, factors.xbar_PN), outcome


def _impulse_current(episode: Episode) -> Tensor:
    """The impulses of a single trial (B = 1), [P, T, N]."""
    x0_PBN, steps = episode.x0_PBN, episode.input_PBTI.shape[2]
    made_PBTN = currents(None, episode.impulses, x0_PBN, steps)
    if made_PBTN is None:
        return x0_PBN.new_zeros(len(x0_PBN), steps, x0_PBN.shape[2])
    return made_PBTN[:, 0]
