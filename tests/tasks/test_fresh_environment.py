"""Each trial is the first one of an environment whose chance is the trial's stream."""

import numpy as np
import pytest

from popnet.config import Inconsistent
from popnet.tasks import neurogym
from popnet.tasks._evidence import streams
from popnet.tasks._fresh_environment import first_trial


class Space:
    """The classes of an environment, as whole numbers."""

    def __init__(self, n):
        self.n, self.dtype = n, np.dtype(int)


class Blocks:
    """Draws when it is made, keeps a block, and has several generators of its own."""

    def __init__(self, truth=1.0):
        self.action_space = Space(3)
        self.rng = np.random.RandomState()
        self.other = np.random.default_rng()
        self.fixed = np.random.RandomState(5)
        self.block, self.truth = self.rng.randint(100), truth

    def new_trial(self):
        self.block += 1
        chance = [self.rng.rand(), self.other.random(), self.fixed.rand()]
        self.ob = np.array([[self.block, *chance]])
        self.gt = np.array([self.truth]).astype(self.action_space.dtype)


def seen(make, count=4):
    random = np.random.default_rng(3)
    return np.array([first_trial(make, own)[0][0] for own in streams(random, count)])


def test_everything_comes_from_the_stream_and_nothing_from_before():
    first, again = seen(Blocks), seen(Blocks)
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(seen(Blocks, 2), first[:2])
    assert (np.unique(first[:, :3], axis=0, return_counts=True)[1] == 1).all()
    assert len(set(first[:, 0])) > 1, "what is drawn when it is made"
    assert len(set(first[:, 3])) == 1, "a seed that an environment sets itself"


def test_numpy_is_as_before_even_when_an_environment_fails():
    before = np.random.RandomState, np.random.default_rng

    class Broken(Blocks):
        def new_trial(self):
            raise KeyError

    with pytest.raises(KeyError):
        seen(Broken)
    assert (np.random.RandomState, np.random.default_rng) == before


@pytest.mark.parametrize("truth", [3.0, -1.0, 1.5, np.nan])
def test_a_number_is_no_class(truth):
    """numpy would cut it to a whole number, which may be one of the classes."""
    own = np.random.default_rng(0)
    _, right = first_trial(lambda: Blocks(truth), own, whole=True)
    with pytest.raises(Inconsistent, match=rf"^x has a ground truth of {truth}, which"):
        neurogym._check_classes("x", right, 3)
    neurogym._check_classes("x", np.array([0, 2, 1]), 3)
    with pytest.raises(Inconsistent, match="several"):
        neurogym._check_classes("x", np.zeros((4, 2)), 3)
