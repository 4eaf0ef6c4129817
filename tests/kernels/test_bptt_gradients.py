"""The kernel's gradients against the float64 reference, for shapes of every branch.

The reference itself is held against autograd and finite differences in ``tests/rules``.
"""

import pytest
import torch

from popnet import kernels
from popnet.core.cell import NONLINEARITIES, pick
from popnet.kernels import bptt as kernel
from popnet.kernels.tiles import ROWS, padded
from popnet.rules.bptt import Penalties, loss_gradients

ROUNDING = 1e-5
"""Relative to the largest gradient of a tensor.  A gradient sums B T products, each
after at most T steps back of N + O terms and as many forward: errors of random sign,
sqrt(B T + T (N + O)) half units, 160 x 6e-8 for the largest here; measured: 5e-6."""
LEAVES = ("w_PNN", "win_PNI", "wout_PON", "bias_PN", "tau_PN")


def penalties(networks, strengths=(1e-3, 2e-3, 0.5)):
    scale_P = torch.arange(1.0, networks + 1)
    return Penalties(*(strength * scale_P for strength in strengths))


def compare(params, cell, episode, strengths, taus, in_double):
    got_output, got = kernels.loss_gradients(params, episode, cell, strengths, taus)
    output, expected = loss_gradients(
        in_double(params), in_double(episode), cell, in_double(strengths)
    )
    apart = float((got_output - output).abs().max())
    assert apart <= ROUNDING * max(1.0, float(output.abs().max()))
    for leaf in LEAVES:
        a, b = getattr(got, leaf), getattr(expected, leaf)
        if b is None or (leaf == "tau_PN" and not taus):
            assert a is None or not bool(a.any()), leaf
            continue
        error = (a - b).abs().flatten(1).amax(1)
        assert bool((error <= ROUNDING * b.abs().flatten(1).amax(1)).all()), leaf


@pytest.mark.parametrize("taus", [True, False])
@pytest.mark.parametrize("unit", [None, 3])
@pytest.mark.parametrize("name", NONLINEARITIES)
def test_every_part_of_the_loss(
    name, unit, taus, make_network, make_episode, in_double
):
    params, cell = make_network(21, name=name, unit=unit, gain=0.8)
    episode = make_episode(params, 5, 33)
    compare(params, cell, episode, penalties(2), taus, in_double)


SHAPES = {
    "one trial": (20, 2, 2, 1, 150),
    "one step": (20, 2, 2, 3, 1),
    "one unit": (1, 1, 1, 3, 9),
    "as many trials as fit": (43, 2, 1, ROWS, 60),
    "trials in several parts": (43, 2, 1, 40, 200),
    "more trials than go into one product": (10, 2, 3, 150, 7),
    "more units than a cache": (270, 3, 2, 11, 60),
    "many outputs and inputs": (33, 18, 19, 4, 21),
}


def test_the_shapes_take_every_way():
    for name, (units, _, _, trials, steps) in SHAPES.items():
        fits = max(1, kernel.CACHED // (4 * steps * padded(units)) // ROWS) * ROWS
        parts = trials > fits
        assert parts == (name.startswith(("trials in", "more units"))), name
    assert 200 % (kernel.TOGETHER // 40) and kernel.TOGETHER < 150


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_any_shape(shape, make_network, make_episode, in_double):
    units, inputs, outs, trials, steps = shape
    for given in ({}, {"impulses": False, "noise": False}):
        params, cell = make_network(units, inputs, outs, gain=0.8)
        episode = make_episode(params, trials, steps, **given)
        compare(params, cell, episode, penalties(2), True, in_double)


def test_without_penalties(make_network, make_episode, in_double):
    params, cell = make_network(20)
    episode = make_episode(params)
    compare(params, cell, episode, penalties(2, (0, 0, 0)), False, in_double)


def test_weights_of_zero_have_no_slope(make_network, make_episode):
    # |W| has a corner there; masked weights are 0 and stay so
    params, cell = make_network(20)
    params.w_PNN[:, 3, 5] = 0
    episode = make_episode(params)
    with_l1, without = (
        kernels.loss_gradients(params, episode, cell, penalties(2, s), False)[1].w_PNN
        for s in ((0.1, 0, 0), (0, 0, 0))
    )
    assert torch.equal(with_l1[:, 3, 5], without[:, 3, 5])


def test_a_network_is_the_same_alone_and_in_any_order(make_network, make_episode):
    params, cell = make_network(20, networks=5)
    episode, strengths = make_episode(params, 9, 40), penalties(5)
    output, every = kernels.loss_gradients(params, episode, cell, strengths, True)

    def some(leaves, which):
        values = [
            leaf[which] if isinstance(leaf, torch.Tensor)
            else leaf and [leaf[i] for i in which.tolist()]
            for leaf in leaves
        ]  # fmt: skip
        return type(leaves)(*values)

    for order in ([2], [4, 1], [3, 0, 2, 1, 4]):
        which = torch.tensor(order)
        own, got = kernels.loss_gradients(
            pick(params, which), some(episode, which), cell, pick(strengths, which),
            True,
        )  # fmt: skip
        assert torch.equal(own, output[which])
        for leaf in LEAVES:
            assert torch.equal(getattr(got, leaf), getattr(every, leaf)[which]), leaf


@pytest.mark.parametrize("unit", [None, 3])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_network_that_diverges_disturbs_no_other(
    value, unit, make_network, make_episode
):
    params, cell = make_network(20, networks=3, unit=unit)
    episode, strengths = make_episode(params, 3, 20), penalties(3)
    _, clean = kernels.loss_gradients(params, episode, cell, strengths, True)
    params.w_PNN[1, 3, 7] = value
    _, broken = kernels.loss_gradients(params, episode, cell, strengths, True)
    assert bool(broken.w_PNN[1].isnan().any())
    params.w_PNN[1, 3, 7] = 0.1
    _, later = kernels.loss_gradients(params, episode, cell, strengths, True)
    for leaf in LEAVES:
        if (well := getattr(clean, leaf)) is not None:
            assert torch.equal(getattr(broken, leaf)[[0, 2]], well[[0, 2]]), leaf
            assert torch.equal(getattr(later, leaf)[[0, 2]], well[[0, 2]]), leaf


def test_arguments_are_left_as_they_were(make_network, make_episode):
    params, cell = make_network()
    episode = make_episode(params)
    given = [t for t in (*params, *episode) if isinstance(t, torch.Tensor)]
    kept = [t.clone() for t in given]
    kernels.loss_gradients(params, episode, cell, penalties(2), True)
    assert all(torch.equal(a, b) for a, b in zip(given, kept, strict=True))
