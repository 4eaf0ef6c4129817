"""What every learning rule in the registry must do."""

import numpy as np
import pytest
import torch

from popnet.core.cell import pick
from popnet.core.constraints import project
from popnet.engine.episodes import training_batch
from popnet.engine.population import start
from popnet.engine.train import advance, begin
from popnet.kernels import reproducible
from popnet.rules import RULES
from popnet.tasks import TASKS

CPU = torch.device("cpu")
TASK = {"name": "delayed_response", "stimulus_s": 0.03, "delay_s": 0.01,
        "response_s": 0.03, "target": 1.0}  # fmt: skip
LEARNS = {
    "reward_hebbian": {
        "learning_rate": 1.0, "max_update": 3e-3, "wait_trials": 20,
        "exploration": {"rate_hz": 10.0, "amplitude": 16.0, "quiet_steps": 4},
    },
    "bptt": {"learning_rate": 0.003, "batch_trials": 8},
    "eprop": {"learning_rate": 0.003, "batch_trials": 8},
    "rflo": {"learning_rate": 0.3, "batch_trials": 8},
    "full_force": {"batch_trials": 50, "every": 2},
    "genetic": {"candidates": 10, "parents": 3, "mutation_sd": 0.03, "batch_trials": 8},
    "evolution_strategies": {"pairs": 6, "batch_trials": 8},
}  # fmt: skip
"""Settings with which a rule learns this small task fast; none: its defaults."""
TRIALS, NETWORKS, WINDOW = 800, 4, 100

pytestmark = pytest.mark.parametrize("name", RULES)


@pytest.fixture
def members(planned):
    def make(name, count=3, **network):
        rule = {"name": name, **LEARNS.get(name, {})}
        return planned(
            rule=rule, task=TASK, count=count, network={"units": 24, **network},
            train={"trials": TRIALS, "until": {"accuracy": 1.0, "window": WINDOW,
                                               "stop": False}},
        )  # fmt: skip

    return make


def stepped(population, steps, first=0):
    """Learning steps on the whole population at once, as on a GPU."""
    params, state, config = population.params, population.state, population.config
    rule = RULES[config.rule.name]
    batch = config.rule.batch
    with reproducible():
        for step in range(first, first + steps):
            # beyond the waiting time of rules that have one
            trial_P = torch.full((len(population.members),), 1000 + step * batch)
            episode = training_batch(population.members, trial_P, params.tau_PN)
            params, state, outcome = rule.step(
                params, state, episode, config.rule, population.hyper,
                population.cell, TASKS[config.task.name].score,
            )  # fmt: skip
    return params, state, outcome


def leaves_of(state):
    return {k: v for k, v in state._asdict().items() if v is not None}


def changed(params, before):
    """Names of the parameters that are not what they were."""
    old = leaves_of(before)
    return {k for k, v in leaves_of(params).items() if not torch.equal(v, old[k])}


def test_state_is_tensors_with_networks_first(name, members):
    population = start(members(name), CPU)
    params, state, outcome = stepped(population, 2)
    assert type(state) is type(population.state)
    for field, leaf in leaves_of(state).items():
        before = getattr(population.state, field)
        assert isinstance(leaf, torch.Tensor) and leaf.shape == before.shape, field
        assert leaf.shape[0] == 3 and leaf.dtype == before.dtype, field
    batch = population.config.rule.batch
    assert outcome.error_PB.shape == outcome.correct_PB.shape == (3, batch)
    assert outcome.correct_PB.dtype == torch.bool
    for a, b in zip(params, population.params, strict=True):
        assert (a is None and b is None) or (a.shape, a.dtype) == (b.shape, b.dtype)


def test_a_step_changes_nothing_in_place(name, members):
    population = start(members(name), CPU)
    old = {k: v.clone() for k, v in leaves_of(population.state).items()}
    weights = {k: v.clone() for k, v in leaves_of(population.params).items()}
    params, state, _ = stepped(population, 6)
    for field, leaf in weights.items():
        assert torch.equal(getattr(population.params, field), leaf), field
    assert changed(params, population.params), "it learns something"
    for field, leaf in old.items():
        assert torch.equal(getattr(population.state, field), leaf), field
    assert any(not torch.equal(leaves_of(state)[k], v) for k, v in old.items())


