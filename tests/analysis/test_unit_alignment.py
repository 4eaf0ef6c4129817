"""The alignment of units against planted labels and searches over all labels."""

import itertools

import numpy as np
import pytest
from scipy.optimize import quadratic_assignment

from popnet.analysis.unit_alignment import (
    Alignment,
    aligned,
    apart_aligned,
    signed_alignment,
    unrelated_distance,
)


def planted(units, noise, seed, signed, fixed=()):
    """Weights, and a noisy copy of them with other labels and signs of its units."""
    random = np.random.default_rng(seed)
    a, error = random.standard_normal((2, units, units))
    free = np.setdiff1d(np.arange(units), fixed)
    order, sign = np.arange(units), np.ones(units)
    order[free] = random.permutation(free)
    if signed:
        sign[free] = random.choice([-1.0, 1.0], len(free))
    back = Alignment(np.argsort(order), sign[np.argsort(order)])
    b = Alignment(order, sign).of(a + noise * error)
    return a, b, back, noise * np.linalg.norm(error)


@pytest.mark.parametrize("seed", range(3))
def test_a_planted_permutation_of_128_units_is_found_in_noise(seed):
    a, b, back, noise = planted(128, 0.3, seed, signed=False)
    np.testing.assert_array_equal(aligned(a, b, []), back.order_N)
    assert apart_aligned(a, b, []) == pytest.approx(noise)


@pytest.mark.parametrize(("units", "fixed"), [(128, ()), (128, (0, 7)), (30, (2,))])
def test_planted_signs_and_permutation_are_found_in_noise(units, fixed):
    a, b, back, noise = planted(units, 0.3, units + len(fixed), True, fixed)
    found = signed_alignment(a, b, fixed)
    np.testing.assert_array_equal(found.order_N, back.order_N)
    turn = 1 if fixed else found.sign_N[0] * back.sign_N[0]  # all of them: no change
    np.testing.assert_array_equal(found.sign_N, turn * back.sign_N)
    assert apart_aligned(a, b, fixed, signed=True) == pytest.approx(noise)
    # without signs the same labels are far from it
    assert apart_aligned(a, b, fixed) > 2 * noise


def test_fixed_units_keep_their_places_and_signs():
    a, b, *_ = planted(12, 0.1, 3, signed=True)
    found = signed_alignment(a, b, [1, 4, 9], restarts=3)
    assert found.order_N[[1, 4, 9]].tolist() == [1, 4, 9]
    assert found.sign_N[[1, 4, 9]].tolist() == [1, 1, 1]
    assert sorted(found.order_N) == list(range(12))
    every = signed_alignment(a, b, range(12), restarts=1)
    assert every.order_N.tolist() == list(range(12)) and (every.sign_N == 1).all()


@pytest.mark.parametrize("seed", range(6))
def test_signed_search_lies_between_the_unsigned_one_and_the_best_of_all(seed):
    a, b = np.random.default_rng(seed).standard_normal((2, 5, 5))
    best = min(
        np.linalg.norm(a - Alignment(np.array(order), np.array(sign)).of(b))
        for order in itertools.permutations(range(5))
        for sign in itertools.product([-1, 1], repeat=5)
    )
    found = apart_aligned(a, b, [], signed=True, restarts=20)
    assert best - 1e-9 <= found <= apart_aligned(a, b, []) + 1e-9
    assert found <= 1.02 * best  # five of the six are found, the last to 1 %


def test_of_moves_weights_as_the_matrix_does():
    a, _, back, _ = planted(9, 0.0, 5, signed=True)
    p = np.zeros((9, 9))
    p[np.arange(9), back.order_N] = back.sign_N
    np.testing.assert_allclose(back.of(a), p @ a @ p.T, atol=1e-14)


def test_random_starts_find_more_in_hard_cases_and_never_less():
    gained = 0
    for seed in range(6):
        a, b = np.random.default_rng(seed).standard_normal((2, 16, 16))
        few, many = (apart_aligned(a, b, [], restarts=n) for n in (0, 20))
        assert many <= few
        gained += many < few - 1e-6
        assert many == apart_aligned(a, b, [], restarts=20)  # the same starts each time
    assert gained >= 3


@pytest.mark.parametrize("fixed", [[], [0, 3]])
def test_without_settings_it_is_scipys_search_from_two_starts(fixed):
    a, b = np.random.default_rng(8).standard_normal((2, 20, 20))
    kept = np.array([[i, i] for i in fixed]).reshape(-1, 2).astype(int)
    values = []
    for start in (np.eye(20 - len(fixed)), "barycenter"):
        own = np.random.default_rng(0)
        options = {"maximize": True, "P0": start, "partial_match": kept, "rng": own}
        values.append(quadratic_assignment(a, b, options=options).fun)
    order = aligned(a, b, fixed)
    assert np.sum(a * b[np.ix_(order, order)]) == pytest.approx(max(values))


def test_unrelated_matrices_come_nearer_the_more_is_searched():
    plain = unrelated_distance(20)
    assert unrelated_distance(20, signed=True) < 0.98 * plain
    assert unrelated_distance(20, restarts=10) < 0.995 * plain
    assert unrelated_distance(1) == 1 and unrelated_distance(4, 3, True) == 1
