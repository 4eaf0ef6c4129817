"""Untrained networks: their laws, what is paired, and what is left out."""

import numpy as np
import pytest
import torch
from scipy import stats

import popnet as pn
from popnet.core.cell import Params
from popnet.core.draw import cell_of, draw, orthogonal


@pytest.fixture
def drawn(planned):
    """One or several untrained networks from a network section."""

    def make(count=1, seed=11, task="dnms", **network):
        members = planned(count=count, seed=seed, task=task, network=network)
        return draw(
            [m.config.network for m in members],
            [m.config.task for m in members],
            [m.seed for m in members],
        )

    return make


@pytest.mark.parametrize("weights", ["normal", "uniform"])
@pytest.mark.parametrize(("gain", "density"), [(1.5, 1.0), (0.8, 0.25)])
def test_recurrent_weights_have_sd_g_over_root_n(weights, gain, density, drawn):
    units = 200
    w = drawn(units=units, gain=gain, density=density, weights=weights).w_PNN[0]
    given = w[w != 0].double().numpy() if density < 1 else w.double().numpy().ravel()
    sd = gain / np.sqrt(units * density)
    law = stats.norm(0, sd)
    if weights == "uniform":
        law = stats.uniform(-np.sqrt(3) * sd, 2 * np.sqrt(3) * sd)
    assert stats.kstest(given, law.cdf).pvalue > 1e-3
    share = len(given) / units**2
    error = np.sqrt(density * (1 - density)) / units
    assert abs(share - density) <= 4 * error


def test_input_weights_are_uniform_and_spare_the_output_unit(drawn):
    params = drawn(units=400, input_scale=0.5)
    win = params.win_PNI[0].double().numpy()
    assert win.shape == (400, 5) and not win[0].any()
    assert stats.kstest(win[1:].ravel(), stats.uniform(-0.5, 1).cdf).pvalue > 1e-3
    normal = drawn(units=400, input_scale=0.5, input_law="normal").win_PNI[0, 1:]
    law = stats.norm(0, 0.5).cdf
    assert stats.kstest(normal.double().numpy().ravel(), law).pvalue > 1e-3


def test_input_weights_by_the_law_of_kaiming(drawn):
    inputs = 5  # of DNMS
    win = drawn(units=400, input_scale=2.0, input_law="kaiming_uniform").win_PNI[0, 1:]
    half = 2 / np.sqrt(inputs)
    law = stats.uniform(-half, 2 * half)
    assert stats.kstest(win.double().numpy().ravel(), law.cdf).pvalue > 1e-3
    theirs = torch.nn.Linear(inputs, 4000).weight.detach()
    ours = drawn(units=4000, input_law="kaiming_uniform").win_PNI[0, 1:]
    assert stats.ks_2samp(theirs.ravel(), ours.ravel()).pvalue > 1e-3


def test_orthogonal_weights_keep_lengths_times_the_gain(drawn):
    params = drawn(
        count=3, units=60, gain=1.3, weights="orthogonal", dtype="float64", clamped={}
    )
    for w in params.w_PNN:
        np.testing.assert_allclose(w @ w.T, 1.3**2 * np.eye(60), atol=1e-13)
    assert not torch.allclose(params.w_PNN[0], params.w_PNN[1])


def test_orthogonal_matrices_are_drawn_evenly():
    # of Haar's law: traces have mean 0 and mean square 1, half are rotations, angles
    # of the plane are even, and a matrix before or after changes nothing
    random = np.random.default_rng(0)
    q_SNN = np.stack([orthogonal(random.standard_normal((4, 4))) for _ in range(8000)])
    trace_S = np.trace(q_SNN, axis1=1, axis2=2)
    assert abs(trace_S.mean()) < 4 / np.sqrt(8000)
    assert abs((trace_S**2).mean() - 1) < 4 * (trace_S**2).std() / np.sqrt(8000)
    turns = (np.linalg.det(q_SNN) > 0).mean()
    assert abs(turns - 0.5) < 4 * 0.5 / np.sqrt(8000)
    theirs = stats.ortho_group.rvs(4, size=8000, random_state=1)
    for i, j in ((0, 0), (0, 3), (3, 0), (3, 3), (2, 1)):
        found = stats.ks_2samp(q_SNN[:, i, j], theirs[:, i, j])
        assert found.pvalue > 1e-4, (i, j)
    plane = np.stack([orthogonal(random.standard_normal((2, 2))) for _ in range(4000)])
    angle = np.arctan2(plane[:, 1, 0], plane[:, 0, 0])
    assert stats.kstest(angle, stats.uniform(-np.pi, 2 * np.pi).cdf).pvalue > 1e-3


