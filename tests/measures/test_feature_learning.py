"""Kernels, Hessians and changes of networks, against slow second ways to them."""

import numpy as np
import pytest
import torch

from popnet.core.cell import Cell, Params
from popnet.measures import (
    MEASURES,
    ChangeSeen,
    NetworkSeen,
    NetworkTrials,
    WeightsSeen,
)
from popnet.measures._hessian import Hessian
from popnet.measures._trained_weights import trained_parts, vector, with_vector
from popnet.testing.whole_networks import whole_network

HESSIAN = ("hessian_top", "hessian_participation_ratio", "flat_share")


def of_network(name, seen, **given):
    measure = MEASURES[name]
    return measure.of(measure.settings(**given), seen)


def two_units(w=0.0, wout=(1.0, 0.0), win=0.5, phi="relu", steps=1):
    """x(t+1) = W r(t) + W_in u(t), y = W_out r, in discrete time, of two units."""
    tensor = torch.tensor
    double = {"dtype": torch.float64}
    params = Params(
        torch.full((1, 2, 2), w, **double),
        torch.full((1, 2, 1), win, **double),
        tensor([[list(wout)]], **double),
        torch.zeros(1, 2, **double),
        torch.full((1, 2), 0.01, **double),
        torch.ones(1, 2, **double),
        torch.zeros(1, 2, **double),
        None,
        None,
    )
    trials = NetworkTrials(
        tensor([[[[2.0]] * steps, [[3.0]] * steps]], **double),
        tensor([[[[1.0]] * steps, [[0.5]] * steps]], **double),
        torch.ones(1, 2, steps, 1, dtype=torch.bool),
        torch.zeros(1, 2, 2, **double),
    )
    cell = Cell(0.01, phi, (), None)
    return NetworkSeen(params, params, cell, lambda _: trials, None, True)


def learned(seen, **leaves):
    """As if training had moved these leaves to where they are."""
    initial = seen.final._replace(**{k: getattr(seen.final, k) + 1 for k in leaves})
    return seen._replace(initial=initial)


def test_a_readout_alone_has_a_quadratic_loss():
    # r = W_in u = (1, 1) and (1.5, 1.5): L = mean_b (w . r_b - y_b)^2, H = 2 mean r r'
    seen = learned(two_units(), wout_PON=1)
    square = (1 + 1.5**2) / 2
    np.testing.assert_allclose(
        Hessian(seen, 2).whole(), np.full((2, 2), 2 * square), rtol=1e-14
    )
    assert of_network("hessian_top", seen) == pytest.approx(4 * square)
    assert of_network("hessian_participation_ratio", seen) == pytest.approx(1)
    assert of_network("flat_share", seen) == 0.5


def test_two_units_by_hand():
    # y = (a_1 v_1 + a_2 v_2) u with v = (0.5, 0.5), a = (1, 0), over two trials
    seen = learned(two_units(), win_PNI=1, wout_PON=1)
    v, a, uu, uy = 0.5, 1.0, (4 + 9) / 2, (2 + 1.5) / 2
    residual = 2 * (2 * a * v * uu - uy)
    expected = np.zeros((4, 4))  # v of both units, then a of both
    expected[0, 0] = 2 * a**2 * uu
    expected[2:, 2:] = 2 * v**2 * uu
    expected[0, 2] = expected[2, 0] = residual
    cross = 2 * v * a * uu  # d^2 L / dv_1 da_2: both move the one output
    expected[0, 3] = expected[3, 0] = cross
    # v_2 acts through a_2 alone, and a_2 is 0
    expected[1, 3] = expected[3, 1] = 2 * (a * v * uu - uy)
    np.testing.assert_allclose(Hessian(seen, 2).whole(), expected, atol=1e-13)


