"""Fits of linear dynamics, of systems that are linear and whose matrices are known."""

import numpy as np
import pytest
from helpers import dsa_package

from popnet.analysis.delay_embedding import (
    delay_rows,
    fit_dynamics,
    input_excitation,
    whitened_rows,
)


def linear_system(seed, units=6, inputs=2, trials=9, steps=40, radius=0.9):
    """x(t + 1) = A x(t) + B u(t + 1), from any start."""
    random = np.random.default_rng(seed)
    a = random.standard_normal((units, units))
    a *= radius / np.abs(np.linalg.eigvals(a)).max()
    b = random.standard_normal((units, inputs))
    u = random.standard_normal((trials, steps, inputs))
    x = np.zeros((trials, steps, units))
    x[:, 0] = random.standard_normal((trials, units))
    for t in range(1, steps):
        x[:, t] = x[:, t - 1] @ a.T + u[:, t] @ b.T
    return a, b, x, u


def sorted_eigenvalues(a):
    return np.sort_complex(np.linalg.eigvals(a))


def rotation(units, seed=3):
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((units, units)))[0]


@pytest.mark.parametrize("seed", range(3))
def test_a_linear_system_is_found_again(seed):
    a, b, x, u = linear_system(seed)
    found = fit_dynamics(x, 1, 6, input_BTI=u)
    np.testing.assert_allclose(
        sorted_eigenvalues(found.operator_RR), sorted_eigenvalues(a), atol=1e-9
    )
    # z = W' x: whatever W is, A and B belong to one system, so their products agree
    z = whitened_rows(x, 1, 6, 1).reshape(-1, 6)
    w = np.linalg.lstsq(x.reshape(-1, 6), z, rcond=None)[0].T
    np.testing.assert_allclose(found.operator_RR, w @ a @ np.linalg.inv(w), atol=1e-9)
    np.testing.assert_allclose(found.input_RI, w @ b, atol=1e-9)
    assert found.heldout_error < 1e-18


def test_inputs_left_out_are_an_error_that_is_reported():
    _, _, x, u = linear_system(5)
    driven, alone = fit_dynamics(x, 1, 6, input_BTI=u), fit_dynamics(x, 1, 6)
    assert driven.heldout_error < 1e-12 < 0.1 < alone.heldout_error < 1.2
    assert alone.input_RI.shape == (6, 0)


def test_subspace_identification_finds_the_same_system():
    """Where nothing is hidden, it has the eigenvalues of the direct fit."""
    _, _, x, u = linear_system(2, units=4, trials=6, steps=80)
    theirs = dsa_package.subspace_operator(x, np.roll(u, -1, axis=1), 4, 4)
    ours = fit_dynamics(x, 1, 4, input_BTI=u).operator_RR
    np.testing.assert_allclose(
        sorted_eigenvalues(theirs), sorted_eigenvalues(ours), atol=1e-3
    )


@pytest.mark.parametrize(("delays", "interval"), [(1, 1), (3, 1), (2, 3)])
def test_rows_by_hand_never_straddle_trials(delays, interval):
    x = np.arange(2 * 8 * 3, dtype=float).reshape(2, 8, 3)
    rows = delay_rows(x, delays, interval)
    assert rows.shape == (2, 8 - (delays - 1) * interval, 3 * delays)
    for b in range(2):
        for s in range(rows.shape[1]):
            t = s + (delays - 1) * interval
            expected = [x[b, t - k * interval] for k in range(delays)]
            np.testing.assert_array_equal(rows[b, s], np.concatenate(expected))


def test_whitened_rows_are_uncorrelated_and_of_unit_size():
    _, _, x, _ = linear_system(7)
    z = whitened_rows(x, 3, 9, 1).reshape(-1, 9)
    np.testing.assert_allclose(z.T @ z / len(z), np.eye(9), atol=1e-8)


def test_the_package_fits_the_same_operator():
    """Its coordinates are these, up to signs and one common factor."""
    random = np.random.default_rng(11)
    x = np.tanh(np.cumsum(random.standard_normal((12, 50, 10)), axis=1) / 3)
    ours = fit_dynamics(x, 3, 8).operator_RR
    theirs = dsa_package.operator(x, 3, 8)
    np.testing.assert_allclose(np.abs(ours), np.abs(theirs), atol=2e-4)
    np.testing.assert_allclose(
        sorted_eigenvalues(ours), sorted_eigenvalues(theirs), atol=2e-4
    )


def test_trials_do_not_touch_each_other():
    """In another order, they are the same; joined end to end, they are not."""
    _, _, x, u = linear_system(8)
    one = fit_dynamics(x, 2, 8, input_BTI=u)
    other = fit_dynamics(x[::-1], 2, 8, input_BTI=u[::-1])
    np.testing.assert_allclose(
        sorted_eigenvalues(one.operator_RR),
        sorted_eigenvalues(other.operator_RR),
        atol=1e-8,
    )
    joined = fit_dynamics(x.reshape(1, -1, 6), 2, 8, input_BTI=u.reshape(1, -1, 2))
    assert np.isnan(joined.heldout_error)
    apart = sorted_eigenvalues(joined.operator_RR) - sorted_eigenvalues(one.operator_RR)
    assert np.abs(apart).max() > 1e-3


def test_rotated_and_scaled_rates_have_the_same_operator_up_to_signs():
    _, _, x, _ = linear_system(9)
    one = fit_dynamics(x, 3, 5).operator_RR
    other = fit_dynamics(3 * x @ rotation(6), 3, 5).operator_RR
    np.testing.assert_allclose(np.abs(one), np.abs(other), atol=1e-8)


def test_activity_of_few_directions_gives_a_small_operator():
    _, _, x, _ = linear_system(10, units=3, inputs=1)
    wide = (x @ rotation(9)[:3]).astype(np.float32)
    assert fit_dynamics(wide, 1, 8).operator_RR.shape == (3, 3)


@pytest.mark.parametrize(
    "rates",
    [np.zeros((4, 20, 3)), np.full((4, 20, 3), 0.5), np.full((4, 20, 3), np.nan),
     np.random.default_rng(0).standard_normal((4, 5, 3))],
    ids=["silent", "constant", "not finite", "too short"],
)  # fmt: skip
def test_no_activity_has_no_dynamics(rates):
    found = fit_dynamics(rates, 5, 4, input_BTI=np.zeros((*rates.shape[:2], 2)))
    assert np.isnan(found.operator_RR).all() and np.isnan(found.input_RI).all()
    assert np.isnan(found.heldout_error)


def test_the_rank_of_inputs_by_hand():
    random = np.random.default_rng(1)
    noise = random.standard_normal((5, 30, 2))
    assert input_excitation(noise, 4) == (8, 8)
    held = np.broadcast_to(random.standard_normal((5, 1, 2)), (5, 30, 2))
    assert input_excitation(held, 4) == (2, 8)
    assert input_excitation(np.concatenate([noise, noise[..., :1]], 2), 4) == (8, 12)
    # an input that never changes is none
    still = np.concatenate([noise, np.ones((5, 30, 1))], 2)
    assert input_excitation(still, 4) == (8, 8)
    assert input_excitation(np.ones((5, 30, 1)), 4) == (0, 0)
