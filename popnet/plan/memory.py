"""Estimates the memory that training takes, from the configuration alone."""

from __future__ import annotations

from typing import NamedTuple

from popnet.config import NetworkConfig


class Memory(NamedTuple):
    """Memory that training takes, in bytes, computed from the shapes of its tensors."""

    each: int
    """Bytes that each network of a shard keeps throughout."""
    step: int
    """Further bytes during a learning step of one network."""


TRIALS_AT_ONCE = 20
"""Number of trials that a sequential rule gets at once, to share the cost of a step.
No result depends on it."""


ALLOWANCE = 1.5
"""Ratio of process memory to tensor bytes: freed memory stays with the allocator.
Measured up to 1.6 for 1 to 16 networks of 800 units."""
PLAIN_ALLOWANCE = 2.4
"""The same ratio without a compiled kernel: plain torch allocates and frees arrays of
the weights' size all the time.  Measured 1.4 to 2.4, varying between equal runs."""


def memory_of(config: NetworkConfig, device: str = "cpu") -> Memory:
    """Return the memory of one network, an upper bound on all measured cases.

    A compiled kernel (float32 on the CPU) keeps less of the activity than plain torch.
    """
    net, task, rule = config.network, config.task, config.rule
    n, i, o = net.units, task.inputs, task.outputs
    number = 4 if net.dtype == "float32" else 8
    wout = 2 * o * n if net.readout.kind == "linear" else 0
    mask = n * n if net.density < 1 or not net.autapses else 0
    weights = n * n + n * i + wout
    window = config.train.until.watched if config.train.until else 100
    points = config.train.trials // config.train.curve_every + 2 + rule.batch
    progress = 16 * (points + window)
    # twice the weights: the initial and final weights of a network that has ended wait
    # to be recorded
    persistent = number * (weights * (2 + rule.state_copies) + mask + 12 * n) + progress
    kernel = device == "cpu" and number == 4 and net.form == "current"
    trials = TRIALS_AT_ONCE if rule.sequential else rule.batch
    at_once = 1 if rule.sequential else rule.batch
    steps = task.steps(net.dt_s)
    cells = steps * n
    copies = rule.kernel_copies if kernel else rule.activity_copies
    noise = trials * cells * (2 * 8 + 4) if net.noise.recurrent > 0 else 0
    # drawn in float64, then in the networks' own type, and once more by the step
    drawn = trials * steps * (i + 3 * o) * (8 + 2 * number)
    step = number * (weights * rule.weight_copies + at_once * cells * copies)
    temporary = step + drawn + noise + 2 * progress
    allowance = ALLOWANCE if kernel else PLAIN_ALLOWANCE
    return Memory(int(allowance * persistent), int(allowance * temporary))


def shard_bytes(config: NetworkConfig, networks: int, device: str = "cpu") -> int:
    """Return the bytes of a shard.

    On the CPU its networks take turns, on a GPU they learn at the same time.
    """
    each, step = memory_of(config, device)
    if device == "cpu":
        return each * networks + step
    return (each + step) * networks


def shard_capacity(
    config: NetworkConfig, memory_bytes: int, device: str = "cpu"
) -> int:
    """Return the number of networks, at least 1, that fit in 3/4 of this memory."""
    usable = int(0.75 * memory_bytes)
    each, step = memory_of(config, device)
    most = (usable - step) // each if device == "cpu" else usable // (each + step)
    return max(1, most)
