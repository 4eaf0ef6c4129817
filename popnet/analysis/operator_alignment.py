"""Distances of two linear operators up to a rotation of their states.

    M pairs, n dimensions of the state, I inputs, K = n * I columns, R rank

What needs no search stands here: bounds of the distance under the best rotation (found
by ``kernels.rotation_search``), the distance of eigenvalues, and the comparison of
driven systems, whose best rotation has a closed form.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment

Array = NDArray[np.float64]

ROUNDING = 1e-14
"""The rounding of a squared distance of operators of norm 1."""
UNIQUE = 1e-10
"""Singular values below this part of the largest leave the rotation undecided."""


class InputScores(NamedTuple):
    """Distances of M pairs of driven systems under the rotation that aligns both."""

    joint_M: Array
    """||C K_1 - K_2||_F of the controllability matrices, or their angle."""
    state_M: Array
    """||C A_1 C' - A_2||_F, or the angle."""
    input_M: Array
    """||C B_1 - B_2||_F, or the angle."""
    rank_M: NDArray[np.int64]
    """The rank of K_2 K_1'.  Where it is below both systems' dimensions, the rotation
    is not unique, nor are state and input."""


def alignment_bound(a_nn: ArrayLike, b_nn: ArrayLike) -> float:
    """No rotation brings A and B, of norm 1, closer than this, in the Frobenius norm.

        ||A - C B C'||^2 >= sum (s_i - t_i)^2 + sum (v_i - w_i)^2

    with s, t the sorted eigenvalues of the symmetric parts of A and B, and v, w those
    of the skew parts divided by i: the parts stay apart under rotation, and each obeys
    Hoffman & Wielandt (1953).  Likewise with the sorted singular values of A and B
    (Mirsky 1960); the larger bound counts.  Exact for symmetric A and B.
    """
    symmetric, skew, singular = zip(
        *(_spectra(np.asarray(x, np.float64)) for x in (a_nn, b_nn)), strict=True
    )
    parts = sum(((x - y) ** 2).sum() for x, y in (symmetric, skew))
    whole = ((singular[0] - singular[1]) ** 2).sum()
    return float(np.sqrt(max(0.0, parts - ROUNDING, whole - ROUNDING)))


def _spectra(x_nn: Array) -> tuple[NDArray[np.floating], ...]:
    symmetric = np.linalg.eigvalsh((x_nn + x_nn.T) / 2)
    skew = np.linalg.eigvalsh((x_nn - x_nn.T) / 2j)
    return symmetric, skew, np.linalg.svd(x_nn, compute_uv=False)


def angle_of(distance: ArrayLike) -> Array:
    """The angle between two operators of norm 1 this far apart, radians in [0, pi].

    arccos <A, B> = 2 arcsin(||A - B|| / 2), which keeps its digits at small angles.
    """
    return 2 * np.arcsin(np.clip(np.asarray(distance, np.float64) / 2, 0, 1))


def eigenvalue_distance(a_R: ArrayLike, b_R: ArrayLike) -> float:
    """Wasserstein distance W2 of two sets of complex eigenvalues.

        sqrt(min over assignments of mean_i |a_i - b_p(i)|^2)

    With the root, so that the triangle inequality holds for sets of one size.  A
    smaller set is filled up with zeros.  After Redman et al. 2024, NeurIPS.
    """
    a, b = (np.asarray(x, np.complex128) for x in (a_R, b_R))
    size = max(len(a), len(b))
    a, b = (np.pad(x, (0, size - len(x))) for x in (a, b))
    cost = np.abs(a[:, None] - b) ** 2
    return float(np.sqrt(cost[linear_sum_assignment(cost)].mean()))


def controllability(a_Mnn: Array, b_MnI: Array) -> Array:
    """K = [B, A B, A^2 B, ..., A^(n-1) B], [M, n, n * I]."""
    terms = [b_MnI]
    for _ in range(a_Mnn.shape[-1] - 1):
        terms.append(a_Mnn @ terms[-1])
    return np.concatenate(terms, axis=-1)


def best_rotations(k1_MnK: Array, k2_MnK: Array) -> tuple[Array, NDArray[np.int64]]:
    """C = argmin over O(n) of ||C K_1 - K_2||_F, [M, n, n], and the rank of K_2 K_1'.

    K_2 K_1' = W S Z',  C = W Z'   (orthogonal Procrustes; Schönemann 1966).
    """
    w_Mnn, s_Mn, zt_Mnn = np.linalg.svd(k2_MnK @ np.swapaxes(k1_MnK, -1, -2))
    rank_M = (s_Mn > UNIQUE * s_Mn[:, :1]).sum(-1)
    return w_Mnn @ zt_Mnn, rank_M


def input_scores(
    a1_Mnn: Array, b1_MnI: Array, a2_Mnn: Array, b2_MnI: Array, angular: bool = False
) -> InputScores:
    """Distances of driven systems x(t+1) = A x(t) + B u(t), up to a rotation of x.

    Under x -> C x: A -> C A C', B -> C B and so K -> C K, K the controllability matrix.
    The exact minimum for K.  Huang, Ostrow et al. 2026, ICLR (InputDSA); in the units
    of A (per step) and B.  ``angular``: angles in radians instead.
    """
    k1, k2 = controllability(a1_Mnn, b1_MnI), controllability(a2_Mnn, b2_MnI)
    c, rank_M = best_rotations(k1, k2)
    apart = _angles if angular else _norms
    turned = c @ a1_Mnn @ np.swapaxes(c, -1, -2)
    return InputScores(
        apart(c @ k1, k2), apart(turned, a2_Mnn), apart(c @ b1_MnI, b2_MnI), rank_M
    )


def _norms(x: Array, y: Array) -> Array:
    return np.linalg.norm(x - y, axis=(-2, -1))


def _angles(x: Array, y: Array) -> Array:
    """NaN where one of the two is zero."""
    with np.errstate(invalid="ignore", divide="ignore"):
        x, y = (z / np.linalg.norm(z, axis=(-2, -1), keepdims=True) for z in (x, y))
    return angle_of(_norms(x, y))
