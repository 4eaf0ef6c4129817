"""Random networks and trials in float32, with nothing at its neutral value."""

import numpy as np
import pytest
import torch

from popnet.core.cell import Cell, Params
from popnet.core.impulses import ImpulseList
from popnet.rules import Episode


def network(
    units=20, inputs=2, outputs=2, networks=2, name="tanh", gain=1.0, unit=None,
    clamped=((1, 1.0), (4, -0.5)), seed=0,
):  # fmt: skip
    """(Params, Cell); with a ``unit`` readout there are no readout weights."""
    g = torch.Generator().manual_seed(seed)
    p, n = networks, units

    def normal(*shape):
        return torch.randn(*shape, generator=g)

    def uniform(low, high):
        return low + (high - low) * torch.rand(p, n, generator=g)

    params = Params(
        gain / n**0.5 * normal(p, n, n), normal(p, n, inputs),
        None if unit is not None else normal(p, outputs, n) / n**0.5,
        0.2 * normal(p, n), uniform(0.003, 0.06), uniform(0.7, 1.3),
        0.2 * normal(p, n), None, None,
    )  # fmt: skip
    return params, Cell(0.001, name, tuple(k for k in clamped if k[0] < n), unit)


def impulses_of(random, steps, units):
    """Impulses of one trial: at the first and last step, and two at one place."""
    step = np.sort(np.append(random.integers(0, steps, 5), [0, 0, steps - 1]))
    unit = random.integers(0, units, 8)
    unit[:2], unit[-1] = 0, units - 1
    return ImpulseList(step, unit, random.uniform(-9, 9, 8))


def episode(params, trials=3, steps=30, noise=True, impulses=True, seed=1):
    """Trials for these networks, scored at some of their steps."""
    g = torch.Generator().manual_seed(seed)
    p, n, inputs = params.win_PNI.shape
    outputs = 1 if params.wout_PON is None else params.wout_PON.shape[1]
    shape, random = (p, trials, steps), np.random.default_rng(seed)

    def normal(*sizes):
        return torch.randn(*sizes, generator=g)

    given = None
    if impulses:
        many = range(trials)
        given = [[impulses_of(random, steps, n) for _ in many] for _ in range(p)]
    return Episode(
        normal(*shape, inputs), normal(*shape, outputs).sign(),
        torch.rand(*shape, outputs, generator=g) < 0.6,
        torch.zeros(p, trials, dtype=torch.int64), torch.zeros(p, dtype=torch.int64),
        0.3 * normal(p, trials, n), 0.5 * normal(*shape, n) if noise else None, given,
    )  # fmt: skip


def doubled(leaves):
    """A tuple, named or not, with its tensors of float32 in float64."""
    values = [
        leaf.double() if isinstance(leaf, torch.Tensor) and leaf.is_floating_point()
        else leaf
        for leaf in leaves
    ]  # fmt: skip
    return type(leaves)(*values) if hasattr(leaves, "_fields") else tuple(values)


@pytest.fixture(scope="session")
def make_network():
    return network


@pytest.fixture(scope="session")
def make_episode():
    return episode


@pytest.fixture(scope="session")
def in_double():
    return doubled
