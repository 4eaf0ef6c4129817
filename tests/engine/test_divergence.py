"""A network that diverges is a result: marked, frozen, and nobody else's business."""

import numpy as np
import pytest
import torch

from popnet.engine.population import start
from popnet.engine.train import advance
from popnet.rules import RULES

SHORT = {"name": "delayed_response", "stimulus_s": 0.01, "delay_s": 0.01,
         "response_s": 0.01}  # fmt: skip
TRAIN = {"trials": 48, "until": None}


def same(one, other):
    return all(
        (a is None and b is None) or torch.equal(a, b)
        for a, b in zip(one, other, strict=True)
    )


def same_result(one, other):
    exact = ("status", "trials", "trials_to_criterion", "final_error")
    return (
        all(getattr(one, name) == getattr(other, name) for name in exact)
        and np.array_equal(one.curve_error_C, other.curve_error_C)
        and same(one.final, other.final)
    )


def test_a_learning_rate_out_of_bounds_diverges_alone(planned, train):
    def members(rates):
        return planned(
            task=SHORT, rule={"name": "bptt", "batch_trials": 8}, count=2, train=TRAIN,
            network={"units": 20}, grid={"rule.learning_rate": rates},
        )  # fmt: skip

    given = members([1e-3, 1e30, 1e-2])
    results = train(given)
    wild = [m.key for m in given if m.config.rule.learning_rate == 1e30]
    tame = train(members([1e-3, 1e-2]))
    assert len(wild) == 2 and len(tame) == 4
    for key in wild:
        ill = results[key]
        assert ill.status == "diverged" and ill.trials < 48
        assert ill.trials_to_criterion is None
        assert all(t is None or bool(t.isfinite().all()) for t in ill.final)
    for key, result in tame.items():
        assert result.status == "trained" and same_result(results[key], result)


@pytest.fixture
def poisoned(monkeypatch):
    """reward_hebbian whose network number 1 meets a NaN in its trial number 7."""

    def install(where):
        rule = RULES["reward_hebbian"]

        def step(params, state, episode, settings, hyper, cell, score):
            # each network is known by its learning rate
            ahead_P = 7 - episode.trial_P  # a sequential rule gets blocks of trials
            here = (ahead_P >= 0) & (ahead_P < episode.type_PB.shape[1])
            ill = (hyper["learning_rate"] == 0.5) & here
            if where == "input":
                inputs = episode.input_PBTI.clone()
                for p in ill.nonzero()[:, 0].tolist():
                    inputs[p, ahead_P[p], 3, 1] = float("nan")
                episode = episode._replace(input_PBTI=inputs)
            params, state, outcome = rule.step(
                params, state, episode, settings, hyper, cell, score
            )
            if where != "input":
                leaf = getattr(params, where).clone()
                leaf[ill, 2] = float("inf")
                params = params._replace(**{where: leaf})
            return params, state, outcome

        monkeypatch.setitem(RULES.own, "reward_hebbian", rule._replace(step=step))

    return install


def hebbian(planned, rates, trials=30):
    settings = {"name": "reward_hebbian", "wait_trials": 2,
                "exploration": {"rate_hz": 30.0, "amplitude": 16.0}}  # fmt: skip
    return planned(
        task=SHORT, rule=settings, train={"trials": trials, "until": None},
        network={"units": 20}, grid={"rule.learning_rate": rates},
    )  # fmt: skip


@pytest.mark.parametrize("where", ["input", "w_PNN", "bias_PN", "tau_PN", "win_PNI"])
def test_the_last_finite_weights_are_kept(where, planned, train, poisoned):
    (before,) = train(hebbian(planned, [0.5], trials=7)).values()
    poisoned(where)
    members = hebbian(planned, [0.1, 0.5, 0.9])
    results = train(members)
    first, ill, last = (results[m.key] for m in members)
    assert ill.status == "diverged" and ill.trials == 8
    assert same(ill.final, before.final), "as they were after seven trials"
    assert not torch.equal(ill.final.w_PNN, ill.initial.w_PNN)
    assert (first.status, last.status) == ("trained", "trained")
    assert (first.trials, last.trials) == (30, 30)


def test_neighbours_of_a_diverged_network_are_unchanged(planned, train, poisoned):
    healthy = train(hebbian(planned, [0.1, 0.9]))
    poisoned("input")
    results = train(hebbian(planned, [0.1, 0.5, 0.9]))
    for key, result in healthy.items():
        assert same_result(results[key], result)


def test_a_stacked_population_goes_on_without_the_diverged(planned, train, poisoned):
    """The way of a GPU, on the CPU: one population that shrinks."""
    healthy = train(hebbian(planned, [0.1, 0.9]))
    poisoned("input")
    members = hebbian(planned, [0.1, 0.5, 0.9])
    population, done = advance(start(members, torch.device("cpu")), 8)
    assert [r.status for r in done] == ["diverged"]
    assert done[0].network.key == members[1].key
    assert [m.key for m in population.members] == [members[0].key, members[2].key]
    left, others = advance(population, 1000)
    assert left is None
    for result in others:
        expected = healthy[result.network.key]
        assert result.trials == expected.trials == 30
        torch.testing.assert_close(result.final.w_PNN, expected.final.w_PNN)


def test_diverging_in_the_last_trial_counts(planned, train, poisoned):
    poisoned("w_PNN")
    (result,) = train(hebbian(planned, [0.5], trials=8)).values()
    assert result.status == "diverged" and result.trials == 8
