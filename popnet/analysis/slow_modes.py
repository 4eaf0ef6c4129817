"""Slow modes of a network's linearised dynamics, and what drives and reads them.

N units, I inputs, O outputs, M modes

About a state x* a step x(t+1) = x + (dt / tau) (-x + W phi(x) + W_in u) is the map

    A = 1 + diag(dt / tau) (-1 + W diag(phi'(x*)))

With right eigenvectors r_k and left ones l_k, l_j' r_k = 0 for j != k, a mode decays as
a_k^t, by 1 / e in -dt / log |a_k| seconds.  An input moves it by
l_k' diag(dt / tau) W_in u, and the output moves by W_out diag(phi') r_k with it.
Overlaps are cosines: of l_k with the span of the inputs, of r_k with that of the
readout; for a random direction their squares are I / N and O / N on average.  After
Maheswaranathan et al. (NeurIPS 2019), who find line attractors by this decomposition.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Complex, Float
from numpy.typing import NDArray


class LinearModes(NamedTuple):
    """All modes of a linear map, the slowest first: A = R diag(a) L, L R = 1."""

    eigenvalue_N: Complex[np.ndarray, " N"]
    """a_k, of one step"""
    time_constant_N: Float[np.ndarray, " N"]
    """-dt / log |a_k|, seconds; negative where a mode grows"""
    right_NN: Complex[np.ndarray, "N N"]
    """Columns r_k, of length 1: the pattern in which a mode decays."""
    left_NN: Complex[np.ndarray, "N N"]
    """Rows l_k, l_j r_k = 1 for j = k and else 0: what of a deviation x a mode takes up
    is l_k x.  Of scipy's left eigenvectors they are the conjugates, scaled."""


class SlowModes(NamedTuple):
    """The modes at one state that decay most slowly, slowest first."""

    eigenvalue_M: Complex[np.ndarray, " M"]
    """a_k, of one step"""
    time_constant_M: Float[np.ndarray, " M"]
    """-dt / log |a_k|, seconds; negative where a mode grows"""
    input_overlap_M: Float[np.ndarray, " M"]
    """in [0, 1]"""
    readout_overlap_M: Float[np.ndarray, " M"]
    """in [0, 1]"""


def step_map(
    w_NN: Float[np.ndarray, "N N"],
    slope_N: Float[np.ndarray, " N"],
    tau_N: Float[np.ndarray, " N"],
    dt_s: float,
) -> Float[np.ndarray, "N N"]:
    """A = 1 + diag(dt / tau) (-1 + W diag(slope)), no unit; ``slope`` is phi'(x*)."""
    identity_NN = np.eye(len(w_NN))
    return identity_NN + (dt_s / tau_N)[:, None] * (w_NN * slope_N - identity_NN)


def linear_modes(a_NN: Float[np.ndarray, "N N"], dt_s: float) -> LinearModes:
    """Eigenvalues by falling modulus, and right and left eigenvectors to each.

    A deviation x from a fixed point becomes sum_k a_k^t (l_k x) r_k in t steps.  Raises
    numpy's LinAlgError where A has no basis of eigenvectors at all; close to that the
    vectors l_k are large.
    """
    value_N, right_NN = np.linalg.eig(a_NN)
    # the rows of the inverse are the left eigenvectors, with l_k r_k = 1
    left_NN = np.linalg.inv(right_NN)
    order_N = np.argsort(-np.abs(value_N), kind="stable")
    value_N = value_N[order_N].astype(np.complex128)
    with np.errstate(divide="ignore"):
        time_constant_N = -dt_s / np.log(np.abs(value_N))
    right_NN = right_NN[:, order_N].astype(np.complex128)
    left_NN = left_NN[order_N].astype(np.complex128)
    return LinearModes(value_N, time_constant_N, right_NN, left_NN)


def slow_modes(
    a_NN: Float[np.ndarray, "N N"],
    input_NI: Float[np.ndarray, "N I"],
    readout_ON: Float[np.ndarray, "O N"],
    dt_s: float,
    modes: int,
) -> SlowModes:
    """The ``modes`` eigenvalues of A of largest modulus, and their overlaps.

    ``input`` is what inputs add to x in a step, ``readout`` what outputs are of x.  Of
    a complex pair both members count.
    """
    every = linear_modes(a_NN, dt_s)
    return SlowModes(
        every.eigenvalue_N[:modes],
        every.time_constant_N[:modes],
        _within_span(every.left_NN[:modes].conj(), input_NI),
        _within_span(every.right_NN[:, :modes].T, readout_ON.T),
    )


def _within_span(
    vector_MN: NDArray[np.inexact], span_NI: NDArray[np.floating]
) -> NDArray[np.float64]:
    """|Q' v| / |v| for each v, Q an orthonormal basis of the span's columns."""
    basis_NI, size_I, _ = np.linalg.svd(span_NI, full_matrices=False)
    basis_NI = basis_NI[:, size_I > 1e-12 * size_I.max(initial=0.0)]
    inside_MI = vector_MN @ basis_NI
    return np.linalg.norm(inside_MI, axis=1) / np.linalg.norm(vector_MN, axis=1)
