"""Lyapunov exponents of a map x(t+1) = F(x(t)), and the dimension that follows.

    Y(t+1) R(t+1) = DF(x(t)) Y(t),   l_i = mean over t of log R_ii(t)

Benettin et al., Meccanica 1980;15:9; by QR, as in Geist, Parlitz & Lauterborn, Prog
Theor Phys 1990;83:875.  Per step; divided by dt they are per second.  N units, C
exponents.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from popnet.seeding import stream

Array = NDArray[np.float64]
STEPS_BETWEEN = 4
"""Steps between two orthogonalisations, at most: vectors have not collapsed by then."""
COLLAPSED = 1e-6
"""Least R_ii that is trusted over several steps."""
AGAIN = 10
"""Rounds in which Y turns to its directions before anything is counted."""


def lyapunov_exponents(
    step: Callable[[Array], Array],
    tangent: Callable[[Array], Array],
    x_N: Array,
    count: int,
    steps: int,
) -> Array:
    """The ``count`` largest exponents per step, falling, from ``steps`` steps at x on.

    x should be on the attractor already.  ``tangent(x)``: DF at x, [N, N].  NaN where
    the trajectory leaves all bounds.  -inf for directions that one step ends.
    """
    units = len(x_N)
    random = stream("analysis/lyapunov")
    y_NC = np.linalg.qr(random.standard_normal((units, count)))[0]
    total_C, counted, rounds, every = np.zeros(count), 0, 0, STEPS_BETWEEN
    while counted < steps:
        before = x_N, y_NC
        with np.errstate(over="ignore", invalid="ignore"):
            for _ in range(every):
                y_NC = tangent(x_N) @ y_NC
                x_N = step(x_N)
        if not (np.isfinite(x_N).all() and np.isfinite(y_NC).all()):
            return np.full(count, np.nan)
        y_NC, r_CC = np.linalg.qr(y_NC)
        size_C = np.abs(np.diag(r_CC))
        if every > 1 and size_C.min() < COLLAPSED * size_C.max():
            (x_N, y_NC), every = before, 1
            continue
        rounds += 1
        if rounds > AGAIN:
            with np.errstate(divide="ignore"):
                total_C += np.log(size_C)
            counted += every
    return -np.sort(-total_C / counted)


def kaplan_yorke_dimension(exponents_C: Array) -> float:
    """D = j + (l_1 + ... + l_j) / |l_(j+1)|, j the last with a sum of 0 or more.

    0 where all exponents are negative; NaN where the sum of all is not: then more
    exponents are needed.  Kaplan & Yorke, Lect Notes Math 1979;730:204.
    """
    falling_C = -np.sort(-np.asarray(exponents_C, dtype=np.float64))
    sum_C = np.cumsum(falling_C)
    if np.isnan(falling_C).any() or sum_C[-1] >= 0:
        return float("nan")
    j = int((sum_C >= 0).sum())
    if j == 0:
        return 0.0
    return float(j + sum_C[j - 1] / abs(falling_C[j]))
