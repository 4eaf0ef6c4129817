"""What every comparison in the registry must do."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from popnet.metrics import METRICS, Subject

UNITS, FIXED = 14, (0, 3)


def subject(seed, fixed=FIXED):
    random = np.random.default_rng(seed)
    w = random.standard_normal((UNITS, UNITS)).astype(np.float32)
    response = np.tanh(random.standard_normal((8, 20))).astype(np.float32)
    drawn = random.standard_normal((UNITS, UNITS)).astype(np.float32)
    paths = np.tanh(random.standard_normal((2, 3, 12, UNITS))).astype(np.float32)
    return Subject(w, response, fixed, drawn, *paths)


def near(one, seed, size=0.1):
    """A network close to another one, so that the labels' best match is clear."""
    other = subject(seed)
    arrays = [f for f in Subject._fields if f != "fixed_units"]
    moved = {f: getattr(one, f) + np.float32(size) * getattr(other, f) for f in arrays}
    return one._replace(**moved)


def compare(name, one, other, **given):
    metric = METRICS[name]
    return metric.compare(metric.settings(**given), one, other)


def relabelled(one, seed=3):
    order = np.arange(UNITS)
    free = [i for i in range(UNITS) if i not in FIXED]
    order[free] = np.random.default_rng(seed).permutation(free)
    return one._replace(
        w_NN=one.w_NN[np.ix_(order, order)],
        trajectory_KSN=one.trajectory_KSN[..., order],
    )


def flipped(one):
    sign = np.where(np.arange(UNITS) % 2 == 0, 1, -1).astype(np.float32)
    return one._replace(w_NN=sign[:, None] * one.w_NN * sign)


def moving(change):
    """One network's activity changed: from [K, S, N] to another."""
    return lambda a, b: (a._replace(trajectory_KSN=change(a.trajectory_KSN)), b)


def rotation(seed=4):
    gauss = np.random.default_rng(seed).standard_normal((UNITS, UNITS))
    return np.linalg.qr(gauss)[0]


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
    "activity of one rotated": moving(lambda x_KSN: x_KSN @ rotation()),
    "activity of one shifted": moving(lambda x_KSN: x_KSN + np.arange(UNITS)),
    "activity of one scaled": moving(lambda x_KSN: 3 * x_KSN),
    "activity of one stretched along some units": moving(
        lambda x_KSN: x_KSN * np.linspace(0.2, 3, UNITS)
    ),
    "types of one exchanged": moving(lambda x_KSN: x_KSN[::-1]),
    "time of one turned around": moving(lambda x_KSN: x_KSN[:, ::-1]),
}  # fmt: skip
ACTIVITY = {
    "activity of one rotated", "activity of one shifted", "activity of one scaled",
    "activity of one stretched along some units", "types of one exchanged",
    "time of one turned around",
}  # fmt: skip
UNCHANGED = {
    "behaviour": {
        "hidden units of one relabelled", "hidden units of the other relabelled",
        "weights of both scaled", "weights of one scaled",
        "weights of one turned around", "hidden units of one sign-flipped",
        "trials of both reordered", *ACTIVITY,
    },
    "trajectories": {
        *(set(TRANSFORMS) - ACTIVITY), "activity of one rotated",
        "activity of one shifted", "activity of one scaled",
    },
    "weights": {
        "hidden units of one relabelled", "hidden units of the other relabelled",
        "weights of both scaled", "response of one shifted", "response of one scaled",
        "trials of both reordered", "trials of one reordered", *ACTIVITY,
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
    # an arccos near 1 tells no smaller angles apart
    room = 1e-7 if name == "trajectories" else 0.0
    assert compare(name, one, one) == pytest.approx(expected, rel=0, abs=room)
    copy = Subject(*(f if isinstance(f, tuple) else f.copy() for f in one))
    assert compare(name, one, copy) == compare(name, one, one)


@pytest.mark.parametrize("name", ["trajectories", "weights"])
def test_untrained_networks_are_compared_as_if_they_were_the_trained(name):
    one, other = subject(0), subject(1)
    drawn = [
        s._replace(w_NN=s.untrained_w_NN, trajectory_KSN=s.untrained_trajectory_KSN)
        for s in (one, other)
    ]
    found = compare(name, one, other, untrained=True)
    assert found == compare(name, *drawn) != compare(name, one, other)


def test_activity_that_is_not_kept_is_not_compared():
    one, other = subject(0), subject(1)
    for lacking in ("trajectory_KSN", "untrained_trajectory_KSN"):
        without = other._replace(**{lacking: None})
        untrained = lacking.startswith("untrained")
        found = compare("trajectories", one, without, untrained=untrained)
        assert np.isnan(found)
        assert compare("trajectories", one, without, untrained=not untrained) > 0


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
