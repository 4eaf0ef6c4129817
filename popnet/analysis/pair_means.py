"""The mean over pairs of networks, with an interval that knows that pairs share them.

    M pairs, S networks

100 networks have 4,950 pairs but are 100 independent units: an odd network makes all
99 of its pairs odd.  So the interval is over networks.  Each network's pseudo-value is
found from the mean without its pairs (the jackknife of a U-statistic; Arvesen, Ann.
Math. Stat. 40, 2076, 1969), and the interval is that of their mean.  Its width is
right, or too large where pairs vary for themselves, never too small on average (Efron &
Stein, Ann. Stat. 9, 586, 1981).

Over few networks such an interval is wide, and may pass the range of the values: a
similarity of 1.3.  So it is cut there.  An interval that is made on the scale of
log(v / (1 - v)) stays inside by itself and covers as often, but is up to twice as wide
where values crowd at a limit, and elsewhere no more than a tenth narrower;
``tests/analysis/test_pair_means.py`` compares the two.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from popnet.analysis.intervals import (
    Effect,
    Limits,
    cut_to,
    jackknifed,
    mean_interval,
)

Array = NDArray[np.float64]


def pair_mean(
    a_M: ArrayLike,
    b_M: ArrayLike,
    value_M: ArrayLike,
    level: float = 0.95,
    limits: Limits = (-np.inf, np.inf),
) -> Effect:
    """The mean value of M pairs with its interval over the networks in them.

        mean = sum_m v_m / M;    p_s = S mean - (S - 1) mean without the pairs of s

    ``a_M``, ``b_M``: the two networks of each pair, by any name; a pair of a network
    with itself (the floor of a metric) counts for that network alone.  Values that are
    not finite are left out, and ``n`` counts the networks of the others.  There is no
    interval of fewer than four networks, nor where all pairs share one of them.
    ``limits``: the range of the values, which the interval does not leave.
    """
    value = np.asarray(value_M, float)
    known = np.isfinite(value)
    names = np.stack([np.asarray(a_M), np.asarray(b_M)])[:, known]
    value = value[known]
    if not len(value):
        return Effect(np.nan, np.nan, np.nan, 0)
    networks, place = np.unique(names, return_inverse=True)
    a_place, b_place = place.reshape(2, -1)
    mean, without_S = _left_out(a_place, b_place, value, len(networks))
    if not np.isfinite(without_S).all():
        return Effect(mean, np.nan, np.nan, len(networks))
    pseudo_S = jackknifed(mean, without_S)
    # where pairs are missing their mean is another one; the plain mean is reported
    pseudo_S += mean - pseudo_S.mean()
    return cut_to(limits, mean_interval(pseudo_S, level)._replace(value=mean))


def _left_out(
    a_M: NDArray[np.intp], b_M: NDArray[np.intp], value_M: Array, networks: int
) -> tuple[float, Array]:
    """The mean of all pairs, and the mean without those of each network [S]."""
    other = a_M != b_M
    sums, counts = (
        np.bincount(a_M, weight, networks)
        + np.bincount(b_M[other], weight[other], networks)
        for weight in (value_M, np.ones(len(value_M)))
    )
    left = len(value_M) - counts
    with np.errstate(divide="ignore", invalid="ignore"):
        without_S = np.where(left > 0, (value_M.sum() - sums) / left, np.nan)
    return float(value_M.mean()), without_S
