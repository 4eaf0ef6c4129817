"""Frozen networks in the kernel against the float64 rollout, and trial by trial."""

import pytest
import torch

from popnet import kernels
from popnet.core.cell import NONLINEARITIES, closed
from popnet.core.impulses import currents
from popnet.core.rollout import drive, outputs, rollout

U = 2.0**-24
"""Half a unit in the last place: one rounding in float32."""
TANH = 4e-7
"""Error of the rational tanh (``test_rates``), larger than those of the others."""
CONTRACTION = 0.5


def fast(params, cell, episode):
    return kernels.outputs(
        closed(params), cell, episode.input_PBTI, episode.noise_PBTN, episode.impulses,
        episode.x0_PBN,
    )  # fmt: skip


def current_of(episode):
    """Noise and impulses as a current, 0 where there are none."""
    shape, x0 = episode.input_PBTI.shape[:3], episode.x0_PBN
    current = currents(episode.noise_PBTN, episode.impulses, x0, shape[2])
    return x0.new_zeros(*shape, x0.shape[2]) if current is None else current


def slow(params, cell, episode):
    driven = drive(params, episode.input_PBTI, current_of(episode))
    return outputs(params, cell, driven, episode.x0_PBN)


def contracting(params):
    """The same networks with sum_j |W_ij| slope_j = CONTRACTION for every unit."""
    felt = (params.w_PNN.abs() * params.slope_PN[:, None]).sum(2, keepdim=True)
    return params._replace(w_PNN=CONTRACTION * params.w_PNN / felt)


def rounding(params, cell, episode):
    """The most that float32 may do to each output; everything here in float64.

    e is the error of x so far.  A step takes it over by way of x and of the rates,
    each wrong by TANH and some roundings besides, and adds the roundings of a sum of
    K = N + I + 2 terms, of dt / tau (3), of the difference and of the new x.  In a
    contracting network old errors fade, so this stays small.
    """
    current = current_of(episode)
    driven = drive(params, episode.input_PBTI, current)
    x, r = rollout(params, cell, driven, episode.x0_PBN)
    w, win, bias = params.w_PNN.abs(), params.win_PNI.abs(), params.bias_PN.abs()
    most = params._replace(win_PNI=win, bias_PN=bias)
    outside = drive(most, episode.input_PBTI.abs(), current.abs())
    a, slope = cell.dt_s / params.tau_PN[:, None], params.slope_PN[:, None]
    terms, steps = sum(params.win_PNI.shape[1:]) + 2, outside.shape[2]
    e, wrong = 0 * episode.x0_PBN, []
    for t in range(steps + 1):
        z = slope * (x[:, :, t].abs() + params.threshold_PN[:, None].abs())
        of_rate = slope * e + TANH + 3 * U * (z + r[:, :, t].abs())
        wrong.append(of_rate)
        if t < steps:
            size = r[:, :, t].abs() @ w.mT + outside[:, :, t]
            of_step = terms * size + 4 * (size + x[:, :, t].abs())
            moved = a * (of_rate @ w.mT + U * of_step)
            e = (1 - a) * e + moved + U * x[:, :, t + 1].abs()
    wrong = torch.stack(wrong[1:], 2)
    if params.wout_PON is None:
        return wrong[..., cell.output_unit, None]
    wrong = wrong + w.shape[1] * U * r[:, :, 1:].abs()
    return wrong @ params.wout_PON.abs().mT[:, None]


CASES = [
    # units, trials, outputs, output unit
    (20, 1, 2, None), (43, 31, 1, 3), (16, 32, 17, None), (64, 33, 3, None),
    (7, 100, 1, 0), (210, 33, 2, None),
]  # fmt: skip


@pytest.mark.parametrize(("units", "trials", "outs", "unit"), CASES)
@pytest.mark.parametrize("name", NONLINEARITIES)
def test_a_contracting_network_is_the_reference_within_rounding(
    name, units, trials, outs, unit, make_network, make_episode, in_double
):
    params, cell = make_network(units, 3, outs, name=name, unit=unit)
    params = contracting(params)
    for given in ({}, {"impulses": False}, {"noise": False, "impulses": False}):
        episode = make_episode(params, trials, 37, **given)
        exact, known = in_double(params), in_double(episode)
        got, expected = fast(params, cell, episode), slow(exact, cell, known)
        assert got.dtype == torch.float32 and got.shape == expected.shape
        bound = rounding(exact, cell, known)
        assert float(bound.max()) < 2e-3, "a bound that allows everything"
        assert bool(((got - expected).abs() <= bound).all()), given


