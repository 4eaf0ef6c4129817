"""What every task in the registry must do."""

import numpy as np
import pytest
import torch
from scipy import stats

from popnet.core.scoring import last_class
from popnet.tasks import TASKS

DT = 0.001
PER_TYPE = 30


def drawn(name, dt_s=DT, seed=0, per_type=PER_TYPE, settings=None):
    settings = settings or TASKS[name].settings()
    types = np.repeat(np.arange(settings.types), per_type)
    random = np.random.default_rng(seed)
    return settings, types, TASKS[name].draw(settings, types, dt_s, random)


def scored(name, output, trials):
    as_tensors = (
        torch.from_numpy(np.array(part))[None]
        for part in (output, trials.target_BTO, trials.mask_BTO)
    )
    return TASKS[name].score(*as_tensors)


def assert_ideal(settings, got):
    """Correct as often as its ceiling says, and then without any error."""
    correct_B = got.correct_PB[0].numpy()
    right, count = int(correct_B.sum()), len(correct_B)
    assert 0.5 < settings.ceiling <= 1
    assert stats.binomtest(right, count, settings.ceiling).pvalue > 1e-3
    if settings.ceiling == 1:
        assert right == count
    assert float(got.error_PB[0, got.correct_PB[0]].max()) < 1e-12


def constants(name, target):
    """Answers that are the same in every trial: two signs, or each class but the first.

    The first class is not to choose.
    """
    if TASKS[name].score is last_class:
        return list(
            np.broadcast_to(
                np.eye(target.shape[2])[1:, None, None],
                (target.shape[2] - 1, *target.shape),
            )
        )
    return [np.full(target.shape, sign * np.abs(target).max()) for sign in (-1, 1)]


every_task = pytest.mark.parametrize("name", TASKS)
solved_task = pytest.mark.parametrize(
    "name", [n for n, t in TASKS.items() if t.observe]
)
"""Not neurogym: it is many tasks, and nobody knows how to solve each of them."""
labelled_task = pytest.mark.parametrize(
    "name",
    [n for n, t in TASKS.items() if t.settings.chance and t.score is not last_class],
)
"""Tasks whose targets are labels, one sign or the other."""


@pytest.fixture(autouse=True)
def _installed(name):
    if name == "neurogym":
        pytest.importorskip("neurogym", reason="needs the extra popnet[neurogym]")


@every_task
def test_shapes_and_mask(name):
    settings, types, (inputs, target, mask) = drawn(name)
    count, steps = len(types), settings.steps(DT)
    assert inputs.shape == (count, steps, settings.inputs)
    assert target.shape == mask.shape == (count, steps, settings.outputs)
    assert inputs.dtype == target.dtype == np.float64 and mask.dtype == np.bool_
    assert np.isfinite(inputs).all() and np.isfinite(target).all()
    assert mask.any((1, 2)).all(), "every trial is scored"
    assert settings.name == name and settings.summary and settings.reference


@every_task
def test_its_error_is_the_mean_its_settings_name(name):
    settings, _, (_, target, mask) = drawn(name)
    asked, scored = torch.tensor(target)[None], torch.tensor(mask)[None]
    got = TASKS[name].score(asked + 3.0, asked, scored).error_PB
    expected = 9.0 if settings.error == "squared" else 3.0
    torch.testing.assert_close(got, torch.full_like(got, expected))


@every_task
def test_epochs_sum_to_the_trial(name):
    settings, _, (inputs, _, _) = drawn(name)
    total_s = sum(settings.epochs_s.values())
    assert inputs.shape[1] * DT == pytest.approx(total_s)


@every_task
def test_same_stream_same_trials(name):
    _, _, one = drawn(name)
    _, _, again = drawn(name)
    for a, b in zip(one, again, strict=True):
        np.testing.assert_array_equal(a, b)


@every_task
def test_a_task_is_fixed_where_nothing_in_it_is_drawn(name):
    settings, random = TASKS[name].settings(), np.random.default_rng(0)
    before = random.bit_generator.state
    TASKS[name].draw(settings, np.arange(settings.types), DT, random)
    assert TASKS[name].fixed == (random.bit_generator.state == before)


@every_task
def test_drawing_leaves_the_types_alone(name):
    settings = TASKS[name].settings()
    types = np.zeros(3, dtype=np.int64)
    TASKS[name].draw(settings, types, DT, np.random.default_rng(0))
    assert not types.any()


