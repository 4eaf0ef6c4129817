"""Back-propagation through time with Adam, one setting of each per network.

Loss of a network, with its own strength of each penalty:

    mean (output - target)^2 + l1 sum |W| + l2 sum W^2 + rate_penalty mean r^2

the first mean over its B trials and their scored steps and outputs, the last over all
trials, steps and units; W are the recurrent weights.  Losses are never averaged over
networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

import torch
from pydantic import Field, field_validator
from torch import Tensor

from popnet import kernels
from popnet.config import Network, PerNetwork, RuleSettings
from popnet.config.settings import Inconsistent
from popnet.core.backward import Gradients, gradients
from popnet.core.cell import Cell, Params
from popnet.core.constraints import project
from popnet.core.kicks import currents
from popnet.core.optimisers import AdamSettings, AdamState, along, descend
from popnet.core.rollout import drive, readout, rollout
from popnet.core.scoring import Score
from popnet.rules.learning import Episode, Hyper, Outcome, refuse_feedback
from popnet.seeding import Seed

Part = Literal["recurrent", "input", "readout", "bias", "time_constants"]
LEAVES = {
    "recurrent": "w_PNN",
    "input": "win_PNI",
    "readout": "wout_PON",
    "bias": "bias_PN",
    "time_constants": "tau_PN",
}
DEFAULT: tuple[Part, ...] = ("recurrent", "input", "readout", "bias")


class BPTT(RuleSettings):
    """Adam (Kingma & Ba 2015) on gradients through all time steps."""

    reference: ClassVar[str] = "Werbos 1990; Kingma & Ba 2015"
    summary: ClassVar[str] = "back-propagation through time, Adam"
    network_defaults: ClassVar[dict[str, Any]] = {
        "readout": {"kind": "linear"},
        "clamped": {},
    }
    state_copies: ClassVar[int] = 2
    weight_copies: ClassVar[int] = 7
    activity_copies: ClassVar[int] = 12
    kernel_copies: ClassVar[int] = 2

    name: Literal["bptt"] = "bptt"  # type: ignore[assignment]
    learning_rate: Annotated[float, PerNetwork, Field(ge=0)] = 1e-3
    beta1: Annotated[float, PerNetwork, Field(ge=0, lt=1)] = 0.9
    beta2: Annotated[float, PerNetwork, Field(ge=0, lt=1)] = 0.999
    epsilon: Annotated[float, PerNetwork, Field(gt=0)] = 1e-8
    clip: Annotated[
        float, PerNetwork, Field(gt=0, description="largest norm of the gradient")
    ] = 1.0
    l1: Annotated[
        float, PerNetwork, Field(ge=0, description="times sum |W|, recurrent weights")
    ] = 0.0
    l2: Annotated[
        float, PerNetwork, Field(ge=0, description="times sum W^2, recurrent weights")
    ] = 0.0
    rate_penalty: Annotated[
        float, PerNetwork, Field(ge=0, description="times mean r^2 over all units")
    ] = 0.0
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
        """Each part once, in one order: the same networks have the same key."""
        if trains is None:
            return None
        return tuple(part for part in LEAVES if part in trains)  # type: ignore[misc]

    def fitted(self, network: Network) -> BPTT:
        """With ``trains`` written out, and possible in this network."""
        refuse_feedback(network, self.name)
        linear = network.readout.kind == "linear"
        if self.trains is None:
            parts = tuple(part for part in DEFAULT if linear or part != "readout")
            return self.model_copy(update={"trains": parts})
        if "readout" in self.trains and not linear:
            raise Inconsistent(
                "rule.trains",
                "a readout of kind unit has no weights to train; leave readout out, or "
                "use network.readout: {kind: linear}",
                "network.readout",
            )
        if "time_constants" in self.trains and network.noise.recurrent > 0:
            raise Inconsistent(
                "rule.trains",
                "time_constants cannot be trained under recurrent noise, whose size "
                "depends on them: that part of the gradient is not there; use "
                "network.noise: {recurrent: 0}",
                "network.noise.recurrent",
            )
        return self

    @property
    def batch(self) -> int:
        """Trials per step."""
        return self.batch_trials


class State(NamedTuple):
    """Adam's moments; None for what is not trained."""

    steps_P: Tensor
    w_mean: Tensor | None
    w_square: Tensor | None
    win_mean: Tensor | None
    win_square: Tensor | None
    wout_mean: Tensor | None
    wout_square: Tensor | None
    bias_mean: Tensor | None
    bias_square: Tensor | None
    tau_mean: Tensor | None
    tau_square: Tensor | None


