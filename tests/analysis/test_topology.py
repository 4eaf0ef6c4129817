"""Graphs of fixed points by hand, and a permutation null with the right size."""

import numpy as np
import pytest

from popnet.analysis.topology import (
    distances,
    separation,
    topology,
    topology_distance,
)

BISTABLE = topology([0, 1, 0], [(1, 0), (1, 2)])
"""Two attractors and the saddle between them."""
SINGLE = topology([0])


def test_the_distance_by_hand():
    # a point of index 0 and one of index 1 too many, and two ways from 1 to 0
    assert topology_distance([BISTABLE], [SINGLE]) == 4
    assert topology_distance([BISTABLE, SINGLE], [SINGLE, SINGLE]) == 2
    assert topology_distance([BISTABLE], [BISTABLE]) == 0


def test_neither_order_nor_names_of_points_matter():
    other = topology([1, 0, 0], [(0, 2), (0, 1)])
    assert topology_distance([BISTABLE], [other]) == 0


def test_a_way_that_ends_nowhere_is_another_one():
    astray = topology([0, 1, 0], [(1, 0), (1, -1)])
    assert topology_distance([BISTABLE], [astray]) == 2


def test_it_is_a_metric():
    random = np.random.default_rng(0)
    made = []
    for _ in range(8):
        index = random.integers(0, 3, random.integers(1, 5))
        ways = [tuple(random.integers(0, len(index), 2)) for _ in range(3)]
        made.append([topology(index, ways)])
    d = distances(made)
    np.testing.assert_array_equal(d, d.T)
    assert (d[:, :, None] <= d[:, None] + d[None].transpose(0, 2, 1)).all()


def test_inputs_have_to_be_the_same_ones():
    with pytest.raises(ValueError, match="same number of inputs"):
        topology_distance([BISTABLE], [SINGLE, SINGLE])


def planted(groups, each, apart, seed):
    """Points of a plane around centres that are this far apart."""
    random = np.random.default_rng(seed)
    label = np.repeat(np.arange(groups), each)
    x = random.standard_normal((groups * each, 2)) + apart * label[:, None]
    return np.linalg.norm(x[:, None] - x[None], axis=2), label.tolist()


def test_groups_that_differ_are_found():
    found = separation(*planted(2, 8, 3.0, 0), 199)
    assert found.p_value == pytest.approx(1 / 200)
    assert found.ratio > 1.5


def test_groups_that_do_not_differ_are_found_no_more_often_than_said():
    p = [separation(*planted(2, 6, 0.0, seed), 99).p_value for seed in range(120)]
    # binomial with p = 0.1: 4 standard errors
    assert abs(np.mean(np.array(p) <= 0.1) - 0.1) < 4 * np.sqrt(0.1 * 0.9 / 120)


def test_one_group_alone_has_no_separation():
    found = separation(*planted(1, 5, 0.0, 0), 9)
    assert np.isnan(found.ratio) and np.isnan(found.p_value)
