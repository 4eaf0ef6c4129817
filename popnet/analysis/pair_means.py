"""Means over pairs of networks, with intervals over networks.

M pairs, S networks.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from popnet.analysis.intervals import Effect, jackknifed, mean_interval


def pair_mean(a_M: ArrayLike, b_M: ArrayLike, value_M: ArrayLike) -> Effect:
    """The mean value of M pairs of networks with its 95 % interval over networks.

        m = sum_M v / M,    p_s = S m - (S - 1) m_(s)

    m_(s) is the mean over the pairs without network s.  The interval is that of the
    mean of the pseudo-values p_s, because pairs share networks and are not independent.
    ``a_M``, ``b_M``: the networks' names; a network may be paired with itself.  Pairs
    whose value is not finite are left out; ``n`` counts the networks.  The interval is
    NaN where a mean without some network is over no pair.  Arvesen, Ann. Math. Stat.
    40, 2076 (1969).
    """
    values = np.asarray(value_M, dtype=float)
    known = np.isfinite(values)
    if not known.any():
        return Effect(np.nan, np.nan, np.nan, 0)
    values = values[known]
    names = np.concatenate([np.asarray(a_M)[known], np.asarray(b_M)[known]])
    networks, place = np.unique(names, return_inverse=True)
    one, other = place.reshape(2, -1)
    whole, count = float(values.mean()), len(values)
    weights = np.where(one == other, 0.5, 1.0)  # a pair with itself counts once
    size, total_S, pairs_S = len(networks), 0.0, 0.0
    for end in (one, other):
        total_S = total_S + np.bincount(end, values * weights, size)
        pairs_S = pairs_S + np.bincount(end, weights, size)
    with np.errstate(divide="ignore", invalid="ignore"):
        without_S = (values.sum() - total_S) / (count - pairs_S)
    if size < 2 or not (count - pairs_S > 0.25).all():
        return Effect(whole, np.nan, np.nan, size)
    pseudo_S = jackknifed(whole, without_S)
    found = mean_interval(pseudo_S)
    return Effect(whole, found.low, found.high, size)
