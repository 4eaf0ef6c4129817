"""What every comparison in the registry must do."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from popnet.analysis import METRICS, Subject

UNITS, FIXED = 14, (0, 3)


def subject(seed, fixed=FIXED):
    random = np.random.default_rng(seed)
    w = random.standard_normal((UNITS, UNITS)).astype(np.float32)
    response = np.tanh(random.standard_normal((8, 20))).astype(np.float32)
    return Subject(w, response, fixed)


def near(one, seed, size=0.1):
    """A network close to another one, so that the labels' best match is clear."""
    other = subject(seed)
    return one._replace(
        w_NN=one.w_NN + np.float32(size) * other.w_NN,
        response=one.response + np.float32(size) * other.response,
    )


def compare(name, one, other, **given):
    metric = METRICS[name]
    return metric.compare(metric.settings(**given), one, other)


def relabelled(one, seed=3):
    order = np.arange(UNITS)
    free = [i for i in range(UNITS) if i not in FIXED]
    order[free] = np.random.default_rng(seed).permutation(free)
    return one._replace(w_NN=one.w_NN[np.ix_(order, order)])


def flipped(one):
    sign = np.where(np.arange(UNITS) % 2 == 0, 1, -1).astype(np.float32)
    return one._replace(w_NN=sign[:, None] * one.w_NN * sign)


TRANSFORMS = {
    "hidden units of one relabelled": lambda a, b: (relabelled(a), b),
    "hidden units of the other relabelled": lambda a, b: (a, relabelled(b)),
    "weights of both scaled": lambda a, b: (
        a._replace(w_NN=4 * a.w_NN), b._replace(w_NN=4 * b.w_NN)
    ),
    "weights of one scaled": lambda a, b: (a._replace(w_NN=2 * a.w_NN), b),
    "weights of one turned around": lambda a, b: (a._replace(w_NN=a.w_NN.T), b),
    "hidden units of one sign-flipped": lambda a, b: (flipped(a), b),
    "response of one shifted": lambda a, b: (
        a._replace(response=a.response + np.float32(0.5)), b
    ),
    "response of one scaled": lambda a, b: (a._replace(response=2 * a.response), b),
    "trials of both reordered": lambda a, b: (
        a._replace(response=a.response[::-1]), b._replace(response=b.response[::-1])
    ),
    "trials of one reordered": lambda a, b: (a._replace(response=a.response[::-1]), b),
}  # fmt: skip
UNCHANGED = {
    "behaviour": {
        "hidden units of one relabelled", "hidden units of the other relabelled",
        "weights of both scaled", "weights of one scaled",
        "weights of one turned around", "hidden units of one sign-flipped",
        "trials of both reordered",
    },
    "weights": {
        "hidden units of one relabelled", "hidden units of the other relabelled",
        "weights of both scaled", "response of one shifted", "response of one scaled",
        "trials of both reordered", "trials of one reordered",
    },
}  # fmt: skip
"""What each metric may not see, by its docstring; it must see everything else."""


def test_every_metric_has_its_invariances_here():
    assert set(UNCHANGED) == set(METRICS)


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("name", METRICS)
def test_invariances_hold_and_no_others(name, transform):
    one = subject(0)
    other = near(one, 1)
    before = compare(name, one, other)
    after = compare(name, *TRANSFORMS[transform](one, other))
    if transform in UNCHANGED[name]:
        assert after == pytest.approx(before, rel=1e-6)
    else:
        assert abs(after - before) > 0.1 * before


@pytest.mark.parametrize("name", METRICS)
def test_kind_and_range(name):
    metric = METRICS[name]
    assert metric.settings.kind in ("distance", "similarity")
    assert (
        metric.settings.summary
        and metric.settings.reference
        and metric.settings.__doc__
    )
    values = [compare(name, subject(a), subject(b)) for a, b in ((0, 1), (2, 3))]
    assert all(isinstance(v, float) and np.isfinite(v) and v >= 0 for v in values)


@pytest.mark.parametrize("name", METRICS)
def test_equal_networks(name):
    one = subject(5)
    expected = 0.0 if METRICS[name].settings.kind == "distance" else 1.0
    assert compare(name, one, one) == expected
    copy = Subject(one.w_NN.copy(), one.response.copy(), one.fixed_units)
    assert compare(name, one, copy) == expected


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("seed", range(4))
def test_symmetric_exactly(name, seed):
    one, other = subject(seed), subject(seed + 20, fixed=(0, 5))
    assert compare(name, one, other) == compare(name, other, one)
    close = relabelled(near(one, seed + 40))
    assert compare(name, one, close) == compare(name, close, one)


@pytest.mark.parametrize("name", METRICS)
def test_grows_with_the_difference(name):
    one = subject(0)
    values = [compare(name, one, near(one, 1, size)) for size in (0, 0.05, 0.2, 0.5)]
    assert values == sorted(values) and len(set(values)) == 4


RESPONSES = arrays(np.float32, (3, 4), elements=st.floats(-2, 2, width=32))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(RESPONSES, RESPONSES, RESPONSES)
def test_behaviour_is_a_metric(a, b, c):
    w = np.zeros((2, 2), np.float32)
    one, two, three = (Subject(w, r, ()) for r in (a, b, c))
    ab, bc, ac = (
        compare("behaviour", x, y) for x, y in ((one, two), (two, three), (one, three))
    )
    assert ac <= ab + bc + 1e-12
    assert (ab == 0) == bool((a == b).all())
    assert ab == compare("behaviour", two, one)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.permutations(range(6)), st.integers(0, 1000))
def test_weights_find_any_relabelling_of_small_networks_or_do_no_harm(order, seed):
    w = np.random.default_rng(seed).standard_normal((6, 6)).astype(np.float32)
    one = Subject(w, np.zeros((1, 1), np.float32), ())
    other = one._replace(w_NN=w[np.ix_(order, order)])
    found = compare("weights", one, other)
    assert 0 <= found <= compare("weights", one, other, align=False)