def test_a_linear_readout_is_scaled_and_leaves_all_inputs(drawn):
    params = drawn(
        units=400, task="flipflop", clamped={}, readout={"kind": "linear", "scale": 2.0}
    )
    wout, half = params.wout_PON[0].double().numpy(), 2 / np.sqrt(400)
    assert wout.shape == (3, 400)
    assert stats.kstest(wout.ravel(), stats.uniform(-half, 2 * half).cdf).pvalue > 1e-3
    assert bool(params.win_PNI[0].any(1).all())


def test_the_readout_may_be_another_unit(drawn):
    win = drawn(units=30, readout={"kind": "unit", "unit": 7}).win_PNI[0]
    assert not bool(win[7].any()) and bool(win[0].any())


def test_levels_of_heterogeneity_are_paired_bit_for_bit(drawn):
    levels = [drawn(units=40, tau_s={"half_width": s}) for s in (0.0, 0.3, 0.9)]
    for name in Params._fields:
        if name == "tau_PN":
            continue
        values = [getattr(level, name) for level in levels]
        assert all(v is None or torch.equal(v, values[0]) for v in values), name
    ranks = [level.tau_PN[0].argsort() for level in levels[1:]]
    assert torch.equal(*ranks)
    assert bool((levels[0].tau_PN == torch.tensor(0.03)).all())


def test_heterogeneity_of_one_kind_leaves_the_others(drawn):
    plain = drawn(units=40)
    for name in ("slope", "threshold", "bias"):
        mean = 1.0 if name == "slope" else 0.0
        law = {"mean": mean, "half_width": 0.5}
        other = drawn(units=40, **{name: law})
        changed = [
            field
            for field in Params._fields
            if getattr(plain, field) is not None
            and not torch.equal(getattr(plain, field), getattr(other, field))
        ]
        assert changed == [f"{name}_PN"]
        assert float((getattr(other, changed[0]) - mean).abs().max()) <= 0.5


def test_parts_of_a_network_are_independent_draws(drawn):
    units = 400
    params = drawn(
        units=units, tau_s={"spread": 0.5}, slope={"mean": 1.0, "spread": 0.5},
        threshold={"mean": 0.0, "spread": 0.5}, bias={"mean": 0.0, "spread": 0.5},
        weights="uniform", density=0.5, dale=None,
    )  # fmt: skip
    drawn_numbers = {
        "tau": params.tau_PN[0], "slope": params.slope_PN[0],
        "threshold": params.threshold_PN[0], "bias": params.bias_PN[0],
        "recurrent": params.w_PNN[0].flatten()[:units],
        "mask": params.mask_PNN[0].flatten()[:units],
        "input": params.win_PNI[0].T.flatten()[:units],
        "input by unit": params.win_PNI[0].flatten()[:units],
    }  # fmt: skip
    table = np.corrcoef(np.array([v.numpy() for v in drawn_numbers.values()]))
    # the mask zeroes weights, so their sizes are linked; their signs are not
    off = table[~np.eye(len(table), dtype=bool)]
    assert np.abs(off).max() < 4 / np.sqrt(units)


def test_gain_only_scales_the_weights(drawn):
    one, two = (drawn(units=40, gain=g, dtype="float64") for g in (1.0, 2.0))
    torch.testing.assert_close(two.w_PNN, 2 * one.w_PNN, rtol=1e-15, atol=0.0)