@pytest.mark.parametrize("form", ["current", "rate"])
@pytest.mark.parametrize("phi", ["tanh", "softplus"])
def test_the_whole_hessian_is_that_of_autograd(form, phi):
    seen = whole_network()
    seen = seen._replace(cell=seen.cell._replace(form=form, nonlinearity=phi))
    shown, parts = seen.trials(9), trained_parts(seen)

    def loss(theta):
        """The loss of a loop of its own."""
        p = with_vector(seen.final, parts, theta)
        f = torch.tanh if phi == "tanh" else torch.nn.functional.softplus
        a, w, slope = 0.01 / p.tau_PN[0], p.w_PNN[0], p.slope_PN[0]
        x, errors = shown.x0_PBN[0], []
        for t in range(shown.input_PBTI.shape[2]):
            r = x if form == "rate" else f(slope * (x - p.threshold_PN[0]))
            v = r @ w.T + shown.input_PBTI[0, :, t] @ p.win_PNI[0].T + p.bias_PN[0]
            to = f(slope * (v - p.threshold_PN[0])) if form == "rate" else v
            x = (1 - a) * x + a * to
            r = x if form == "rate" else f(slope * (x - p.threshold_PN[0]))
            errors.append(r @ p.wout_PON[0].T - shown.target_PBTO[0, :, t])
        square = torch.stack(errors, 1)[shown.mask_PBTO[0]] ** 2
        return square.mean()

    theta = vector(seen.final, parts)
    expected = torch.autograd.functional.hessian(loss, theta).numpy()
    found = Hessian(seen, 9)
    np.testing.assert_allclose(found.whole(), expected, atol=1e-12)
    v_R = np.random.default_rng(0).standard_normal(len(theta))
    np.testing.assert_allclose(found.product(v_R), expected @ v_R, atol=1e-11)
    eigenvalue_R = np.linalg.eigvalsh(expected)
    assert of_network("hessian_top", seen, trials=9) == pytest.approx(eigenvalue_R[-1])


def test_a_network_with_many_weights_is_estimated_as_the_whole_says():
    seen = whole_network()
    whole = {name: of_network(name, seen) for name in HESSIAN}
    # as many steps as weights: Lanczos' space is the whole one
    size = sum(len(part.places_R) for part in trained_parts(seen))
    found = {
        name: of_network(name, seen, exact_up_to=size - 1, steps=size)
        for name in HESSIAN
    }
    for name in HESSIAN[:2]:
        assert found[name] == pytest.approx(whole[name], rel=1e-9)
    assert found["flat_share"] == pytest.approx(whole["flat_share"], abs=0.15)
    short = of_network("hessian_top", seen, exact_up_to=0, steps=3, starts=1)
    assert short < whole["hessian_top"]


def test_what_was_computed_once_is_kept_with_its_network_alone():
    seen = whole_network()._replace(kept={})
    calls = []

    def counted(count):
        calls.append(count)
        return whole_network().trials(count)

    seen = seen._replace(trials=counted)
    shared = [of_network(name, seen) for name in HESSIAN]
    of_network("flat_share", seen, mu=1e-5)
    assert calls == [64]
    assert shared == [of_network(name, whole_network()) for name in HESSIAN]
    of_network("hessian_top", seen, trials=8)
    assert calls == [64, 8]
    of_network("hessian_top", seen._replace(kept={}))
    assert calls == [64, 8, 64]


def test_weights_that_may_not_be_are_no_directions():
    seen = whole_network()
    mask_PNN = torch.ones_like(seen.final.w_PNN)
    mask_PNN[0, :, 2] = 0
    final = seen.final._replace(mask_PNN=mask_PNN, w_PNN=seen.final.w_PNN * mask_PNN)
    masked, parts = seen._replace(final=final), trained_parts(seen)
    assert Hessian(masked, 4).weights == Hessian(seen, 4).weights - 6
    theta_R = vector(final, trained_parts(masked))
    again = with_vector(final, trained_parts(masked), 2 * theta_R)
    assert torch.equal(again.w_PNN, 2 * final.w_PNN)
    assert [part.leaf for part in parts] == ["w_PNN", "win_PNI", "wout_PON", "bias_PN"]
    still = seen._replace(initial=seen.initial._replace(bias_PN=seen.final.bias_PN))
    left = [part.leaf for part in trained_parts(still)]
    assert left == ["w_PNN", "win_PNI", "wout_PON"]


def test_nothing_trained():
    seen = whole_network()
    seen = seen._replace(initial=seen.final)
    assert of_network("kernel_alignment", seen) == 1
    for name in HESSIAN:
        assert np.isnan(of_network(name, seen))


def jacobian(params, seen, parts, shown):
    """dy/dtheta of every single output, by one backward pass each."""
    theta_R = vector(params, parts).requires_grad_(True)
    network = with_vector(params, parts, theta_R)
    a = seen.cell.dt_s / network.tau_PN[0]
    x, made = shown.x0_PBN[0], []
    for t in range(shown.input_PBTI.shape[2]):
        r = torch.tanh(x - network.threshold_PN[0])
        drive = shown.input_PBTI[0, :, t] @ network.win_PNI[0].T + network.bias_PN[0]
        x = (1 - a) * x + a * (r @ network.w_PNN[0].T + drive)
        made.append(torch.tanh(x - network.threshold_PN[0]) @ network.wout_PON[0].T)
    single = torch.stack(made, 1)[shown.mask_PBTO[0]]
    rows = [torch.autograd.grad(y, theta_R, retain_graph=True)[0] for y in single]
    return torch.stack(rows).numpy()


