"""Every task must do this.  B trials, T time steps, I inputs, O outputs."""

from __future__ import annotations

import numpy as np

from popnet.config import TaskSettings
from popnet.tasks import TASKS, Trials
from popnet.testing.checking import Check, example_of, run_checks, says_what_it_is
from popnet.testing.decisions import (
    a_decision_is_right_one_way_alone,
    silence_is_judged_as_declared,
)
from popnet.testing.drawn_trials import DT_S, drawn, scored
from popnet.testing.guessing import STANDARD_ERRORS, chance_is_the_best_guess
from popnet.testing.remembering import (
    as_many_stimuli_as_an_answer_needs,
    memory_demand_is_the_silence_in_the_trials,
    memoryless_score_is_the_best_without_a_memory,
)

MANY_PER_TYPE = 100


def has_shapes_and_a_mask(name: str) -> None:
    """Arrays [B, T, I] and [B, T, O] of float64, a mask that scores every trial."""
    settings, types_B, (inputs, target, mask) = drawn(name)
    count, steps = len(types_B), settings.steps(DT_S)
    assert inputs.shape == (count, steps, settings.inputs), f"inputs {inputs.shape}"
    assert target.shape == (count, steps, settings.outputs), f"target {target.shape}"
    assert mask.shape == target.shape, f"mask {mask.shape}"
    assert inputs.dtype == target.dtype == np.float64, "inputs and target in float64"
    assert mask.dtype == np.bool_, f"the mask is of {mask.dtype}"
    assert np.isfinite(inputs).all() and np.isfinite(target).all(), "not finite"
    assert mask.any((1, 2)).all(), "a trial is not scored"
    says_what_it_is(settings, name)


def error_is_the_mean_it_declares(name: str) -> None:
    """An output 3 off has an error of 3, or of 9 where ``error`` is squared."""
    settings, _, trials = drawn(name)
    got = scored(name, trials.target_BTO + 3.0, trials).error_PB
    expected = 9.0 if settings.error == "squared" else 3.0
    assert np.allclose(got, expected, rtol=1e-7, atol=0), (
        f"3 off at each step is an error of {float(got[0, 0]):g}, not {expected:g}"
    )


def target_is_of_the_declared_kind(name: str) -> None:
    """Signs have one size, classes one right output; see ``target_kind``."""
    settings, _, (_, target, mask) = drawn(name)
    if settings.target_kind == "signs":
        sizes = np.unique(np.abs(target[mask & (target != 0)]))
        assert len(sizes) == 1, f"sizes of the target: {sizes[:5]}"
    if settings.target_kind == "classes":
        asked = target[mask.any(2)]
        assert ((asked == 0) | (asked == 1)).all(), "not of 0 and 1"
        assert (asked.sum(1) == 1).all(), "not one right class at each scored step"


def a_sign_holds_as_declared(name: str) -> None:
    """A run of scored steps asks each output for one sign alone; see ``sign_holds``."""
    settings, _, (_, target, mask) = drawn(name)
    if settings.target_kind != "signs":
        return
    asked = mask & (target != 0)
    both = asked[:, 1:] & asked[:, :-1]
    turns = both & (np.sign(target[:, 1:]) != np.sign(target[:, :-1]))
    assert turns.any() != settings.sign_holds, (
        f"declares sign_holds={settings.sign_holds}, and a sign turns in a run of "
        f"scored steps in {int(turns.any((1, 2)).sum())} trials"
    )


def epochs_sum_to_the_trial(name: str) -> None:
    """``epochs_s`` is as long as the trial."""
    settings, _, trials = drawn(name)
    total_s, got_s = sum(settings.epochs_s.values()), trials.input_BTI.shape[1] * DT_S
    assert np.isclose(got_s, total_s, rtol=1e-6), f"{got_s:g} s; epochs {total_s:g} s"


def rests_at_inputs_of_its_own(name: str) -> None:
    """``rest_inputs`` has a finite number for every channel of one input or more."""
    settings = example_of(TASKS[name].settings)
    found = np.array(settings.rest_inputs, dtype=np.float64)
    assert found.ndim == 2 and found.shape[1] == settings.inputs and len(found), (
        f"rest_inputs has the shape {found.shape}, not [L, {settings.inputs}]"
    )
    assert np.isfinite(found).all(), "a rest input is not finite"


