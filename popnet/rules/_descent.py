"""The step down a gradient that several rules make: by Adam or plain; with gamma.

One clip, one rate and one clock per network; see ``core.optimisers`` and, for gamma,
``core.feature_learning``.  Time constants have a rate and a clip of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from popnet import kernels
from popnet.core.cell import Params
from popnet.core.feature_learning import sizes
from popnet.core.optimisers import AdamSettings, AdamState, along, descend, sgd
from popnet.rules._rule import Hyper


class State(NamedTuple):
    """Adam's moments; None for what is not trained, and for plain steps."""

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
    feedback_PON: Tensor | None = None
    """The weights by which a local rule broadcasts errors, see ``rules.local``."""
    baseline_PK: Tensor | None = None
    """The reward that a rule expects of each trial type, see ``policy_gradient``."""


def at_rest(params: Params, leaves: list[str], adam: bool) -> State:
    """Moments 0."""
    moments: dict[str, Tensor | None] = {
        field: None for field in State._fields if field != "steps_P"
    }
    for leaf in leaves if adam else []:
        value = getattr(params, leaf)
        moments[f"{_prefix(leaf)}_mean"] = torch.zeros_like(value)
        moments[f"{_prefix(leaf)}_square"] = torch.zeros_like(value)
    return State(torch.zeros_like(params.tau_PN[:, 0]), **moments)


def _prefix(leaf: str) -> str:
    return leaf.split("_", 1)[0]


def stepped(
    params: Params,
    state: State,
    by_leaf: Mapping[str, Tensor],
    leaves: list[str],
    hyper: Hyper,
    adam: bool,
    mean_field: bool,
) -> tuple[dict[str, Tensor], State]:
    """The ``leaves`` after one step, by name, and the moments.

    Of ``hyper`` it takes learning_rate and clip, for Adam beta1, beta2 and epsilon,
    for ``mean_field`` gamma, for time constants tau_learning_rate.
    """
    state = state._replace(steps_P=state.steps_P + 1)
    changed: dict[str, Tensor] = {}
    weights = [leaf for leaf in leaves if leaf != "tau_PN"]
    if weights:
        changed, state = _weights_stepped(
            params, state, by_leaf, weights, hyper, adam, mean_field
        )
    if "tau_PN" in leaves:
        tau_PN, rate_P = params.tau_PN, hyper["tau_learning_rate"]
        slope = [by_leaf["tau_PN"] * tau_PN]  # dL / d log tau
        start = [torch.zeros_like(tau_PN)]
        (step_PN,), state = _moved(start, slope, state, ["tau_PN"], hyper, rate_P, adam)
        changed["tau_PN"] = tau_PN * step_PN.exp()
    return changed, state


def _weights_stepped(
    params: Params,
    state: State,
    by_leaf: Mapping[str, Tensor],
    leaves: list[str],
    hyper: Hyper,
    adam: bool,
    mean_field: bool,
) -> tuple[dict[str, Tensor], State]:
    """Weights and biases after one step, by name, and the moments."""
    values = [getattr(params, leaf) for leaf in leaves]
    gradient = [by_leaf[leaf] for leaf in leaves]
    rate_P = hyper["learning_rate"]
    if not mean_field:
        after, state = _moved(values, gradient, state, leaves, hyper, rate_P, adam)
        return dict(zip(leaves, after, strict=True)), state
    size = sizes(hyper["gamma"], params.w_PNN.shape[1], leaves)
    gradient = [g / along(s, g) for g, s in zip(gradient, size, strict=True)]
    # steps from 0, so that what does not move keeps every bit
    start = [torch.zeros_like(value) for value in values]
    rate_P = hyper["gamma"] * rate_P
    made, state = _moved(start, gradient, state, leaves, hyper, rate_P, adam)
    columns = zip(leaves, values, made, size, strict=True)
    return {leaf: v + m / along(s, m) for leaf, v, m, s in columns}, state


def _moved(
    values: list[Tensor],
    gradient: list[Tensor],
    state: State,
    leaves: list[str],
    hyper: Hyper,
    rate_P: Tensor,
    adam: bool,
) -> tuple[list[Tensor], State]:
    """One step of the optimiser from these values, under one clip."""
    if not adam:
        return sgd(values, gradient, hyper["clip"], rate_P), state
    constants = AdamSettings(
        rate_P, *(hyper[k] for k in ("beta1", "beta2", "epsilon"))
    )  # fmt: skip
    names = [_prefix(leaf) for leaf in leaves]
    old = [
        AdamState(getattr(state, f"{name}_mean"), getattr(state, f"{name}_square"))
        for name in names
    ]
    descent = kernels.descend if kernels.fast(values[0]) else descend
    after, new = descent(
        values, gradient, old, hyper["clip"], constants, state.steps_P
    )  # fmt: skip
    moments = {f"{n}_mean": s.mean for n, s in zip(names, new, strict=True)}
    moments |= {f"{n}_square": s.square for n, s in zip(names, new, strict=True)}
    return after, state._replace(**moments)
