"""BPTT's other steps: plain ones, the nuclear norm, strength of feature learning."""

import pytest
import torch

from popnet.config import ConfigError
from popnet.core.cell import Cell, Params
from popnet.core.scoring import decision
from popnet.engine.episodes import training_batch
from popnet.engine.population import start
from popnet.rules import RULES, Episode
from popnet.rules.bptt import BPTT, Penalties, loss_gradients

F64 = torch.float64
P, B, T, N, I, O = 3, 4, 12, 8, 2, 2  # noqa: E741
CELL = Cell(0.001, "tanh", (), None)
NAMES = ("w_PNN", "win_PNI", "wout_PON", "bias_PN")
HYPER = {
    "learning_rate": [0.5, 0.1, 0.0], "beta1": [0.9] * 3, "beta2": [0.99] * 3,
    "epsilon": [1e-8] * 3, "clip": [1e9, 0.02, 1e9], "gamma": [0.3, 1.0, 4.0],
    "nuclear": [0.0, 0.02, 0.05], "l1": [0.0] * 3, "l2": [0.01] * 3,
    "rate_penalty": [0.0] * 3,
}  # fmt: skip


def hyper(dtype=F64, **other):
    return {k: torch.tensor(v, dtype=dtype) for k, v in {**HYPER, **other}.items()}


@pytest.fixture
def world():
    g = torch.Generator().manual_seed(3)

    def normal(*shape):
        return torch.randn(*shape, generator=g, dtype=F64)

    one = torch.ones(P, N, dtype=F64)
    params = Params(
        normal(P, N, N) / N**0.5, normal(P, N, I), normal(P, O, N) / N**0.5,
        0.1 * normal(P, N), 0.005 * one, one, 0 * one, None, None,
    )  # fmt: skip
    episode = Episode(
        normal(P, B, T, I), normal(P, B, T, O).sign(),
        torch.rand(P, B, T, O, generator=g) < 0.6,
        torch.zeros(P, B, dtype=torch.int64), torch.zeros(P, dtype=torch.int64),
        0.1 * normal(P, B, N), None,
    )  # fmt: skip
    return params, episode


def single(leaves):
    return type(leaves)(*(
        t.float() if isinstance(t, torch.Tensor) and t.is_floating_point() else t
        for t in leaves
    ))  # fmt: skip


def taken(params, episode, settings, given, steps=1):
    rule = RULES["bptt"]
    state = rule.init(params, settings, given, 1, [])
    for _ in range(steps):
        params, state, _ = rule.step(
            params, state, episode, settings, given, CELL, decision
        )
    return params, state


def test_a_plain_step_is_rate_times_the_clipped_slope_of_the_whole_loss(world):
    params, episode = world
    got, state = taken(params, episode, BPTT(optimiser="sgd"), hyper())
    assert [name for name, leaf in state._asdict().items() if leaf is not None] == [
        "steps_P"
    ]
    given = Penalties(*(hyper()[k] for k in ("l1", "l2", "rate_penalty")))
    _, slope = loss_gradients(params, episode, CELL, given)
    for p in range(P):
        w = params.w_PNN[p].clone().requires_grad_()
        nuclear = HYPER["nuclear"][p] * torch.linalg.matrix_norm(w, "nuc")
        (extra,) = torch.autograd.grad(nuclear, w)
        parts = {name: getattr(slope, name)[p] for name in NAMES}
        parts["w_PNN"] = parts["w_PNN"] + extra
        norm = torch.cat([v.flatten() for v in parts.values()]).norm()
        size = HYPER["learning_rate"][p] * min(1.0, float(HYPER["clip"][p] / norm))
        for name, value in parts.items():
            expected = getattr(params, name)[p] - size * value
            torch.testing.assert_close(
                getattr(got, name)[p], expected, rtol=1e-9, atol=1e-11, msg=name
            )
    assert all(torch.equal(getattr(got, n)[2], getattr(params, n)[2]) for n in NAMES)


@pytest.mark.parametrize(
    "settings",
    [BPTT(optimiser="sgd"), BPTT(), BPTT(parametrisation="mean_field")],
    ids=["sgd", "adam", "mean_field"],
)
def test_the_kernel_s_steps_are_the_reference_s_within_rounding(settings, world):
    """epsilon 0.01: where a gradient is near 0, Adam's step is mostly its rounding."""
    params, episode = world
    rates = {"learning_rate": [1e-2, 1e-3, 0.0], "epsilon": [0.01] * 3}
    slow, _ = taken(params, episode, settings, hyper(**rates), 5)
    fast, _ = taken(
        single(params), single(episode), settings, hyper(torch.float32, **rates), 5
    )
    for name in NAMES:
        a, b = getattr(fast, name), getattr(slow, name)
        torch.testing.assert_close(a.double(), b, rtol=1e-5, atol=1e-5, msg=name)
    assert torch.equal(fast.w_PNN[2], single(params).w_PNN[2]), "rate 0"


