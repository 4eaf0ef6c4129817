"""Limit cycles by shooting: a state that a whole period leads back to itself.

    Phi_T(x) = x,   v(x0)' (x - x0) = 0,   v = F(x) - x

in the unknowns x and T, by Newton's method.  Phi_T are the whole steps of T and then
the fraction that is left of one, x + share (F(x) - x): T need not be a whole number.
The eigenvalues of dPhi_T / dx are the Floquet multipliers; one of them belongs to the
way along the cycle and is 1 up to the size of a step.  Kuznetsov, Elements of Applied
Bifurcation Theory, 3rd ed., section 10.1.  N units.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Function = Callable[[Array], Array]
MOST, CLOSED = 30, 1e-10
"""Newton steps at most; the residual, relative to the way of a step, that is enough."""


class Cycle(NamedTuple):
    """A closed orbit of the map."""

    x_N: Array
    period: float
    """In steps."""
    gap: float
    """|Phi_T(x) - x|."""
    multipliers_N: NDArray[np.complex128]
    """Floquet multipliers by falling modulus; one is near 1, see above."""

    @property
    def stable(self) -> bool:
        """All multipliers but that of the way along the cycle are inside the circle."""
        along = np.argmin(np.abs(self.multipliers_N - 1))
        return bool((np.abs(np.delete(self.multipliers_N, along)) < 1).all())


def shoot(step: Function, tangent: Function, x_N: Array, period: float) -> Cycle | None:
    """The cycle near this state and period (in steps); None where Newton finds none."""
    x0_N = x_N
    v0_N = step(x0_N) - x0_N
    size = float(np.linalg.norm(v0_N))
    if size == 0:
        return None
    for _ in range(MOST):
        end_N, monodromy_NN, way_N = _around(step, tangent, x_N, period)
        gap_N = end_N - x_N
        gap = float(np.linalg.norm(gap_N))
        if not np.isfinite(gap):
            return None
        if gap <= CLOSED * size:
            values_N = np.linalg.eigvals(monodromy_NN).astype(np.complex128)
            order_N = np.argsort(-np.abs(values_N), kind="stable")
            return Cycle(x_N, period, gap, values_N[order_N])
        one_NN = np.eye(len(x_N))
        square = np.block(
            [[monodromy_NN - one_NN, way_N[:, None]], [v0_N[None], np.zeros((1, 1))]]
        )
        right = -np.append(gap_N, v0_N @ (x_N - x0_N))
        change = np.linalg.lstsq(square, right)[0]
        x_N, period = x_N + change[:-1], period + float(change[-1])
        if not 1 < period < np.inf:
            return None
    return None


def _around(
    step: Function, tangent: Function, x_N: Array, period: float
) -> tuple[Array, Array, Array]:
    """Phi_T(x), its derivative by x, and by T."""
    product_NN = np.eye(len(x_N))
    whole, share = divmod(period, 1.0)
    for _ in range(int(whole)):
        product_NN = tangent(x_N) @ product_NN
        x_N = step(x_N)
    way_N = step(x_N) - x_N
    last_NN = np.eye(len(x_N)) + share * (tangent(x_N) - np.eye(len(x_N)))
    return x_N + share * way_N, last_NN @ product_NN, way_N
