"""Psychometric curves: the probability of a decision by the evidence for it.

B trials.  The curve is a logistic with lapses at random,

    p(+ | x) = l + (1 - 2 l) / (1 + exp(-k (x + b)))

with x the evidence for +, in its own unit, k the slope per unit of it, b the bias, in
its unit, positive where decisions lean to +, and l the lapses towards either side.
Wichmann & Hill, Percept Psychophys 2001;63:1293, with one rate for both sides.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import expit

Array = NDArray[np.float64]
STEEPEST = 20.0
"""Change of k x between two neighbouring strengths of evidence from which on a curve
cannot be told from a step."""
LAPSES = (1e-4, 0.05, 0.2)
"""Lapses from which the search starts."""
LEAST_RISE = 1e-3
"""Change of the log odds per sd of the evidence, times 1 - 2 l, below which decisions
do not rise with it."""
TINY = 1e-12


class Curve(NamedTuple):
    """A psychometric curve; all NaN where none can be fitted."""

    slope: float
    """k, per unit of evidence; inf is never given."""
    bias: float
    """b, in the unit of evidence."""
    lapse: float
    """l, in [0, 1/2]."""
    loss: float
    """Mean negative log likelihood of a trial, in nats."""

    def at(self, evidence: ArrayLike) -> Array:
        """Probability of + at some evidence, no unit."""
        k, b = self.slope, self.bias
        rise = expit(k * (np.asarray(evidence, dtype=np.float64) + b))
        return self.lapse + (1 - 2 * self.lapse) * rise


UNKNOWN = Curve(np.nan, np.nan, np.nan, np.nan)


def psychometric_curve(
    evidence_B: ArrayLike, plus_B: ArrayLike, lapses: bool = True
) -> Curve:
    """The curve of largest likelihood; ``plus``: 1 where the decision is +, else 0.

    A share of several trials stands for each of them.  Not ``lapses``: l is 0.  NaN
    where a number is not finite or all evidence is the same, where decisions follow its
    sign from one strength to the next, so that no finite slope is the best, and where
    they do not rise with the evidence, so that it has no bias.
    """
    x, plus = (np.asarray(v, dtype=np.float64) for v in (evidence_B, plus_B))
    if not (x.size and np.isfinite(x).all() and np.isfinite(plus).all()):
        return UNKNOWN
    levels = np.unique(x)
    unit = float(x.std())
    if len(levels) < 2:
        return UNKNOWN
    steepest = STEEPEST * unit / float(np.diff(levels).min())
    tried = [_fitted(x / unit, plus, lapse, steepest, lapses)
             for lapse in (LAPSES if lapses else (0.0,))]  # fmt: skip
    loss, k, c, lapse = min(tried)
    # lapses of 1/2 leave a flat line, whatever the slope behind them
    if not ((1 - 2 * lapse) * k > LEAST_RISE and k < 0.99 * steepest):
        return UNKNOWN
    return Curve(k / unit, c / k * unit, lapse, loss)


def _fitted(
    x_B: Array, plus_B: Array, lapse: float, steepest: float, free: bool
) -> tuple[float, float, float, float]:
    """(loss, k, c, l) of p = l + (1 - 2 l) logistic(k x + c), from this start."""

    def loss(at: Array) -> tuple[float, Array]:
        k, c, lam = at
        rise_B = expit(k * x_B + c)
        p_B = np.clip(lam + (1 - 2 * lam) * rise_B, TINY, 1 - TINY)
        value = -(plus_B * np.log(p_B) + (1 - plus_B) * np.log1p(-p_B)).mean()
        by_p_B = -(plus_B / p_B - (1 - plus_B) / (1 - p_B)) / len(x_B)
        by_u_B = by_p_B * (1 - 2 * lam) * rise_B * (1 - rise_B)
        slope = [by_u_B @ x_B, by_u_B.sum(), by_p_B @ (1 - 2 * rise_B)]
        return float(value), np.array(slope)

    most = 0.5 if free else 0.0
    found = minimize(
        loss, np.array([1.0, 0.0, lapse]), jac=True, method="L-BFGS-B",
        bounds=[(-steepest, steepest), (None, None), (0.0, most)],
        options={"ftol": 1e-14, "gtol": 1e-10, "maxiter": 500},
    )  # fmt: skip
    k, c, lapse = (float(value) for value in found.x)
    return float(found.fun), k, c, lapse
