"""Frozen networks under test: the battery, common trials, scores."""

import numpy as np
import pytest
import torch

from popnet.canonical import settings_text
from popnet.config import Impulses
from popnet.core.draw import cell_of
from popnet.core.rollout import drive, readout, rollout
from popnet.engine.episodes import initial_states
from popnet.engine.evaluate import (
    common_trials,
    evaluate,
    observer_accuracy,
    response,
    run,
    score,
)
from popnet.engine.population import untrained
from popnet.engine.test_plan import planned_tests
from popnet.perturbations import resting
from popnet.tasks import TASKS

CPU = torch.device("cpu")
TASK = {"name": "dnms", "stimulus_s": 0.02, "delay_s": 0.02, "wait_s": 0.0,
        "response_s": 0.02, "target": 1.0}  # fmt: skip
FORMS = [("reward_hebbian", "current"), ("bptt", "rate")]
AFTER = {
    "trials": 5,
    "perturb": [
        {"name": "synaptic_jitter", "levels": [0, 0.1, 0.5]},
        {"name": "synaptic_jitter", "mode": "absolute", "levels": [0, 0.1]},
        {"name": "time_constants", "levels": [0, 0.4]},
        {"name": "initial_state", "levels": [0, 1.0]},
        {"name": "impulses", "levels": [0, 30.0]},
        {"name": "epoch_durations", "epoch": "delay", "levels": [-0.5, 0, 1.0]},
    ],
    "other_tasks": ["dms", "dnms", "delayed_response", TASK],
}


@pytest.fixture
def tested(plan_of, planned):
    """A plan's first network, untrained, and its battery."""

    def make(after=AFTER, **given):
        given = {"task": TASK, "network": {"units": 20}} | given
        plan = plan_of(after=after, **given)
        member = planned(**given)[0]
        params = untrained([member], CPU)
        return (
            params,
            member.config,
            member.seed,
            planned_tests(plan.sweep.after, member.config),
        )

    return make


def test_identities_are_unique_and_the_own_task_comes_once(tested):
    _, config, _, tests = tested()
    assert len({t.identity for t in tests}) == len(tests)
    rows = [(t.kind, t.name, t.settings, t.level) for t in tests]
    assert len(set(rows)) == len(rows)
    own = settings_text(config.task)
    assert own != "{}"
    assert rows[:2] == [("task", "dnms", own, 0.0), ("quiet", "dnms", own, 0.0)]
    assert [r[1:3] for r in rows if r[0] == "task"] == [
        ("dnms", own), ("dms", "{}"), ("dnms", "{}"), ("delayed_response", "{}"),
    ]  # fmt: skip
    levels = [r[1:] for r in rows if r[0] == "perturbation"]
    assert ("synaptic_jitter", "{}", 0.5) in levels
    assert ("synaptic_jitter", '{"mode": "absolute"}', 0.1) in levels
    assert ("epoch_durations", '{"epoch": "delay"}', -0.5) in levels
    assert len(levels) == 3 + 2 + 2 + 2 + 2 + 3


def test_a_longer_list_asks_only_for_the_new(tested):
    more = AFTER | {"other_tasks": [*AFTER["other_tasks"], "dnms_long"]}
    more["perturb"] = [
        *AFTER["perturb"],
        {"name": "initial_state", "levels": [1.0, 2.0]},
    ]
    old = {t.identity for t in tested()[3]}
    new = {t.identity for t in tested(after=more)[3]}
    assert old < new and len(new - old) == 2
    fewer_trials = {t.identity for t in tested(after=AFTER | {"trials": 6})[3]}
    assert not old & fewer_trials
    other = tested(network={"units": 20, "gain": 1.2})[3]
    assert not old & {t.identity for t in other}


