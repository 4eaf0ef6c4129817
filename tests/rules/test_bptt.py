"""BPTT: gradients of its loss with all its penalties, its steps, what it trains."""

import pytest
import torch
from helpers.plain_loop import ADAM, CELL, F64, NAMES, P, networks_and_trials, states

from popnet import kernels
from popnet.core.scoring import decision, tracking
from popnet.rules import RULES
from popnet.rules.bptt import BPTT, Penalties, loss_gradients

HYPER = {
    **ADAM,
    "clip": torch.tensor([1.0, 1e-3, 1.0], dtype=F64),
    "nuclear": torch.zeros(P, dtype=F64),
    "l1": torch.tensor([0.0, 0.02, 0.01], dtype=F64),
    "l2": torch.tensor([0.03, 0.0, 0.01], dtype=F64),
    "rate_penalty": torch.tensor([0.5, 0.2, 0.0], dtype=F64),
    "tau_learning_rate": torch.tensor([3e-3, 0.02, 0.0], dtype=F64),
    "tau_min_s": torch.full((P,), 0.002, dtype=F64),
    "tau_max_s": torch.full((P,), 1.0, dtype=F64),
}
PENALTIES = Penalties(*(HYPER[name] for name in ("l1", "l2", "rate_penalty")))
ALL = ("recurrent", "input", "readout", "bias", "time_constants")


@pytest.fixture
def world():
    params, episode, _ = networks_and_trials()
    return params, episode


def loss(params, episode, unit=None):
    """The stated loss, by another road: scored places picked out one network each."""
    r = states(params, episode)[1][:, :, 1:]
    output = r[..., unit, None]
    if unit is None:
        output = torch.einsum("poi,pbti->pbto", params.wout_PON, r)
    each = []
    for p in range(P):
        wrong = (output[p] - episode.target_PBTO[p])[episode.mask_PBTO[p]]
        l1, l2, rate_penalty = (float(strength[p]) for strength in PENALTIES)
        w = params.w_PNN[p]
        each.append(
            wrong.square().mean() + l1 * w.abs().sum() + l2 * w.square().sum()
            + rate_penalty * r[p].square().mean()
        )  # fmt: skip
    return torch.stack(each), output


def of_one_output(params, episode):
    """The same for a network whose output is a unit."""
    first = {
        name: getattr(episode, name)[..., :1] for name in ("target_PBTO", "mask_PBTO")
    }
    return params._replace(wout_PON=None), episode._replace(**first)


@pytest.mark.parametrize("unit", [None, 3])
def test_gradients_are_those_of_the_stated_loss(unit, world):
    """Of the reference, and of the kernel within rounding (``tests/kernels``)."""
    params, episode = world if unit is None else of_one_output(*world)
    names = NAMES if unit is None else [n for n in NAMES if n != "wout_PON"]
    leaves = {n: getattr(params, n).clone().requires_grad_() for n in names}
    each, output = loss(params._replace(**leaves), episode, unit)
    expected = torch.autograd.grad(each.sum(), list(leaves.values()))
    cell, output = CELL._replace(output_unit=unit), output.detach()
    single = [
        type(leaves)(*(single_of(leaf) for leaf in leaves))
        for leaves in (params, episode, PENALTIES)
    ]
    slow = loss_gradients(params, episode, cell, PENALTIES)
    fast = kernels.loss_gradients(*single[:2], cell, single[2], True)
    for (got_output, got), bound in ((slow, 1e-10), (fast, 1e-5)):
        torch.testing.assert_close(got_output.double(), output, rtol=0.0, atol=bound)
        for name, value in zip(names, expected, strict=True):
            scale = float(value.abs().max())
            torch.testing.assert_close(
                getattr(got, name).double(), value, rtol=0.0, atol=bound * scale,
                msg=name,
            )  # fmt: skip


def single_of(leaf):
    double = isinstance(leaf, torch.Tensor) and leaf.is_floating_point()
    return leaf.float() if double else leaf


def test_gradients_are_slopes_of_the_loss_with_its_penalties(world):
    params, episode = world
    _, got = loss_gradients(params, episode, CELL, PENALTIES)
    g = torch.Generator().manual_seed(8)
    ahead = {
        n: torch.randn(getattr(params, n).shape, generator=g, dtype=F64) for n in NAMES
    }
    ahead["tau_PN"] *= params.tau_PN
    step = 1e-6  # the smallest |W| is 1e-3: no weight changes its sign
    up, down = (
        loss(
            params._replace(
                **{n: getattr(params, n) + sign * step * ahead[n] for n in NAMES}
            ),
            episode,
        )[0]
        for sign in (1, -1)
    )
    slope = sum((getattr(got, n) * ahead[n]).flatten(1).sum(1) for n in NAMES)
    torch.testing.assert_close((up - down) / (2 * step), slope, rtol=1e-7, atol=0.0)


def run(world, settings, steps=1, hyper=HYPER, cell=CELL):
    params, episode = world
    rule = RULES["bptt"]
    state = rule.init(params, settings, hyper, 1, [])
    for _ in range(steps):
        params, state, outcome = rule.step(
            params, state, episode, settings, hyper, cell, decision
        )
    return params, outcome