def same_stream_gives_the_same_trials(name: str) -> None:
    """All that is random comes from ``random``."""
    _, _, one = drawn(name)
    _, _, again = drawn(name)
    for a, b in zip(one, again, strict=True):
        np.testing.assert_array_equal(a, b)


def is_fixed_where_nothing_is_drawn(name: str) -> None:
    """``fixed`` is true if and only if ``draw`` takes nothing from ``random``."""
    settings, random = example_of(TASKS[name].settings), np.random.default_rng(0)
    before = random.bit_generator.state
    TASKS[name].draw(settings, np.arange(settings.types), DT_S, random)
    untouched = random.bit_generator.state == before
    assert TASKS[name].fixed == untouched, f"declares fixed={TASKS[name].fixed}"


def drawing_leaves_the_types_alone(name: str) -> None:
    """``draw`` does not write into its arguments."""
    settings, types_B = example_of(TASKS[name].settings), np.zeros(3, dtype=np.int64)
    TASKS[name].draw(settings, types_B, DT_S, np.random.default_rng(0))
    assert not types_B.any(), "the types were written to"


def one_trial_can_be_written_to(name: str) -> None:
    """A single trial becomes a tensor without a copy: torch wants arrays to own it."""
    settings, one = example_of(TASKS[name].settings), np.zeros(1, dtype=np.int64)
    for part in TASKS[name].draw(settings, one, DT_S, np.random.default_rng(0)):
        assert np.ascontiguousarray(part).flags.writeable, "a view of a constant"


def types_are_the_same_in_any_place(name: str) -> None:
    """The target of a trial that has a type does not depend on the trials before."""
    settings, types_B, trials = drawn(name, per_type=4)
    if settings.types == 1:
        return
    places = np.random.default_rng(1).permutation(len(types_B))
    other = TASKS[name].draw(settings, types_B[places], DT_S, np.random.default_rng(0))
    np.testing.assert_array_equal(other.target_BTO, trials.target_BTO[places])


def observer_reaches_the_ceiling(name: str) -> None:
    """The ideal observer scores its ``ceiling`` at any time step, then without error.

    A task without an observer declares that nobody knows how to solve it.
    """
    for dt_s in (0.0005, 0.001, 0.002, 0.01):
        settings, _, trials = drawn(name, dt_s)
        assert_ideal(name, settings, trials, dt_s)


def assert_ideal(
    name: str, settings: TaskSettings, trials: Trials, dt_s: float
) -> None:
    """The observer is correct as often as its ceiling says, and then exactly right."""
    observe = TASKS[name].observe
    if observe is None:
        return
    got = scored(name, observe(settings, trials.input_BTI, dt_s), trials)
    correct_B, ceiling = got.correct_PB[0].numpy(), settings.ceiling
    assert settings.chance < ceiling <= 1, f"ceiling {ceiling:g}"
    room = STANDARD_ERRORS * np.sqrt(ceiling * (1 - ceiling) / len(correct_B))
    share = correct_B.mean()
    assert abs(share - ceiling) <= room, (
        f"the observer is right in {share:.3f} of the trials at a step of {dt_s:g} s, "
        f"its ceiling is {ceiling:.3f}"
    )
    error = float(got.error_PB[0, got.correct_PB[0]].max())
    assert error < 1e-12, f"the observer is right with an error of {error:g}"


def seconds_survive_a_change_of_time_step(name: str) -> None:
    """Trials and scored windows last the same at a step four times as long."""
    settings, _, coarse = drawn(name, 0.002)
    _, _, fine = drawn(name, 0.0005)
    assert coarse.input_BTI.shape[1] * 4 == fine.input_BTI.shape[1], "other durations"
    scored_B = [part.mask_BTO.sum((1, 2)) for part in (coarse, fine)]
    np.testing.assert_array_equal(scored_B[0] * 4, scored_B[1])
    if settings.types > 1:
        np.testing.assert_array_equal(coarse.target_BTO[:, -1], fine.target_BTO[:, -1])