def test_every_network_is_tested_on_the_same_trials(planned):
    networks = planned(task=TASK, count=2, network={"units": 20})
    one, other = (
        run(resting(untrained([m], CPU), m.config), m.seed, 4) for m in networks
    )
    assert torch.equal(one.target_PBTO, other.target_PBTO)
    assert not torch.equal(one.output_PBTO, other.output_PBTO)
    settings = TASKS["dnms_variable"].settings()
    (first, types), (again, _), (other, _) = (
        common_trials(settings, 3, 0.001, seed) for seed in (4, 4, 5)
    )
    np.testing.assert_array_equal(first.input_BTI, again.input_BTI)
    assert not np.array_equal(first.input_BTI, other.input_BTI)
    assert np.bincount(types).tolist() == [3, 3, 3, 3]


NOISY = {"name": "random_dots", "sigma": 2.0}


def test_test_trials_are_named_by_the_sweeps_seed(planned):
    """Networks of one seed meet the same trials, those of another seed others."""
    network, targets = {"units": 12, "dt_s": 0.005}, {}
    for seed in (3, 4):
        for member in planned(task=NOISY, count=2, network=network, seed=seed):
            assert member.seed.sweep == seed
            trials, _ = common_trials(member.config.task, 5, 0.005, member.seed.sweep)
            situation = resting(untrained([member], CPU), member.config)
            ran = run(situation, member.seed, 5)
            assert torch.equal(ran.target_PBTO[0].double(), torch.tensor(trials[1]))
            targets.setdefault(seed, trials.input_BTI)
    assert targets[3].shape == targets[4].shape
    assert not (targets[3] == targets[4]).all()


def test_over_seeds_the_observer_has_the_ceiling_of_the_task():
    """The test trials of one seed are easier or harder; those of many are not.

    40 draws of 30 trials of random dots, whose ceiling is known in closed form.
    """
    task = TASKS["random_dots"].settings(sigma=2.0)
    own = [observer_accuracy(task, 15, 0.005, seed) for seed in range(40)]
    error = np.sqrt(task.ceiling * (1 - task.ceiling) / (30 * len(own)))
    assert task.ceiling < 0.95
    assert abs(np.mean(own) - task.ceiling) < 4 * error
    assert len(set(own)) > 3, "all seeds have the same trials"


def test_the_score_of_the_observer_is_that_on_the_trials_of_the_test(tested):
    network = {"units": 12, "dt_s": 0.005}
    params, config, seed, tests = tested(
        after={"trials": 10, "other_tasks": [{**NOISY, "sigma": 0.01}]},
        task=NOISY, network=network,
    )  # fmt: skip
    rows = evaluate(params, config, seed, tests, 10)
    trials, _ = common_trials(config.task, 10, 0.005, seed.sweep)
    answers = TASKS["random_dots"].observe(config.task, trials.input_BTI, 0.005)
    shown = np.where(trials.mask_BTO, answers, 0).sum((1, 2))
    wanted = np.where(trials.mask_BTO, trials.target_BTO, 0).sum((1, 2))
    by_hand = (np.sign(shown) == np.sign(wanted)).mean()
    assert 0.5 < by_hand < 1
    assert [row.observer_accuracy for row in rows] == [by_hand, by_hand, 1.0]


def test_a_task_without_an_observer_has_no_score_of_one(monkeypatch):
    task = TASKS["random_dots"].settings(sigma=1.5)
    alone = {"random_dots": TASKS["random_dots"]._replace(observe=None)}
    monkeypatch.setattr("popnet.engine.evaluate.TASKS", alone)
    assert observer_accuracy(task, 7, 0.005, 1) is None


@pytest.mark.parametrize(("rule", "form"), FORMS)
def test_run_is_the_equation_on_these_trials(rule, form, tested):
    """By hand: more trials than fit in one go, no impulses, a wider start."""
    network = {"units": 20, "dtype": "float64", "initial_state": 0.2, "form": form}
    params, config, seed, _ = tested(network=network, rule=rule)
    situation = resting(params, config)._replace(impulses=Impulses(), added_start=0.5)
    ran = run(situation, seed, 60)
    trials, types = common_trials(config.task, 60, 0.001, seed.sweep)
    count = len(types)
    assert count == 240 and ran.output_PBTO.shape == (1, count, 60 + 20, 1)
    own, added = (
        seed.stream(name, 0).uniform(-1, 1, (count, 20))
        for name in ("evaluation/initial_state", "perturb/initial_state")
    )
    start = torch.tensor(0.2 * own + 0.5 * added)[None]
    driven = drive(params, torch.tensor(trials.input_BTI)[None], None)
    cell = cell_of(config.network)
    _, r = rollout(params, cell, driven, start)
    expected = readout(params, cell, r[:, :, 1:])
    torch.testing.assert_close(ran.output_PBTO, expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(ran.types_B, types)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("rule", "form"), FORMS)
