"""Back-propagation through time, Adam or plain steps, with settings per network.

Loss of a network, with its own strength of each penalty:

    mean (output - target)^2 + l1 sum |W| + l2 sum W^2 + nuclear sum_i s_i(W)
        + rate_penalty mean r^2

the first mean over its B trials and their scored steps and outputs, the last over all
trials, steps and units; W are the recurrent weights, s_i their singular values.  Losses
are never averaged over networks.  ``parametrisation: mean_field`` trains with the
strength of feature learning ``gamma``, see ``core.feature_learning``.

Time constants are trained as log tau, by a rate and a clip of their own and within
bounds: a step changes them by a share of themselves, whatever their unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import Field, field_validator, model_validator
from torch import Tensor

from popnet import kernels
from popnet.config import Network, PerNetwork, only_with
from popnet.config.settings import Inconsistent
from popnet.core.backward import Gradients, gradients
from popnet.core.cell import Cell, Params
from popnet.core.constraints import project
from popnet.core.feature_learning import with_small_readout
from popnet.core.impulses import currents
from popnet.core.nuclear_norm import nuclear_slope
from popnet.core.optimisers import along
from popnet.core.rollout import drive, readout, rollout
from popnet.core.scoring import Score
from popnet.kernels.graphs import recording
from popnet.rules._descent import State, at_rest, stepped
from popnet.rules._rule import Episode, Hyper, Outcome, Published, refuse_feedback
from popnet.rules._trained_parts import (
    LEAVES,
    TauBounds,
    in_order,
    only_where_trained,
    possible,
)
from popnet.seeding import Seed

Part = Literal["recurrent", "input", "readout", "bias", "time_constants"]
DEFAULT: tuple[Part, ...] = ("recurrent", "input", "readout", "bias")
TAU_SETTINGS = ("tau_learning_rate", "tau_min_s", "tau_max_s")


class BPTT(Published):
    """Adam (Kingma & Ba 2015), or plain steps, on gradients through all time steps."""

    reference: ClassVar[str] = "Werbos 1990; Kingma & Ba 2015"
    summary: ClassVar[str] = "back-propagation through time, Adam or plain steps"
    takes_feedback: ClassVar[bool] = False
    example: ClassVar[dict[str, Any]] = {"learning_rate": 0.003, "batch_trials": 8}
    network_defaults: ClassVar[dict[str, Any]] = {
        "readout": {"kind": "linear"},
        "clamped": {},
    }
    state_copies: ClassVar[int] = 2
    dt_tolerance: ClassVar[float] = 0.2  # Adam divides a gradient by its own size
    weight_copies: ClassVar[int] = 9
    activity_copies: ClassVar[int] = 14
    kernel_copies: ClassVar[int] = 2

    name: Literal["bptt"] = "bptt"  # type: ignore[assignment]
    optimiser: Annotated[
        Literal["adam", "sgd"],
        Field(description="sgd: learning_rate times the clipped gradient"),
    ] = "adam"
    parametrisation: Annotated[
        Literal["standard", "mean_field"],
        Field(description="mean_field: what gamma means (Huang et al. 2025)"),
    ] = "standard"
    gamma: Annotated[
        float,
        PerNetwork,
        Field(gt=0, description="readout / (gamma sqrt(N)) at first, rate * gamma"),
    ] = 1.0
    learning_rate: Annotated[float, PerNetwork, Field(ge=0)] = 1e-3
    beta1: Annotated[float, PerNetwork, Field(ge=0, lt=1)] = 0.9
    beta2: Annotated[float, PerNetwork, Field(ge=0, lt=1)] = 0.999
    epsilon: Annotated[float, PerNetwork, Field(gt=0)] = 1e-8
    tau_learning_rate: Annotated[
        float, PerNetwork, Field(ge=0, description="of log tau, with time_constants")
    ] = 1e-3
    tau_min_s: Annotated[
        float | None,
        PerNetwork,
        Field(gt=0, description="least trained time constant; default 2 dt_s"),
    ] = None
    tau_max_s: Annotated[
        float, PerNetwork, Field(gt=0, description="largest trained time constant")
    ] = 1.0
    clip: Annotated[
        float,
        PerNetwork,
        Field(gt=0, description="largest norm of the gradient; of log tau apart"),
    ] = 1.0
    l1: Annotated[
        float, PerNetwork, Field(ge=0, description="times sum |W|, recurrent weights")
    ] = 0.0
    l2: Annotated[
        float, PerNetwork, Field(ge=0, description="times sum W^2, recurrent weights")
    ] = 0.0
    nuclear: Annotated[
        float,
        PerNetwork,
        Field(ge=0, description="times the sum of the singular values of W"),
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
        return in_order(trains)

    @model_validator(mode="after")
    def _used(self) -> BPTT:
        if self.optimiser == "sgd" and self.parametrisation == "mean_field":
            text = "the learning rates of mean_field are those of Adam; use adam"
            raise Inconsistent("optimiser", text, "parametrisation")
        only_with(self, "optimiser", ["adam"], "beta1", "beta2", "epsilon")
        only_with(self, "parametrisation", ["mean_field"], "gamma")
        TauBounds(self.tau_min_s, self.tau_max_s).check_order()
        if "time_constants" not in (self.trains or ()):
            only_where_trained(self, "time_constants", *TAU_SETTINGS)
        return self

    def fitted(self, network: Network) -> BPTT:
        """With ``trains`` written out, and possible in this network."""
        refuse_feedback(network, self.name)
        linear = network.readout.kind == "linear"
        if self.parametrisation == "mean_field" and not linear:
            raise Inconsistent(
                "rule.parametrisation",
                "mean_field is about the weights of a readout, and one of kind unit "
                "has none; use network.readout: {kind: linear}",
                "network.readout",
            )
        trains = possible(self.trains, DEFAULT, network)
        if "time_constants" in trains and network.noise.recurrent > 0:
            raise Inconsistent(
                "rule.trains",
                "time_constants cannot be trained under recurrent noise, whose size "
                "depends on them: that part of the gradient is not there; use "
                "network.noise: {recurrent: 0}",
                "network.noise.recurrent",
            )
        found: dict[str, Any] = {"trains": trains}
        if "time_constants" in trains:
            bounds = TauBounds(self.tau_min_s, self.tau_max_s).fitted(network)
            found["tau_min_s"] = bounds.low_s
        return self.model_copy(update=found)

    @property
    def learns(self) -> bool:
        """True with a rate above 0 for the weights, or for time constants."""
        tau = "time_constants" in (self.trains or ()) and self.tau_learning_rate > 0
        return self.learning_rate > 0 or tau

    @property
    def batch(self) -> int:
        """Trials per step."""
        return self.batch_trials

    @property
    def recordable(self) -> bool:
        """Not with singular values: finding them waits for its own end."""
        return self.nuclear == 0


def _trained(params: Params, settings: BPTT) -> list[str]:
    """Names of the trained tensors (a unit readout has no weights)."""
    parts = DEFAULT if settings.trains is None else settings.trains
    names = [LEAVES[part] for part in parts]
    return [name for name in names if getattr(params, name) is not None]


def begin(params: Params, settings: BPTT, hyper: Hyper) -> Params:
    """The readout as small as ``gamma`` asks for."""
    if settings.parametrisation == "standard":
        return params
    return with_small_readout(params, hyper["gamma"])


def init(
    params: Params,
    settings: BPTT,
    hyper: Hyper,
    types: int,
    seeds: Sequence[Seed],
) -> State:
    """Moments 0."""
    return at_rest(params, _trained(params, settings), settings.optimiser == "adam")


class Penalties(NamedTuple):
    """Strengths of the penalties, one of each per network."""

    l1_P: Tensor
    l2_P: Tensor
    rate_P: Tensor


def loss_gradients(
    params: Params,
    episode: Episode,
    cell: Cell,
    penalties: Penalties,
    feedback_PON: Tensor | None = None,
) -> tuple[Tensor, Gradients]:
    """Each network's outputs [P, B, T, O] and the gradients of its own loss.

    In plain torch: the kernel's reference.  With ``feedback`` the error reaches the
    units through it, not W_out, and goes no further: see ``rules.local``.
    """
    steps = episode.input_PBTI.shape[2]
    current = currents(episode.noise_PBTN, episode.impulses, episode.x0_PBN, steps)
    driven = drive(params, episode.input_PBTI, current)
    activity = rollout(params, cell, driven, episode.x0_PBN)
    rates_PBTN = activity.r_PBSN[:, :, 1:]
    output = readout(params, cell, rates_PBTN)
    mask = episode.mask_PBTO
    scored = mask.sum((1, 2, 3), keepdim=True)
    error = 2 * (output - episode.target_PBTO) * mask / scored
    cells = rates_PBTN[0].numel()
    into_rates = along(2 * penalties.rate_P / cells, rates_PBTN) * rates_PBTN
    whole = feedback_PON is None
    through = params if whole else params._replace(wout_PON=feedback_PON)
    made = gradients(
        through, cell, activity, episode.input_PBTI, error, into_rates, whole, driven
    )
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
    """One batch of trials and one step down the gradient."""
    leaves = _trained(params, settings)
    taus = "tau_PN" in leaves
    penalties = Penalties(hyper["l1"], hyper["l2"], hyper["rate_penalty"])
    if kernels.fast(params.w_PNN, cell):
        output, by_leaf = kernels.loss_gradients(
            params, episode, cell, penalties, taus
        )  # fmt: skip
    else:
        output, by_leaf = loss_gradients(params, episode, cell, penalties)
    by_leaf = _with_nuclear(by_leaf, params.w_PNN, hyper["nuclear"])
    adam, mean_field = (
        settings.optimiser == "adam",
        settings.parametrisation == "mean_field",
    )
    changed, state = stepped(
        params, state, by_leaf._asdict(), leaves, hyper, adam, mean_field
    )
    if taus:
        low, high = (along(hyper[k], params.tau_PN) for k in ("tau_min_s", "tau_max_s"))
        changed["tau_PN"] = changed["tau_PN"].clamp(low, high)
    scores = score(output, episode.target_PBTO, episode.mask_PBTO)
    outcome = Outcome(scores.error_PB, scores.correct_PB)
    return project(params._replace(**changed)), state, outcome


def _with_nuclear(made: Gradients, w_PNN: Tensor, strength_P: Tensor) -> Gradients:
    """With the nuclear norm's part, where any of the networks has one."""
    # nothing can be asked of a tensor while a GPU records, and what it records has no
    # such part: see ``BPTT.recordable``
    if recording() or not bool((strength_P > 0).any()):
        return made
    slope = along(strength_P, w_PNN) * nuclear_slope(w_PNN)
    return made._replace(w_PNN=made.w_PNN + slope)
