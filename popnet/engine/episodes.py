"""Draws everything that happens to a network in a batch of trials, from its streams.

One network at a time, then stacked: what a network meets cannot depend on the others.
P networks, B trials, T time steps, N units, I inputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from popnet import kernels
from popnet.config import Impulses, Network, NetworkConfig
from popnet.core.kicks import Kicks, dense
from popnet.plan import PlannedNetwork
from popnet.rules import Episode
from popnet.seeding import Seed
from popnet.tasks import TASKS

Array = NDArray[np.float64]


class _Batch(NamedTuple):
    """What one network meets in one batch."""

    input_BTI: Array
    target_BTO: Array
    mask_BTO: NDArray[np.bool_]
    types_B: NDArray[np.int64]
    start_BN: Array
    current_BTN: Array | None
    kicks: list[Kicks] | None


def training_batch(
    members: Sequence[PlannedNetwork],
    trial_P: Tensor,
    tau_PN: Tensor,
    trials: int = 1,
) -> Episode:
    """The next batch of trials of each network; ``trial_P`` counts those before.

    Trial types come in a fixed cycle (Miconi 2017, published code).  A sequential rule
    gets ``trials`` batches of one, each drawn as if it came alone.
    """
    tau = tau_PN.detach().to("cpu", torch.float64).numpy()
    sequential = members[0].config.rule.sequential
    sparse = sequential and kernels.fast(tau_PN)
    parts = []
    for p, (member, first) in enumerate(zip(members, trial_P.tolist(), strict=True)):
        numbers = range(first, first + (trials if sequential else 1))
        parts.append(_in_turn([_training(member, n, tau[p], sparse) for n in numbers]))
    device, dtype = tau_PN.device, tau_PN.dtype
    inputs, targets, masks, types, starts, currents, kicks = zip(*parts, strict=True)
    return Episode(
        _joined(inputs).to(device, dtype),
        _joined(targets).to(device, dtype),
        _joined(masks).to(device),
        _joined(types).to(device),
        trial_P,
        _joined(starts).to(device, dtype),
        together(currents, device, dtype),
        kicks if sparse else None,
    )


def _in_turn(batches: list[_Batch]) -> _Batch:
    """Batches of one network as one, the trials in order."""
    if len(batches) == 1:
        return batches[0]
    columns = list(zip(*batches, strict=True))
    kicks = None if columns[6][0] is None else [k for one in columns[6] for k in one]
    current = None if columns[5][0] is None else np.concatenate(columns[5])
    return _Batch(*(np.concatenate(c) for c in columns[:5]), current, kicks)  # type: ignore[arg-type]


def _joined(arrays: Sequence[NDArray[np.generic]]) -> Tensor:
    if len(arrays) == 1:
        return torch.from_numpy(np.ascontiguousarray(arrays[0]))[None]
    return torch.from_numpy(np.stack(arrays))


def _training(member: PlannedNetwork, trial: int, tau_N: Array, sparse: bool) -> _Batch:
    config, seed = member.config, member.seed
    net, rule, task = config.network, config.rule, config.task
    count = rule.batch
    types_B = (trial + np.arange(count)) % task.types
    random = seed.stream(f"trials/{task.name}", trial)
    trials = TASKS[task.name].draw(task, types_B, net.dt_s, random)
    start_BN = initial_states(net, seed, "initial_state", trial, count)
    shape = (count, trials.input_BTI.shape[1], net.units)
    kicks, current = None, None
    if sparse:
        kicks = impulse_kicks(rule.impulses, net, seed, "impulses", trial, shape, tau_N)
    else:
        current = impulse_current(
            rule.impulses, net, seed, "impulses", trial, shape, tau_N
        )
    current = with_noise(current, config, seed, "noise", trial, shape, tau_N)
    inputs = noisy_input(trials.input_BTI, net, seed, "noise", trial)
    return _Batch(
        inputs, trials.target_BTO, trials.mask_BTO, types_B, start_BN, current, kicks
    )


def together(
    currents: Sequence[Array | None], device: torch.device, dtype: torch.dtype
) -> Tensor | None:
    """Currents of several networks as one tensor; None when nobody has any."""
    given = [c for c in currents if c is not None]
    if not given:
        return None
    full = [np.zeros_like(given[0]) if c is None else c for c in currents]
    return _joined(full).to(device, dtype)


def initial_states(
    net: Network, seed: Seed, purpose: str, counter: int, count: int
) -> Array:
    """x(0) ~ U(-a, a), [B, N]."""
    unit = seed.stream(purpose, counter).uniform(-1, 1, (count, net.units))
    return net.initial_state * unit


def impulse_kicks(
    impulses: Impulses,
    net: Network,
    seed: Seed,
    purpose: str,
    counter: int,
    shape: tuple[int, int, int],
    tau_N: Array,
) -> list[Kicks]:
    """Impulses of B trials: Bernoulli per unit and step, U(-A, A) in size.

    Drawn by their geometric gaps: the same law as one draw per unit and step, at the
    cost of one draw per impulse.  ``into: state``: the state jumps by A dt / mean tau
    whatever the unit's own tau (a current is multiplied by dt / tau_i).
    """
    count, steps, units = shape
    chance = impulses.rate_hz * net.dt_s
    quiet = min(impulses.quiet_steps, steps)
    places = np.zeros(0, dtype=np.int64)
    sizes = np.zeros(0)
    cells = (steps - quiet) * units
    if chance > 0 and impulses.amplitude > 0:
        random = seed.stream(purpose, counter)
        places = _bernoulli_places(random, min(chance, 1.0), count * cells)
        sizes = impulses.amplitude * random.uniform(-1, 1, len(places))
    trial, rest = np.divmod(places, max(cells, 1))
    step, unit = np.divmod(rest, units)
    if impulses.into == "state":
        sizes = sizes * tau_N[unit] / net.tau_s.mean
    ends = np.searchsorted(trial, np.arange(1, count))
    columns = (step + quiet, unit, sizes.astype(np.float32))
    pieces = (np.split(column, ends) for column in columns)
    return [Kicks(*one) for one in zip(*pieces, strict=True)]


def impulse_current(
    impulses: Impulses,
    net: Network,
    seed: Seed,
    purpose: str,
    counter: int,
    shape: tuple[int, int, int],
    tau_N: Array,
) -> Array | None:
    """The impulses of ``impulse_kicks`` as a current [B, T, N]; None without any."""
    if impulses.rate_hz * net.dt_s <= 0 or impulses.amplitude <= 0:
        return None
    kicks = impulse_kicks(impulses, net, seed, purpose, counter, shape, tau_N)
    return np.stack([dense(k, shape[1], shape[2]) for k in kicks])  # type: ignore[return-value]


def _bernoulli_places(
    random: np.random.Generator, chance: float, cells: int
) -> NDArray[np.int64]:
    """Which of ``cells`` independent Bernoulli(chance) trials succeed."""
    found: list[NDArray[np.int64]] = []
    last = -1
    while last < cells:
        expected = chance * (cells - last)
        gaps = random.geometric(chance, int(expected + 6 * np.sqrt(expected) + 16))
        places = last + np.cumsum(gaps)
        found.append(places)
        last = int(places[-1])
    all_places = np.concatenate(found)
    return all_places[all_places < cells]


def with_noise(
    current: Array | None,
    config: NetworkConfig,
    seed: Seed,
    purpose: str,
    counter: int,
    shape: tuple[int, int, int],
    tau_N: Array,
) -> Array | None:
    """Add recurrent noise as a current: sqrt(2 tau / dt) s xi, [B, T, N]."""
    net = config.network
    if net.noise.recurrent <= 0:
        return current
    random = seed.stream(f"{purpose}/recurrent", counter)
    xi = random.standard_normal(shape, dtype=np.float32)
    noise = np.sqrt(2 * tau_N / net.dt_s) * net.noise.recurrent * xi
    return noise if current is None else current + noise


def noisy_input(
    input_BTI: Array, net: Network, seed: Seed, purpose: str, counter: int
) -> Array:
    """Add input noise: u + sqrt(2 tau / dt) s xi, tau the mean time constant."""
    if net.noise.input <= 0:
        return input_BTI
    xi = seed.stream(f"{purpose}/input", counter).standard_normal(input_BTI.shape)
    return input_BTI + np.sqrt(2 * net.tau_s.mean / net.dt_s) * net.noise.input * xi
