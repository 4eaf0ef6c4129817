"""Impulses as a list and as a current."""

import numpy as np
import torch

from popnet.core.impulses import (
    NO_IMPULSES,
    ImpulseList,
    currents,
    dense,
    one_each,
    together,
)


def impulses(steps, units, sizes):
    return ImpulseList(np.array(steps), np.array(units), np.array(sizes, dtype=float))


ONE = impulses([0, 3, 3], [2, 0, 1], [1, 2, 3])
OTHER = impulses([3, 4], [1, 2], [10, 20])


def test_dense_puts_each_impulse_in_its_cell_and_adds_those_of_one_cell():
    expected = np.zeros((5, 3))
    expected[0, 2], expected[3, 0], expected[3, 1] = 1, 2, 3
    np.testing.assert_array_equal(dense(ONE, 5, 3), expected)
    expected[3, 1], expected[4, 2] = 13, 20
    np.testing.assert_array_equal(dense(together([ONE, OTHER]), 5, 3), expected)
    assert not dense(NO_IMPULSES, 5, 3).any()


def test_together_is_in_order_of_steps():
    joined = together([OTHER, ONE, NO_IMPULSES])
    assert joined.step.tolist() == [0, 3, 3, 3, 4]
    assert joined.unit.tolist() == [2, 1, 0, 1, 2]
    assert joined.size.tolist() == [1, 10, 2, 3, 20]
    assert together([ONE]) is ONE


def test_currents_are_noise_and_impulses_in_one():
    x0 = torch.zeros(1, 2, 3)
    noise = torch.randn(1, 2, 5, 3, generator=torch.Generator().manual_seed(0))
    assert currents(None, None, x0, 5) is None
    assert currents(noise, None, x0, 5) is noise
    current = currents(None, [[ONE, OTHER]], x0, 5)
    assert current.dtype == x0.dtype and current.shape == noise.shape
    np.testing.assert_array_equal(current[0, 0], dense(ONE, 5, 3))
    np.testing.assert_array_equal(current[0, 1], dense(OTHER, 5, 3))
    # the impulses as a list, or as a current already
    for given in ([[ONE, OTHER]], current):
        assert torch.equal(currents(noise, given, x0, 5), noise + current)
        assert torch.equal(currents(None, given, x0, 5), current)


def test_one_each_never_has_two_impulses_to_a_unit_in_a_step():
    twice = together([ONE, OTHER, impulses([3, 3], [1, 1], [7, 9])])
    parts = one_each(twice)
    assert [len(part.step) for part in parts] == [4, 1, 1, 1]
    for part in parts:
        cells = list(zip(part.step, part.unit, strict=True))
        assert len(set(cells)) == len(cells)
    whole = sum(dense(part, 5, 3) for part in parts)
    np.testing.assert_array_equal(whole, dense(twice, 5, 3))
    (none,) = one_each(NO_IMPULSES)
    assert len(none.step) == 0
