"""Means over pairs: by hand, and how often their intervals cover the truth."""

from itertools import combinations

import numpy as np
import pytest
from scipy.special import expit

from popnet.analysis.intervals import mean_interval
from popnet.analysis.pair_means import pair_mean


def pairs_of(networks):
    a, b = np.array(list(combinations(range(networks), 2))).T
    return a, b


def test_by_hand_from_every_mean_without_a_network():
    a, b = pairs_of(6)
    value = np.random.default_rng(0).exponential(size=len(a))
    pseudo = [
        6 * value.mean() - 5 * value[(a != s) & (b != s)].mean() for s in range(6)
    ]
    expected, found = mean_interval(pseudo), pair_mean(a, b, value)
    assert found.value == pytest.approx(value.mean()) and found.n == 6
    assert found.value == pytest.approx(expected.value)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    wide = pair_mean(a, b, value, level=0.99)
    assert wide.low < found.low < found.high < wide.high


def test_a_network_is_counted_by_its_name_whatever_its_side():
    a, b = pairs_of(7)
    value = np.random.default_rng(1).exponential(size=len(a))
    expected = pair_mean(a, b, value)
    names = np.array(list("gdabfce"))
    swapped = np.random.default_rng(2).permutation(len(a))
    found = pair_mean(names[b][swapped], names[a][swapped], value[swapped])
    assert found == pytest.approx(expected)


def test_pairs_of_networks_with_themselves_are_the_networks():
    value = np.random.default_rng(3).exponential(size=9)
    keys = [f"key{i}" for i in range(9)]
    assert pair_mean(keys, keys, value) == pytest.approx(mean_interval(value))


def test_values_that_are_missing_leave_the_plain_mean():
    a, b = pairs_of(8)
    value = np.random.default_rng(4).exponential(size=len(a))
    value[(a == 0) | (b == 0)] = np.nan
    value[[9, 14, 20]] = np.nan
    found = pair_mean(a, b, value)
    assert found.value == pytest.approx(np.nanmean(value)) and found.n == 7
    assert found.low < found.value < found.high


def test_too_few_networks_have_no_interval():
    for networks in (2, 3):
        a, b = pairs_of(networks)
        found = pair_mean(a, b, np.arange(1.0, len(a) + 1))
        assert found.n == networks and found.value == (len(a) + 1) / 2
        assert np.isnan([found.low, found.high]).all()
    # without the one in the middle there is no pair left
    star = pair_mean([0] * 6, range(1, 7), np.arange(6.0))
    assert star.value == 2.5 and star.n == 7 and np.isnan(star.low)
    none = pair_mean([0], [1], [np.nan])
    assert none.n == 0 and np.isnan(none.value)


def coverage(networks, draw, truth, repeats=300):
    """How often the interval holds the mean over all possible pairs."""
    a, b = pairs_of(networks)
    random = np.random.default_rng(networks)
    hits = 0
    for _ in range(repeats):
        found = pair_mean(a, b, draw(random, a, b))
        hits += found.low <= truth <= found.high
    return hits / repeats


def in_a_plane(random, a, b):
    """Squared distances of points of a normal law in a plane: mean 4."""
    points = random.standard_normal((b.max() + 1, 2))
    return np.sum((points[a] - points[b]) ** 2, axis=1)


def odd_networks(random, a, b):
    """Pairs of networks that are each a bit odd, and noise of each pair: mean 2."""
    own = random.exponential(size=b.max() + 1)
    return own[a] + own[b] + 0.5 * random.standard_normal(len(a))


def noise_of_pairs(random, a, _):
    """Nothing that pairs share: mean 1."""
    return random.exponential(size=len(a))


@pytest.mark.parametrize("networks", [5, 12, 30])
@pytest.mark.parametrize(
    ("draw", "truth"), [(in_a_plane, 4), (odd_networks, 2), (noise_of_pairs, 1)]
)
def test_intervals_cover_the_mean_of_all_pairs(networks, draw, truth):
    # 300 intervals of which 0.95 cover: a standard error of 0.013
    assert coverage(networks, draw, truth) > 0.95 - 3 * 0.013


def test_pairs_taken_as_independent_cover_far_less():
    """The test above can fail: this is what ignoring shared networks gives."""
    a, b = pairs_of(20)
    random = np.random.default_rng(20)
    found = [mean_interval(odd_networks(random, a, b)) for _ in range(300)]
    assert np.mean([one.low <= 2 <= one.high for one in found]) < 0.7


def near_the_limit(random, a, b):
    """Similarities near 1 but for an odd network now and then: mean 1 / 1.05^2."""
    own = 0.05 * random.exponential(size=b.max() + 1)
    return np.exp(-own[a] - own[b])


def angles_apart(random, a, b):
    """Squared cosines of directions in the plane: mean 1 / 2."""
    angle = np.pi * random.random(b.max() + 1)
    return np.cos(angle[a] - angle[b]) ** 2


def on_the_logit_scale(a, b, value):
    """The other interval: that of log(m / (1 - m)), jackknifed, and taken back."""

    def logit(v):
        return np.log(v / (1 - v))

    whole = value.mean()
    networks = b.max() + 1
    without = np.array([value[(a != s) & (b != s)].mean() for s in range(networks)])
    pseudo = networks * logit(whole) - (networks - 1) * logit(without)
    effect = mean_interval(pseudo + logit(whole) - pseudo.mean())
    low, high = expit([effect.low, effect.high])
    return low, high


@pytest.mark.parametrize("networks", [4, 5, 8, 12])
@pytest.mark.parametrize(
    ("draw", "truth"), [(near_the_limit, 1 / 1.05**2), (angles_apart, 0.5)]
)
def test_intervals_stay_in_the_range_and_cover_as_often(networks, draw, truth):
    a, b = pairs_of(networks)
    random = np.random.default_rng(networks)
    hits, widths, others, beyond = 0, [], [], 0
    for _ in range(200):
        value = draw(random, a, b)
        plain, found = pair_mean(a, b, value), pair_mean(a, b, value, limits=(0, 1))
        assert 0 <= found.low <= found.value <= found.high <= 1
        assert found.low == max(plain.low, 0) and found.high == min(plain.high, 1)
        beyond += plain.low < 0 or plain.high > 1
        hits += found.low <= truth <= found.high
        low, high = on_the_logit_scale(a, b, value)
        widths.append(found.high - found.low)
        others.append(high - low)
    assert hits / 200 > 0.95 - 3 * 0.0154
    # a scale without limits gains less here than it loses there
    ratio = np.median(widths) / np.median(others)
    assert ratio < 1.11
    if draw is near_the_limit and networks > 4:
        assert ratio < 0.75
    if networks < 8:
        assert beyond > 100  # without limits they would leave the range


def test_a_mean_that_rounding_took_past_a_limit_stays_in_its_interval():
    a, b = pairs_of(5)
    value = 1 + 1e-7 * np.random.default_rng(5).random(len(a))
    found = pair_mean(a, b, value, limits=(0, 1))
    assert found.value == pytest.approx(value.mean(), abs=1e-15)
    assert 0 < found.low <= found.value == found.high