@every_task
def test_one_trial_becomes_a_tensor_of_its_own(name):
    # as engine.episodes does it; torch warns of an array that may not be written to
    settings = TASKS[name].settings()
    one = np.zeros(1, dtype=np.int64)
    for part in TASKS[name].draw(settings, one, DT, np.random.default_rng(0)):
        torch.from_numpy(np.ascontiguousarray(part))


@every_task
def test_types_are_what_they_are_in_any_order(name):
    # the target of a trial with a type of its own does not depend on its place
    settings, types, trials = drawn(name, per_type=4)
    if settings.types == 1:
        return
    order = np.random.default_rng(1).permutation(len(types))
    other = TASKS[name].draw(settings, types[order], DT, np.random.default_rng(0))
    np.testing.assert_array_equal(other.target_BTO, trials.target_BTO[order])


@solved_task
@pytest.mark.parametrize("dt_s", [0.0005, 0.001, 0.002, 0.01])
def test_ideal_observer_scores_its_ceiling_at_any_time_step(name, dt_s):
    settings, _, trials = drawn(name, dt_s)
    output = TASKS[name].observe(settings, trials.input_BTI, dt_s)
    assert_ideal(settings, scored(name, output, trials))


@every_task
def test_seconds_survive_a_change_of_time_step(name):
    settings, _, coarse = drawn(name, 0.002)
    _, _, fine = drawn(name, 0.0005)
    assert coarse.input_BTI.shape[1] * 4 == fine.input_BTI.shape[1]
    for a, b in zip(coarse.mask_BTO, fine.mask_BTO, strict=True):
        assert a.sum() * 4 == b.sum()
    if settings.types > 1:
        np.testing.assert_array_equal(coarse.target_BTO[:, -1], fine.target_BTO[:, -1])


@every_task
def test_a_constant_answer_scores_chance(name):
    settings, types, trials = drawn(name, per_type=100)
    error = np.sqrt(settings.chance * (1 - settings.chance) / len(types))
    for constant in constants(name, trials.target_BTO):
        accuracy = float(scored(name, constant, trials).correct_PB.double().mean())
        assert abs(accuracy - settings.chance) <= 4 * error


@every_task
def test_silence_is_not_rewarded_above_chance(name):
    # with |target| below 1 an output of 0 counts as correct (Miconi's rule): the
    # smallest wrong bias is enough to be at chance
    settings, _, trials = drawn(name, per_type=100)
    if settings.types == 1:
        return
    almost = np.full(trials.target_BTO.shape, -0.03)
    accuracy = float(scored(name, almost, trials).correct_PB.double().mean())
    assert accuracy == pytest.approx(settings.chance)


@labelled_task
def test_labels_are_balanced(name):
    _, types, trials = drawn(name, per_type=100)
    sign = np.where(trials.mask_BTO, np.sign(trials.target_BTO), np.nan)
    mean_B = np.nanmean(sign, (1, 2))
    spread = mean_B.std()
    assert abs(mean_B.mean()) <= 4 * spread / np.sqrt(len(types))


@every_task
def test_inputs_tell_the_types_apart(name):
    settings, types, trials = drawn(name, per_type=2)
    totals = trials.input_BTI.sum(1)
    halves = trials.input_BTI[:, : trials.input_BTI.shape[1] // 3].sum(1)
    seen = {tuple(np.concatenate(pair)) for pair in zip(totals, halves, strict=True)}
    assert len(seen) >= settings.types == len(set(types.tolist()))


@solved_task
def test_stretched_epochs_are_still_the_same_task(name):
    settings = TASKS[name].settings()
    assert settings.stretchable
    for epoch in settings.stretchable:
        for factor in (0.5, 1.25, 2.0):
            longer = settings.with_epochs({epoch: factor})
            _, _, trials = drawn(name, settings=longer)
            assert trials.input_BTI.shape[1] == longer.steps(DT) != settings.steps(DT)
            output = TASKS[name].observe(longer, trials.input_BTI, DT)
            assert_ideal(longer, scored(name, output, trials))
        assert settings.with_epochs({epoch: 1.0}) == settings
    with pytest.raises(ValueError, match=r"no epoch 'nap' to stretch; it has: "):
        settings.with_epochs({"nap": 2.0})
