"""What every task in the registry must do."""

import numpy as np
import pytest
import torch

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


pytestmark = pytest.mark.parametrize("name", TASKS)


def test_shapes_and_mask(name):
    settings, types, (inputs, target, mask) = drawn(name)
    count, steps = len(types), settings.steps(DT)
    assert inputs.shape == (count, steps, settings.inputs)
    assert target.shape == mask.shape == (count, steps, settings.outputs)
    assert inputs.dtype == target.dtype == np.float64 and mask.dtype == np.bool_
    assert np.isfinite(inputs).all() and np.isfinite(target).all()
    assert mask.any((1, 2)).all(), "every trial is scored"
    assert settings.name == name and settings.summary and settings.reference


def test_epochs_sum_to_the_trial(name):
    settings, _, (inputs, _, _) = drawn(name)
    total_s = sum(settings.epochs_s.values())
    assert inputs.shape[1] * DT == pytest.approx(total_s)


def test_same_stream_same_trials(name):
    _, _, one = drawn(name)
    _, _, again = drawn(name)
    for a, b in zip(one, again, strict=True):
        np.testing.assert_array_equal(a, b)


def test_drawing_leaves_the_types_alone(name):
    settings = TASKS[name].settings()
    types = np.zeros(3, dtype=np.int64)
    TASKS[name].draw(settings, types, DT, np.random.default_rng(0))
    assert not types.any()


def test_types_are_what_they_are_in_any_order(name):
    # the target of a trial with a type of its own does not depend on its place
    settings, types, trials = drawn(name, per_type=4)
    if settings.types == 1:
        return
    order = np.random.default_rng(1).permutation(len(types))
    other = TASKS[name].draw(settings, types[order], DT, np.random.default_rng(0))
    np.testing.assert_array_equal(other.target_BTO, trials.target_BTO[order])


@pytest.mark.parametrize("dt_s", [0.0005, 0.001, 0.002, 0.01])
def test_ideal_observer_scores_1_at_any_time_step(name, dt_s):
    settings, _, trials = drawn(name, dt_s)
    output = TASKS[name].observe(settings, trials.input_BTI, dt_s)
    got = scored(name, output, trials)
    assert bool(got.correct_PB.all())
    assert float(got.error_PB.max()) < 1e-12


def test_seconds_survive_a_change_of_time_step(name):
    settings, _, coarse = drawn(name, 0.002)
    _, _, fine = drawn(name, 0.0005)
    assert coarse.input_BTI.shape[1] * 4 == fine.input_BTI.shape[1]
    for a, b in zip(coarse.mask_BTO, fine.mask_BTO, strict=True):
        assert a.sum() * 4 == b.sum()
    if settings.types > 1:
        np.testing.assert_array_equal(coarse.target_BTO[:, -1], fine.target_BTO[:, -1])


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_a_constant_answer_scores_chance(name, sign):
    settings, types, trials = drawn(name, per_type=100)
    constant = np.full(trials.target_BTO.shape, sign * np.abs(trials.target_BTO).max())
    accuracy = float(scored(name, constant, trials).correct_PB.double().mean())
    error = np.sqrt(settings.chance * (1 - settings.chance) / len(types))
    assert abs(accuracy - settings.chance) <= 4 * error


def test_silence_is_not_rewarded_above_chance(name):
    # with |target| below 1 an output of 0 counts as correct (Miconi's rule): the
    # smallest wrong bias is enough to be at chance
    settings, _, trials = drawn(name, per_type=100)
    if settings.types == 1:
        return
    almost = np.full(trials.target_BTO.shape, -0.03)
    accuracy = float(scored(name, almost, trials).correct_PB.double().mean())
    assert accuracy == pytest.approx(settings.chance)


def test_labels_are_balanced(name):
    _, types, trials = drawn(name, per_type=100)
    sign = np.where(trials.mask_BTO, np.sign(trials.target_BTO), np.nan)
    mean_B = np.nanmean(sign, (1, 2))
    spread = mean_B.std()
    assert abs(mean_B.mean()) <= 4 * spread / np.sqrt(len(types))


def test_inputs_tell_the_types_apart(name):
    settings, types, trials = drawn(name, per_type=2)
    totals = trials.input_BTI.sum(1)
    halves = trials.input_BTI[:, : trials.input_BTI.shape[1] // 3].sum(1)
    seen = {tuple(np.concatenate(pair)) for pair in zip(totals, halves, strict=True)}
    assert len(seen) >= settings.types == len(set(types.tolist()))


def test_stretched_epochs_are_still_the_same_task(name):
    settings = TASKS[name].settings()
    assert settings.stretchable
    for epoch in settings.stretchable:
        for factor in (0.5, 1.25, 2.0):
            longer = settings.with_epochs({epoch: factor})
            _, _, trials = drawn(name, settings=longer)
            assert trials.input_BTI.shape[1] == longer.steps(DT) != settings.steps(DT)
            output = TASKS[name].observe(longer, trials.input_BTI, DT)
            assert bool(scored(name, output, trials).correct_PB.all()), (epoch, factor)
        assert settings.with_epochs({epoch: 1.0}) == settings
    with pytest.raises(ValueError, match=r"no epoch 'nap' to stretch; it has: "):
        settings.with_epochs({"nap": 2.0})
