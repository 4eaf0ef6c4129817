"""What people do today in NumPy: one network in a Python loop, float64."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

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
    kicks: Iterable[Array]
    """What is added to the drive of each step, [T][N]."""


class HebbianNetwork:
    """Reward-modulated Hebbian learning (Miconi, eLife 2017;6:e20899), step by step.

    ``trace``: cube; node_perturbation; or product, the cubes written cleverly as one
    matrix product after the trial.
    """

    def __init__(
        self, w: Array, win: Array, a: Array, clamped: dict[int, float], trace: str
    ) -> None:
        self.w, self.win, self.a = w.copy(), win, a
        self.units, self.values = list(clamped), list(clamped.values())
        self.trace = trace
        self.xbar = np.zeros(len(w))
        self.mean_error = np.zeros(4)
        self.recent: list[bool] = []

    def learn(self, trial: Trial) -> bool:
        """One trial and the update after it; whether the last 100 meet 95 %."""
        w, win, a, xbar = self.w, self.win, self.a, self.xbar
        x = trial.start_N.copy()
        x[self.units] = self.values
        r = np.tanh(x)
        e = np.zeros_like(w)
        out = np.empty(len(trial.input_TI))
        ds, rs = np.zeros((2, len(out), len(w)))
        for t, (u, kick) in enumerate(zip(trial.input_TI, trial.kicks, strict=True)):
            before = r
            x = x + a * (w @ r + win @ u + kick - x)
            x[self.units] = self.values
            r = np.tanh(x)
            d = x - xbar
            xbar = 0.05 * xbar + 0.95 * x
            if t > 2:
                if self.trace == "cube":
                    q = np.outer(d, before)
                    e += q * q * q  # q**3 calls pow: 18 times slower
                elif self.trace == "node_perturbation":
                    e += np.outer(kick, before)
                else:
                    ds[t], rs[t] = d, before
            out[t] = r[0]
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


def as_trials(episode: Any, dense: Any) -> list[Trial]:
    """The same trials of popnet's episode of one network, its impulses as arrays.

    ``dense``: kicks, steps and units -> currents [T, N].
    """
    inputs, targets, masks, starts = (
        getattr(episode, name)[0].double().numpy()
        for name in ("input_PBTI", "target_PBTO", "mask_PBTO", "x0_PBN")
    )
    steps, units = inputs.shape[1], starts.shape[1]
    return [
        Trial(
            inputs[b], targets[b, -1, 0], int(masks[b].sum()),
            int(episode.type_PB[0, b]), starts[b],
            dense(episode.kicks[0][b], steps, units),
        )
        for b in range(len(inputs))
    ]  # fmt: skip
