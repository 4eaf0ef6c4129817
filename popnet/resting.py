"""The fixed points of networks in memory, at constant inputs.

P networks, L inputs, F points, I inputs, N units.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from popnet.config import ConfigError
from popnet.config.reading import shown
from popnet.core.cell import Params, closed, pick
from popnet.core.draw import cell_of
from popnet.dynamics.points import Points, points
from popnet.dynamics.starts import visited
from popnet.engine.episodes import initial_states
from popnet.engine.evaluate import common_trials
from popnet.nets import Nets, plain
from popnet.plan import PlannedNetwork

Array = NDArray[np.float64]


def fixed_points(
    nets: Nets, inputs: str | ArrayLike = "rest", starts: int = 100, trials: int = 1
) -> list[list[Points]]:
    """Return the fixed points of each network at each constant input, [P][L].

    f(x) = -x + W phi(slope (x - threshold)) + W_in u + b = 0, or the rate form of it,
    see ``popnet.core.autonomous``.  ``inputs``: u, [L, I], or "rest" for those that the
    task declares.  From ``starts`` states each: half are visited in ``trials`` trials
    per trial type, half lie in a box around these; what none leads to is not found.
    Points are told apart by 1/1,000 of the spread of the visited states.  Stability is
    that of the map x(t) -> x(t+1).  After Sussillo & Barak, Neural Comput 2013;25:626.
    Raises ConfigError when the inputs do not fit the task.
    """
    count, per_type = (plain(n, "popnet.fixed_points") for n in (starts, trials))
    found = []
    for index, member in enumerate(nets.members):
        one = _in_float64(pick(nets.params, torch.tensor([index])))
        input_LI = _levels(member, inputs)
        states = visited(one, cell_of(member.config.network), *_task(member, per_type))
        cell = cell_of(member.config.network)
        found.append(points(one, cell, states, input_LI, count))
    return found


def _levels(member: PlannedNetwork, inputs: str | ArrayLike) -> Array:
    task = member.config.task
    if isinstance(inputs, str) and inputs == "rest":
        return np.array(task.rest_inputs, dtype=np.float64)
    try:
        input_LI = np.array(inputs, dtype=np.float64)
    except (TypeError, ValueError):
        input_LI = np.empty(0)
    shape = input_LI.shape
    fits = len(shape) == 2 and shape[0] > 0 and shape[1] == task.inputs
    if not (fits and np.isfinite(input_LI).all()):
        given: Any = shown(inputs) if isinstance(inputs, str) else f"shape {shape}"
        raise ConfigError(
            f'popnet.fixed_points: inputs {given}: must be "rest", or finite numbers '
            f"[L, {task.inputs}]: one row per constant input of task {task.name}."
        )
    return input_LI


def _task(member: PlannedNetwork, per_type: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs and first states of common trials, P = 1."""
    net, task = member.config.network, member.config.task
    common, types_B = common_trials(task, per_type, net.dt_s, member.seed.sweep)
    numbers = range(len(types_B))
    start = initial_states(net, member.seed, "evaluation/initial_state", numbers)
    inputs = torch.from_numpy(np.array(common.input_BTI)).double()
    return inputs[None], torch.from_numpy(np.array(start)).double()[None]


def _in_float64(params: Params) -> Params:
    made = closed(params)
    doubled = (None if leaf is None else leaf.cpu().double() for leaf in made)
    return Params(*doubled)  # type: ignore[arg-type]
