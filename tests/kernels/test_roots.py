"""The compiled search for roots against the plain one."""

import pytest
import torch

from popnet.core import roots as reference
from popnet.core.autonomous import autonomous
from popnet.core.cell import NONLINEARITIES
from popnet.kernels.roots import solve


def networks_at(make_network, in_double, units=13, form="current", name="tanh"):
    params, cell = make_network(units=units, name=name, gain=1.3)
    params = in_double(params)
    g = torch.Generator().manual_seed(3)
    input_PLI = torch.randn(2, 3, 2, generator=g, dtype=torch.float64)
    return autonomous(params, cell._replace(form=form), input_PLI)


def starts(networks, count=8, seed=4):
    g = torch.Generator().manual_seed(seed)
    shape = (*networks.drive_PLU.shape[:2], count, networks.drive_PLU.shape[2])
    return 2 * torch.randn(*shape, generator=g, dtype=torch.float64)


@pytest.mark.parametrize("name", NONLINEARITIES)
@pytest.mark.parametrize("form", ["current", "rate"])
def test_the_kernel_is_the_reference(make_network, in_double, form, name):
    networks = networks_at(make_network, in_double, form=form, name=name)
    start = starts(networks)
    kept = start.clone()
    one, other = solve(networks, start), reference.solve(networks, start)
    assert torch.equal(start, kept), "starts are not written into"
    at_root = one.residual_PLF < 1e-16
    assert torch.equal(at_root, other.residual_PLF < 1e-16)
    assert at_root.any()
    torch.testing.assert_close(
        one.x_PLFU[at_root], other.x_PLFU[at_root], rtol=0, atol=1e-7
    )
    torch.testing.assert_close(
        one.residual_PLF, other.residual_PLF, rtol=1e-2, atol=1e-16
    )


@pytest.mark.parametrize("units", [3, 8, 11, 20, 37])
def test_sizes_beside_whole_lines(make_network, in_double, units):
    networks = networks_at(make_network, in_double, units=units)
    start = starts(networks)
    one, other = solve(networks, start), reference.solve(networks, start)
    same = (one.x_PLFU - other.x_PLFU).abs().amax(-1) < 1e-6
    at_root = one.residual_PLF < 1e-16
    assert same[at_root].all() and at_root.any()


def test_alone_as_in_a_crowd_and_on_any_number_of_threads(make_network, in_double):
    networks = networks_at(make_network, in_double)
    start = starts(networks)
    crowd = solve(networks, start)
    for leaf, same in zip(crowd, solve(networks, start, threads=3), strict=True):
        assert torch.equal(leaf, same)
    for leaf, same in zip(crowd, solve(networks, start[:, :, 2:3]), strict=True):
        assert torch.equal(leaf[:, :, 2:3], same)


def test_a_start_that_is_not_finite_is_no_root(make_network, in_double):
    networks = networks_at(make_network, in_double)
    start = starts(networks)
    start[0, 0, 1, 2] = float("nan")
    found = solve(networks, start)
    assert not (found.residual_PLF[0, 0, 1] < 1e300)
    assert (found.residual_PLF[0, 0, 2:] < 1e300).all()