def test_the_same_steps_give_the_same_bits(name, members):
    population = start(members(name), CPU)
    (one, _, _), (again, _, _) = stepped(population, 3), stepped(population, 3)
    assert not changed(one, again)


def test_stacked_is_alone(name, members):
    given = members(name, count=4, dtype="float64")
    stacked, state, outcome = stepped(start(given, CPU), 6)
    for p, member in enumerate(given):
        alone, own, scores = stepped(start([member], CPU), 6)
        for a, b in zip(pick(stacked, torch.tensor([p])), alone, strict=True):
            if a is not None:
                torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-11)
        for field, leaf in leaves_of(own).items():
            torch.testing.assert_close(
                leaves_of(state)[field][[p]], leaf, rtol=1e-7, atol=1e-11
            )
        torch.testing.assert_close(outcome.error_PB[[p]], scores.error_PB)


def test_a_dead_network_leaves_its_neighbours_bit_for_bit(name, members):
    population = start(members(name), CPU)
    w = population.params.w_PNN.clone()
    w[1, 2, 3] = float("nan")
    ill = start(members(name), CPU)
    object.__setattr__(ill, "params", ill.params._replace(w_PNN=w))
    rule, config = RULES[name], ill.config
    seeds = [member.seed for member in ill.members]
    state = rule.init(ill.params, config.rule, ill.hyper, config.task.types, seeds)
    object.__setattr__(ill, "state", state)
    (well, _, scores), (sick, _, broken) = stepped(population, 5), stepped(ill, 5)
    assert bool(broken.error_PB[1].isnan().all())
    assert not bool(broken.correct_PB[1].any())
    for a, b in zip(well, sick, strict=True):
        if a is not None:
            assert torch.equal(a[[0, 2]], b[[0, 2]])
    assert torch.equal(scores.error_PB[[0, 2]], broken.error_PB[[0, 2]])


def test_masks_and_dale_s_law_hold_after_ten_steps(name, members):
    population = start(
        members(name, density=0.5, autapses=False, dale={"excitatory": 0.7}), CPU
    )
    params, _, _ = stepped(population, 10)
    assert changed(params, population.params)
    assert torch.equal(project(params).w_PNN, params.w_PNN)
    assert not bool(params.w_PNN[params.mask_PNN == 0].any())
    assert not bool(params.w_PNN.diagonal(dim1=1, dim2=2).any())
    assert bool((params.w_PNN * params.sign_PN[:, None] >= 0).all())


def accuracy_P(results):
    """Share correct per network: over the last window, over all of training."""
    last = np.array([r.final_accuracy for r in results])
    whole = [
        np.average(r.curve_accuracy_C, weights=np.diff(r.curve_trial_C, prepend=0))
        for r in results
    ]
    return last, np.array(whole)


def trained(given):
    results = []
    for population in begin(given, CPU):
        left, done = advance(population, TRIALS + 1)
        assert left is None
        results += done
    return results


def test_learns_a_small_task(name, members):
    results = trained(members(name, count=NETWORKS))
    last, _ = accuracy_P(results)
    error = 0.5 / np.sqrt(NETWORKS * WINDOW)
    assert last.mean() > 0.5 + 8 * error
    assert np.median(last) > 0.75


def test_learns_nothing_when_targets_are_shuffled(name, members, monkeypatch):
    task = TASKS["delayed_response"]

    def shuffled(settings, types_B, dt_s, random):
        trials = task.draw(settings, types_B, dt_s, random)
        sign = np.where(random.uniform(size=len(types_B)) < 0.5, -1.0, 1.0)
        return trials._replace(target_BTO=trials.target_BTO * sign[:, None, None])

    changed = task._replace(draw=shuffled, fixed=False)
    monkeypatch.setitem(TASKS, "delayed_response", changed)
    results = trained(members(name, count=NETWORKS))
    last, whole = accuracy_P(results)
    # the answer cannot know the sign: at most every second trial, within 4 s.e.
    assert whole.mean() <= 0.5 + 4 * 0.5 / np.sqrt(NETWORKS * TRIALS)
    assert last.mean() <= 0.5 + 4 * 0.5 / np.sqrt(NETWORKS * WINDOW)


def test_settings_say_where_they_come_from(name):
    settings = RULES[name].settings
    assert settings().name == name and settings.summary and settings.reference
