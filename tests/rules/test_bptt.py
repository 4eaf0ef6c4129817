"""BPTT: gradients of its loss, what it trains, and that it learns in seconds."""

import pytest
import torch

from popnet.config import ConfigError
from popnet.core.cell import NONLINEARITIES, Cell, Params
from popnet.core.scoring import decision, tracking
from popnet.engine.train import advance, begin
from popnet.rules import RULES, Episode
from popnet.rules.bptt import BPTT, loss_gradients

F64 = torch.float64
P, B, T, N, I, O = 3, 2, 10, 6, 2, 2  # noqa: E741
CELL = Cell(0.001, "tanh", ((2, 0.5),), None)
HYPER = {
    "learning_rate": torch.tensor([1e-2, 1e-3, 0.0], dtype=F64),
    "beta1": torch.full((P,), 0.9, dtype=F64),
    "beta2": torch.full((P,), 0.999, dtype=F64),
    "epsilon": torch.full((P,), 1e-8, dtype=F64),
    "clip": torch.tensor([1.0, 1e-3, 1.0], dtype=F64),
}
ALL = ("recurrent", "input", "readout", "bias", "time_constants")


@pytest.fixture
def world():
    g = torch.Generator().manual_seed(4)

    def normal(*shape):
        return torch.randn(*shape, generator=g, dtype=F64)

    params = Params(
        normal(P, N, N) / N**0.5, normal(P, N, I), normal(P, O, N) / N**0.5,
        0.1 * normal(P, N),
        0.002 + 0.01 * torch.rand(P, N, generator=g, dtype=F64),
        1 + 0.2 * normal(P, N), 0.1 * normal(P, N), None, None,
    )  # fmt: skip
    mask = torch.rand(P, B, T, O, generator=g) < 0.6
    episode = Episode(
        normal(P, B, T, I), normal(P, B, T, O).sign(), mask,
        torch.zeros(P, B, dtype=torch.int64), torch.zeros(P, dtype=torch.int64),
        0.1 * normal(P, B, N), 0.2 * normal(P, B, T, N),
    )  # fmt: skip
    return params, episode


def loss(params, episode):
    """The stated loss, by another road: scored places picked out one network each."""
    phi, _ = NONLINEARITIES["tanh"]
    free = torch.ones(N, dtype=F64)
    free[2] = 0
    held = 0.5 * (1 - free)
    x, out = episode.x0_PBN * free + held, []

    def rate(x):
        return phi(params.slope_PN[:, None] * (x - params.threshold_PN[:, None]))

    for t in range(T):
        total = torch.einsum("pij,pbj->pbi", params.w_PNN, rate(x))
        total = total + torch.einsum(
            "pik,pbk->pbi", params.win_PNI, episode.input_PBTI[:, :, t]
        )
        total = total + params.bias_PN[:, None] + episode.current_PBTN[:, :, t]
        x = free * (x + 0.001 / params.tau_PN[:, None] * (total - x)) + held
        out.append(torch.einsum("poi,pbi->pbo", params.wout_PON, rate(x)))
    output = torch.stack(out, 2)
    squares = [
        (output[p] - episode.target_PBTO[p])[episode.mask_PBTO[p]].square().mean()
        for p in range(P)
    ]
    return torch.stack(squares), output


def test_gradients_are_those_of_the_stated_loss(world):
    params, episode = world
    names = ("w_PNN", "win_PNI", "wout_PON", "bias_PN", "tau_PN")
    leaves = {n: getattr(params, n).clone().requires_grad_() for n in names}
    each, output = loss(params._replace(**leaves), episode)
    expected = torch.autograd.grad(each.sum(), list(leaves.values()))
    got_output, got = loss_gradients(params, episode, CELL)
    torch.testing.assert_close(got_output, output.detach(), rtol=1e-12, atol=1e-12)
    for name, value in zip(names, expected, strict=True):
        scale = float(value.abs().max())
        torch.testing.assert_close(
            getattr(got, name), value, rtol=1e-10, atol=1e-10 * scale, msg=name
        )


def run(world, settings, steps=1, hyper=HYPER, cell=CELL):
    params, episode = world
    rule = RULES["bptt"]
    state = rule.init(params, settings, hyper, 1)
    for _ in range(steps):
        params, state, outcome = rule.step(
            params, state, episode, settings, hyper, cell, decision
        )
    return params, outcome


