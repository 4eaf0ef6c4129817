"""Each check of tasks refuses a task that is not what it declares."""

from typing import ClassVar, Literal
from unittest import SkipTest

import numpy as np
import pytest

from popnet.core.scoring import (
    Scores,
    decision,
    decision_after_silence,
    last_class,
    mean_error,
)
from popnet.tasks import TASKS
from popnet.tasks.delayed_response import DelayedResponse, draw, observe
from popnet.testing import TASK_CHECKS, check_task

SOUND = TASKS["delayed_response"]


class Sound(DelayedResponse):
    name: Literal["made_up"] = "made_up"


def drawing(change):
    """The task with other trials: ``change`` gets types, dt and the sound trials."""

    def drawn(settings, types_B, dt_s, random):
        trials = draw(settings, types_B, dt_s, random)
        made = type(trials)(*(np.array(part) for part in trials))
        return change(types_B, dt_s, made)

    return SOUND._replace(settings=Sound, draw=drawn)


def declaring(**declared):
    return SOUND._replace(settings=with_declared(Sound, **declared))


def with_declared(settings, **declared):
    """These settings, that declare something else."""
    made = {
        key: property(lambda _, value=value: value)
        if isinstance(getattr(settings, key), property)
        else value
        for key, value in declared.items()
    }
    return type("Declared", (settings,), made)


def first_trial_is_not_scored(types_B, dt_s, trials):
    trials.mask_BTO[0] = False
    return trials


def first_target_is_half(types_B, dt_s, trials):
    trials.target_BTO[0] /= 2
    return trials


def three_steps_more(types_B, dt_s, trials):
    return type(trials)(*(np.concatenate([part, part[:, -3:]], 1) for part in trials))


def random_inputs(types_B, dt_s, trials):
    return trials._replace(input_BTI=trials.input_BTI + unseeded.random())


def types_are_written_to(types_B, dt_s, trials):
    types_B[:] = 1
    return trials


def arrays_are_constants(types_B, dt_s, trials):
    trials.input_BTI.setflags(write=False)
    return trials


def targets_by_place(types_B, dt_s, trials):
    sign_B = np.where(np.arange(len(types_B)) % 3 == 0, -1.0, 1.0)
    return trials._replace(target_BTO=trials.target_BTO * sign_B[:, None, None])


def four_steps_are_scored(types_B, dt_s, trials):
    trials.mask_BTO[:] = False
    trials.mask_BTO[:, -4:] = True
    return trials


def always_the_same_sign(types_B, dt_s, trials):
    return trials._replace(target_BTO=np.abs(trials.target_BTO))


def no_inputs(types_B, dt_s, trials):
    return trials._replace(input_BTI=0 * trials.input_BTI)


def told_by_the_first_of_two(types_B, dt_s, trials):
    """A second stimulus, without a meaning, comes after the one that tells."""
    over = round(0.3 / dt_s)
    trials.input_BTI[:, over : over + round(0.1 / dt_s), 1] = 1
    return trials


def lenient(output, target, mask):
    error_PB = mean_error(output, target, mask)
    return Scores(error_PB, error_PB < 1)


def not_stretched(self, factors):
    return self


unseeded = np.random.default_rng()
BROKEN = {
    "has shapes and a mask": drawing(first_trial_is_not_scored),
    "error is the mean it declares": declaring(error="squared"),
    "target is of the declared kind": drawing(first_target_is_half),
    "a sign holds as declared": declaring(sign_holds=False),
    "rests at inputs of its own": declaring(rest_inputs=((0.0, np.nan),)),
    "epochs sum to the trial": drawing(three_steps_more),
    "same stream gives the same trials": drawing(random_inputs),
    "is fixed where nothing is drawn": SOUND._replace(settings=Sound, fixed=False),
    "drawing leaves the types alone": drawing(types_are_written_to),
    "one trial can be written to": drawing(arrays_are_constants),
    "types are the same in any place": drawing(targets_by_place),
    "observer reaches the ceiling": SOUND._replace(
        settings=Sound, observe=lambda *given: -observe(*given)
    ),
    "seconds survive a change of time step": drawing(four_steps_are_scored),
    "chance is the best guess": declaring(chance=0.3),
    "memory demand is the silence in the trials": declaring(memory_demand_s=0.4),
    "memoryless score is the best without a memory": declaring(memoryless_score=0.8),
    "as many stimuli as an answer needs": drawing(told_by_the_first_of_two),
    "a decision is right one way alone": SOUND._replace(settings=Sound, score=lenient),
    "silence is judged as declared": declaring(silence="counts in the error alone"),
    "signs are balanced": drawing(always_the_same_sign),
    "inputs tell the types apart": drawing(no_inputs),
    "stretched epochs are the same task": declaring(with_epochs=not_stretched),
}


@pytest.fixture
def made_up(monkeypatch):
    """Puts a task into the registry."""
    return lambda task: monkeypatch.setitem(TASKS.own, "made_up", task)


def test_each_check_is_tried_here():
    assert set(BROKEN) == set(TASK_CHECKS)


@pytest.mark.parametrize("check", TASK_CHECKS)
def test_it_refuses_a_broken_task_and_no_sound_one(check, made_up):
    made_up(SOUND._replace(settings=Sound))
    TASK_CHECKS[check]("made_up")
    made_up(BROKEN[check])
    with pytest.raises(AssertionError):
        TASK_CHECKS[check]("made_up")


