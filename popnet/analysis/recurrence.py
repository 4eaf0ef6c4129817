"""Names how a long run moves: it rests, returns to where it was, or does neither.

Times are counted in steps.  T time steps, N units, C exponents.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Motion = Literal["point", "cycle", "torus", "chaos", "unbounded"]
REST = 1e-5
"""A run rests where no state is further from the last than this share of its size."""
NEAR = 0.05
"""A return comes this near, as a share of the way it had gone off."""
ZERO = 0.01
"""An exponent this near to 0, per time constant, counts as 0.  Its error falls as the
inverse of the run's length: a few times 1 / 1,000 for a thousand time constants."""


def rests(x_TN: Array, size: float) -> bool:
    """Return True where no state is farther from the last than 1e-5 of ``size``."""
    return bool(np.linalg.norm(x_TN - x_TN[-1], axis=1).max() <= REST * size)


def period_steps(x_TN: Array) -> float | None:
    """Steps after which the first state comes back, to a fraction of one; None: never.

    The first local minimum of the distance d(t) from x(0) after d has been above half
    its largest, if d is below 5 % of that there; the parabola through d squared at the
    minimum and beside it gives the fraction.
    """
    d_T = np.square(x_TN - x_TN[0]).sum(axis=1)
    away = np.flatnonzero(d_T > d_T.max() / 4)
    if not len(away):
        return None
    for t in range(int(away[0]) + 1, len(d_T) - 1):
        if d_T[t] <= min(d_T[t - 1], d_T[t + 1], NEAR**2 * d_T.max()):
            bend = d_T[t - 1] - 2 * d_T[t] + d_T[t + 1]
            lean = (d_T[t - 1] - d_T[t + 1]) / 2
            return float(t + (lean / bend if bend > 0 else 0.0))
    return None


def main_frequency(x_TN: Array) -> float:
    """Frequency with most power of all units together, cycles per step.

    NaN for a run that does not move.  With a Hann window; frequencies are 1 / T apart.
    """
    steps = len(x_TN)
    moving_TN = x_TN - x_TN.mean(axis=0)
    if not moving_TN.any():
        return float("nan")
    power_F = np.square(
        np.abs(np.fft.rfft(moving_TN * np.hanning(steps)[:, None], axis=0))
    ).sum(axis=1)
    return float((1 + np.argmax(power_F[1:])) / steps)


def motion(exponents_C: Array, tolerance: float = ZERO) -> Motion:
    """The kind of attractor with these largest exponents, per time constant.

    Largest below 0: a point; 0 and then below 0: a cycle (a closed curve of the map);
    0 twice and more: a torus; above 0: chaos.  ``tolerance``: what counts as 0.
    """
    if not np.isfinite(exponents_C[0]):
        return "unbounded"
    if exponents_C[0] > tolerance:
        return "chaos"
    zeros = int((np.abs(exponents_C) <= tolerance).sum())
    return "point" if zeros == 0 else "cycle" if zeros == 1 else "torus"