def _trained(params: Params, settings: BPTT) -> list[str]:
    """Names of the trained tensors (a unit readout has no weights)."""
    parts = DEFAULT if settings.trains is None else settings.trains
    names = [LEAVES[part] for part in parts]
    return [name for name in names if getattr(params, name) is not None]


def _prefix(leaf: str) -> str:
    return leaf.split("_", 1)[0]


def init(
    params: Params,
    settings: BPTT,
    hyper: Hyper,
    types: int,
    seeds: Sequence[Seed],
) -> State:
    """Moments 0."""
    moments: dict[str, Tensor | None] = {
        field: None for field in State._fields if field != "steps_P"
    }
    for leaf in _trained(params, settings):
        value = getattr(params, leaf)
        moments[f"{_prefix(leaf)}_mean"] = torch.zeros_like(value)
        moments[f"{_prefix(leaf)}_square"] = torch.zeros_like(value)
    return State(torch.zeros_like(params.tau_PN[:, 0]), **moments)


class Penalties(NamedTuple):
    """Strengths of the penalties, one of each per network."""

    l1_P: Tensor
    l2_P: Tensor
    rate_P: Tensor


def loss_gradients(
    params: Params, episode: Episode, cell: Cell, penalties: Penalties
) -> tuple[Tensor, Gradients]:
    """Each network's outputs [P, B, T, O] and the gradients of its own loss.

    In plain torch: the kernel's reference.
    """
    like = episode.x0_PBN[:, :, None].expand(-1, -1, episode.input_PBTI.shape[2], -1)
    current = currents(episode.noise_PBTN, episode.kicks, like)
    driven = drive(params, episode.input_PBTI, current)
    activity = rollout(params, cell, driven, episode.x0_PBN)
    rates_PBTN = activity.r_PBSN[:, :, 1:]
    output = readout(params, cell, rates_PBTN)
    mask = episode.mask_PBTO
    scored = mask.sum((1, 2, 3), keepdim=True)
    error = 2 * (output - episode.target_PBTO) * mask / scored
    cells = rates_PBTN[0].numel()
    into_rates = along(2 * penalties.rate_P / cells, rates_PBTN) * rates_PBTN
    made = gradients(params, cell, activity, episode.input_PBTI, error, into_rates)
    w_PNN = params.w_PNN
    penalty = along(penalties.l1_P, w_PNN) * w_PNN.sign()
    penalty = penalty + along(2 * penalties.l2_P, w_PNN) * w_PNN
    return output, made._replace(w_PNN=made.w_PNN + penalty)


def step(
    params: Params,
    state: State,
    episode: Episode,
    settings: BPTT,
    hyper: Hyper,
    cell: Cell,
    score: Score,
) -> tuple[Params, State, Outcome]:
    """One batch of trials and one step of Adam."""
    leaves = _trained(params, settings)
    taus = "tau_PN" in leaves
    penalties = Penalties(hyper["l1"], hyper["l2"], hyper["rate_penalty"])
    if kernels.fast(params.w_PNN):
        output, by_leaf = kernels.loss_gradients(
            params, episode, cell, penalties, taus
        )  # fmt: skip
        descent = kernels.descend
    else:
        output, by_leaf = loss_gradients(params, episode, cell, penalties)
        descent = descend
    steps_P = state.steps_P + 1
    constants = AdamSettings(
        *(hyper[k] for k in ("learning_rate", "beta1", "beta2", "epsilon"))
    )
    names = [_prefix(leaf) for leaf in leaves]
    old = [
        AdamState(getattr(state, f"{name}_mean"), getattr(state, f"{name}_square"))
        for name in names
    ]
    values, gradient = (
        [getattr(of, leaf) for leaf in leaves] for of in (params, by_leaf)
    )
    after, new = descent(values, gradient, old, hyper["clip"], constants, steps_P)
    changed = dict(zip(leaves, after, strict=True))
    if taus:
        # below one step the Euler scheme overshoots
        changed["tau_PN"] = changed["tau_PN"].clamp(min=cell.dt_s)
    moments = {f"{n}_mean": s.mean for n, s in zip(names, new, strict=True)}
    moments |= {f"{n}_square": s.square for n, s in zip(names, new, strict=True)}
    scores = score(output, episode.target_PBTO, episode.mask_PBTO)
    outcome = Outcome(scores.error_PB, scores.correct_PB)
    params = project(params._replace(**changed))
    return params, state._replace(steps_P=steps_P, **moments), outcome
