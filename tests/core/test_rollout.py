"""Rollouts against matrix powers, an ODE solver, torch.nn.RNN and themselves."""

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from popnet.core.cell import NONLINEARITIES, Cell, pick
from popnet.core.rollout import drive, outputs, readout, rollout

F64 = torch.float64
FORMS = ("current", "rate")


def linear_map(params, dt_s, constant_N, slope_N, offset_N):
    """One step as an affine matrix, for r = slope x + offset."""
    tau, w = params.tau_PN[0].numpy(), params.w_PNN[0].numpy()
    a, n = dt_s / tau, len(tau)
    step = np.zeros((n + 1, n + 1))
    step[:n, :n] = np.diag(1 - a) + a[:, None] * w * slope_N
    step[:n, n] = a * (w @ offset_N + constant_N)
    step[n, n] = 1
    return step


def test_relu_above_threshold_is_a_matrix_power(random_params):
    params = random_params(networks=1)
    params = params._replace(w_PNN=params.w_PNN.abs() / 3)
    cell = Cell(0.001, "relu", (), None)
    u = torch.full((1, 1, 60, 2), 0.7, dtype=F64)
    params = params._replace(win_PNI=params.win_PNI.abs(), bias_PN=params.bias_PN.abs())
    x0 = torch.rand(1, 1, 6, dtype=F64) + 2
    x, r = rollout(params, cell, drive(params, u, None), x0)
    assert float(r.min()) > 0, "the oracle holds only where all rates are positive"
    slope, threshold = params.slope_PN[0].numpy(), params.threshold_PN[0].numpy()
    constant = drive(params, u, None)[0, 0, 0].numpy()
    step = linear_map(params, 0.001, constant, slope, -slope * threshold)
    for t in (1, 7, 60):
        expected = np.linalg.matrix_power(step, t) @ [*x0[0, 0].numpy(), 1.0]
        np.testing.assert_allclose(x[0, 0, t].numpy(), expected[:-1], rtol=1e-12)


def test_small_tanh_is_a_matrix_power(random_params, normal):
    params = random_params(networks=1)
    still = torch.zeros_like(params.bias_PN)
    params = params._replace(bias_PN=still, threshold_PN=still)
    x0 = 1e-5 * normal(1, 1, 6)
    quiet = torch.zeros(1, 1, 50, 6, dtype=F64)
    x, _ = rollout(params, Cell(0.001, "tanh", (), None), quiet, x0)
    step = linear_map(
        params, 0.001, np.zeros(6), params.slope_PN[0].numpy(), np.zeros(6)
    )[:6, :6]
    expected = np.linalg.matrix_power(step, 50) @ x0[0, 0].numpy()
    np.testing.assert_allclose(x[0, 0, 50].numpy(), expected, rtol=1e-6)


@pytest.mark.parametrize("form", FORMS)
def test_halving_the_step_halves_the_error(form, random_params, tanh_cell):
    params = random_params(networks=1)
    w, tau = params.w_PNN[0].numpy(), params.tau_PN[0].numpy()
    slope, threshold = params.slope_PN[0].numpy(), params.threshold_PN[0].numpy()
    u = torch.tensor([0.5, -0.8], dtype=F64)
    outside = drive(params, u.expand(1, 1, 1, 2), None)[0, 0, 0].numpy()
    x0 = np.linspace(-1, 1, 6)

    def phi(v):
        return np.tanh(slope * (v - threshold))

    def flow(_, x):
        if form == "rate":
            return (-x + phi(w @ x + outside)) / tau
        return (-x + w @ phi(x) + outside) / tau

    end_s = 0.032
    truth = solve_ivp(flow, (0, end_s), x0, rtol=1e-11, atol=1e-13).y[:, -1]
    steps_s = np.array([4e-4, 2e-4, 1e-4, 5e-5])
    errors = []
    for dt_s in steps_s:
        count = round(end_s / dt_s)
        driven = drive(params, u.expand(1, 1, count, 2), None)
        cell = tanh_cell._replace(dt_s=float(dt_s), form=form)
        x, _ = rollout(params, cell, driven, torch.tensor(x0)[None, None])
        errors.append(np.linalg.norm(x[0, 0, -1].numpy() - truth))
    order, _ = np.polyfit(np.log(steps_s), np.log(errors), 1)
    assert order == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("form", FORMS)
def test_tau_of_one_step_is_torch_s_rnn(form, random_params, tanh_cell, normal):
    params = random_params(networks=1)
    one = torch.ones_like(params.tau_PN)
    params = params._replace(
        tau_PN=tanh_cell.dt_s * one, slope_PN=one, threshold_PN=0 * one
    )
    rnn = torch.nn.RNN(2, 6, nonlinearity="tanh", batch_first=True, dtype=F64)
    with torch.no_grad():
        rnn.weight_hh_l0.copy_(params.w_PNN[0])
        rnn.weight_ih_l0.copy_(params.win_PNI[0])
        rnn.bias_ih_l0.copy_(params.bias_PN[0])
        rnn.bias_hh_l0.zero_()
        u, x0 = normal(1, 4, 30, 2), normal(1, 4, 6)
        expected, _ = rnn(u[0], torch.tanh(x0))
        cell = tanh_cell._replace(form=form)
        start = torch.tanh(x0) if form == "rate" else x0
        _, r = rollout(params, cell, drive(params, u, None), start)
    torch.testing.assert_close(r[0, :, 1:], expected, rtol=1e-12, atol=1e-12)


