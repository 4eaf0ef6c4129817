"""The flip-flop against a loop, and the law of its pulses."""

import numpy as np
import pytest
import yaml

from popnet.catalogue import CATALOGUE
from popnet.config import ConfigError, load, read_text
from popnet.tasks import TASKS

TASK = TASKS["flipflop"]


def trials(count=200, seed=0, **given):
    settings = TASK.settings(**given)
    random = np.random.default_rng(seed)
    types = np.zeros(count, dtype=np.int64)
    return settings, TASK.draw(settings, types, 0.001, random)


def test_target_holds_the_last_pulse():
    _, (inputs, target, mask) = trials(20)
    held = np.empty((20, 3))
    for t in range(100):
        for trial in range(20):
            for bit in range(3):
                if inputs[trial, t, bit] != 0:
                    held[trial, bit] = inputs[trial, t, bit]
        np.testing.assert_array_equal(target[:, t], held)
    assert mask.all() and set(np.unique(target)) == {-1.0, 1.0}


@pytest.mark.parametrize("chance", [0.05, 0.3])
def test_pulses_come_at_their_rate_and_with_either_sign(chance):
    _, (inputs, _, _) = trials(300, pulse=chance)
    assert set(np.unique(inputs)) == {-1.0, 0.0, 1.0}
    assert (inputs[:, 0] != 0).all(), "one on every bit at the start"
    later = inputs[:, 1:]
    error = np.sqrt(chance * (1 - chance) / later.size)
    assert abs((later != 0).mean() - chance) < 4 * error
    signs = inputs[inputs != 0]
    assert abs(signs.mean()) < 4 / np.sqrt(len(signs))
    # bits and steps are independent
    pulses = (later != 0).astype(float) - chance
    for one, other in (
        (pulses[..., 0], pulses[..., 1]),
        (pulses[:, 1:], pulses[:, :-1]),
    ):
        product = one * other
        limit = 4 * chance * (1 - chance) / np.sqrt(product.size)
        assert abs(product.mean()) < limit


def test_extremes_of_the_pulse_probability():
    _, (never, target, _) = trials(5, pulse=0.0)
    assert not never[:, 1:].any() and (target == never[:, :1]).all()
    _, (always, target, _) = trials(5, pulse=1.0)
    assert always.all() and (target == always).all()


def test_number_of_bits_and_length():
    settings, (inputs, _, _) = trials(4, bits=5, trial_s=0.04)
    assert inputs.shape == (4, 40, 5)
    assert settings.inputs == settings.outputs == 5


def test_a_pulse_of_some_duration_is_the_same_at_every_time_step(draw):
    given = {"pulse_s": 0.01, "trial_s": 0.5, "pulse": 0.3}
    _, (coarse, held, _) = draw("flipflop", np.zeros(50, int), 0.01, **given)
    _, (fine, _, _) = draw("flipflop", np.zeros(50, int), 0.002, **given)
    np.testing.assert_array_equal(fine, np.repeat(coarse, 5, axis=1))
    assert abs((coarse[:, 1:] != 0).mean() - 0.3) < 4 * np.sqrt(0.21 / coarse.size)
    # by default it is 1 ms, a step of the published code
    _, (steps, again, _) = draw("flipflop", np.zeros(50, int), 0.001, trial_s=0.05)
    np.testing.assert_array_equal(steps, coarse)
    np.testing.assert_array_equal(again, held)
    _, (short, _, _) = draw("flipflop", [0], 0.002, pulse_s=0.01, trial_s=0.024)
    np.testing.assert_array_equal(short[0], fine[0, :12])


def test_more_trials_or_longer_ones_only_add(draw):
    _, (inputs, _, _) = draw("flipflop", np.zeros(6, int))
    _, (longer, target, _) = draw("flipflop", np.zeros(9, int), trial_s=0.2)
    np.testing.assert_array_equal(longer[:6, :100], inputs)
    assert target.shape == (9, 200, 3) and (longer[:, 100:] != 0).any()


def test_a_step_that_is_longer_than_the_pulse_is_refused():
    """It would be another experiment, with another chance than is declared."""
    sweep = {"name": "coarse", "seed": 1, "networks": 1, "rule": "bptt"}
    for pulse_s, dt_s, fits in ((None, 0.001, True), (None, 0.0005, True),
                                (None, 0.002, False), (0.01, 0.005, True),
                                (0.012, 0.005, False)):  # fmt: skip
        task = {"name": "flipflop"} | ({"pulse_s": pulse_s} if pulse_s else {})
        text = yaml.safe_dump(sweep | {"task": task, "network": {"dt_s": dt_s}})
        if fits:
            load(read_text(text), CATALOGUE)
            continue
        with pytest.raises(
            ConfigError, match=r"task: pulse of 0\.|task\.pulse_s: pulse"
        ):
            load(read_text(text), CATALOGUE)