@pytest.mark.parametrize("gamma", [None, 2.0])
def test_kernel_alignment_is_that_of_explicit_jacobians(gamma):
    seen = whole_network()._replace(gamma=gamma)
    parts, shown = trained_parts(seen), seen.trials(4)
    # the parameters as they are trained: dy/dJ = dy/dW / N, dy/dV = dy/dW_out / gamma N
    plain = trained_parts(seen._replace(gamma=None))
    size = {"w_PNN": 6, "wout_PON": 6 * (gamma or 1)} if gamma else {}
    divided = np.concatenate(
        [np.full(len(part.places_R), size.get(part.leaf, 1.0)) for part in plain]
    )
    kernels = []
    for params in (seen.initial, seen.final):
        slope_ER = jacobian(params, seen, plain, shown) / divided
        kernels.append(slope_ER @ slope_ER.T)
    sizes = np.linalg.norm(kernels[0]) * np.linalg.norm(kernels[1])
    expected = np.trace(kernels[0] @ kernels[1]) / sizes
    assert 0.2 < expected < 0.95 and len(parts) == 4
    found = of_network("kernel_alignment", seen, trials=4, probes=1000)
    assert found == pytest.approx(expected, rel=1e-10)
    some = of_network("kernel_alignment", seen, trials=4, probes=40)
    assert some != found and some == pytest.approx(found, abs=0.1)


def test_a_learned_readout_leaves_the_kernel_of_a_linear_model():
    # y = W_out r with r fixed: the kernel does not move, whatever the readout
    seen = whole_network()
    initial = seen.final._replace(wout_PON=seen.initial.wout_PON)
    lazy = seen._replace(initial=initial)
    assert of_network("kernel_alignment", lazy) == pytest.approx(1, abs=1e-12)


def test_gamma_divides_the_curvature_by_the_size_squared():
    seen = whole_network()
    one = seen._replace(
        initial=seen.final._replace(w_PNN=seen.initial.w_PNN), gamma=None
    )
    plain = of_network("hessian_top", one)
    assert of_network("hessian_top", one._replace(gamma=5.0)) == pytest.approx(
        plain / 6**2
    )
    readout = one._replace(
        initial=seen.final._replace(wout_PON=seen.initial.wout_PON), gamma=5.0
    )
    flat = of_network("hessian_top", readout._replace(gamma=None))
    assert of_network("hessian_top", readout) == pytest.approx(flat / 30**2)


def test_the_norm_of_a_change_of_weights():
    measure = MEASURES["weight_change_norm"]
    before = np.array([[3, 0], [0, 4]], np.float32)
    seen = WeightsSeen(before, before + np.float32([[0, 3], [-4, 0]]), np.ones(2), None)
    assert measure.of(measure.settings(), seen) == 5
    assert measure.of(measure.settings(), seen._replace(final_NN=before)) == 0


def alignment(one, other):
    measure = MEASURES["representation_alignment"]
    return measure.of(measure.settings(), ChangeSeen(one, other, 0.01))


def test_alignment_of_known_activities():
    random = np.random.default_rng(0)
    x = random.standard_normal((3, 40, 6))
    turn = np.linalg.qr(random.standard_normal((6, 6)))[0]
    assert alignment(x, x) == pytest.approx(1)
    assert alignment(x, 3 * x @ turn + 2) == pytest.approx(1)
    assert alignment(x, x * np.linspace(0.1, 5, 6)) < 0.95
    steps = 2 * np.pi * np.arange(40) / 40
    sine, cosine = np.sin(steps)[None, :, None], np.cos(steps)[None, :, None]
    assert alignment(sine, cosine) == pytest.approx(0, abs=1e-12)
    # of (s, c) against s alone: |X'Y|^2 = 1, |X'X| = sqrt 2, |Y'Y| = 1
    both = np.concatenate([sine, cosine], axis=2)
    assert alignment(both, sine) == pytest.approx(1 / np.sqrt(2))


def test_alignment_is_the_ratio_of_sample_kernels():
    # Gretton et al. (2005): the same from the centred kernels of the samples
    random = np.random.default_rng(1)
    x, y = random.standard_normal((2, 2, 15, 4))
    y = 0.5 * y + x @ random.standard_normal((4, 4))
    centre = np.eye(30) - 1 / 30
    k, m = (centre @ (z := a.reshape(30, 4)) @ z.T @ centre for a in (x, y))
    expected = (k * m).sum() / (np.linalg.norm(k) * np.linalg.norm(m))
    assert alignment(x, y) == pytest.approx(expected)
    assert np.isnan(alignment(x, y[:, :5])) and np.isnan(alignment(x, 0 * y + 1))
