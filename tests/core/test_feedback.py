"""The output fed back: the network with it, and the one with it inside W."""

import numpy as np
import pytest
import torch
from scipy import stats

from popnet.core.cell import Cell, Params, closed, pick, rates, stack
from popnet.core.draw import draw
from popnet.core.module import RateNetwork
from popnet.core.rollout import drive, outputs, readout, rollout

CELL = Cell(0.001, "tanh", ((1, 1.0),), None)


@pytest.fixture
def fed_back(random_params, normal):
    params = random_params(outputs=2)
    return params._replace(wfb_PNO=2 * normal(3, 6, 2))


def step_by_step(params, driven, x0):
    """The equation as it stands: outputs first, then what they feed back."""
    x, out, r = x0.clone(), [], None
    x[..., 1] = 1.0
    r = rates(params, CELL, x)
    for t in range(driven.shape[2]):
        z = torch.einsum("poi,pbi->pbo", params.wout_PON, r)
        total = torch.einsum("pij,pbj->pbi", params.w_PNN, r) + driven[:, :, t]
        total = total + torch.einsum("pio,pbo->pbi", params.wfb_PNO, z)
        x = x + CELL.dt_s / params.tau_PN[:, None] * (total - x)
        x[..., 1] = 1.0
        r = rates(params, CELL, x)
        out.append(torch.einsum("poi,pbi->pbo", params.wout_PON, r))
    return torch.stack(out, 2)


def test_every_way_to_run_a_network_feeds_its_output_back(fed_back, normal):
    u, x0 = normal(3, 4, 30, 2), normal(3, 4, 6)
    driven = drive(fed_back, u, None)
    expected = step_by_step(fed_back, driven, x0)
    without = outputs(fed_back._replace(wfb_PNO=None), CELL, driven, x0)
    assert float((expected - without).abs().max()) > 0.1, "it matters"
    _, r = rollout(fed_back, CELL, driven, x0)
    ways = {
        "outputs": outputs(fed_back, CELL, driven, x0),
        "rollout": readout(fed_back, CELL, r[:, :, 1:]),
        "closed": outputs(closed(fed_back), CELL, driven, x0),
    }
    for name, way in ways.items():
        torch.testing.assert_close(way, expected, rtol=1e-12, atol=1e-12, msg=name)
    for p in range(3):
        module = RateNetwork(pick(fed_back, torch.tensor([p])), CELL)
        torch.testing.assert_close(
            module(u[p], x0[p])[0], expected[p], rtol=1e-12, atol=1e-12
        )


def test_gradients_of_a_module_pass_through_the_feedback(fed_back, normal):
    params = pick(fed_back, torch.tensor([0]))
    module, u, x0 = RateNetwork(params, CELL), normal(4, 20, 2), normal(4, 6)
    module(u, x0)[0].square().sum().backward()
    wout = params.wout_PON.clone().requires_grad_()
    driven = drive(params, u[None], None)
    out = step_by_step(params._replace(wout_PON=wout), driven, x0[None])
    (expected,) = torch.autograd.grad(out.square().sum(), wout)
    torch.testing.assert_close(module.wout_PON.grad, expected[0], rtol=1e-9, atol=1e-9)
    assert "wfb_PNO" in module.state_dict()
    assert "wfb_PNO" not in dict(module.named_parameters())


def test_a_closed_network_has_its_feedback_in_w(fed_back):
    got = closed(fed_back)
    inside = torch.einsum("pio,poj->pij", fed_back.wfb_PNO, fed_back.wout_PON)
    torch.testing.assert_close(got.w_PNN - fed_back.w_PNN, inside)
    assert got.wfb_PNO is None and closed(got) is got


def test_beside_feedback_a_network_without_it_has_weights_of_zero(
    random_params, fed_back
):
    bare = random_params(networks=2, outputs=2, seed=1)
    both = stack([bare, fed_back]).wfb_PNO
    assert not both[:2].any() and torch.equal(both[2:], fed_back.wfb_PNO)
    both = stack([fed_back, bare]).wfb_PNO
    assert not both[3:].any() and torch.equal(both[:3], fed_back.wfb_PNO)
    assert stack([bare, bare]).wfb_PNO is None


@pytest.fixture
def drawn(planned):
    def make(bits=2, count=1, **network):
        members = planned(
            task={"name": "flipflop", "bits": bits}, rule="force", count=count,
            network={"units": 400, **network},
        )  # fmt: skip
        return draw(
            [m.config.network for m in members],
            [m.config.task for m in members],
            [m.seed for m in members],
        )

    return make


def test_feedback_weights_are_uniform_and_a_stream_of_their_own(drawn):
    half, none = drawn(feedback=0.5), drawn(feedback=0.0)
    weights = half.wfb_PNO[0].double().numpy()
    assert weights.shape == (400, 2)
    assert stats.kstest(weights.ravel(), stats.uniform(-0.5, 1).cdf).pvalue > 1e-3
    table = np.corrcoef(np.vstack([weights.T, none.win_PNI[0].T]))
    assert np.abs(table[~np.eye(4, dtype=bool)]).max() < 4 / np.sqrt(400)
    assert none.wfb_PNO is None
    for name in Params._fields[:-1]:
        a, b = getattr(half, name), getattr(none, name)
        assert a is b is None or torch.equal(a, b), name


def test_networks_with_more_feedback_or_outputs_are_paired(drawn):
    one, two = (
        drawn(feedback=1.0, dtype="float64"),
        drawn(feedback=2.0, dtype="float64"),
    )
    torch.testing.assert_close(two.wfb_PNO, 2 * one.wfb_PNO, rtol=1e-15, atol=0.0)
    more = drawn(bits=3, feedback=1.0, dtype="float64")
    assert torch.equal(more.wfb_PNO[..., :2], one.wfb_PNO)
    several = drawn(count=3, feedback=1.0, dtype="float64")
    assert torch.equal(several.wfb_PNO[:1], one.wfb_PNO)
    assert not torch.equal(several.wfb_PNO[1], several.wfb_PNO[0])
