"""Activity as samples, deviations and variances, and how far two activities differ.

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


def distance_between_types_T(rates_KTN: ArrayLike) -> Array:
    """Distance between the types' activities at every step [T], no unit.

    The mean over pairs of types of |r_a(t) - r_b(t)| / sqrt(N); NaN for one type.
    """
    known_KTN = finite_or_nan(rates_KTN)
    types, steps, units = known_KTN.shape
    if types < 2:
        return np.full(steps, np.nan)
    pairs = list(combinations(known_KTN, 2))
    distance_T = np.zeros(steps)
    for one_TN, other_TN in pairs:
        distance_T += np.linalg.norm(one_TN - other_TN, axis=1)
    return distance_T / (len(pairs) * np.sqrt(units))


def procrustes_distance(a_KTN: ArrayLike, b_KTN: ArrayLike) -> float:
    """The angle between two activities under the best rotation, radians in [0, pi / 2].

        arccos |X' Y|_*     X, Y: [K * T, N], less column means, of Frobenius norm 1

    where |.|_* is the sum of singular values.  A metric on activities up to rotation,
    reflection, shift and scale (so up to a relabelling of units too).  Networks of
    different N compare as if silent units were added to the smaller.  NaN where types
    or steps differ and without variance.  Williams et al., NeurIPS 2021, eq. 4.
    """
    a, b = finite_or_nan(a_KTN), finite_or_nan(b_KTN)
    if a.shape[:2] != b.shape[:2]:
        return float("nan")
    x, y = centred(a), centred(b)
    scale = float(np.linalg.norm(x) * np.linalg.norm(y))
    if not scale > 0:
        return float("nan")
    overlap = np.linalg.svd(x.T @ y, compute_uv=False).sum() / scale
    return float(np.arccos(min(1.0, overlap)))


def finite_or_nan(rates_KTN: ArrayLike) -> Array:
    """The rates in double precision, all NaN if one of them is not finite."""
    rates = np.asarray(rates_KTN, dtype=np.float64)
    return rates if np.isfinite(rates).all() else np.full(rates.shape, np.nan)


def centred(known_KTN: Array) -> Array:
    """Samples by units [K * T, N], less the mean of each unit."""
    samples = known_KTN.reshape(-1, known_KTN.shape[-1])
    samples = samples - samples[0]
    return samples - samples.mean(axis=0)


def variances(rates_KTN: ArrayLike) -> Array:
    """Falling eigenvalues [N] of the units' covariance; zeros where it is not known."""
    x = centred(finite_or_nan(rates_KTN))
    if not np.isfinite(x).all():
        return np.zeros(x.shape[1])
    return np.linalg.eigvalsh(x.T @ x / len(x))[::-1].clip(min=0)
