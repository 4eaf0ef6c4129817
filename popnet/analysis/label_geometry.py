"""Do networks lie apart by their label?  Distances between P networks, and labels.

    P networks, G labels, D dimensions of an embedding
    distance_PP: symmetric, 0 on its diagonal, of any unit

Every function answers NaN where its number is not defined: a distance that is not
finite, a single label, no two networks of one label.  McMahan, Kleinman & Kao (NeurIPS
2021, code) hand the matrix to functions that take rows for coordinates, so that their
silhouettes are those of ``row_distances``; the matrix itself is meant here unless that
is called first.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def row_distances(distance_PP: ArrayLike) -> Array:
    """Euclidean distances between the rows of a matrix, [P, P], in its unit.

        d_ij = sqrt(sum_k (D_ik - D_jk)^2)

    Two networks are near where all others are equally far from both.
    """
    rows = np.asarray(distance_PP, dtype=np.float64)
    # a row at a time: differences are exact where products would cancel
    return np.array([np.sqrt(((rows - row) ** 2).sum(axis=1)) for row in rows])


class Separation(NamedTuple):
    """Mean distances within and between labels."""

    labels_G: NDArray[np.generic]
    within_G: Array
    """Mean over the pairs of networks of each label; NaN for a single network."""
    within: float
    """Mean over the pairs of networks of one label, all labels together."""
    between: float
    """Mean over the pairs of networks of two labels."""

    @property
    def ratio(self) -> float:
        """within / between, no unit: 1 without any separation, 0 at the most."""
        return self.within / self.between if self.between > 0 else float("nan")


def separation(distance_PP: ArrayLike, label_P: ArrayLike) -> Separation:
    """Mean distances within labels and between them, in the unit of the distances."""
    distance, label = _known(distance_PP), np.asarray(label_P)
    labels_G, kind_P = np.unique(label, return_inverse=True)
    within_G = np.array([_mean_pair(distance[label == one][:, label == one])
                         for one in labels_G])  # fmt: skip
    upper = np.triu_indices(len(label), 1)
    same = kind_P[upper[0]] == kind_P[upper[1]]
    pairs = distance[upper]
    return Separation(labels_G, within_G, _mean(pairs[same]), _mean(pairs[~same]))


def silhouettes(distance_PP: ArrayLike, label_P: ArrayLike) -> Array:
    """The silhouette of each network: nearness to its own label, not the next, [P].

        s_i = (b_i - a_i) / max(a_i, b_i)

    a_i the mean distance to the others of its label, b_i the least, over the other
    labels, of the mean distance to the networks of one.  In [-1, 1], no unit; 0 for the
    only network of a label.  Rousseeuw, J Comput Appl Math 1987;20:53.
    """
    distance, label = _known(distance_PP), np.asarray(label_P)
    labels_G, kind_P = np.unique(label, return_inverse=True)
    if len(labels_G) < 2:
        return np.full(len(label), np.nan)
    member_PG = (kind_P[:, None] == np.arange(len(labels_G))).astype(np.float64)
    total_PG, count_G = distance @ member_PG, member_PG.sum(axis=0)
    own = np.arange(len(label)), kind_P
    others_P = count_G[kind_P] - 1
    a_P = total_PG[own] / np.maximum(others_P, 1)
    mean_PG = total_PG / count_G
    mean_PG[own] = np.inf
    b_P = mean_PG.min(axis=1)
    larger_P = np.maximum(a_P, b_P)
    # all networks at one place: neither nearer nor farther
    s_P = np.divide(b_P - a_P, larger_P, out=np.zeros_like(a_P), where=larger_P != 0)
    return np.where(others_P > 0, s_P, np.where(np.isnan(a_P), np.nan, 0.0))


def silhouette(distance_PP: ArrayLike, label_P: ArrayLike) -> float:
    """The mean of ``silhouettes``, in [-1, 1], no unit."""
    return float(silhouettes(distance_PP, label_P).mean())


def decoded_share(distance_PP: ArrayLike, label_P: ArrayLike) -> float:
    """Share of networks whose nearest neighbour has their label, in [0, 1].

    The nearest of all others, leaving one out; of several equally near ones, the share
    that has its label.  Cover & Hart, IEEE Trans Inf Theory 1967;13:21.
    """
    distance, label = _known(distance_PP).copy(), np.asarray(label_P)
    if len(label) < 2 or not np.isfinite(distance).all():
        return float("nan")
    np.fill_diagonal(distance, np.inf)
    nearest_PP = distance == distance.min(axis=1, keepdims=True)
    same_PP = label[:, None] == label[None]
    return float(((nearest_PP & same_PP).sum(1) / nearest_PP.sum(1)).mean())


class LabelTest(NamedTuple):
    """Labels shuffled over networks."""

    ratio: float
    """``Separation.ratio`` as it is."""
    shuffled_R: Array
    """The ratio of each of R shuffles."""
    p: float
    """Share of shuffles, with the labels as they are among them, that are as low."""


def label_test(
    distance_PP: ArrayLike,
    label_P: ArrayLike,
    block_P: ArrayLike | None = None,
    draws: int = 2000,
    seed: int = 0,
) -> LabelTest:
    """Are networks of one label nearer to each other than labels drawn at random?

        p = (1 + #{shuffles with within / between <= observed}) / (1 + draws)

    one-sided.  With ``block_P`` labels are shuffled within blocks alone, networks of
    one task for example, so that what sets blocks apart counts on neither side; the
    ratio is then of pairs within blocks.  Phipson & Smyth, Stat Appl Genet Mol Biol
    2010;9:39.
    """
    distance, label = _known(distance_PP), np.asarray(label_P)
    block = np.zeros(len(label)) if block_P is None else np.asarray(block_P)
    _, kind_P = np.unique(label, return_inverse=True)
    _, block_P_ = np.unique(block, return_inverse=True)
    beside_PP = (block_P_[:, None] == block_P_[None]) & ~np.eye(len(label), dtype=bool)
    random = np.random.default_rng(seed)
    observed = _ratio(distance, kind_P, beside_PP)
    shuffled_R = np.array([
        _ratio(distance, _shuffled(kind_P, block_P_, random), beside_PP)
        for _ in range(draws)
    ])  # fmt: skip
    if not np.isfinite(observed):
        return LabelTest(observed, shuffled_R, float("nan"))
    # sums of the same distances in another order differ by rounding
    as_low = shuffled_R <= observed * (1 + 1e-12)
    return LabelTest(observed, shuffled_R, (1 + int(as_low.sum())) / (1 + draws))


def _shuffled(
    kind_P: NDArray[np.intp], block_P: NDArray[np.intp], random: np.random.Generator
) -> NDArray[np.intp]:
    """The labels, shuffled within each block."""
    # sorted by block, then at random; each block takes its own labels in that order
    order = np.lexsort((random.random(len(kind_P)), block_P))
    made = np.empty_like(kind_P)
    made[np.argsort(block_P, kind="stable")] = kind_P[order]
    return made


def _ratio(
    distance: Array, kind_P: NDArray[np.intp], beside_PP: NDArray[np.bool_]
) -> float:
    """within / between of the pairs that stand beside each other."""
    same_PP = kind_P[:, None] == kind_P[None]
    within = _mean(distance[same_PP & beside_PP])
    between = _mean(distance[~same_PP & beside_PP])
    return within / between if between > 0 else float("nan")


def _known(distance_PP: ArrayLike) -> Array:
    """The distances in double precision, all NaN if one of them is not finite."""
    distance = np.asarray(distance_PP, dtype=np.float64)
    if distance.ndim != 2 or distance.shape[0] != distance.shape[1]:
        raise ValueError(f"distances have to be a square matrix, got {distance.shape}")
    finite = np.isfinite(distance).all()
    return distance if finite else np.full(distance.shape, np.nan)


def _mean_pair(distance: Array) -> float:
    return _mean(distance[np.triu_indices(len(distance), 1)])


def _mean(values: Array) -> float:
    return float(values.mean()) if values.size else float("nan")
