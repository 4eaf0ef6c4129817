"""The spectrum of a large symmetric matrix that is known by its products alone.

    A: R x R, symmetric, as a function v_R -> A v_R
    M Lanczos steps, K nodes of a quadrature of the spectrum, S probes

Lanczos' recursion from a start q_1 gives orthonormal q_1 .. q_M and a tridiagonal
T = Q A Q' whose eigenvalues (Ritz values) approach those of A, the outermost first:

    beta_m q_(m+1) = A q_m - alpha_m q_m - beta_(m-1) q_(m-1),   alpha_m = q_m' A q_m

Rounding makes the q_m lean on each other, and eigenvalues appear twice; each is
therefore made orthogonal to all before it, twice.  Golub & Van Loan, Matrix
Computations (2013), section 10.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh_tridiagonal

Array = NDArray[np.float64]
Product = Callable[[Array], Array]
"""v_R -> A v_R."""


class Krylov(NamedTuple):
    """The result of M steps of Lanczos' recursion."""

    basis_MR: Array
    """The q_m, orthonormal."""
    alpha_M: Array
    beta_M: Array
    """The last one leads out of the space; 0 where A keeps it."""


class Spectrum(NamedTuple):
    """Eigenvalues of a symmetric matrix, or what is known of them."""

    eigenvalue_K: Array
    weight_K: Array
    """The share of all directions that each node stands for; their sum is 1."""
    top: float
    """The largest eigenvalue."""
    total: float
    """The sum of all eigenvalues."""
    squares: float
    """The sum of their squares."""


def whole_spectrum(a_RR: Array) -> Spectrum:
    """All eigenvalues of a matrix; it is made symmetric first."""
    found = np.linalg.eigvalsh((a_RR + a_RR.T) / 2)
    eigenvalue_R = np.asarray(found, dtype=np.float64)
    size = len(eigenvalue_R)
    return Spectrum(
        eigenvalue_R,
        np.full(size, 1 / size),
        float(eigenvalue_R[-1]),
        float(eigenvalue_R.sum()),
        float((eigenvalue_R**2).sum()),
    )


def estimated_spectrum(
    product: Product, starts_SR: Array, probes_SR: Array, steps: int
) -> Spectrum:
    """The spectrum by ``steps`` of Lanczos from each start.

    Starts and probes are drawn from N(0, 1).  The density is stochastic Lanczos
    quadrature (Ubaru, Chen & Saad 2017): the nodes of a start are its Ritz values,
    their weights the squares of the first entries of T's eigenvectors, and the starts
    are averaged.  It resolves the ends of the spectrum, not eigenvalues among many
    others near 0.  The largest eigenvalue is the largest Ritz value: never above the
    true one (Rayleigh and Ritz).  The sums are those of ``sums``.
    """
    spaces = [lanczos(product, start_R, steps) for start_R in starts_SR]
    nodes, weights = zip(*(quadrature(space) for space in spaces), strict=True)
    total, squares = sums(product, spaces[0], probes_SR)
    return Spectrum(
        np.concatenate(nodes),
        np.concatenate(weights) / len(spaces),
        max(float(node_K.max()) for node_K in nodes),
        total,
        squares,
    )


def lanczos(product: Product, start_R: Array, steps: int) -> Krylov:
    """At most ``steps`` steps, fewer where the space is one that A keeps."""
    q_R = start_R / np.linalg.norm(start_R)
    basis_MR = np.zeros((min(steps, len(q_R)), len(q_R)))
    alphas: list[float] = []
    betas: list[float] = []
    size = 0.0
    for m in range(len(basis_MR)):
        basis_MR[m] = q_R
        rest_R = product(q_R)
        size = max(size, float(np.linalg.norm(rest_R)))
        alphas.append(float(q_R @ rest_R))
        known_MR = basis_MR[: m + 1]
        for _ in range(2):
            rest_R = rest_R - known_MR.T @ (known_MR @ rest_R)
        beta = float(np.linalg.norm(rest_R))
        if beta <= 1e-13 * size or m + 1 == len(q_R):
            betas.append(0.0)
            break
        betas.append(beta)
        q_R = rest_R / beta
    return Krylov(basis_MR[: len(alphas)], np.array(alphas), np.array(betas))


def quadrature(space: Krylov) -> tuple[Array, Array]:
    """Nodes and weights with sum_k w_k f(l_k) = q_1' f(A) q_1 for polynomials f of
    degree below 2 M: Gauss' quadrature of the density that the start sees."""
    node_M, vector_MM = eigh_tridiagonal(space.alpha_M, space.beta_M[:-1])
    return node_M, vector_MM[0] ** 2


def sums(product: Product, space: Krylov, probes_SR: Array) -> tuple[float, float]:
    """Estimates of tr A and |A|_F^2, by probes z ~ N(0, 1) outside a known space.

        tr A    = tr T + E z' P A P z
        |A|_F^2 = |T|_F^2 + beta_M^2 + E |A P z|^2,      P = 1 - Q' Q

    Both are without bias, and exact in what lies in the space; their errors are those
    of the rest, which M steps leave small where few eigenvalues are large.  After
    Hutchinson (1989) and Meyer, Musco, Musco & Woodruff (2021).
    """
    inner = space.beta_M[:-1]
    total = float(space.alpha_M.sum())
    squares = float((space.alpha_M**2).sum() + 2 * (inner**2).sum())
    squares += float(space.beta_M[-1] ** 2)
    rest: list[tuple[float, float]] = []
    for probe_R in probes_SR:
        outside_R = probe_R - space.basis_MR.T @ (space.basis_MR @ probe_R)
        image_R = product(outside_R)
        rest.append((float(outside_R @ image_R), float(image_R @ image_R)))
    more_total, more_squares = np.mean(rest, axis=0) if rest else (0.0, 0.0)
    return total + float(more_total), squares + float(more_squares)


def participation(spectrum: Spectrum) -> float:
    """(sum l)^2 / sum l^2, how many directions are curved; NaN for the matrix 0."""
    if not spectrum.squares > 0:
        return float("nan")
    return spectrum.total**2 / spectrum.squares


def share_below(spectrum: Spectrum, shares: Sequence[float]) -> Array:
    """The share of directions with |l| < mu l_1, for each mu; NaN unless l_1 > 0."""
    if not spectrum.top > 0:
        return np.full(len(shares), np.nan)
    size_K = np.abs(spectrum.eigenvalue_K)
    return np.array(
        [spectrum.weight_K[size_K < mu * spectrum.top].sum() for mu in shares]
    )
