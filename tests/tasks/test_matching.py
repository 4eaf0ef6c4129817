"""Timing of the matching tasks against the published code, step by step."""

import numpy as np
import pytest
from scipy import stats

from popnet.tasks import TASKS

DT = 0.001


def trials(name, types, dt_s=DT, seed=0, **given):
    task = TASKS[name]
    settings = task.settings(**given)
    random = np.random.default_rng(seed)
    return settings, task.draw(settings, np.array(types), dt_s, random)


def on(signal):
    """First and last step at which a channel is on."""
    (steps,) = np.nonzero(signal)
    assert len(steps) == steps[-1] - steps[0] + 1, "one uninterrupted stimulus"
    return steps[0], steps[-1]


@pytest.mark.parametrize(
    ("name", "steps", "first", "second", "scored"),
    [
        ("dnms", 1000, (1, 200), (400, 599), (800, 999)),
        ("dms", 1000, (1, 200), (400, 599), (800, 999)),
        ("dnms_long", 2000, (1, 400), (1400, 1799), (1800, 1999)),
    ],
)
def test_published_timing(name, steps, first, second, scored):
    _, (inputs, target, mask) = trials(name, [1, 2])  # AB, BA
    assert inputs.shape == (2, steps, 5) and target.shape == mask.shape == (2, steps, 1)
    assert on(inputs[0, :, 1]) == first and on(inputs[0, :, 2]) == second
    assert on(inputs[1, :, 2]) == first and on(inputs[1, :, 1]) == second
    assert on(mask[0, :, 0]) == on(mask[1, :, 0]) == scored
    assert set(np.unique(inputs)) == {0.0, 1.0}
    assert not inputs[..., [0, 3, 4]].any(), "go and context channels stay silent"


@pytest.mark.parametrize(("name", "sign"), [("dnms", 1), ("dms", -1), ("dnms_long", 1)])
def test_targets_of_aa_ab_ba_bb(name, sign):
    _, (inputs, target, mask) = trials(name, [0, 1, 2, 3])
    asked = [-0.98, 0.98, 0.98, -0.98]
    np.testing.assert_array_equal(target[:, -1, 0], sign * np.array(asked))
    assert (target == target[:, :1]).all() and mask.any()
    # AA and BB: one channel carries both stimuli
    length = inputs[0, :, 1].sum()
    assert inputs[0, :, 2].sum() == 0 and inputs[3, :, 1].sum() == 0
    assert length == inputs[3, :, 2].sum() == 2 * inputs[1, :, 1].sum()


def test_variable_delay_has_the_published_onsets():
    settings, (inputs, _, mask) = trials("dnms_variable", [1] * 4000)
    assert inputs.shape[1] == 1600 == settings.steps(DT)
    assert on(mask[0, :, 0]) == (1400, 1599)
    onsets = inputs[:, :, 2].argmax(1)
    assert (inputs[:, :, 1].sum(1) == 300).all() and (
        inputs[:, :, 2].sum(1) == 300
    ).all()
    # the published code: 601 + int(499 U)
    assert onsets.min() == 601 and onsets.max() == 1099
    law = stats.uniform(600.5, 499)
    assert stats.kstest(onsets, law.cdf).pvalue > 1e-3
    _, (again, _, _) = trials("dnms_variable", [1] * 4000, seed=1)
    assert (again[:, :, 2].argmax(1) != onsets).mean() > 0.9


def test_delays_are_refused_in_the_wrong_order():
    with pytest.raises(
        ValueError, match=r"delay_max_s 0\.2 must be above delay_s 0\.3"
    ):
        TASKS["dnms_variable"].settings(delay_max_s=0.2)


def test_delayed_response_timing():
    _, (inputs, target, mask) = trials("delayed_response", [0, 1])
    assert inputs.shape == (2, 800, 5)
    assert on(inputs[0, :, 1]) == on(inputs[1, :, 2]) == (1, 200)
    assert not inputs[0, :, 2].any() and not inputs[:, 201:].any()
    assert on(mask[0, :, 0]) == (600, 799)
    assert target[0, 0, 0] == -0.98 and target[1, 0, 0] == 0.98


@pytest.mark.parametrize("name", ["dnms", "dnms_long", "delayed_response"])
def test_stretching_an_epoch_moves_what_comes_after_it(name):
    settings, (before, _, _) = trials(name, [1])
    longer = settings.with_epochs({"delay": 1.5})
    after, _, mask = TASKS[name].draw(
        longer, np.array([1]), DT, np.random.default_rng(0)
    )
    added = round(0.5 * settings.delay_s / DT)
    assert after.shape[1] == before.shape[1] + added
    assert mask.sum() == round(settings.response_s / DT), "the scored window stays"
    early = 1 + round(settings.stimulus_s / DT)
    np.testing.assert_array_equal(after[:, :early], before[:, :early])
    np.testing.assert_array_equal(after[:, early + added :], before[:, early:])
