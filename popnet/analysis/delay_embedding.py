"""Linear dynamics of a network's delay-embedded rates (dynamic mode decomposition).

    B trials, T time steps, N units, I inputs, D delays * N, S rows of a trial, R rank

A row holds a trial's rates at one step and at some steps before it,

    h(t) = [x(t), x(t - i), ..., x(t - (delays - 1) i)]         i: interval, in steps

and its whitened coordinates are z = W' h, with W the R leading eigenvectors of the
mean of h h', each divided by the root of its eigenvalue: the mean of z z' is 1.
Rates are not centred.  A rotation of the units, or a common factor, leaves z as it is.
The operator is fitted by least squares to all steps of all trials at once,

    z(t + 1) = A z(t) + B u(t + 1)

where no pair of steps straddles two trials.  In popnet the input of a step acts on the
rates of that step, hence u(t + 1).  Subspace identification (N4SID) estimates a hidden
state from what is observed; here all units are observed and nothing is hidden, so the
direct fit is sound, and exact for a linear network.

Ostrow et al. 2023, NeurIPS (DSA); Huang, Ostrow et al. 2026, ICLR (InputDSA).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

KEPT = 1e-12
"""Directions of less than this part of the largest variance are rounding: rates come in
float32, of which 1e-6 of the amplitude is left."""
EXCITED = 1e-8
"""Directions of the inputs with less than this part of the largest variance: none."""


class LinearDynamics(NamedTuple):
    """A fit of linear dynamics to the activity of one network."""

    operator_RR: Array
    """A, all NaN without activity; R is smaller where activity has fewer directions."""
    input_RI: Array
    """B; its columns are per unit of input.  [R, 0] without inputs."""
    heldout_error: float
    """The part of the variance of z(t + 1) in the second half of the trials that a fit
    to the first half does not predict; NaN for one trial."""


def fit_dynamics(
    rates_BTN: NDArray[np.floating],
    delays: int,
    rank: int,
    interval: int = 1,
    input_BTI: NDArray[np.floating] | None = None,
) -> LinearDynamics:
    """Fit z(t + 1) = A z(t) + B u(t + 1); without ``input_BTI``: z(t + 1) = A z(t).

    Rates have no unit, delays and interval are in steps, A is per step.  All NaN where
    a rate is not finite, nothing moves, or trials are too short for two rows.
    """
    rates = np.asarray(rates_BTN, np.float64)
    inputs = np.zeros((*rates.shape[:2], 0)) if input_BTI is None else input_BTI
    inputs = np.asarray(inputs, np.float64)
    known = np.isfinite(rates).all() and np.ptp(rates, axis=(0, 1)).any()
    skipped = (delays - 1) * interval
    if not known or rates.shape[1] < skipped + 2:
        return _nothing(inputs.shape[-1])
    z_BSR = whitened_rows(rates, delays, rank, interval)
    u_BSI = inputs[:, skipped + 1 :]
    a_RR, b_RI = _least_squares(z_BSR, u_BSI)
    return LinearDynamics(a_RR, b_RI, _heldout_error(z_BSR, u_BSI))


def delay_rows(rates_BTN: Array, delays: int, interval: int) -> Array:
    """Rows h(t) of each trial, [B, S, D], S = T - (delays - 1) interval."""
    first = (delays - 1) * interval
    steps = rates_BTN.shape[1] - first
    lagged = [
        rates_BTN[:, first - lag * interval :][:, :steps] for lag in range(delays)
    ]
    return np.concatenate(lagged, axis=2)


def whitened_rows(rates_BTN: Array, delays: int, rank: int, interval: int) -> Array:
    """Coordinates z of each row, [B, S, R], of unit mean square and uncorrelated.

    From the eigenvectors of the rows' Gram matrix [D, D], summed over trials, so that
    rows of one trial alone are held at a time.
    """
    gram_DD = np.zeros((rates_BTN.shape[2] * delays,) * 2)
    for trial_TN in rates_BTN:
        rows_SD = delay_rows(trial_TN[None], delays, interval)[0]
        gram_DD += rows_SD.T @ rows_SD
    rows = len(rates_BTN) * (rates_BTN.shape[1] - (delays - 1) * interval)
    variance_D, direction_DD = np.linalg.eigh(gram_DD / rows)
    kept = min(rank, int((variance_D > KEPT * variance_D[-1]).sum()))
    leading = slice(None, -kept - 1, -1)
    white_DR = direction_DD[:, leading] / np.sqrt(variance_D[leading])
    return np.stack(
        [delay_rows(trial[None], delays, interval)[0] @ white_DR for trial in rates_BTN]
    )


def input_excitation(
    input_BTI: NDArray[np.floating], delays: int, interval: int = 1
) -> tuple[int, int]:
    """The rank of the inputs' Hankel matrix, and the rank that it could have.

    Its rows are the inputs at a step and the delays before it, less their means; it
    could have a direction for each delay of each input that varies.  An input that is
    constant within trials has one instead of ``delays``, and excites too little for A
    and B to be told apart (persistent excitation; Willems et al. 2005).
    """
    rows_SD = delay_rows(np.asarray(input_BTI, np.float64), delays, interval)
    rows_SD = rows_SD.reshape(-1, rows_SD.shape[-1])
    rows_SD = rows_SD - rows_SD.mean(0)
    scale_D = np.sqrt((rows_SD**2).mean(0))
    varies = input_BTI.reshape(-1, input_BTI.shape[-1]).std(0) > 0
    rows_SD = rows_SD / np.where(scale_D > 0, scale_D, 1)
    variance_D = np.linalg.eigvalsh(rows_SD.T @ rows_SD / len(rows_SD))
    found = int((variance_D > EXCITED * max(variance_D[-1:], default=0)).sum())
    return found, delays * int(varies.sum())


def _least_squares(z_BSR: Array, u_BSI: Array) -> tuple[Array, Array]:
    """A [R, R] and B [R, I]; the smallest ones where inputs repeat each other."""
    regressors = _regressors(z_BSR, u_BSI)
    target = z_BSR[:, 1:].reshape(-1, z_BSR.shape[-1])
    scale = np.sqrt((regressors**2).mean(0))
    scale[scale == 0] = 1
    regressors = regressors / scale
    gram = regressors.T @ regressors
    weights = np.linalg.pinv(gram, rcond=1e-10, hermitian=True) @ (
        regressors.T @ target
    )
    both = (weights / scale[:, None]).T
    rank = z_BSR.shape[-1]
    return np.ascontiguousarray(both[:, :rank]), np.ascontiguousarray(both[:, rank:])


def _regressors(z_BSR: Array, u_BSI: Array) -> Array:
    """z(t) beside u(t + 1), in rows."""
    both = np.concatenate([z_BSR[:, :-1], u_BSI], axis=2)
    return both.reshape(-1, both.shape[-1])


def _heldout_error(z_BSR: Array, u_BSI: Array) -> float:
    if len(z_BSR) < 2:
        return float("nan")
    half = len(z_BSR) // 2  # types take turns, so halves hold trials of each
    a_RR, b_RI = _least_squares(z_BSR[:half], u_BSI[:half])
    target = z_BSR[half:, 1:].reshape(-1, z_BSR.shape[-1])
    found = _regressors(z_BSR[half:], u_BSI[half:]) @ np.hstack([a_RR, b_RI]).T
    varied = ((target - target.mean(0)) ** 2).sum()
    return float(((target - found) ** 2).sum() / varied) if varied > 0 else float("nan")


def _nothing(inputs: int) -> LinearDynamics:
    nan = float("nan")
    return LinearDynamics(np.full((1, 1), nan), np.full((1, inputs), nan), nan)
