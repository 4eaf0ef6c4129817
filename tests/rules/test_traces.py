"""Traces of reward-modulated learning: products, powers, and where they point."""

import numpy as np
import pytest
import torch

from popnet.config import ConfigError
from popnet.core.cell import Cell, Params
from popnet.core.impulses import ImpulseList
from popnet.core.rollout import drive, outputs
from popnet.core.scoring import decision
from popnet.rules import RULES, Episode
from popnet.rules._trace import samples_of, supralinear, trace_factors
from popnet.rules.reward_hebbian import RewardHebbian, State

F64 = torch.float64
CELL = Cell(0.001, "tanh", (), 0)


@pytest.mark.parametrize("power", ["cube", "signed_square", "node_perturbation"])
def test_trace_as_a_product_is_the_sum_over_steps(power):
    g = torch.Generator().manual_seed(9)
    n, steps = 12, 200
    params = Params(
        1.5 / n**0.5 * torch.randn(1, n, n, generator=g, dtype=F64),
        torch.zeros(1, n, 1, dtype=F64), None, torch.zeros(1, n, dtype=F64),
        torch.full((1, n), 0.01, dtype=F64), torch.ones(1, n, dtype=F64),
        torch.zeros(1, n, dtype=F64), None, None,
    )  # fmt: skip
    drive, impulses = torch.randn(2, 1, steps, n, generator=g, dtype=F64)
    x0 = 0.1 * torch.randn(1, n, generator=g, dtype=F64)
    still, decay = torch.zeros(1, n, dtype=F64), torch.full((1,), 0.05, dtype=F64)
    samples = samples_of(power, 0.001, 0.003, CELL.dt_s)
    factors = trace_factors(
        params, CELL, drive, impulses, x0, still, decay, samples, power
    )
    trace = torch.bmm(factors.post_PSN.mT, factors.pre_PSN)[0]
    # the same rollout by hand: S of every product, step by step
    x, xbar, total = x0[0].clone(), still[0].clone(), torch.zeros(n, n, dtype=F64)
    for t in range(steps):
        r = x.tanh()
        x = x + 0.1 * (params.w_PNN[0] @ r + drive[0, t] - x)
        z = torch.outer(x - xbar, r)
        xbar = 0.05 * xbar + 0.95 * x
        if t > 2:
            total += {
                "cube": z**3,
                "signed_square": z * z.abs(),
                "node_perturbation": torch.outer(impulses[0, t], r),
            }[power]
    torch.testing.assert_close(
        trace, total, rtol=1e-12, atol=1e-12 * float(total.abs().max())
    )


def test_supralinear_functions_are_odd_and_multiplicative():
    z = torch.linspace(-2, 2, 41, dtype=F64)
    for power, known in (("cube", [8.0, -8.0]), ("signed_square", [4.0, -4.0])):
        assert supralinear(torch.tensor([2.0, -2.0]), power).tolist() == known
        torch.testing.assert_close(supralinear(-z, power), -supralinear(z, power))
        torch.testing.assert_close(
            supralinear(z * z.flip(0), power),
            supralinear(z, power) * supralinear(z.flip(0), power),
        )


def trace_at(dt_s, impulses, power="cube", every_s=0.001):
    """The trace of one trial of 0.2 s, run with steps of dt; impulses (ms, unit, size).

    A smooth input drives the units; skipped are the first 3 ms.
    """
    g, n = torch.Generator().manual_seed(5), 10
    cell, steps = Cell(dt_s, "tanh", ((3, 1.0),), 0), round(0.2 / dt_s)
    params = Params(
        1.3 / n**0.5 * torch.randn(1, n, n, generator=g, dtype=F64),
        torch.randn(1, n, 1, generator=g, dtype=F64), None,
        torch.zeros(1, n, dtype=F64),
        0.02 + 0.02 * torch.rand(1, n, generator=g, dtype=F64),
        torch.ones(1, n, dtype=F64), torch.zeros(1, n, dtype=F64), None, None,
    )  # fmt: skip
    time_s = torch.arange(steps, dtype=F64) * dt_s
    given = torch.sin(40 * time_s)[None, None, :, None]
    pulses = torch.zeros(1, steps, n, dtype=F64)
    for at_ms, unit, size in impulses:
        pulses[0, int(at_ms / 1000 / dt_s + 1e-9), unit] += size * 0.001 / dt_s
    driven = drive(params, given, None)[:, 0] + pulses
    x0 = 0.3 * torch.randn(1, n, generator=g, dtype=F64)
    samples = samples_of(power, every_s, 0.003, dt_s)
    made = trace_factors(
        params, cell, driven, pulses, x0, x0, torch.tensor([0.05], dtype=F64),
        samples, power,
    )  # fmt: skip
    return torch.bmm(made.post_PSN.mT, made.pre_PSN)[0]


def apart(one, other):
    return float((one - other).norm() / other.norm())


IMPULSES = [(20, 4, 16.0), (55, 7, -12.0), (90, 0, 15.0), (90, 5, 9.0), (150, 4, -14.0)]