def test_impulses_into_the_state_move_x_by_the_same_whatever_tau(
    rule, form, dtype, tested
):
    """Units that hear nothing: x decays, and jumps by at most A dt / mean tau."""
    params, config, seed, _ = tested(
        rule=rule,
        network={"units": 20, "form": form, "dtype": dtype, "gain": 0.0,
                 "input_scale": 0.0, "tau_s": {"mean": 0.03, "spread": 0.5},
                 "readout": {"kind": "linear"}, "clamped": {}},
    )  # fmt: skip
    params = params._replace(wout_PON=torch.eye(20).to(params.w_PNN)[None])
    kind = Impulses(rate_hz=50.0, amplitude=6.0, into="state")
    situation = resting(params, config)._replace(added_impulses=kind)
    situation = situation._replace(impulses=Impulses())
    tau = params.tau_PN[0].double().numpy()
    x = initial_states(config.network, seed, "evaluation/initial_state", range(4))
    chance, sizes = (
        [seed.stream(f"perturb/impulses{of}", n).random((80, 20)) for n in range(4)]
        for of in ("", "/sizes")
    )
    got = run(situation, seed, 1).output_PBTO[0].numpy()
    for t in range(80):
        jump = 6.0 * (2 * np.array(sizes)[:, t] - 1) * 0.001 / 0.03
        x = x - 0.001 / tau * x + jump * (np.array(chance)[:, t] < 50.0 * 0.001)
        answer = x if form == "rate" else np.tanh(x)
        np.testing.assert_allclose(got[:, t], answer, rtol=0, atol=1e-6)


FED_BACK = {"feedback": 0.5, "readout": {"kind": "linear", "scale": 1.0}}


@pytest.mark.parametrize(
    ("rule", "network"), [("reward_hebbian", {}), ("force", FED_BACK)]
)
def test_the_kernel_answers_as_the_reference_does(rule, network, tested):
    """With everything that may arrive; in float64 there is no kernel."""
    made = []
    for dtype in ("float32", "float64"):
        noise = {"recurrent": 0.1, "input": 0.1}
        given = {"units": 20, "dtype": dtype, "noise": noise, **network}
        params, config, seed, _ = tested(network=given, rule=rule)
        added = Impulses(rate_hz=100.0, amplitude=5.0)
        situation = resting(params, config)._replace(added_impulses=added)
        situation = situation._replace(
            impulses=Impulses(rate_hz=100.0, amplitude=16.0), added_start=0.3
        )
        made.append(run(situation, seed, 35).output_PBTO)  # 140 trials: 100 and 40
        quiet = run(situation._replace(added_impulses=Impulses()), seed, 35)
        assert not torch.equal(made[-1], quiet.output_PBTO), "they were felt"
    assert [m.dtype for m in made] == [torch.float32, torch.float64]
    torch.testing.assert_close(made[0].double(), made[1], rtol=0.0, atol=5e-6)


def test_impulses_stay_on_and_quiet_turns_them_off(tested):
    params, config, seed, tests = tested()
    own, quiet = evaluate(params, config, seed, tests[:2], 5)
    assert (own.kind, quiet.kind) == ("task", "quiet")
    assert own.error != quiet.error
    rule = {"name": "reward_hebbian", "exploration": {"rate_hz": 0.0}}
    params, config, seed, tests = tested(rule=rule)
    own, quiet = evaluate(params, config, seed, tests[:2], 5)
    assert own.error == quiet.error


@pytest.mark.parametrize("kind", ["input", "recurrent"])
def test_noise_stays_on_in_testing(kind, tested):
    def error(amount):
        network = {"units": 20, "noise": {kind: amount}}
        params, config, seed, tests = tested(network=network)
        return evaluate(params, config, seed, tests[1:2], 5)[0].error

    assert error(0.0) != error(0.05)


