"""Comparisons on arrays whose distance is known by hand."""

import itertools

import numpy as np
import pytest

from popnet.analysis.recurrent_weights import spectral_radius, weight_change
from popnet.metrics import METRICS, Subject
from popnet.metrics.weights import aligned


def subject(w, response=(0.0,), fixed=()):
    return Subject(
        np.asarray(w, np.float32), np.asarray(response, np.float32)[None], tuple(fixed)
    )


def distance(name, one, other, **given):
    settings, compare, _ = METRICS[name]
    return compare(settings(**given), one, other)


def random_weights(units, seed):
    return np.random.default_rng(seed).standard_normal((units, units))


def relabelled(w, order):
    return w[np.ix_(order, order)]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("fixed", [(), (0, 1, 10, 11)])
def test_alignment_recovers_a_planted_permutation(seed, fixed):
    w = random_weights(25, seed)
    free = [i for i in range(25) if i not in fixed]
    order = np.arange(25)
    order[free] = np.random.default_rng(100 + seed).permutation(free)
    # b's unit i is w's unit order[i]: the way back is its inverse
    found = aligned(w, relabelled(w, order), list(fixed))
    np.testing.assert_array_equal(found, np.argsort(order))
    assert (
        distance("weights", subject(w), subject(relabelled(w, order), fixed=fixed)) == 0
    )


def test_fixed_units_are_never_exchanged():
    w = random_weights(12, 0)
    order = np.arange(12)
    order[[0, 5]] = [5, 0]
    other = relabelled(w, order)
    assert distance("weights", subject(w), subject(other)) == 0
    held = distance("weights", subject(w, fixed=(0,)), subject(other))
    assert held > 0.1
    assert held == distance("weights", subject(w), subject(other, fixed=(0,)))
    every = tuple(range(12))
    plain = distance("weights", subject(w), subject(other), align=False)
    all_held = distance("weights", subject(w, fixed=every), subject(other))
    assert all_held == pytest.approx(plain)


@pytest.mark.parametrize("seed", range(4))
def test_small_alignments_lie_between_nothing_and_the_best_of_all(seed):
    a, b = random_weights(5, seed), random_weights(5, seed + 50)
    best = max(
        np.sum(a * relabelled(b, list(order)))
        for order in itertools.permutations(range(5))
    )
    found = np.sum(a * relabelled(b, aligned(a, b, [])))
    # a heuristic: never above the best, never below doing nothing
    assert np.sum(a * b) <= found <= best + 1e-9


def test_weight_distance_by_hand():
    a, b = [[3.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 4.0]]
    plain = distance("weights", subject(a), subject(b), align=False)
    assert plain == pytest.approx(5 / 5)
    # relabelled, the two differ by 1
    assert distance("weights", subject(a), subject(b)) == pytest.approx(1 / 5)


def test_unrelated_networks_are_about_1_apart():
    a, b = random_weights(60, 1), random_weights(60, 2)
    plain = distance("weights", subject(a), subject(b), align=False)
    assert plain == pytest.approx(1, abs=4 / 60)
    assert distance("weights", subject(a), subject(b)) < plain


def test_empty_weights_and_other_sizes():
    zero = np.zeros((4, 4))
    assert distance("weights", subject(zero), subject(zero)) == 0
    other = subject(np.zeros((5, 5)), response=[0.0, 1.0])
    assert np.isnan(distance("weights", subject(zero), other))
    assert np.isnan(distance("behaviour", subject(zero), other))


def test_behaviour_by_hand():
    one, other = subject([[0]], [1.0, 1, 1, 1]), subject([[0]], [1.0, 1, 1, -1])
    assert distance("behaviour", one, other) == pytest.approx(1)
    assert distance("behaviour", one, subject([[0]], [-1.0] * 4)) == pytest.approx(2)


def test_spectral_radius_of_known_matrices():
    turn = 2 * np.array([[0, -1], [1, 0]], np.float32)  # eigenvalues +-2i
    assert spectral_radius(turn) == pytest.approx(2)
    assert spectral_radius(np.diag([0.5, -3, 1]).astype(np.float32)) == pytest.approx(3)
    nilpotent = np.array([[0, 1], [0, 0]], np.float32)
    assert spectral_radius(nilpotent) == 0


def test_spectral_radius_of_random_networks_is_the_gain():
    # circular law: g (1 + O(1 / sqrt N))
    w = (1.5 / np.sqrt(300) * random_weights(300, 0)).astype(np.float32)
    assert spectral_radius(w) == pytest.approx(1.5, rel=0.1)


def test_weight_change_by_hand():
    before = np.array([[3, 0], [0, 4]], np.float32)
    after = before + np.array([[0, 1], [0, 0]], np.float32)
    assert weight_change(before, after) == pytest.approx(1 / 5)
    assert weight_change(before, before) == 0
    assert np.isnan(weight_change(0 * before, after))