def test_bias_is_a_constant_current(random_params, tanh_cell, normal):
    params = random_params()
    u, x0 = normal(3, 2, 9, 2), normal(3, 2, 6)
    with_bias = rollout(params, tanh_cell, drive(params, u, None), x0)
    current = params.bias_PN[:, None, None].expand(3, 2, 9, 6)
    bare = params._replace(bias_PN=torch.zeros_like(params.bias_PN))
    with_current = rollout(bare, tanh_cell, drive(bare, u, current), x0)
    torch.testing.assert_close(with_bias, with_current, rtol=1e-12, atol=1e-12)


def test_clamped_units_stay_and_are_felt(random_params, normal):
    cell = Cell(0.001, "tanh", ((1, 1.0), (4, -1.0)), None)
    params = random_params()
    driven = normal(3, 2, 20, 6)
    x0 = normal(3, 2, 6)
    x, _ = rollout(params, cell, driven, x0)
    assert bool((x[..., 1] == 1).all()) and bool((x[..., 4] == -1).all())
    # the same as taking their constant rates into the drive of the others
    free = [0, 2, 3, 5]
    z = params.slope_PN * (torch.tensor([0, 1.0, 0, 0, -1, 0]) - params.threshold_PN)
    felt = torch.einsum("pnk,pk->pn", params.w_PNN[:, :, [1, 4]], z.tanh()[:, [1, 4]])
    small = params._replace(
        w_PNN=params.w_PNN[:, free][:, :, free], tau_PN=params.tau_PN[:, free],
        slope_PN=params.slope_PN[:, free], threshold_PN=params.threshold_PN[:, free],
    )  # fmt: skip
    driven_small = (driven + felt[:, None, None])[..., free]
    alone, _ = rollout(
        small, Cell(0.001, "tanh", (), None), driven_small, x0[..., free]
    )
    torch.testing.assert_close(x[..., free], alone, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", NONLINEARITIES)
def test_the_rate_form_is_its_equation_unit_by_unit(name, random_params, normal):
    """With the output fed back and two units clamped, which keep their rate."""
    params = random_params()._replace(wfb_PNO=0.5 * normal(3, 6, 2))
    cell = Cell(0.001, name, ((1, 1.0), (4, -1.0)), None, "rate")
    driven, x0 = normal(3, 2, 12, 6), normal(3, 2, 6)
    x, r = rollout(params, cell, driven, x0)
    assert torch.equal(x, r)
    assert bool((r[..., 1] == 1).all()) and bool((r[..., 4] == -1).all())
    phi, _ = NONLINEARITIES[name]
    for p, b, t, i in np.ndindex(3, 2, 12, 6):
        if i in (1, 4):
            continue
        h, a = r[p, b, t], 0.001 / float(params.tau_PN[p, i])
        v = params.w_PNN[p, i] @ h + driven[p, b, t, i]
        v = v + params.wfb_PNO[p, i] @ (params.wout_PON[p] @ h)
        rate = phi(params.slope_PN[p, i] * (v - params.threshold_PN[p, i]))
        before = h[i] if t else x0[p, b, i]
        torch.testing.assert_close(
            r[p, b, t + 1, i], (1 - a) * before + a * rate, rtol=1e-12, atol=1e-13
        )


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("unit", [None, 2])
@pytest.mark.parametrize("name", NONLINEARITIES)
def test_outputs_are_rollout_and_readout(name, unit, form, random_params, normal):
    params = random_params(outputs=2)
    cell = Cell(0.001, name, ((1, 0.5), (5, -1.0)), unit, form)
    driven = normal(3, 2, 25, 6)
    x0 = normal(3, 2, 6)
    keep = driven.clone(), x0.clone()
    _, r = rollout(params, cell, driven, x0)
    short = outputs(params, cell, driven, x0)
    expected = readout(params, cell, r[:, :, 1:])
    torch.testing.assert_close(short, expected, rtol=1e-12, atol=1e-12)
    assert torch.equal(driven, keep[0]) and torch.equal(x0, keep[1]), "changed inputs"


def test_readouts_against_einsum(random_params, normal):
    params, r = random_params(outputs=2), normal(3, 2, 7, 6)
    linear = readout(params, Cell(0.001, "tanh", (), None), r)
    expected = torch.einsum("pon,pbtn->pbto", params.wout_PON, r)
    torch.testing.assert_close(linear, expected, rtol=1e-12, atol=1e-12)
    unit = readout(params, Cell(0.001, "tanh", (), 3), r)
    assert torch.equal(unit, r[..., 3:4])


def test_order_and_size_of_the_population_do_not_matter(
    random_params, tanh_cell, normal
):
    params = random_params(networks=5)
    driven = normal(5, 2, 30, 6)
    x0 = normal(5, 2, 6)
    x, _ = rollout(params, tanh_cell, driven, x0)
    for which in ([3], [4, 0], [2, 4, 1, 0, 3]):
        some = torch.tensor(which)
        part, _ = rollout(pick(params, some), tanh_cell, driven[some], x0[some])
        torch.testing.assert_close(part, x[some], rtol=1e-12, atol=1e-12)