def test_a_chaotic_network_is_the_reference_until_rounding_has_grown(
    make_network, make_episode, in_double
):
    # any two trajectories part by e^(lambda t), so only the first steps can be
    # compared; after them the kernel parts from the reference no faster than the
    # reference does from itself when begun 1e-6 away, a dozen roundings
    params, cell = make_network(200, gain=4.0, clamped=())
    params = params._replace(win_PNI=0 * params.win_PNI, bias_PN=0 * params.bias_PN)
    episode = make_episode(params, 3, 500, noise=False, impulses=False)
    exact, known = in_double(params), in_double(episode)
    near = known._replace(x0_PBN=known.x0_PBN + 1e-6)
    got, expected = fast(params, cell, episode), slow(exact, cell, known)
    apart, own = (
        (other - expected).abs().amax((0, 1, 3))
        for other in (got, slow(exact, cell, near))
    )
    assert float(apart[:60].max()) < 3e-6
    assert float(apart[-1]) > 100 * float(apart[0]), "not chaotic"
    assert bool((apart <= own.cummax(0).values).all())


def test_feedback_is_a_part_of_the_weights(make_network, make_episode, in_double):
    params, cell = make_network(20, outputs=3, clamped=())
    wfb = torch.randn(2, 20, 3, generator=torch.Generator().manual_seed(5))
    params = params._replace(wfb_PNO=wfb)
    episode = make_episode(params, 4, 25)
    got, x = fast(params, cell, episode), in_double(episode).x0_PBN
    exact, known = in_double(params), in_double(episode)
    driven = drive(exact, known.input_PBTI, current_of(known))
    for t in range(25):  # the equation of ``core.cell``, z fed back

        def rate(x):
            z = exact.slope_PN[:, None] * (x - exact.threshold_PN[:, None])
            return z.tanh()

        fed = rate(x) @ exact.wout_PON.mT @ exact.wfb_PNO.mT
        total = rate(x) @ exact.w_PNN.mT + fed + driven[:, :, t]
        x = x + cell.dt_s / exact.tau_PN[:, None] * (total - x)
        expected = rate(x) @ exact.wout_PON.mT
        torch.testing.assert_close(got[:, :, t].double(), expected, rtol=0.0, atol=2e-5)


@pytest.mark.parametrize("units", [20, 210])
@pytest.mark.parametrize("name", NONLINEARITIES)
def test_a_trial_is_the_same_whatever_stands_beside_it(
    name, units, make_network, make_episode
):
    params, cell = make_network(units, name=name, networks=1)
    episode = make_episode(params, 100, 12)
    every = fast(params, cell, episode)

    def some(which):
        noise, x0 = episode.noise_PBTN[:, which], episode.x0_PBN[:, which]
        impulses = [[row[b] for b in which] for row in episode.impulses]
        part = {"noise_PBTN": noise, "x0_PBN": x0, "impulses": impulses}
        return episode._replace(input_PBTI=episode.input_PBTI[:, which], **part)

    for which in ([0], [77], [31, 32], list(range(99, -1, -1)), list(range(3, 40))):
        got = fast(params, cell, some(which))
        assert torch.equal(got, every[:, which]), which[:3]


@pytest.mark.parametrize("unit", [None, 3])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_network_that_diverges_disturbs_no_other(
    value, unit, make_network, make_episode
):
    params, cell = make_network(20, networks=3, unit=unit)
    episode = make_episode(params, 3, 20)
    clean = fast(params, cell, episode)
    episode.noise_PBTN[1, 2, 10, 3] = value
    broken = fast(params, cell, episode)
    assert torch.equal(broken[[0, 2]], clean[[0, 2]])
    assert torch.equal(broken[1, :2], clean[1, :2]), "its other trials"
    assert torch.equal(broken[1, 2, :10], clean[1, 2, :10]), "the past"
    assert bool(broken[1, 2, -1].isnan().all())


def test_arguments_are_left_as_they_were(make_network, make_episode):
    params, cell = make_network()
    episode = make_episode(params)
    given = [t for t in (*params, *episode) if isinstance(t, torch.Tensor)]
    kept = [t.clone() for t in given]
    fast(params, cell, episode)
    assert all(torch.equal(a, b) for a, b in zip(given, kept, strict=True))