@pytest.mark.parametrize("law", ["normal", "lognormal", "gamma"])
def test_time_constants_never_below_two_steps(law, drawn):
    tau = drawn(units=400, tau_s={"law": law, "spread": 0.9}, dtype="float64").tau_PN
    assert float(tau.min()) >= 0.002


@pytest.mark.parametrize(
    ("dt_s", "law", "spread"),
    [(0.001, "normal", 0.9), (0.005, "normal", 0.6), (0.010, "gamma", 0.3)],
)
def test_networks_have_the_mean_and_spread_that_were_asked(dt_s, law, spread):
    tau_s = {"mean": 0.030, "law": law, "spread": spread}
    network = {"units": 200, "dt_s": dt_s, "tau_s": tau_s, "dtype": "float64"}
    nets = pn.draw("dnms", networks=500, network=network, seed=3)
    tau = nets.params.tau_PN.numpy().ravel()
    count = tau.size
    assert count == 100_000 and tau.min() >= 2 * dt_s
    z = (tau - tau.mean()) / tau.std()
    assert abs(tau.mean() - 0.030) < 4 * tau.std() / np.sqrt(count)
    of_spread = np.sqrt(((z**4).mean() - 1) / (4 * count) + spread**2 / count)
    assert abs(tau.std() / tau.mean() / spread - 1) < 4 * of_spread


def test_the_output_unit_may_keep_the_mean_time_constant(drawn):
    law = {"half_width": 0.8}
    free = drawn(units=40, tau_s=law, dtype="float64").tau_PN[0]
    held = drawn(units=40, tau_s=law, output_tau="mean", dtype="float64").tau_PN[0]
    assert float(held[0]) == 0.03 != float(free[0])
    assert torch.equal(held[1:], free[1:])


def test_autapses_may_be_left_out(drawn):
    params = drawn(units=30, autapses=False)
    assert not bool(params.w_PNN[0].diagonal().any())
    full = drawn(units=30)
    off = ~torch.eye(30, dtype=torch.bool)
    assert torch.equal(params.w_PNN[0][off], full.w_PNN[0][off])
    assert full.mask_PNN is None


def test_dale_s_law_gives_each_unit_one_sign(drawn):
    params, plain = drawn(units=40, dale={"excitatory": 0.7}), drawn(units=40)
    sign = params.sign_PN[0]
    assert int((sign == 1).sum()) == 28 and int((sign == -1).sum()) == 12
    assert torch.equal(params.w_PNN[0].sign(), sign.expand(40, 40))
    assert torch.equal(params.w_PNN.abs(), plain.w_PNN.abs())


def test_networks_differ_and_do_not_depend_on_their_neighbours(drawn):
    together = drawn(count=4, units=30, tau_s={"spread": 0.4})
    alone = drawn(count=2, units=30, tau_s={"spread": 0.4})
    for name in ("w_PNN", "win_PNI", "tau_PN"):
        values = getattr(together, name)
        assert torch.equal(values[:2], getattr(alone, name)), name
        assert not torch.equal(values[0], values[1]), name
    other = drawn(count=1, seed=12, units=30)
    assert not torch.equal(other.w_PNN[0], together.w_PNN[0])


def test_a_task_with_more_channels_keeps_the_first(drawn):
    linear = {"readout": {"kind": "linear"}, "clamped": {}}
    two = drawn(units=30, task={"name": "flipflop", "bits": 2}, **linear)
    three = drawn(units=30, task={"name": "flipflop", "bits": 3}, **linear)
    assert torch.equal(two.win_PNI[0], three.win_PNI[0, :, :2])


def test_the_cell_holds_what_is_shared(planned):
    (member,) = planned(network={"units": 30, "clamped": {5: 1.0, 2: -0.5}})
    cell = cell_of(member.config.network)
    assert cell == (0.001, "tanh", ((2, -0.5), (5, 1.0)), 0, "current")
    (member,) = planned(rule="bptt", network={"units": 30, "form": "rate"})
    assert cell_of(member.config.network) == (0.001, "tanh", (), None, "rate")
    linear = {"units": 30, "readout": {"kind": "linear"}, "clamped": {}}
    (member,) = planned(network=linear)
    assert cell_of(member.config.network).output_unit is None
