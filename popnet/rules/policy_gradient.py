"""Policy gradient: decisions drawn from the output, reward at the end of the trial.

REINFORCE (Williams, Mach Learn 1992;8:229) with a learned baseline, for recurrent
networks after Song, Yang & Wang, eLife 2017;6:e21492.  In a window w of a trial, an
unbroken run of steps at which a decision is asked for, an output o decides between +
and -, with zbar its mean over the window and beta ``inverse_temperature``:

    p_wo = 1 / (1 + exp(-beta zbar_wo)),   a_wo ~ Bernoulli(p_wo)

Where the task asks for a class, the outputs z_o of the last scored step are one
decision between all of them: p_o = exp(beta z_o) / sum_k exp(beta z_k), a ~ p.  The
decisions drawn are scored as the task scores an output; the trial's reward R is 1 if
that is correct, else 0.  With B trials in a batch, b_k the baseline of trial type k,
and H the entropy of a trial's decisions, the network goes down the gradient of

    -(1 / B) sum_trials [ (R - b_k) sum_wo log p(a_wo) + entropy H ]

with R - b_k taken as given, through all time steps, and after it, Rbar_k being the mean
reward of the batch's trials of type k,

    b_k <- b_k + baseline_rate (Rbar_k - b_k)

Of the target it reads where a decision is asked for and how large an output has to be;
the sign or the class acts through the reward alone.  There is one reward, at the end of
the trial, so nothing to discount.

The paper's agent acts at every step and has gated units, and its baseline is a second
network that reads the first.  Here the network is that of all rules, and the baseline a
mean per trial type, as in rule reward_hebbian.  What a step reports is the score of the
output itself, whose sign is the likelier decision.  P networks, B trials, T steps,
O outputs, W windows, K trial types.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, field_validator
from torch import Tensor

from popnet import kernels
from popnet.config import Network, NetworkConfig, PerNetwork
from popnet.core.backward import Gradients, gradients
from popnet.core.cell import Cell, Params
from popnet.core.constraints import project
from popnet.core.impulses import currents
from popnet.core.optimisers import along
from popnet.core.rollout import drive, readout, rollout
from popnet.core.scoring import Score
from popnet.rules._decisions import drawn_classes, drawn_signs
from popnet.rules._descent import State, at_rest, stepped
from popnet.rules._rule import Episode, Hyper, Outcome, Published, refuse_feedback
from popnet.rules._trained_parts import LEAVES, in_order, possible
from popnet.rules.bptt import Penalties
from popnet.seeding import Seed

Part = Literal["recurrent", "input", "readout", "bias"]
DEFAULT: tuple[Part, ...] = ("recurrent", "input", "readout", "bias")


class PolicyGradient(Published):
    """Defaults: rate, clip and Adam of the published code; the batch is ours."""

    reference: ClassVar[str] = "Williams 1992; Song, Yang & Wang 2017, eLife 6:e21492"
    summary: ClassVar[str] = "REINFORCE: reward of drawn decisions, baseline, Adam"
    takes_feedback: ClassVar[bool] = False
    decisions_alone: ClassVar[bool] = True
    example: ClassVar[dict[str, Any]] = {
        "learning_rate": 0.003,
        "batch_trials": 8,
        "inverse_temperature": 3.0,
    }
    network_defaults: ClassVar[dict[str, Any]] = {
        "readout": {"kind": "linear"},
        "clamped": {},
    }
    state_copies: ClassVar[int] = 2
    dt_tolerance: ClassVar[float] = 0.2  # Adam divides a gradient by its own size
    weight_copies: ClassVar[int] = 9
    activity_copies: ClassVar[int] = 14
    kernel_copies: ClassVar[int] = 2

    name: Literal["policy_gradient"] = "policy_gradient"  # type: ignore[assignment]
    learning_rate: Annotated[float, PerNetwork, Field(ge=0)] = 0.004
    baseline_rate: Annotated[
        float, PerNetwork, Field(ge=0, le=1, description="per batch; 0: no baseline")
    ] = 0.1
    inverse_temperature: Annotated[
        float, PerNetwork, Field(gt=0, description="beta: how sure an output of 1 is")
    ] = 1.0
    entropy: Annotated[
        float, PerNetwork, Field(ge=0, description="reward for undecidedness, per nat")
    ] = 0.0
    beta1: Annotated[float, PerNetwork, Field(ge=0, lt=1)] = 0.9
    beta2: Annotated[float, PerNetwork, Field(ge=0, lt=1)] = 0.999
    epsilon: Annotated[float, PerNetwork, Field(gt=0)] = 1e-8
    clip: Annotated[
        float, PerNetwork, Field(gt=0, description="largest norm of the gradient")
    ] = 1.0
    batch_trials: Annotated[int, Field(ge=1, description="B, per step")] = 32
    trains: Annotated[
        tuple[Part, ...] | None,
        Field(
            strict=False,
            min_length=1,
            description="what is trained; default recurrent, input, bias and, where "
            "there is one, a linear readout",
        ),
    ] = None

    @field_validator("trains")
    @classmethod
    def _in_order(cls, trains: tuple[Part, ...] | None) -> tuple[Part, ...] | None:
        return in_order(trains)

    def fitted(self, network: Network) -> PolicyGradient:
        """With ``trains`` written out, and possible in this network."""
        refuse_feedback(network, self.name)
        trains = possible(self.trains, DEFAULT, network)
        return self.model_copy(update={"trains": trains})

    @property
    def batch(self) -> int:
        """Trials per step."""
        return self.batch_trials


def draws(
    config: NetworkConfig, seed: Seed, trial: int
) -> dict[str, NDArray[np.generic]]:
    """u ~ U(0, 1) by which each decision of a batch is drawn, [W, B, O].

    Named by what the task's decisions are between.  Window after window, so that the
    first ones do not depend on the time step.
    """
    steps = config.task.steps(config.network.dt_s)
    # between two windows there is a step that is not scored
    shape = ((steps + 1) // 2, config.rule.batch, config.task.outputs)
    u_WBO = seed.stream("rule/decisions", trial).random(shape, dtype=np.float32)
    return {str(config.task.decides): u_WBO}


def init(
    params: Params,
    settings: PolicyGradient,
    hyper: Hyper,
    types: int,
    seeds: Sequence[Seed],
) -> State:
    """Moments 0, and the baseline of every trial type 0."""
    state = at_rest(params, _trained(params, settings), adam=True)
    return state._replace(baseline_PK=params.tau_PN.new_zeros(len(seeds), types))


def _trained(params: Params, settings: PolicyGradient) -> list[str]:
    """Names of the trained tensors (a unit readout has no weights)."""
    parts = DEFAULT if settings.trains is None else settings.trains
    names = [LEAVES[part] for part in parts]
    return [name for name in names if getattr(params, name) is not None]


class Learned(NamedTuple):
    """What a batch teaches."""

    output_PBTO: Tensor
    by_leaf: Gradients
    reward_PB: Tensor


def decided(
    output: Tensor,
    state: State,
    episode: Episode,
    hyper: Hyper,
    score: Score,
) -> tuple[Tensor, Tensor]:
    """dL/d output [P, B, T, O], and the rewards, of decisions drawn from the output."""
    assert state.baseline_PK is not None and episode.drawn is not None
    ((choice, u_PWBO),) = episode.drawn.items()
    draw = drawn_signs if choice == "signs" else drawn_classes
    drawn = draw(output, episode, u_PWBO, hyper["inverse_temperature"])
    scores = score(drawn.answer_PBTO, episode.target_PBTO, episode.mask_PBTO)
    reward_PB = scores.correct_PB.to(output.dtype)
    advantage_PB = reward_PB - state.baseline_PK.gather(1, episode.type_PB)
    gain = advantage_PB[:, :, None, None] * drawn.score_PBTO
    gain = gain + along(hyper["entropy"], gain) * drawn.entropy_slope_PBTO
    return -gain / output.shape[1], reward_PB


def policy_gradients(
    params: Params,
    state: State,
    episode: Episode,
    hyper: Hyper,
    cell: Cell,
    score: Score,
) -> Learned:
    """Outputs of a batch, gradients of the loss above, and the rewards.

    In plain torch: the compiled path's reference.
    """
    steps = episode.input_PBTI.shape[2]
    current = currents(episode.noise_PBTN, episode.impulses, episode.x0_PBN, steps)
    driven = drive(params, episode.input_PBTI, current)
    activity = rollout(params, cell, driven, episode.x0_PBN)
    output = readout(params, cell, activity.r_PBSN[:, :, 1:])
    error, reward_PB = decided(output, state, episode, hyper, score)
    by_leaf = gradients(
        params, cell, activity, episode.input_PBTI, error, drive_PBTN=driven
    )
    return Learned(output, by_leaf, reward_PB)


def compiled_policy_gradients(
    params: Params,
    state: State,
    episode: Episode,
    hyper: Hyper,
    cell: Cell,
    score: Score,
) -> Learned:
    """The same by the kernels of frozen networks and of rule bptt, in turn.

    That of bptt goes down the slope 2 (output - target) / S of a squared error, S the
    number of scored steps and outputs: it is given the target that makes this the error
    wanted.
    """
    output = kernels.outputs(
        params, cell, episode.input_PBTI, episode.noise_PBTN, episode.impulses,
        episode.x0_PBN,
    )  # fmt: skip
    error, reward_PB = decided(output, state, episode, hyper, score)
    scored_P111 = episode.mask_PBTO.sum((1, 2, 3), keepdim=True)
    asked = episode._replace(target_PBTO=output - error * scored_P111 / 2)
    none_P = torch.zeros_like(hyper["learning_rate"])
    penalties = Penalties(none_P, none_P, none_P)
    output, by_leaf = kernels.loss_gradients(params, asked, cell, penalties, False)
    return Learned(output, by_leaf, reward_PB)


def step(
    params: Params,
    state: State,
    episode: Episode,
    settings: PolicyGradient,
    hyper: Hyper,
    cell: Cell,
    score: Score,
) -> tuple[Params, State, Outcome]:
    """One batch of trials, one step of Adam, and the baselines after it."""
    fast = kernels.fast(params.w_PNN, cell)
    learn = compiled_policy_gradients if fast else policy_gradients
    learned = learn(params, state, episode, hyper, cell, score)
    leaves, by_leaf = _trained(params, settings), learned.by_leaf._asdict()
    changed, state = stepped(params, state, by_leaf, leaves, hyper, True, False)
    baseline_PK = expected(state, episode, learned.reward_PB, hyper["baseline_rate"])
    scores = score(learned.output_PBTO, episode.target_PBTO, episode.mask_PBTO)
    outcome = Outcome(scores.error_PB, scores.correct_PB)
    params = project(params._replace(**changed))
    return params, state._replace(baseline_PK=baseline_PK), outcome


def expected(
    state: State, episode: Episode, reward_PB: Tensor, rate_P: Tensor
) -> Tensor:
    """b_k + baseline_rate (Rbar_k - b_k) for the types k in the batch, [P, K]."""
    before_PK = state.baseline_PK
    assert before_PK is not None
    none_PK, kind_PB = torch.zeros_like(before_PK), episode.type_PB
    total_PK = none_PK.scatter_add(1, kind_PB, reward_PB)
    count_PK = none_PK.scatter_add(1, kind_PB, torch.ones_like(reward_PB))
    mean_PK = torch.where(count_PK > 0, total_PK / count_PK.clamp(min=1), before_PK)
    return before_PK + rate_P[:, None] * (mean_PK - before_PK)