def test_steps_are_torch_s_adam_and_clip_on_autograd_s_gradients(world):
    params, episode = world
    got, _ = run(world, BPTT(trains=ALL), steps=6)
    names = ("w_PNN", "win_PNI", "wout_PON", "bias_PN", "tau_PN")
    for p in range(P):
        leaves = {n: torch.nn.Parameter(getattr(params, n).clone()) for n in names}
        own = torch.optim.Adam(
            list(leaves.values()), lr=float(HYPER["learning_rate"][p])
        )
        for _ in range(6):
            own.zero_grad()
            loss(params._replace(**leaves), episode)[0][p].backward()
            norm = torch.cat([v.grad.flatten() for v in leaves.values()]).norm()
            for leaf in leaves.values():
                leaf.grad *= min(1.0, float(HYPER["clip"][p] / norm))
            own.step()
            leaves["tau_PN"].data.clamp_(min=CELL.dt_s)
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


def test_time_constants_never_fall_below_one_step(world):
    fast = HYPER | {"learning_rate": torch.full((P,), 1.0, dtype=F64)}
    got, _ = run(world, BPTT(trains=("time_constants",)), hyper=fast)
    assert float(got.tau_PN.min()) == CELL.dt_s


def test_a_unit_readout_is_trained_without_readout_weights(world):
    params, episode = world
    episode = episode._replace(
        target_PBTO=episode.target_PBTO[..., :1], mask_PBTO=episode.mask_PBTO[..., :1]
    )
    cell = CELL._replace(output_unit=0)
    small = (params._replace(wout_PON=None), episode)
    got, outcome = run(small, BPTT(), cell=cell)
    assert got.wout_PON is None
    assert not torch.equal(got.w_PNN[0], params.w_PNN[0])
    expected = loss_gradients(small[0], episode, cell)[0]
    error = decision(expected, episode.target_PBTO, episode.mask_PBTO).error_PB
    torch.testing.assert_close(outcome.error_PB, error)


def test_scored_by_the_task_s_own_score(world):
    params, episode = world
    rule, settings = RULES["bptt"], BPTT()
    state = rule.init(params, settings, HYPER, 1)
    _, _, outcome = rule.step(params, state, episode, settings, HYPER, CELL, tracking)
    output, _ = loss_gradients(params, episode, CELL)
    expected = tracking(output, episode.target_PBTO, episode.mask_PBTO)
    assert torch.equal(outcome.correct_PB, expected.correct_PB)


def test_learns_to_hold_one_bit(planned):
    """Flip-flop, 1 bit, time constants trained too."""
    member, = planned(
        rule={"name": "bptt", "learning_rate": 0.01, "batch_trials": 16,
              "trains": list(ALL)},
        task={"name": "flipflop", "bits": 1, "trial_s": 0.03},
        network={"units": 30, "tau_s": 0.002},
        train={"trials": 6000, "until": {"accuracy": 0.95, "window": 64}},
    )  # fmt: skip
    (population,) = begin([member], torch.device("cpu"))
    left, (result,) = advance(population, 10_000)
    assert left is None and result.status == "converged"
    assert result.curve_accuracy_C[0] < 0.5 < 0.95 <= result.final_accuracy
    assert not torch.equal(result.final.tau_PN, result.initial.tau_PN)


UNIT = {"units": 12, "readout": {"kind": "unit"}}
SMALL = {"name": "delayed_response", "stimulus_s": 0.01, "delay_s": 0.005,
         "response_s": 0.01}  # fmt: skip


def trains_of(planned, rule, **network):
    (member,) = planned(rule={"name": "bptt", **rule}, network=network)
    return member.config.rule.trains, member.key


def test_the_default_trains_a_readout_where_there_is_one(planned):
    four = ["recurrent", "input", "readout", "bias"]
    for given, network, expected in (
        ({}, {}, four),
        ({}, UNIT, ["recurrent", "input", "bias"]),
        ({"trains": None}, UNIT, ["recurrent", "input", "bias"]),
    ):
        got, key = trains_of(planned, given, **network)
        assert list(got) == expected
        spelt = {"trains": expected[::-1]}
        assert trains_of(planned, spelt, **network) == (got, key), "the same network"


def test_a_unit_readout_trains_in_the_engine(planned):
    members = planned(
        rule={"name": "bptt", "batch_trials": 4}, task=SMALL, network=UNIT,
        train={"trials": 8, "until": None},
    )  # fmt: skip
    (population,) = begin(members, torch.device("cpu"))
    _, (result,) = advance(population, 10)
    assert result.status == "trained" and result.trials == 8
    assert not torch.equal(result.final.w_PNN, result.initial.w_PNN)


@pytest.mark.parametrize("part", ALL)
def test_of_recurrent_noise_only_trained_time_constants_are_refused(part, planned):
    noisy = {"noise": {"recurrent": 0.1, "input": 0.1}}
    if part == "time_constants":
        with pytest.raises(ConfigError, match=r"rule\.trains: time_constants cannot"):
            trains_of(planned, {"trains": [part]}, **noisy)
        noisy["noise"]["recurrent"] = 0.0  # the noise of the input keeps its size
    assert trains_of(planned, {"trains": [part]}, **noisy)[0] == (part,)
