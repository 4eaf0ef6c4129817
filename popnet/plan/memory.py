"""How much memory the training of a network takes, before it is trained."""

from __future__ import annotations

from typing import NamedTuple

from popnet.config import NetworkConfig


class Memory(NamedTuple):
    """What training takes, in bytes, by the shapes of its tensors."""

    each: int
    """What is kept of every network of a shard."""
    step: int
    """What a learning step of one network takes besides."""


TRIALS_AT_ONCE = 20
"""Trials that a sequential rule is given at once, to spread the cost of a step.  No
result depends on it."""


ALLOWANCE = 1.5
"""What the process holds by what its tensors take: freed memory stays with the
allocator.  Measured up to 1.6 times the tensors of 1 to 16 networks of 800 units."""
PLAIN_ALLOWANCE = 2.4
"""The same where plain torch learns, which makes and frees arrays of the weights' size
all the time.  Measured 1.4 to 2.4 times the tensors, one run of the same to the next.
"""


def memory_of(config: NetworkConfig, device: str = "cpu") -> Memory:
    """Memory of one network, enough for what was measured.

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
    # twice the weights: those of a network that has ended wait to be recorded, with
    # those it began with
    kept = number * (weights * (2 + rule.state_copies) + mask + 12 * n) + progress
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
    used = step + drawn + noise + 2 * progress
    held = ALLOWANCE if kernel else PLAIN_ALLOWANCE
    return Memory(int(held * kept), int(held * used))


def shard_bytes(config: NetworkConfig, networks: int, device: str = "cpu") -> int:
    """Memory of a shard: on the CPU its networks take turns, on a GPU not."""
    each, step = memory_of(config, device)
    if device == "cpu":
        return each * networks + step
    return (each + step) * networks


def shard_capacity(
    config: NetworkConfig, memory_bytes: int, device: str = "cpu"
) -> int:
    """How many networks fit in this much memory (three quarters of it used)."""
    usable = int(0.75 * memory_bytes)
    each, step = memory_of(config, device)
    most = (usable - step) // each if device == "cpu" else usable // (each + step)
    return max(1, most)