@pytest.mark.parametrize(
    ("power", "impulses"),
    [
        ("cube", []),
        ("signed_square", []),
        ("cube", IMPULSES),
        ("signed_square", IMPULSES),
        ("node_perturbation", IMPULSES),
    ],
)
def test_a_trace_is_the_same_at_every_time_step(power, impulses):
    """Drift and impulses alike: steps of a fifth to five times the published one."""
    published = trace_at(0.001, impulses, power)
    for dt_s, share in ((0.0002, 0.15), (0.0005, 0.1), (0.002, 0.1), (0.005, 0.3)):
        assert apart(trace_at(dt_s, impulses, power), published) < share, dt_s
    # Euler's own error: it falls with dt
    fine, finer = (trace_at(dt_s, impulses, power) for dt_s in (0.0002, 0.0001))
    assert apart(fine, finer) < 0.02


def test_samples_further_apart_are_another_rule():
    """Five times the drift, cubed: why steps of 5 ms have samples 1 ms apart."""
    assert apart(trace_at(0.005, [], every_s=0.005), trace_at(0.001, [])) > 10
    published = trace_at(0.001, IMPULSES)
    one, other = (trace_at(0.005, IMPULSES, every_s=t) for t in (0.001, 0.005))
    assert apart(other, published) > 5 * apart(one, published)


@pytest.mark.parametrize("dt_s", [0.0015, 0.0004])
def test_a_step_that_samples_do_not_fit_is_refused(planned, dt_s):
    task = {"name": "delayed_response", "stimulus_s": 0.3, "delay_s": 0.3,
            "response_s": 0.3}  # fmt: skip
    for trace in ("cube", "node_perturbation"):
        given = {"task": task, "network": {"dt_s": dt_s},
                 "rule": {"name": "reward_hebbian", "trace": trace}}  # fmt: skip
        if trace == "node_perturbation":
            assert planned(**given)
            continue
        with pytest.raises(ConfigError, match=r"dt_s.*samples x every 0\.001 s"):
            planned(**given)


def copies(leaves, networks):
    """P times one network, or what it meets."""
    every = (
        leaf if leaf is None else leaf.expand(networks, *leaf.shape[1:]).clone()
        for leaf in leaves
    )
    return type(leaves)(*every)


CONSTANTS = {"learning_rate": 1.0, "max_update": 1e9, "baseline_decay": 0.0,
             "state_decay_per_ms": 0.0, "error_factor": 0.0,
             "wait_trials": 0.0}  # fmt: skip


def test_node_perturbation_points_down_the_gradient_on_average():
    """E[(m - m0) p] is the gradient of m by the current, to first order in p.

    4,000 trials of one network, each with impulses of its own in 120 cells: the
    estimate's noise is some sqrt(120 / 4000) of its length, so the cosine is near 0.98.
    """
    n, steps, draws = 6, 20, 4000
    g, random = torch.Generator().manual_seed(2), np.random.default_rng(2)

    def normal(*shape):
        return torch.randn(*shape, generator=g, dtype=F64)

    still, one = torch.zeros(1, n, dtype=F64), torch.ones(1, n, dtype=F64)
    params = Params(
        1.2 / n**0.5 * normal(1, n, n), normal(1, n, 1), None, 0.1 * normal(1, n),
        0.01 * one, one, still, None, None,
    )  # fmt: skip
    scored = torch.arange(steps).reshape(1, 1, steps, 1) >= steps - 5
    episode = Episode(
        normal(1, 1, steps, 1),
        torch.full((1, 1, steps, 1), 2.0, dtype=F64),  # beyond tanh: m is smooth
        scored, torch.zeros(1, 1).long(), torch.zeros(1).long(), 0.3 * normal(1, 1, n),
        None,
    )  # fmt: skip

    def error(w_PNN):
        many, met = copies(params, len(w_PNN)), copies(episode, len(w_PNN))
        driven = drive(many, met.input_PBTI, None)
        output = outputs(many._replace(w_PNN=w_PNN), CELL, driven, met.x0_PBN)
        return decision(output, met.target_PBTO, met.mask_PBTO).error_PB

    shift = 1e-5 * torch.eye(n * n, dtype=F64).reshape(-1, n, n)
    gradient = error(params.w_PNN + shift) - error(params.w_PNN - shift)
    cells = np.indices((steps, n)).reshape(2, -1)
    sizes = random.uniform(-0.3, 0.3, (draws, steps * n))
    hyper = {k: torch.full((draws,), v, dtype=F64) for k, v in CONSTANTS.items()}
    settings = RewardHebbian(trace="node_perturbation", skip_s=0.0)
    learned, _, _ = RULES["reward_hebbian"].step(
        copies(params, draws),
        copies(State(error(params.w_PNN), still), draws),
        copies(episode, draws)._replace(
            impulses=[[ImpulseList(*cells, s)] for s in sizes]
        ),
        settings, hyper, CELL, decision,
    )  # fmt: skip
    change = (learned.w_PNN - params.w_PNN).mean(0).flatten()
    cosine = torch.nn.functional.cosine_similarity(-change, gradient[:, 0], dim=0)
    assert float(cosine) > 0.9
