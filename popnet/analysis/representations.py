"""How alike the activity of two networks is in the same samples, whatever their units.

    S samples (steps of trials), N units, K kept directions, D numbers of one network
    x_SN, y_SM: rates of two networks in the same samples, no unit

Everything is in two steps.  A form of each network is made once and holds all that is
compared: a vector of unit length whose product with another one's is the similarity
(CKA, RSA), or an orthonormal basis (SVCCA).  A pair then costs one small product.

A form is NaN where it is not defined: rates that are not finite or do not vary.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from popnet.analysis.activity import centred, finite_or_nan

Array = NDArray[np.float64]
BLOCK = 16_384
"""Numbers of a vector that are multiplied at once, so that few are held in float64."""
TIED = 1e-6
"""Dissimilarities that differ by less than this part of the largest count as equal."""


def gram_vector(x_SN: ArrayLike, debiased: bool = False) -> Array:
    """The Gram matrix of centred samples as a unit vector [S (S + 1) / 2].

        K = X X',  columns of X centred;  CKA = <K, L>_F / (|K|_F |L|_F)

    which is |X' Y|_F^2 / (|X' X|_F |Y' Y|_F): linear CKA, Kornblith et al., ICML 2019,
    eq. 5.  Elements beside the diagonal stand once, times sqrt(2).

    The expected CKA of unrelated networks is above 0, the more so the fewer samples
    there are for a dimension.  ``debiased``: the diagonal of X X' is left out and the
    rest is centred so that <K, L>_F of unrelated networks is 0 on average,

        K_ij = k_ij - k_i / (S - 2) - k_j / (S - 2) + k / ((S - 1) (S - 2)),  i != j

    with the row sums k_i and the total k of k_ij (Song et al., J. Mach. Learn. Res. 13,
    1393, 2012, eq. 5; in this form Szekely & Rizzo, Ann. Stat. 42, 2382, 2014).
    """
    x_SN = centred(finite_or_nan(x_SN))
    samples = len(x_SN)
    k_SS = _upper_gram(x_SN)
    if debiased:
        if samples < 4:
            return np.full(samples * (samples + 1) // 2, np.nan)
        k_SS = np.triu(k_SS, 1)
        row_S = (k_SS.sum(axis=0) + k_SS.sum(axis=1)) / (samples - 2)
        k_SS += row_S.sum() / (samples - 1) - row_S[:, None] - row_S
        np.fill_diagonal(k_SS, 0)
    upper, diagonal = _upper(samples)
    vector = k_SS.ravel()[upper] * np.sqrt(2)
    vector[diagonal] /= np.sqrt(2)
    return _unit(vector)


def dissimilarity_vector(
    x_SN: ArrayLike, dissimilarity: Literal["euclidean", "correlation"] = "euclidean"
) -> Array:
    """The ranks of the dissimilarities of all pairs of samples, [S (S - 1) / 2].

        euclidean      |x_i - x_j|
        correlation    1 - r(x_i, x_j), r over units; 1 for a pattern that is constant

    Less their mean and of unit length, so that the product of two is Spearman's rank
    correlation of the dissimilarity matrices.  Kriegeskorte et al., Front. Syst.
    Neurosci. 2:4, 2008.  Ties share their mean rank: in a network without noise many
    samples are the same but for rounding.
    """
    from scipy.spatial.distance import pdist
    from scipy.stats import rankdata

    x_SN = finite_or_nan(x_SN)
    if not np.isfinite(x_SN).all():
        return np.full(len(x_SN) * (len(x_SN) - 1) // 2, np.nan)
    if dissimilarity == "euclidean":
        found = pdist(x_SN)
    else:
        off_SN = x_SN - x_SN.mean(axis=1, keepdims=True)
        length_S = np.linalg.norm(off_SN, axis=1, keepdims=True)
        small = 1e-12 * np.abs(x_SN).max(initial=0.0)
        z_SN = np.divide(
            off_SN, length_S, out=np.zeros_like(off_SN), where=length_S > small
        )
        found = 1 - (z_SN @ z_SN.T)[np.triu_indices(len(z_SN), 1)]
    most = found.max(initial=0.0)
    ranks = rankdata(np.round(found / (TIED * most)) if most > 0 else found)
    return _unit(ranks - ranks.mean())


def principal_basis(x_SN: ArrayLike, share: float) -> Array:
    """An orthonormal basis [S, K] of the directions that hold most of the variance.

    The first K left singular vectors of the centred samples; K is the least number
    with sum_k s_k^2 >= ``share`` sum s^2.  Raghu et al., NeurIPS 2017, sec. 2.1.
    """
    x_SN = centred(finite_or_nan(x_SN))
    if not np.isfinite(x_SN).all() or not np.any(x_SN):
        return np.full((len(x_SN), 1), np.nan)
    u_SN, s_N, _ = np.linalg.svd(x_SN, full_matrices=False)
    held_N = np.cumsum(s_N**2)
    kept = 1 + int(np.sum(held_N[:-1] < share * held_N[-1]))
    # with a share of 1 the directions of rounding would count as any other
    real = int(np.sum(s_N > s_N[0] * max(x_SN.shape) * np.finfo(float).eps))
    return u_SN[:, : min(kept, real)]


def canonical_correlations(u_SK: NDArray[Any], v_SK: NDArray[Any]) -> Array:
    """The falling correlations of the most correlated directions of two subspaces.

    The singular values of U' V for orthonormal bases of centred samples, as many as
    the smaller one has directions (Bjorck & Golub, Math. Comp. 27, 579, 1973).
    """
    overlap = u_SK.astype(np.float64).T @ v_SK
    if not np.isfinite(overlap).all():
        return np.array([np.nan])
    return np.minimum(np.linalg.svd(overlap, compute_uv=False), 1.0)


def cosines(a: Sequence[NDArray[Any]], b: Sequence[NDArray[Any]]) -> Array:
    """The cosine of each of M pairs of vectors, [M]; NaN for vectors of two sizes.

    The vectors are the same objects wherever a network is in several pairs: they are
    multiplied at once, each first one with each second one.  Sums are in float64.
    """
    sizes = np.array(
        [len(x) if len(x) == len(y) else -1 for x, y in zip(a, b, strict=True)]
    )
    found_M = np.full(len(sizes), np.nan)
    for size in set(sizes.tolist()) - {-1}:
        places = np.flatnonzero(sizes == size).tolist()
        found_M[places] = _of_one_size([a[i] for i in places], [b[i] for i in places])
    return found_M


def _of_one_size(a: Sequence[NDArray[Any]], b: Sequence[NDArray[Any]]) -> Array:
    first, second = ({id(v): v for v in side} for side in (a, b))
    product = np.zeros((len(first), len(second)))
    square_a, square_b = np.zeros(len(first)), np.zeros(len(second))
    for begin in range(0, len(a[0]), BLOCK):
        one, other = (
            np.array([v[begin : begin + BLOCK] for v in side.values()], np.float64)
            for side in (first, second)
        )
        product += one @ other.T
        square_a += np.einsum("md,md->m", one, one)
        square_b += np.einsum("md,md->m", other, other)
    row, column = ({key: i for i, key in enumerate(side)} for side in (first, second))
    i, j = [row[id(v)] for v in a], [column[id(v)] for v in b]
    return np.clip(product[i, j] / np.sqrt(square_a[i] * square_b[j]), -1.0, 1.0)


def _upper_gram(x_SN: Array) -> Array:
    """X X' [S, S]; below the diagonal it holds nothing that counts."""
    from scipy.linalg import get_blas_funcs

    syrk: Any = get_blas_funcs("syrk", (x_SN,))  # half the work of a product
    return syrk(1.0, x_SN.T, trans=1, lower=1).T


@lru_cache(maxsize=4)
def _upper(samples: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The upper triangle of a matrix in a row, and the diagonal's places in it."""
    upper = np.flatnonzero(np.triu(np.ones((samples, samples), bool)))
    return upper, np.flatnonzero(upper % (samples + 1) == 0)


def _unit(vector: Array) -> Array:
    """The vector with length 1; NaN where it has none."""
    length = float(np.linalg.norm(vector))
    return vector / length if length > 0 else np.full(vector.shape, np.nan)
