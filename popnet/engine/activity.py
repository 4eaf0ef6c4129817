"""Records the activity of frozen networks: every unit's rate on common trials.

P networks, B trials, K trial types, T time steps, S stored steps, N units, I inputs.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from popnet.config import Impulses, NetworkConfig, TaskSettings
from popnet.config.network import Readout
from popnet.core.cell import closed
from popnet.engine.evaluate import RESPONSE_TRIALS, common_trials, run
from popnet.perturbations import Situation
from popnet.seeding import Seed

STORED_S = 0.010
"""Time between the stored points of a trajectory."""
TRIALS = 32
"""Trials of activity trial by trial, at the least; Huang et al. 2026 took 32."""


def activity(situation: Situation, seed: Seed) -> NDArray[np.float32]:
    """Return rates [K, T, N] of one network (P = 1), means over trials of each type.

    Exploratory impulses are off; the network's own noise and whatever a perturbation
    adds stay on.
    """
    rates_BTN = rates_of(situation, seed, RESPONSE_TRIALS)
    return means_by_type(rates_BTN, situation.task.types)


def means_by_type(rates_BTN: Tensor, types: int) -> NDArray[np.float32]:
    """Return rates [K, T, N]: means over the trials of each type."""
    # the types take turns: see ``common_trials``
    by_turn = rates_BTN.unflatten(0, (-1, types))
    return by_turn.mean(0).to("cpu", torch.float32).numpy()


def rates_of(situation: Situation, seed: Seed, per_type: int) -> Tensor:
    """Return every unit's rate [B, T, N] in ``per_type`` common trials of each type.

    Exploratory impulses are off.
    """
    quiet = situation._replace(impulses=Impulses())
    return run(_outspoken(quiet), seed, per_type).output_PBTO[0]


def by_trial(
    situation: Situation, seed: Seed, again: bool = False
) -> NDArray[np.float32]:
    """Return every unit's rate [B, T, N] in each of ``TRIALS`` common trials or more.

    The types take turns, equally often.  Exploratory impulses are off; ``again``: the
    same trials under other noise.
    """
    quiet = situation._replace(impulses=Impulses())
    per_type = -(-TRIALS // situation.task.types)
    ran = run(_outspoken(quiet), seed, per_type, again)
    return ran.output_PBTO[0].to("cpu", torch.float32).numpy()


def trial_inputs(config: NetworkConfig, seed: Seed) -> NDArray[np.float32]:
    """Return the input [B, T, I] of the trials of ``by_trial``, without its noise."""
    task, dt_s = config.task, config.network.dt_s
    trials, _ = common_trials(task, -(-TRIALS // task.types), dt_s, seed.sweep)
    return np.asarray(trials.input_BTI, np.float32)


def aligned(
    rates_BTN: Tensor, task: TaskSettings, other: TaskSettings, dt_s: float
) -> Tensor:
    """Return rates on ``task`` at the steps of ``other``, the same with longer epochs.

    Each step of ``other`` takes the step at the same share of the same epoch.  Where
    epochs differ from trial to trial, they are those of the longest trial.
    """
    ours, theirs = (
        [round(duration / dt_s) for duration in one.epochs_s.values()]
        for one in (task, other)
    )
    if ours == theirs or list(task.epochs_s) != list(other.epochs_s):
        return rates_BTN
    first, chosen = 0, []
    for count, wanted in zip(ours, theirs, strict=True):
        shares = (np.arange(wanted) + 0.5) / max(wanted, 1)
        chosen.append(first + np.floor(shares * count).astype(int))
        first += count
    return rates_BTN[:, torch.from_numpy(np.concatenate(chosen))]


def _outspoken(situation: Situation) -> Situation:
    """Return the same network with every unit's rate as an output."""
    params, config = situation.params, situation.config
    # an output that is fed back goes into the recurrent weights first
    params = closed(params)
    every_PNN = torch.eye(params.w_PNN.shape[-1]).to(params.w_PNN)[None]
    linear = config.network.model_copy(update={"readout": Readout(kind="linear")})
    return situation._replace(
        params=params._replace(wout_PON=every_PNN),
        config=config.model_copy(update={"network": linear}),
    )


def trajectory(rates_KTN: NDArray[np.float32], dt_s: float) -> NDArray[np.float32]:
    """Return activity as it is stored, [K, S, N]: means over bins of 10 ms.

    In float32: rates without an upper bound do not fit into float16.
    """
    steps = max(1, round(STORED_S / dt_s))
    return in_bins(rates_KTN, steps, axis=1).astype(np.float32)


def in_bins(
    values: NDArray[np.floating], steps: int, axis: int
) -> NDArray[np.floating]:
    """Return means over bins of ``steps``; the last bin of the axis may be shorter."""
    length = values.shape[axis]
    starts = np.arange(0, length, steps)
    counts = np.diff(starts, append=length)
    shape = [-1 if a == axis else 1 for a in range(values.ndim)]
    return np.add.reduceat(values, starts, axis) / counts.reshape(shape)