def test_all_that_fails_is_told_at_once(made_up):
    made_up(SOUND._replace(settings=Sound))
    check_task("made_up")
    made_up(SOUND._replace(settings=BROKEN["chance is the best guess"].settings,
                           fixed=False))  # fmt: skip
    with pytest.raises(AssertionError) as failed:
        check_task("made_up")
    first, *lines = str(failed.value).splitlines()
    assert first == f"task 'made_up' fails 3 of {len(TASK_CHECKS)} checks:"
    assert lines[0] == "  is fixed where nothing is drawn: declares fixed=False"
    assert lines[1].startswith("  chance is the best guess: guessing is right in 0.5")
    assert "of the trials, chance is 0.300, with Declared(name='made_up'" in lines[1]
    assert lines[2].startswith("  memoryless score is the best without a memory: ")
    assert len(lines) == 3


def with_a_pause(types_B, dt_s, trials):
    """The first half of the scored window asks for silence."""
    trials.target_BTO[:, : -trials.mask_BTO[0].sum() // 2] = 0
    return trials


ASKS_FOR_A_PAUSE = type("Pause", (Sound,), {"silence": "counts in the error alone"})


def test_silence_that_is_not_declared_or_judged_otherwise_is_refused(made_up):
    check = TASK_CHECKS["silence is judged as declared"]
    paused = drawing(with_a_pause)
    declared = paused._replace(settings=ASKS_FOR_A_PAUSE)
    made_up(declared._replace(score=decision_after_silence))
    check("made_up")
    for broken, why in (
        (paused._replace(score=decision_after_silence), "declares that silence is nev"),
        (declared, "it changes what is correct"),
        (declared._replace(score=deaf_to_silence), "the error does not count it"),
    ):
        made_up(broken)
        with pytest.raises(AssertionError, match=why):
            check("made_up")


def deaf_to_silence(output, target, mask):
    return decision(output, target, mask & (target != 0))


class Classes(Sound):
    """One of three classes, the first of them to fixate until the last step."""

    target_kind: ClassVar[str] = "classes"
    silence: ClassVar[str] = "judged as a class of its own"

    @property
    def outputs(self):
        return 3


@pytest.mark.parametrize(("every", "chance"), [(2, 0.5), (4, 0.75)])
def test_classes_are_guessed_by_the_commonest_and_fixation_is_not(
    made_up, every, chance
):
    def drawn(settings, types_B, dt_s, random):
        trials = draw(settings, types_B, dt_s, random)
        target = np.zeros((*trials.target_BTO.shape[:2], 3))
        target[:, :, 0] = 1
        rare_B = np.arange(len(types_B)) % every == 0
        target[:, -1] = np.eye(3)[1 + rare_B]
        mask = np.ones(target.shape, dtype=bool)
        return trials._replace(target_BTO=target, mask_BTO=mask)

    task = SOUND._replace(settings=Classes, draw=drawn, score=last_class, observe=None)
    for declared in (0.5, 0.75, 1 / 3):
        settings = with_declared(Classes, chance=declared)
        made_up(task._replace(settings=settings))
        TASK_CHECKS["target is of the declared kind"]("made_up")
        if declared == chance:
            TASK_CHECKS["chance is the best guess"]("made_up")
            continue
        with pytest.raises(AssertionError, match="guessing is right in"):
            TASK_CHECKS["chance is the best guess"]("made_up")


def test_two_stimuli_are_not_declared_where_one_was_shown(made_up):
    made_up(declaring(stimuli=2))
    with pytest.raises(AssertionError, match="1 stimuli before an answer that needs 2"):
        TASK_CHECKS["memory demand is the silence in the trials"]("made_up")


def test_two_stimuli_are_not_needed_where_each_of_them_tells(made_up):
    def again(types_B, dt_s, trials):
        over = round(0.3 / dt_s)
        trials.input_BTI[:, over : 2 * over] = trials.input_BTI[:, :over]
        return trials

    settings = with_declared(Sound, stimuli=2)
    made_up(drawing(again)._replace(settings=settings))
    with pytest.raises(AssertionError, match="1 stimuli are enough"):
        TASK_CHECKS["as many stimuli as an answer needs"]("made_up")


def test_a_task_that_can_be_solved_has_to_say_what_it_asks_of_a_memory(made_up):
    made_up(declaring(memory_demand_s=None))
    with pytest.raises(AssertionError, match="it declares no memory_demand_s"):
        TASK_CHECKS["memory demand is the silence in the trials"]("made_up")


def test_a_task_whose_package_is_not_there_is_skipped_aloud(made_up):
    lacking = {"requires_package": "no_such_package"}
    made_up(SOUND._replace(settings=type("Lacking", (Sound,), lacking)))
    with pytest.raises(SkipTest, match="needs the package no_such_package"):
        check_task("made_up")


def test_an_error_in_the_task_itself_says_which_check_met_it(made_up):
    def broken(settings, types_B, dt_s, random):
        raise ZeroDivisionError("in the task")

    made_up(SOUND._replace(settings=Sound, draw=broken))
    with pytest.raises(ZeroDivisionError) as failed:
        check_task("made_up")
    (note,) = failed.value.__notes__
    assert note == "in the check of task 'made_up': has shapes and a mask"
