"""Back-propagation through time with Adam, one setting of each per network.

Loss of a network: the mean over its B trials and their scored steps and outputs of
(output - target)^2.  Losses are never averaged over networks.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, NamedTuple

import torch
from pydantic import Field, field_validator
from torch import Tensor

from popnet.config import Network, PerNetwork, RuleSettings
from popnet.config.settings import Inconsistent
from popnet.core.backward import Gradients, gradients
from popnet.core.cell import Cell, Params
from popnet.core.constraints import project
from popnet.core.optimisers import AdamSettings, AdamState, adam, clip_norm
from popnet.core.rollout import drive, readout, rollout
from popnet.core.scoring import Score
from popnet.rules.learning import Episode, Hyper, Outcome

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
    weight_copies: ClassVar[int] = 4
    activity_copies: ClassVar[int] = 12

    name: Literal["bptt"] = "bptt"  # type: ignore[assignment]
    learning_rate: Annotated[float, PerNetwork, Field(ge=0)] = 1e-3
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
        """Each part once, in one order: the same networks have the same key."""
        if trains is None:
            return None
        return tuple(part for part in LEAVES if part in trains)  # type: ignore[misc]

    def fitted(self, network: Network) -> BPTT:
        """With ``trains`` written out, and possible in this network."""
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


def init(params: Params, settings: BPTT, hyper: Hyper, types: int) -> State:
    """Moments 0."""
    moments: dict[str, Tensor | None] = {
        field: None for field in State._fields if field != "steps_P"
    }
    for leaf in _trained(params, settings):
        value = getattr(params, leaf)
        moments[f"{_prefix(leaf)}_mean"] = torch.zeros_like(value)
        moments[f"{_prefix(leaf)}_square"] = torch.zeros_like(value)
    return State(torch.zeros_like(params.tau_PN[:, 0]), **moments)


def loss_gradients(
    params: Params, episode: Episode, cell: Cell
) -> tuple[Tensor, Gradients]:
    """Each network's outputs [P, B, T, O] and the gradients of its own loss."""
    driven = drive(params, episode.input_PBTI, episode.current_PBTN)
    activity = rollout(params, cell, driven, episode.x0_PBN)
    output = readout(params, cell, activity.r_PBSN[:, :, 1:])
    mask = episode.mask_PBTO
    scored = mask.sum((1, 2, 3), keepdim=True)
    error = 2 * (output - episode.target_PBTO) * mask / scored
    return output, gradients(params, cell, activity, episode.input_PBTI, error)


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
    output, by_leaf = loss_gradients(params, episode, cell)
    scores = score(output, episode.target_PBTO, episode.mask_PBTO)
    leaves = _trained(params, settings)
    clipped, _ = clip_norm([getattr(by_leaf, n) for n in leaves], hyper["clip"])
    steps_P = state.steps_P + 1
    constants = AdamSettings(
        *(hyper[k] for k in ("learning_rate", "beta1", "beta2", "epsilon"))
    )
    changed: dict[str, Tensor] = {}
    moments: dict[str, Tensor] = {"steps_P": steps_P}
    for leaf, gradient in zip(leaves, clipped, strict=True):
        name = _prefix(leaf)
        old = AdamState(
            getattr(state, f"{name}_mean"), getattr(state, f"{name}_square")
        )
        value = getattr(params, leaf)
        changed[leaf], new = adam(value, gradient, old, constants, steps_P)
        moments[f"{name}_mean"], moments[f"{name}_square"] = new
    if "tau_PN" in changed:
        # below one step the Euler scheme overshoots
        changed["tau_PN"] = changed["tau_PN"].clamp(min=cell.dt_s)
    params = project(params._replace(**changed))
    outcome = Outcome(scores.error_PB, scores.correct_PB)
    return params, state._replace(**moments), outcome
