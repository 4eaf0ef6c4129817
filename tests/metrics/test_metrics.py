"""Comparisons on arrays whose distance is known by hand."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from popnet.metrics import METRICS, Subject
from popnet.metrics.weights import aligned


def subject(w, response=(0.0,), fixed=()):
    response = np.asarray(response, np.float32)[None]
    return Subject(tuple(fixed), None, np.asarray(w, np.float32), response)


def distance(name, one, other, **given):
    metric = METRICS[name]
    settings = metric.settings(**given)
    a, b = (metric.prepare(settings, subject) for subject in (one, other))
    (found,) = metric.compare(settings, [a], [b])
    return found


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


RESPONSES = arrays(np.float32, (3, 4), elements=st.floats(-2, 2, width=32))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(RESPONSES, RESPONSES, RESPONSES)
def test_behaviour_is_a_metric(a, b, c):
    one, two, three = (Subject(response=r) for r in (a, b, c))
    ab, bc, ac = (
        distance("behaviour", x, y) for x, y in ((one, two), (two, three), (one, three))
    )
    assert ac <= ab + bc + 1e-12
    assert (ab == 0) == bool((a == b).all())
    assert ab == distance("behaviour", two, one)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.permutations(range(6)), st.integers(0, 1000))
def test_weights_find_any_relabelling_of_small_networks_or_do_no_harm(order, seed):
    w = np.random.default_rng(seed).standard_normal((6, 6)).astype(np.float32)
    one, other = Subject(final_NN=w), Subject(final_NN=w[np.ix_(order, order)])
    found = distance("weights", one, other)
    assert 0 <= found <= distance("weights", one, other, align=False)
