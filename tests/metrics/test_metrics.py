"""Comparisons on arrays whose distance is known by hand."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from popnet.analysis.unit_alignment import aligned, unrelated_distance
from popnet.metrics import METRICS, Subject


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
    best = 1 / 5 / unrelated_distance(2)
    assert distance("weights", subject(a), subject(b)) == pytest.approx(best)


@pytest.mark.parametrize("units", [8, 20, 60])
@pytest.mark.parametrize("align", [True, False])
def test_unrelated_networks_are_about_1_apart_whatever_their_size(units, align):
    found = [
        distance(
            "weights",
            subject(random_weights(units, 10 * k + 1)),
            subject(random_weights(units, 10 * k + 2)),
            align=align,
        )
        for k in range(8)
    ]
    assert np.mean(found) == pytest.approx(1, abs=0.05)


def test_unrelated_weights_of_any_law_count_alike_when_shuffled():
    """The null of a network is its own numbers in a random order."""
    random = np.random.default_rng(3)
    a, b = random.standard_t(3, (2, 40, 40))
    b = a + 0.1 * b
    near = distance("weights", subject(a), subject(b))
    null = distance("weights", subject(a), subject(b), shuffled=True)
    assert near < 0.2 < 0.9 < null < 1.1
    assert null == distance("weights", subject(a), subject(b), shuffled=True)


def test_the_change_of_weights_is_compared_without_where_it_began():
    random = np.random.default_rng(4)
    starts, change = (
        random.standard_normal((2, 30, 30)),
        random.standard_normal((30, 30)),
    )
    one, other = (
        Subject((), w.astype(np.float32), (w + 0.1 * change).astype(np.float32))
        for w in starts
    )
    given = {"align": False}
    assert distance("weights", one, other, **given) > 0.9
    assert distance("weights", one, other, of="change", **given) < 1e-4
    opposite = other._replace(final_NN=2 * other.initial_NN - other.final_NN)
    apart = distance("weights", one, opposite, of="change", **given)
    assert apart == pytest.approx(np.sqrt(2), abs=1e-3)


def test_networks_as_drawn_have_no_change_to_compare():
    with pytest.raises(ValueError, match="networks as drawn have no change"):
        METRICS["weights"].settings(of="change", untrained=True)


def test_units_turned_each_by_itself_no_longer_act_together():
    random = np.random.default_rng(5)
    courses = np.cumsum(random.standard_normal((120, 6)), axis=0).reshape(2, 60, 6)
    a, b = (
        Subject(
            trained_KTN=courses @ random.standard_normal((6, 30))
            + 0.05 * random.standard_normal((2, 60, 30))
        )
        for _ in range(2)
    )
    alike = distance("trajectories", a, b)
    null = distance("trajectories", a, b, shuffled=True)
    assert alike < 0.35 < 0.5 < null
    settings = METRICS["trajectories"].settings(shuffled=True)
    turned = METRICS["trajectories"].prepare(settings, a)["rates_KTN"].reshape(-1, 30)
    before = a.trained_KTN.reshape(-1, 30)
    np.testing.assert_array_equal(np.sort(turned, 0), np.sort(before, 0))
    # each unit keeps its own course: successive samples stay successive
    step = np.abs(np.diff(np.concatenate([turned, turned[:1]]), axis=0)).sum(0)
    np.testing.assert_allclose(
        step, np.abs(np.diff(np.concatenate([before, before[:1]]), axis=0)).sum(0)
    )


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


def test_the_scales_of_weights_by_hand():
    a, b = [[3.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 4.0]]
    found = {
        scale: distance("weights", subject(a), subject(b), scale=scale)
        for scale in ("unrelated", "relative", "raw", "per_unit", "per_parameter")
    }
    # relabelled, the two differ by 1; their norms are 3 and 4, there are 2 units
    by_hand = {"relative": 1 / 5, "raw": 1, "per_unit": 1 / 2, "per_parameter": 1 / 4}
    by_hand["unrelated"] = 1 / 5 / unrelated_distance(2)
    assert found == pytest.approx(by_hand)
    assert found["unrelated"] == distance("weights", subject(a), subject(b))
    plain = distance("weights", subject(a), subject(b), align=False, scale="raw")
    assert plain == pytest.approx(5)


@pytest.mark.parametrize("scale", ["unrelated", "relative", "raw", "per_parameter"])
@pytest.mark.parametrize("signed", [False, True])
def test_copies_with_other_labels_are_0_apart(scale, signed):
    w, random = random_weights(40, 9), np.random.default_rng(10)
    order, sign = random.permutation(40), random.choice([-1.0, 1.0], 40)
    sign = sign if signed else np.ones(40)
    copy = relabelled(w, order) * np.outer(sign, sign)
    given = {"scale": scale, "signed": signed}
    assert distance("weights", subject(w), subject(copy), **given) == 0
    if signed:
        given["signed"] = False
        assert distance("weights", subject(w), subject(copy), **given) > 1e-3
    noisy = subject(copy + 0.1 * random.standard_normal((40, 40)))
    given["restarts"] = 2
    assert distance("weights", subject(w), noisy, **given) > 1e-4
    there = distance("weights", subject(w), noisy, signed=signed)
    assert there == distance("weights", noisy, subject(w), signed=signed)


def test_unrelated_networks_are_about_1_apart_with_signs_and_starts():
    given = {"signed": True, "restarts": 2}
    found = [
        distance(
            "weights",
            subject(random_weights(16, 10 * k + 1)),
            subject(random_weights(16, 10 * k + 2)),
            **given,
        )
        for k in range(12)
    ]
    assert np.mean(found) == pytest.approx(1, abs=0.05)


def test_the_papers_scale_falls_with_the_size_of_unrelated_networks():
    """d / N^2 of weights of deviation 1 / sqrt(3 N), for two N: mostly N^-1.5."""
    for units, expected in ((32, 3.8e-3), (128, 5.0e-4)):
        a, b = np.random.default_rng(units).uniform(-1, 1, (2, units, units))
        root = np.sqrt(units)
        found = distance(
            "weights", subject(a / root), subject(b / root), scale="per_parameter"
        )
        assert found == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"signed": True}, "got true; nothing is aligned"),
        ({"restarts": 3}, "got 3; nothing is aligned"),
    ],
)
def test_a_search_that_is_not_made_has_no_settings(given, message):
    with pytest.raises(ValueError, match=message):
        METRICS["weights"].settings(align=False, **given)


def test_networks_that_err_oppositely_behave_differently():
    """Equal losses, opposite outputs: a spread of losses would call them equal."""
    target, error = np.random.default_rng(11).standard_normal((2, 4, 10))
    one, other = (Subject(response=target + e) for e in (error, -error))
    losses = [np.mean((s.response - target) ** 2) for s in (one, other)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-12)
    found = distance("behaviour", one, other)
    assert found == pytest.approx(2 * np.sqrt(losses[0]))
