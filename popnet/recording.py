"""The activity of networks in memory, recorded on trials that they have in common.

P networks, B trials, T time steps, N units, I inputs, O outputs.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from popnet.config import ConfigError
from popnet.core.cell import Params, pick
from popnet.core.draw import cell_of
from popnet.core.rollout import drive, readout, rollout
from popnet.engine.episodes import initial_states
from popnet.engine.evaluate import common_trials
from popnet.kernels import reproducible
from popnet.nets import Nets, plain
from popnet.plan import PlannedNetwork

Array = NDArray[np.float64]


class Recorded(NamedTuple):
    """Activity of frozen networks on common trials, and what the trials were."""

    input_PBTI: NDArray[np.float32]
    rates_PBTN: NDArray[np.float32]
    output_PBTO: NDArray[np.float32]
    target_BTO: Array
    mask_BTO: NDArray[np.bool_]
    """Where the output is scored."""
    type_B: NDArray[np.int64]
    """The type of each trial."""
    time_T: Array
    """Seconds from the start of the trial to the end of each step: rates and outputs
    are those at these times, inputs act in the step that ends there."""
    key_P: list[str]
    """Key of each network; "" where its parameters were set by hand."""


def record(nets: Nets, trials: int = 1) -> Recorded:
    """Record the activity of every network on common trials.

    Each network gets ``trials`` trials per trial type.  Exploratory impulses and noise,
    of the input and of the units, are off.  Raises ConfigError unless all networks have
    the same task, time step and seed of their draw.
    """
    config = nets.members[0].config
    task, dt_s = config.task, config.network.dt_s
    alike = {
        "task": all(m.config.task == task for m in nets.members),
        "network.dt_s": all(m.config.network.dt_s == dt_s for m in nets.members),
        "seed": len({m.seed.sweep for m in nets.members}) == 1,
    }
    for name in (name for name, same in alike.items() if not same):
        raise ConfigError(
            f"popnet.record: {name} differs between the networks, so they have no "
            "trials in common; record each kind by a call of its own."
        )
    sweep_seed = nets.members[0].seed.sweep
    per_type = plain(trials, "popnet.record")
    common, type_B = common_trials(task, per_type, dt_s, sweep_seed)
    activity = [
        _recorded(member, pick(nets.params, torch.tensor([i])), common.input_BTI)
        for i, member in enumerate(nets.members)
    ]
    inputs, rates, outputs = (
        torch.cat(list(c)).float().numpy() for c in zip(*activity, strict=True)
    )
    time_T = dt_s * np.arange(1, rates.shape[2] + 1)
    about = (common.target_BTO, common.mask_BTO, type_B, time_T, nets.key_P)
    return Recorded(inputs, rates, outputs, *about)


def _recorded(
    member: PlannedNetwork, one: Params, input_BTI: Array
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return inputs, rates and outputs of one network, P = 1."""
    net = member.config.network
    cell = cell_of(net)
    inputs = torch.from_numpy(input_BTI).to(one.w_PNN.dtype)[None]
    trials = range(len(input_BTI))
    start = initial_states(net, member.seed, "evaluation/initial_state", trials)
    x0 = torch.from_numpy(start).to(inputs.dtype)[None]
    with reproducible():
        r = rollout(one, cell, drive(one, inputs, None), x0).r_PBSN[:, :, 1:]
        return inputs, r, readout(one, cell, r)