def test_accuracies_of_an_output_and_its_mirror_add_up(tested):
    # with targets of +-1 exactly one sign is right
    for row in evaluate(*tested()[:4], 5):
        assert row.trials == (10 if row.name == "delayed_response" else 20)
        if (
            "dms" in row.name
            or "defaults" in row.name
            or row.name == "delayed_response"
        ):
            continue  # targets of .98: an output within .02 of 0 is right both ways
        assert row.accuracy + row.flipped_accuracy == pytest.approx(1)


def test_a_perfect_answer_flipped_is_always_wrong(tested):
    params, config, seed, tests = tested()
    ran = run(tests[0].situation(params, config, seed), seed, 5)
    perfect = ran._replace(output_PBTO=ran.target_PBTO)
    assert bool(score(perfect, config.task).correct_PB.all())
    flipped = score(perfect, config.task, -1.0)
    assert not bool(flipped.correct_PB.any())
    torch.testing.assert_close(flipped.error_PB, torch.full((1, 20), 2.0))


def test_rows_hold_what_was_measured(tested):
    params, config, seed, tests = tested()
    before = params.w_PNN.clone()
    rows = evaluate(params, config, seed, tests, 5)
    assert torch.equal(params.w_PNN, before)
    for test, row in zip(tests, rows, strict=True):
        assert row[:5] == test[:5]
        assert np.mean(row.error_by_type) == pytest.approx(row.error)
        assert 0 <= row.accuracy <= 1 and 0 <= row.flipped_accuracy <= 1
    # 4 types of dnms: the error by hand on the own task
    ran = run(tests[0].situation(params, config, seed), seed, 5)
    distance = (ran.output_PBTO - ran.target_PBTO).abs()[0, :, -20:, 0].mean(1)
    assert rows[0].error == pytest.approx(float(distance.mean()), rel=1e-6)
    for kind in range(4):
        mean = float(distance[ran.types_B == kind].mean())
        assert rows[0].error_by_type[kind] == pytest.approx(mean, rel=1e-6)
        right = (distance < 1)[ran.types_B == kind].double().mean()
        assert rows[0].accuracy_by_type[kind] == float(right)
    share, count = rows[0].accuracy, rows[0].trials
    assert rows[0].accuracy_se == pytest.approx((share * (1 - share) / count) ** 0.5)
    assert rows[0].accuracy == pytest.approx(float((distance < 1).float().mean()))


def test_one_test_does_not_depend_on_the_others(tested):
    params, config, seed, tests = tested()
    every = {r.identity: r for r in evaluate(params, config, seed, tests, 5)}
    for test in tests[::-1]:
        assert evaluate(params, config, seed, [test], 5)[0] == every[test.identity]


def test_level_0_rows_are_the_own_task(tested):
    rows = evaluate(*tested()[:4], 5)
    for row in rows:
        if row.kind == "perturbation" and row.level == 0:
            assert row[4:] == rows[0][4:], row.name


def test_response_is_the_quiet_output_where_it_is_scored(tested):
    params, config, seed, tests = tested()
    got = response(params, config, seed)
    ran = run(tests[1].situation(params, config, seed), seed, 5)
    assert got.shape == (20, 20) and got.dtype == np.float32
    np.testing.assert_array_equal(got, ran.output_PBTO[0, :, -20:, 0].numpy())


def test_a_task_with_settings_that_have_no_hash_can_be_tested():
    """Such as those of NeuroGym, whose options are a dict."""
    about = TASKS["neurogym"].settings
    filled = {"version": "2.3.1", "channels": 3, "classes": 3, "trial_s": 2.2}
    task = about(**filled, options={"dim_ring": 8}, timing_ms={"delay": 300})
    other = about(**filled, options={"dim_ring": 9}, timing_ms={"delay": 300})
    assert observer_accuracy(task, 2, 0.02, 1) is None
    assert hash(task) == hash(about(**task.model_dump())) and task != other
    assert len({task, other, about(**task.model_dump())}) == 2
