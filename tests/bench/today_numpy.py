"""What people do today in NumPy: one network in a Python loop, float64."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count, cycle
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from side import Made, given

Array = NDArray[np.float64]

RATE, AMPLITUDE, QUIET = 0.003, 16.0, 4
"""Impulses of Miconi's code: chance per unit and step, size, steps without."""


class Trial(NamedTuple):
    """One trial of one network."""

    input_TI: Array
    target: float
    scored: int
    """The last so many steps are scored."""
    kind: int
    start_N: Array
    impulses: Iterable[Array]
    """What is added to the drive of each step, [T][N]."""


class HebbianNetwork:
    """Reward-modulated Hebbian learning (Miconi, eLife 2017;6:e20899), step by step.

    ``trace``: cube; node_perturbation; or product, the cubes written cleverly as one
    matrix product after the trial.
    """

    def __init__(
        self, w: Array, win: Array, a: Array, clamped: list[list[float]], trace: str
    ) -> None:
        self.w, self.win, self.a = w.copy(), win, a
        self.clamped = [(int(unit), value) for unit, value in clamped]
        self.trace = trace
        self.xbar = np.zeros(len(w))
        self.mean_error = np.zeros(4)
        self.recent: list[bool] = []

    def learn(self, trial: Trial) -> bool:
        """One trial and the update after it; whether the last 100 meet 95 %."""
        w, win, a, xbar = self.w, self.win, self.a, self.xbar
        x = trial.start_N.copy()
        for unit, value in self.clamped:
            x[unit] = value
        r = np.tanh(x)
        e = np.zeros_like(w)
        out = np.empty(len(trial.input_TI))
        if self.trace == "product":
            ds, rs = np.zeros((2, len(out), len(w)))
        arriving = zip(trial.input_TI, trial.impulses, strict=True)
        for t, (u, impulse) in enumerate(arriving):
            before = r
            x = x + a * (w @ r + win @ u + impulse - x)
            for unit, value in self.clamped:
                x[unit] = value
            r = np.tanh(x)
            out[t] = r[0]
            if self.trace == "node_perturbation":
                if t > 2:
                    e += np.outer(impulse, before)
                continue
            d = x - xbar
            xbar = 0.05 * xbar + 0.95 * x
            if t > 2 and self.trace == "cube":
                q = np.outer(d, before)
                e += q * q * q  # q**3 calls pow: 18 times slower
            elif t > 2:
                ds[t], rs[t] = d, before
        if self.trace == "product":
            e = (ds * ds * ds).T @ (rs * rs * rs)
        self.xbar = xbar
        error = float(np.abs(out[-trial.scored :] - trial.target).mean())
        mean = self.mean_error[trial.kind]
        eta = 0.001 if self.trace == "node_perturbation" else 0.1
        self.w = w + np.clip(-eta * mean * (error - mean) * e, -3e-4, 3e-4)
        self.mean_error[trial.kind] = 0.75 * mean + 0.25 * error
        self.recent = [*self.recent[-99:], error < 1]
        return len(self.recent) == 100 and sum(self.recent) >= 95


def impulses(random: np.random.Generator, steps: int, units: int) -> Iterator[Array]:
    """Drawn step by step, as in Miconi's code: U(-A, A) with a small chance."""
    for t in range(steps):
        sizes = AMPLITUDE * random.uniform(-1, 1, units)
        yield np.where((random.random(units) < RATE) & (t >= QUIET), sizes, 0.0)


def dnms_trial(random: np.random.Generator, number: int, units: int) -> Trial:
    """A trial of delayed non-match-to-sample drawn as popnet draws it, 1,000 steps."""
    kind = number % 4
    first, second = divmod(kind, 2)
    inputs = np.zeros((1000, 5))
    inputs[1:201, 1 + first] = 1
    inputs[400:600, 1 + second] = 1
    target = 0.98 if first != second else -0.98
    start = 0.1 * random.uniform(-1, 1, units)
    return Trial(inputs, target, 200, kind, start, impulses(random, 1000, units))


def flipflop_trials(
    random: np.random.Generator, trials: int, steps: int, bits: int
) -> tuple[Array, Array]:
    """Inputs and targets [B, T, bits] of the flip-flop, step by step over T."""
    shape = (trials, steps, bits)
    pulse = random.random(shape) < 0.3
    pulse[:, 0] = True
    inputs = np.where(pulse, random.choice([-1.0, 1.0], shape), 0.0)
    targets = inputs.copy()
    for t in range(1, steps):
        silent = inputs[:, t] == 0
        targets[:, t][silent] = targets[:, t - 1][silent]
    return inputs, targets


def hebbian(folder: Path, trace: str, drawing: bool = False) -> Made:
    """One network, trial by trial: popnet's trials or, ``drawing``, its own."""
    own = given(folder)
    network = HebbianNetwork(
        own["w"], own["win"], own["a"], own["clamped"].tolist(), trace
    )
    columns = [
        own["input_BTI"], own["target_B"].tolist(), own["scored_B"].tolist(),
        own["type_B"].tolist(), own["start_BN"], own["impulse_BTN"],
    ]  # fmt: skip
    trials = [Trial(*row) for row in zip(*columns, strict=True)]
    for trial in trials:
        network.learn(trial)
    again, random = cycle(trials), np.random.default_rng(1)
    drawn = (dnms_trial(random, number, len(network.w)) for number in count())
    source = drawn if drawing else again
    return Made(lambda: network.learn(next(source)), 1, {"W": network.w})
