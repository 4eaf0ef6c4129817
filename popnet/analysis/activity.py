"""Numbers that describe how one network's activity moves, and how far two differ.

    K trial types, T time steps, N units.   Activity: ``rates_KTN``, no unit

Rates are averages over the trials of one type.  Every function answers NaN where its
number is not defined: a rate that is not finite, activity that does not vary, too few
steps or types.  Deviations are taken from the first sample before the mean is, so that
activity which is constant has deviations of exactly zero and not of rounding.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def pca_dimension(rates_KTN: ArrayLike, share: float = 0.9) -> float:
    """The fewest principal components that hold ``share`` of the variance, no unit.

    min d with sum_{i<=d} l_i >= share * sum_i l_i, where l are the eigenvalues in
    falling order of the units' covariance over the K * T samples.  NaN without
    variance.
    """
    variance_N = _variances(rates_KTN)
    total = float(variance_N.sum())
    if not total > 0:
        return float("nan")
    # a hair less than the share: rounding must not ask for one component more
    enough = share * total * (1 - 1e-12)
    return float(1 + np.searchsorted(np.cumsum(variance_N), enough))


def participation_ratio(rates_KTN: ArrayLike) -> float:
    """(sum_i l_i)^2 / sum_i l_i^2 of the units' covariance over K * T samples, no unit.

    1 where activity moves along one line, d where it fills d directions alike; at most
    N.  NaN without variance.  Gao et al., bioRxiv 214262 (2017), their dimension D.
    """
    variance_N = _variances(rates_KTN)
    if not variance_N.sum() > 0:
        return float("nan")
    return float(variance_N.sum() ** 2 / np.sum(variance_N**2))


def speed(rates_KTN: ArrayLike, dt_s: float) -> float:
    """How fast activity moves, 1/s: the mean over types and steps of

        sqrt(mean over units of ((r(t + dt) - r(t)) / dt)^2)

    0 for constant activity; NaN for a single step.
    """
    moved_KTN = np.diff(_known(rates_KTN), axis=1)
    if moved_KTN.size == 0:
        return float("nan")
    return float(np.sqrt(np.mean(moved_KTN**2, axis=2)).mean() / dt_s)


def condition_distance_T(rates_KTN: ArrayLike) -> Array:
    """How far the types' activities lie apart at every step [T], no unit.

    The mean over pairs of types of |r_a(t) - r_b(t)| / sqrt(N); NaN for one type.
    """
    known_KTN = _known(rates_KTN)
    types, steps, units = known_KTN.shape
    if types < 2:
        return np.full(steps, np.nan)
    pairs = list(combinations(known_KTN, 2))
    distance_T = np.zeros(steps)
    for one_TN, other_TN in pairs:
        distance_T += np.linalg.norm(one_TN - other_TN, axis=1)
    return distance_T / (len(pairs) * np.sqrt(units))


def autocorrelation_s(rates_KTN: ArrayLike, dt_s: float) -> float:
    """The lag at which the autocorrelation of activity falls to 1 / e, in seconds.

        a_n(l) = sum_kt x_kn(t) x_kn(t + l) / sum_kt x_kn(t)^2

    where x is the rate less its mean over the time of its type.  The mean over the
    units that vary, linear between lags.  The sums have no correction for the fewer
    terms of long lags: so a(l) over all l > 0 sums to -1/2, and there is always a
    crossing.  NaN for constant activity.  After Murray et al., Nat. Neurosci. 17, 1661
    (2014), who fit an exponential over trials; a trial-averaged rate needs no fit.
    """
    known_KTN = _known(rates_KTN)
    x_KTN = known_KTN - known_KTN[:, :1]
    x_KTN -= x_KTN.mean(axis=1, keepdims=True)
    steps = x_KTN.shape[1]
    # padded to twice the length: the last steps must not meet the first
    power_FN = (np.abs(np.fft.rfft(x_KTN, 2 * steps, axis=1)) ** 2).sum(axis=0)
    varies_N = (x_KTN**2).sum(axis=(0, 1)) > 0
    if not varies_N.any():
        return float("nan")
    products_LN = np.fft.irfft(power_FN[:, varies_N], axis=0)[:steps]
    a_L = (products_LN / products_LN[0]).mean(axis=1)
    after = int(np.argmax(a_L < np.exp(-1)))
    above, below = a_L[after - 1], a_L[after]
    return float((after - 1 + (above - np.exp(-1)) / (above - below)) * dt_s)


def trajectory_change(rates_KTN: ArrayLike, other_KTN: ArrayLike) -> float:
    """How far activity has moved off, in units of its own spread, no unit.

        sqrt(mean (other - r)^2) / sqrt(mean (r - mean_kt r)^2)

    over types, steps and units, unit by unit: a relabelling of units changes it.  About
    sqrt(2) for unrelated activity of equal mean and spread.  NaN for unequal shapes and
    where the first does not vary.
    """
    known_KTN, other = _known(rates_KTN), _known(other_KTN)
    if known_KTN.shape != other.shape:
        return float("nan")
    spread = float(np.linalg.norm(_centred(known_KTN)))
    return float(np.linalg.norm(other - known_KTN)) / spread if spread > 0 else np.nan


def procrustes_distance(a_KTN: ArrayLike, b_KTN: ArrayLike) -> float:
    """The angle between two activities under the best rotation, radians in [0, pi / 2].

        arccos |X' Y|_*     X, Y: [K * T, N], less column means, of Frobenius norm 1

    where |.|_* is the sum of singular values.  A metric on activities up to rotation,
    reflection, shift and scale (so up to a relabelling of units too).  Networks of
    different N compare as if silent units were added to the smaller.  NaN where types
    or steps differ and without variance.  Williams et al., NeurIPS 2021, eq. 4.
    """
    a, b = _known(a_KTN), _known(b_KTN)
    if a.shape[:2] != b.shape[:2]:
        return float("nan")
    x, y = _centred(a), _centred(b)
    scale = float(np.linalg.norm(x) * np.linalg.norm(y))
    if not scale > 0:
        return float("nan")
    overlap = np.linalg.svd(x.T @ y, compute_uv=False).sum() / scale
    return float(np.arccos(min(1.0, overlap)))


def _known(rates_KTN: ArrayLike) -> Array:
    """The rates in double precision, all NaN if one of them is not finite."""
    rates = np.asarray(rates_KTN, dtype=np.float64)
    return rates if np.isfinite(rates).all() else np.full(rates.shape, np.nan)


def _centred(known_KTN: Array) -> Array:
    """Samples by units [K * T, N], less the mean of each unit."""
    samples = known_KTN.reshape(-1, known_KTN.shape[-1])
    samples = samples - samples[0]
    return samples - samples.mean(axis=0)


def _variances(rates_KTN: ArrayLike) -> Array:
    """Falling eigenvalues [N] of the units' covariance; zeros where it is not known."""
    x = _centred(_known(rates_KTN))
    if not np.isfinite(x).all():
        return np.zeros(x.shape[1])
    return np.linalg.eigvalsh(x.T @ x / len(x))[::-1].clip(min=0)
