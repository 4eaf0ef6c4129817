"""Noisy evidence: a mean hidden in white noise, and how well it can be read.

A paper gives its noise as a standard deviation per step of its own duration.  At
another time step the deviation is scaled by sqrt(paper's step / time step), so that the
evidence gathered in a second, and with it the difficulty of the task, stays the same.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.special import ndtr

from popnet.config.settings import Inconsistent
from popnet.seeding import keyed


def streams(random: np.random.Generator, trials: int) -> Iterator[np.random.Generator]:
    """A random stream for each trial, so that more or longer trials only add to it."""
    keys = random.integers(0, 2**64, size=(trials, 2), dtype=np.uint64)
    return (keyed(key) for key in keys)


def noise_sd(sd: float, step_s: float, dt_s: float) -> float:
    """Deviation per step of ``dt_s`` for noise given as ``sd`` per step of step_s."""
    return sd * np.sqrt(step_s / dt_s)


def share_right(
    weakest: float, strongest: float, sd: float, step_s: float, seen_s: float
) -> float:
    """Share of right signs of the mean, for |mean| ~ U(weakest, strongest).

    All evidence of ``seen_s`` seconds is summed: right with probability Phi(k |mean|),
    k = sqrt(seen_s / step_s) / sd, averaged over the law of |mean| by the primitive
    of Phi, F(z) = z Phi(z) + phi(z).
    """
    if sd == 0:
        return 1.0 if strongest > 0 else 0.5
    k = np.sqrt(seen_s / step_s) / sd
    # a narrow law is its middle: the difference of F would be rounding alone
    if strongest - weakest < 1e-4 / k:
        return float(ndtr(k * (weakest + strongest) / 2))
    low, high = k * weakest, k * strongest
    return float((_primitive(high) - _primitive(low)) / (high - low))


def _primitive(z: float) -> float:
    return z * ndtr(z) + np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)


def in_order(low: str, low_value: float, high: str, high_value: float) -> None:
    """Raise Inconsistent, naming both settings, unless low <= high."""
    if low_value > high_value:
        raise Inconsistent(
            low, f"got {low_value:g}; must be at most {high} {high_value:g}", high
        )