def test_steps_are_torch_s_adam_and_clip_on_autograd_s_gradients(world):
    """Weights under one clip, log tau under another and with a rate of its own."""
    params, episode = world
    got, _ = run(world, BPTT(trains=ALL), steps=6)
    for p in range(P):
        leaves = {n: torch.nn.Parameter(getattr(params, n).clone()) for n in NAMES}
        log_tau = torch.nn.Parameter(leaves.pop("tau_PN").data.log())
        groups = [
            {"params": params_of, "lr": float(HYPER[rate][p])}
            for params_of, rate in (
                (list(leaves.values()), "learning_rate"),
                ([log_tau], "tau_learning_rate"),
            )
        ]
        own = torch.optim.Adam(groups)
        for _ in range(6):
            own.zero_grad()
            tau_PN = log_tau.exp()
            loss(params._replace(**leaves, tau_PN=tau_PN), episode)[0][p].backward()
            for group in groups:
                every = group["params"]
                norm = torch.cat([v.grad.flatten() for v in every]).norm()
                for leaf in every:
                    leaf.grad *= min(1.0, float(HYPER["clip"][p] / norm))
            own.step()
            log_tau.data.clamp_(min=float(HYPER["tau_min_s"][p].log()))
        leaves["tau_PN"] = log_tau.exp()
        for name, leaf in leaves.items():
            torch.testing.assert_close(
                getattr(got, name)[p], leaf.data[p], rtol=1e-9, atol=1e-12, msg=name
            )


@pytest.mark.parametrize(
    "trains", [(part,) for part in ALL] + [ALL, ("recurrent", "bias")]
)
def test_only_what_is_asked_for_is_trained(trains, world):
    leaf_of = {"recurrent": "w_PNN", "input": "win_PNI", "readout": "wout_PON",
               "bias": "bias_PN", "time_constants": "tau_PN"}  # fmt: skip
    params, _ = world
    got, _ = run(world, BPTT(trains=trains))
    changed = {
        name
        for name, a, b in zip(params._fields, got, params, strict=True)
        if a is not None and not torch.equal(a[0], b[0])
    }
    assert changed == {leaf_of[part] for part in trains}
    assert torch.equal(got.w_PNN[2], params.w_PNN[2]), "learning rate 0"


def test_log_tau_descends_the_slope_that_finite_differences_give(world):
    """A plain step of rate 1 without a clip is minus dL / d log tau."""
    params, episode = world
    plain = HYPER | {"tau_learning_rate": torch.ones(P, dtype=F64) * 1e-4,
                     "clip": torch.full((P,), 1e9, dtype=F64)}  # fmt: skip
    settings = BPTT(trains=("time_constants",), optimiser="sgd")
    got, _ = run(world, settings, hyper=plain)
    slope_PN = -(got.tau_PN / params.tau_PN).log() / 1e-4
    assert torch.autograd.gradcheck(
        lambda log_tau: loss(params._replace(tau_PN=log_tau.exp()), episode)[0],
        params.tau_PN.log().requires_grad_(),
    )
    for unit in range(params.tau_PN.shape[1]):
        step = torch.zeros_like(params.tau_PN)
        step[:, unit] = 1e-5
        up, down = (
            loss(params._replace(tau_PN=params.tau_PN * (s * step).exp()), episode)[0]
            for s in (1, -1)
        )
        torch.testing.assert_close(
            slope_PN[:, unit], (up - down) / 2e-5, rtol=1e-6, atol=1e-10
        )


def test_time_constants_stay_within_their_bounds(world):
    params, _ = world
    low, high = 0.9 * params.tau_PN.amin(1), 1.1 * params.tau_PN.amax(1)
    fast = HYPER | {"tau_learning_rate": torch.full((P,), 1.0, dtype=F64),
                    "tau_min_s": low, "tau_max_s": high}  # fmt: skip
    got, _ = run(world, BPTT(trains=("time_constants",)), hyper=fast, steps=3)
    low_P1, high_P1 = low[:, None], high[:, None]
    assert bool(((got.tau_PN >= low_P1) & (got.tau_PN <= high_P1)).all())
    assert (got.tau_PN == low_P1).sum() > 2 and (got.tau_PN == high_P1).sum() > 2


@pytest.mark.parametrize("leaf", ["w_PNN", "tau_PN"])
def test_weights_and_time_constants_learn_by_rates_of_their_own(leaf, world):
    params, _ = world
    rate = {"w_PNN": "learning_rate", "tau_PN": "tau_learning_rate"}[leaf]
    still = HYPER | {rate: torch.zeros(P, dtype=F64)}
    got, _ = run(world, BPTT(trains=ALL), hyper=still, steps=3)
    both, _ = run(world, BPTT(trains=ALL), steps=1)
    one, _ = run(world, BPTT(trains=ALL), hyper=still, steps=1)
    assert torch.equal(getattr(got, leaf), getattr(params, leaf)), "in every bit"
    other = {"w_PNN": "tau_PN", "tau_PN": "w_PNN"}[leaf]
    assert torch.equal(getattr(one, other), getattr(both, other))
    assert not torch.equal(getattr(one, other)[0], getattr(params, other)[0])


def test_a_unit_readout_is_trained_without_readout_weights(world):
    params, episode = of_one_output(*world)
    cell = CELL._replace(output_unit=0)
    got, outcome = run((params, episode), BPTT(), cell=cell)
    assert got.wout_PON is None
    assert not torch.equal(got.w_PNN[0], params.w_PNN[0])
    expected = loss_gradients(params, episode, cell, PENALTIES)[0]
    error = decision(expected, episode.target_PBTO, episode.mask_PBTO).error_PB
    torch.testing.assert_close(outcome.error_PB, error)


def test_scored_by_the_task_s_own_score(world):
    params, episode = world
    rule, settings = RULES["bptt"], BPTT()
    state = rule.init(params, settings, HYPER, 1, [])
    _, _, outcome = rule.step(params, state, episode, settings, HYPER, CELL, tracking)
    output, _ = loss_gradients(params, episode, CELL, PENALTIES)
    expected = tracking(output, episode.target_PBTO, episode.mask_PBTO)
    assert torch.equal(outcome.correct_PB, expected.correct_PB)
