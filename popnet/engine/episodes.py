"""Draws all inputs, targets, noise and impulses of trials from a network's streams.

They are drawn for one network at a time, then stacked: no network's draws can depend on
the others.
P networks, B trials, T time steps, N units, I inputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from popnet.config import Impulses, Network, TaskSettings
from popnet.core.impulses import NO_IMPULSES, ImpulseList, currents
from popnet.core.time_steps import steps_before
from popnet.plan import PlannedNetwork
from popnet.rules import RULES, Episode
from popnet.seeding import Seed
from popnet.tasks import TASKS, Trials

Array = NDArray[np.float64]


class _Batch(NamedTuple):
    """Everything drawn for one network and one batch."""

    input_BTI: Array
    target_BTO: Array
    mask_BTO: NDArray[np.bool_]
    types_B: NDArray[np.int64]
    start_BN: Array
    noise_BTN: Array | None
    impulses: list[ImpulseList] | None


def training_batch(
    members: Sequence[PlannedNetwork],
    trial_P: Tensor,
    tau_PN: Tensor,
    trials: int = 1,
) -> Episode:
    """Draw the next batch of trials of each network; ``trial_P`` counts those before.

    Trial types come in a fixed cycle (Miconi 2017, published code).  A sequential rule
    gets ``trials`` batches of one trial, each drawn as if it came alone.
    """
    tau = tau_PN.detach().to("cpu", torch.float64).numpy()
    parts = [
        _training(member, first, trials, tau_N)
        for member, first, tau_N in zip(members, trial_P.tolist(), tau, strict=True)
    ]
    device, dtype = tau_PN.device, tau_PN.dtype
    inputs, targets, masks, types, starts, noises, lists = zip(*parts, strict=True)
    start_PBN = _joined(starts).to(device, dtype)
    impulses = None if all(some is None for some in lists) else lists
    if impulses is not None and device.type != "cpu":
        impulses = currents(None, impulses, start_PBN, inputs[0].shape[1])
    return Episode(
        _joined(inputs).to(device, dtype),
        _joined(targets).to(device, dtype),
        _joined(masks).to(device),
        _joined(types).to(device),
        trial_P,
        start_PBN,
        together(noises, device, dtype),
        impulses,
        _drawn(members, trial_P, device, dtype),
    )


def training_seed(member: PlannedNetwork) -> Seed:
    """Return the seed of all that is random while a network trains."""
    return member.seed.replicate(member.config.train.replicate)


def _drawn(
    members: Sequence[PlannedNetwork],
    trial_P: Tensor,
    device: torch.device,
    dtype: torch.dtype,
) -> dict[str, Tensor] | None:
    """Draw what the rule itself needs for its next step; None when it needs nothing."""
    draws = RULES[members[0].config.rule.name].draws
    if draws is None:
        return None
    each = [
        draws(member.config, training_seed(member), trial)
        for member, trial in zip(members, trial_P.tolist(), strict=True)
    ]
    made = {name: _joined([one[name] for one in each]) for name in each[0]}
    return {
        name: t.to(device, dtype if t.is_floating_point() else t.dtype)
        for name, t in made.items()
    }


def _joined(arrays: Sequence[NDArray[np.generic]]) -> Tensor:
    if len(arrays) == 1:
        return torch.from_numpy(np.ascontiguousarray(arrays[0]))[None]
    return torch.from_numpy(np.stack(arrays))


def _training(member: PlannedNetwork, first: int, trials: int, tau_N: Array) -> _Batch:
    """Draw the next trials of one network; ``first`` is the number of the first."""
    config, seed = member.config, training_seed(member)
    net, rule, task = config.network, config.rule, config.task
    numbers = range(first, first + (trials if rule.sequential else rule.batch))
    batches = [range(n, n + 1) for n in numbers] if rule.sequential else [numbers]
    types_B = np.array(numbers) % task.types
    drawn = _trials(task, types_B, net.dt_s, seed, batches)
    starts = [initial_states(net, seed, "initial_state", some) for some in batches]
    steps, impulses = drawn.input_BTI.shape[1], None
    if any_impulses(rule.impulses):
        impulses = [
            exploratory_impulses(rule.impulses, net, seed, "impulses", n, steps, tau_N)
            for n in numbers
        ]
    noise = recurrent_noise(net, seed, "noise", numbers, steps, tau_N)
    inputs = noisy_input(drawn.input_BTI, net, seed, "noise", numbers)
    return _Batch(
        inputs, drawn.target_BTO, drawn.mask_BTO, types_B, np.concatenate(starts),
        noise, impulses,
    )  # fmt: skip


def _trials(
    task: TaskSettings,
    types_B: NDArray[np.int64],
    dt_s: float,
    seed: Seed,
    batches: Sequence[range],
) -> Trials:
    """Draw trials of a task, each batch of them from a stream of its own."""
    if TASKS[task.name].fixed:
        inputs, target, mask = _each_type(task, dt_s)  # type: ignore[arg-type]
        return Trials(inputs[types_B], target[types_B], mask[types_B])
    made = []
    for some in batches:
        random = seed.stream(f"trials/{task.name}", some[0])
        types = np.array(some) % task.types
        made.append(TASKS[task.name].draw(task, types, dt_s, random))
    return Trials(*(np.concatenate(part) for part in zip(*made, strict=True)))


@lru_cache(maxsize=2)
def _each_type(task: TaskSettings, dt_s: float) -> Trials:
    """Draw one trial of each type of a task in which nothing is random."""
    nothing = np.random.default_rng(0)
    return TASKS[task.name].draw(task, np.arange(task.types), dt_s, nothing)


def together(
    currents: Sequence[Array | None], device: torch.device, dtype: torch.dtype
) -> Tensor | None:
    """Stack currents of several networks; None when no network has any."""
    given = [c for c in currents if c is not None]
    if not given:
        return None
    full = [np.zeros_like(given[0]) if c is None else c for c in currents]
    return _joined(full).to(device, dtype)


def initial_states(
    net: Network, seed: Seed, purpose: str, trials: Sequence[int]
) -> Array:
    """x(0) ~ U(-a, a) of some trials, [B, N]; more trials do not change the first."""
    random = seed.stream(purpose, trials[0])
    return net.initial_state * random.uniform(-1, 1, (len(trials), net.units))


def any_impulses(impulses: Impulses) -> bool:
    """Return whether there are any impulses at all."""
    return impulses.rate_hz > 0 and impulses.amplitude > 0


def exploratory_impulses(
    impulses: Impulses,
    net: Network,
    seed: Seed,
    purpose: str,
    trial: int,
    steps: int,
    tau_N: Array,
) -> ImpulseList:
    """Impulses of one trial: Bernoulli per unit and slot, U(-A, A) in amplitude.

    A slot is a step, or one of the ms of a longer step: see ``Impulses.slots``.  Drawn
    by their geometric gaps, slot by slot: the same law as one draw per unit and slot,
    at the cost of one draw per impulse, and a longer trial only adds to them.
    A is the amplitude of a pulse of ``duration_s``, D, delivered in one step as the
    current A D / dt: the state jumps by A D / tau_i (a current is multiplied by
    dt / tau_i), or ``into: state`` by A D / mean tau whatever the unit's own tau.
    """
    if not any_impulses(impulses):
        return NO_IMPULSES
    slots = impulses.slots(net.dt_s)
    chance = impulses.rate_hz * net.dt_s / slots
    quiet = min(steps_before(impulses.quiet_s, net.dt_s / slots), steps * slots)
    cells = (steps * slots - quiet) * net.units
    random = seed.stream(purpose, trial)
    places = _bernoulli_places(random, min(chance, 1.0), cells)
    sizes = seed.stream(f"{purpose}/sizes", trial).uniform(-1, 1, len(places))
    slot, unit = np.divmod(places, net.units)
    return _impulse_list(impulses, net, (slot + quiet) // slots, unit, sizes, tau_N)


def graded_impulses(
    impulses: Impulses,
    net: Network,
    seed: Seed,
    purpose: str,
    trial: int,
    steps: int,
    tau_N: Array,
) -> ImpulseList:
    """As ``exploratory_impulses``, but a higher rate only adds to those of a lower one.

    One uniform number per unit and slot decides (common random numbers over grades).
    """
    if not any_impulses(impulses):
        return NO_IMPULSES
    slots = impulses.slots(net.dt_s)
    chance, shape = impulses.rate_hz * net.dt_s / slots, (steps * slots, net.units)
    slot, unit = np.nonzero(seed.stream(purpose, trial).random(shape) < chance)
    field = seed.stream(f"{purpose}/sizes", trial).random(shape)
    sizes = 2 * field[slot, unit] - 1
    keep = slot >= steps_before(impulses.quiet_s, net.dt_s / slots)
    slot, unit, sizes = slot[keep], unit[keep], sizes[keep]
    return _impulse_list(impulses, net, slot // slots, unit, sizes, tau_N)


def _impulse_list(
    impulses: Impulses,
    net: Network,
    step: NDArray[np.int64],
    unit: NDArray[np.int64],
    unit_sizes: Array,
    tau_N: Array,
) -> ImpulseList:
    # the factor is 1 at the published step: every bit stays
    sizes = impulses.amplitude * (impulses.duration_s / net.dt_s) * unit_sizes
    if impulses.into == "state":
        sizes = sizes * tau_N[unit] / net.tau_s.mean
    return ImpulseList(step, unit, sizes)


def _bernoulli_places(
    random: np.random.Generator, chance: float, cells: int
) -> NDArray[np.int64]:
    """Draw which of ``cells`` independent Bernoulli(chance) trials succeed.

    They are drawn gap by gap, so that more cells begin with the same places.
    """
    mean = chance * cells
    some = int(mean + 5 * np.sqrt(mean)) + 5  # nearly always enough
    found: list[NDArray[np.int64]] = []
    last = -1
    while last < cells:
        found.append(last + np.cumsum(random.geometric(chance, some)))
        last = int(found[-1][-1])
    places = np.concatenate(found)
    return places[: np.searchsorted(places, cells)]


def recurrent_noise(
    net: Network,
    seed: Seed,
    purpose: str,
    trials: Sequence[int],
    steps: int,
    tau_N: Array,
) -> Array | None:
    """Recurrent noise of trials as a current: sqrt(2 tau / dt) s xi, [B, T, N]."""
    if net.noise.recurrent <= 0:
        return None
    made = []
    for trial in trials:
        random = seed.stream(f"{purpose}/recurrent", trial)
        made.append(random.standard_normal((steps, net.units), dtype=np.float32))
    return np.sqrt(2 * tau_N / net.dt_s) * net.noise.recurrent * np.stack(made)


def noisy_input(
    input_BTI: Array, net: Network, seed: Seed, purpose: str, trials: Sequence[int]
) -> Array:
    """Add input noise: u + sqrt(2 tau / dt) s xi, tau the mean time constant."""
    if net.noise.input <= 0:
        return input_BTI
    xi = [
        seed.stream(f"{purpose}/input", trial).standard_normal(input_BTI.shape[1:])
        for trial in trials
    ]
    size = np.sqrt(2 * net.tau_s.mean / net.dt_s) * net.noise.input
    return input_BTI + size * np.stack(xi)