def test_a_strong_nuclear_norm_lowers_the_rank(world):
    params, episode = world
    size = {"learning_rate": [0.02] * 3, "nuclear": [0.0, 0.5, 0.5], "l2": [0.0] * 3,
            "clip": [1e9] * 3}  # fmt: skip
    got, _ = taken(params, episode, BPTT(optimiser="sgd"), hyper(**size), 100)
    s_PN = torch.linalg.svdvals(got.w_PNN)
    left = (s_PN > 0.03).sum(1).tolist()
    assert left[0] == N and left[1] < N - 2


TASK = {"name": "flipflop", "bits": 2, "trial_s": 0.02}
MEAN_FIELD = {"units": 16, "gain": 1.0, "input_law": "normal", "dtype": "float64",
              "tau_s": 0.01,
              "readout": {"kind": "linear", "law": "normal"}}  # fmt: skip
ETA, STEPS = 0.02, 20


def own_outputs(j, u, v, gamma, inputs_BTI, x0_BN):
    """Their equations, written plainly; tau = dt / tau = 0.1."""
    h, units, found = x0_BN, len(j), []
    for t in range(inputs_BTI.shape[1]):
        change = -h + torch.tanh(h) @ j.T / units + inputs_BTI[:, t] @ u.T
        h = h + 0.1 * change
        found.append(torch.tanh(h) @ v.T / (gamma * units))
    return torch.stack(found, 1)


def test_gamma_is_that_of_the_paper_s_own_parametrisation(planned):
    """Outputs over 20 steps: J, U and V trained by torch's Adam at gamma eta_0."""
    gammas = [0.2, 1.0, 5.0]
    members = planned(
        task=TASK, network=MEAN_FIELD, grid={"rule.gamma": gammas},
        rule={"name": "bptt", "parametrisation": "mean_field", "learning_rate": ETA,
              "batch_trials": 4, "clip": 1e9, "trains": ["recurrent", "input",
                                                         "readout"]},
    )  # fmt: skip
    population = start(members, torch.device("cpu"))
    params, state, rule = population.params, population.state, RULES["bptt"]
    settings, cell, n = members[0].config.rule, population.cell, params.w_PNN.shape[1]
    own = []
    for p, gamma in enumerate(gammas):
        j, v = n * params.w_PNN[p], gamma * n * params.wout_PON[p]
        leaves = [torch.nn.Parameter(t.clone()) for t in (j, params.win_PNI[p], v)]
        own.append((leaves, torch.optim.Adam(leaves, lr=gamma * ETA)))
        assert float(j.std()) == pytest.approx(n**0.5, rel=0.2)
        assert float(v.std()) == pytest.approx(1.0, rel=0.3)
    first = None
    for step in range(STEPS):
        episode = training_batch(members, torch.full((3,), 4 * step), params.tau_PN)
        outputs, _ = loss_gradients(
            params, episode, cell, Penalties(*torch.zeros(3, 3, dtype=F64))
        )
        params, state, _ = rule.step(
            params, state, episode, settings, population.hyper, cell, decision
        )
        for p, (leaves, adam) in enumerate(own):
            made = own_outputs(
                *leaves, gammas[p], episode.input_PBTI[p], episode.x0_PBN[p]
            )
            torch.testing.assert_close(
                outputs[p], made.detach(), rtol=1e-8, atol=1e-8
            )  # fmt: skip
            mask = episode.mask_PBTO[p]
            adam.zero_grad()
            (made - episode.target_PBTO[p])[mask].square().mean().backward()
            adam.step()
        first = outputs if first is None else first
    assert float((outputs - first).abs().amin(0).max()) > 0.1, "they have learned"


def test_what_does_not_go_together_is_refused(planned):
    for rule, network, text in (
        ({"optimiser": "sgd", "beta1": 0.5}, {}, r"rule\.beta1: is a setting of opt"),
        ({"gamma": 2.0}, {}, r"rule\.gamma: is a setting of parametrisation: mean_f"),
        ({"optimiser": "sgd", "parametrisation": "mean_field"}, {}, r"rule\.optimiser"),
        ({"parametrisation": "mean_field"}, {"readout": {"kind": "unit"}},
         r"rule\.parametrisation: mean_field is about"),
    ):  # fmt: skip
        with pytest.raises(ConfigError, match=text):
            planned(rule={"name": "bptt", **rule}, network=network)