def signs_are_balanced(name: str) -> None:
    """Targets that are signs ask for one as often as for the other."""
    settings, types_B, trials = drawn(name, per_type=MANY_PER_TYPE)
    if settings.target_kind != "signs":
        return
    sign_BTO = np.where(trials.mask_BTO, np.sign(trials.target_BTO), np.nan)
    mean_B = np.nanmean(sign_BTO, (1, 2))
    room = STANDARD_ERRORS * mean_B.std() / np.sqrt(len(types_B))
    assert abs(mean_B.mean()) <= room, f"the mean sign is {mean_B.mean():.3f}"


def inputs_tell_the_types_apart(name: str) -> None:
    """No two types have the same inputs."""
    settings, types_B, trials = drawn(name, per_type=2)
    totals = trials.input_BTI.sum(1)
    first = trials.input_BTI[:, : trials.input_BTI.shape[1] // 3].sum(1)
    seen = {tuple(np.concatenate(pair)) for pair in zip(totals, first, strict=True)}
    assert settings.types == len(set(types_B.tolist()))
    assert len(seen) >= settings.types, (
        f"{len(seen)} different inputs for {settings.types} types"
    )


def stretched_epochs_are_the_same_task(name: str) -> None:
    """The observer solves it with each of ``stretchable`` made longer or shorter."""
    settings = example_of(TASKS[name].settings)
    for epoch in settings.stretchable:
        if getattr(settings, f"{epoch}_s") == 0:
            continue
        for factor in (0.5, 1.25, 2.0):
            longer = settings.with_epochs({epoch: factor})
            _, _, trials = drawn(name, settings=longer)
            steps = trials.input_BTI.shape[1]
            assert steps == longer.steps(DT_S) != settings.steps(DT_S), (
                f"{epoch} times {factor:g}: {steps} steps"
            )
            assert_ideal(name, longer, trials, DT_S)
        assert settings.with_epochs({epoch: 1.0}) == settings
    try:
        settings.with_epochs({"nap": 2.0})
    except ValueError as error:
        assert "no epoch 'nap' to stretch; it has: " in str(error), str(error)
    else:
        raise AssertionError("an epoch that is not there was stretched")


TASK_CHECKS: dict[str, Check] = {
    "has shapes and a mask": has_shapes_and_a_mask,
    "error is the mean it declares": error_is_the_mean_it_declares,
    "target is of the declared kind": target_is_of_the_declared_kind,
    "a sign holds as declared": a_sign_holds_as_declared,
    "epochs sum to the trial": epochs_sum_to_the_trial,
    "rests at inputs of its own": rests_at_inputs_of_its_own,
    "same stream gives the same trials": same_stream_gives_the_same_trials,
    "is fixed where nothing is drawn": is_fixed_where_nothing_is_drawn,
    "drawing leaves the types alone": drawing_leaves_the_types_alone,
    "one trial can be written to": one_trial_can_be_written_to,
    "types are the same in any place": types_are_the_same_in_any_place,
    "observer reaches the ceiling": observer_reaches_the_ceiling,
    "seconds survive a change of time step": seconds_survive_a_change_of_time_step,
    "chance is the best guess": chance_is_the_best_guess,
    "memory demand is the silence in the trials": (
        memory_demand_is_the_silence_in_the_trials
    ),
    "memoryless score is the best without a memory": (
        memoryless_score_is_the_best_without_a_memory
    ),
    "as many stimuli as an answer needs": as_many_stimuli_as_an_answer_needs,
    "a decision is right one way alone": a_decision_is_right_one_way_alone,
    "silence is judged as declared": silence_is_judged_as_declared,
    "signs are balanced": signs_are_balanced,
    "inputs tell the types apart": inputs_tell_the_types_apart,
    "stretched epochs are the same task": stretched_epochs_are_the_same_task,
}


def check_task(name: str) -> None:
    """Hold a task to all that it declares.  Raises AssertionError."""
    run_checks("task", name, TASK_CHECKS)
