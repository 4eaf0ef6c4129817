"""Times of a rule as numbers of steps."""

import pytest

from popnet.core.time_steps import Sampling, Updates, sampled, steps_before, updates


@pytest.mark.parametrize(
    ("time_s", "dt_s", "steps"),
    [
        (0.004, 0.001, 4), (0.003, 0.001, 3), (0.0, 0.001, 0), (0.004, 0.0005, 8),
        (0.004, 0.005, 1), (0.005, 0.005, 1), (0.006, 0.005, 2), (0.3, 0.1, 3),
        (0.0035, 0.001, 4), (0.7, 0.001, 700),
    ],
)  # fmt: skip
def test_steps_before_a_time_are_those_that_begin_before_it(time_s, dt_s, steps):
    assert steps_before(time_s, dt_s) == steps
    assert sum(k * dt_s < time_s - 1e-12 for k in range(1000)) == steps


@pytest.mark.parametrize(
    ("every_s", "dt_s", "samples"),
    [
        (0.001, 0.001, Sampling(1, 1)), (0.001, 0.0005, Sampling(2, 1)),
        (0.001, 0.005, Sampling(1, 5)), (0.003, 0.001, Sampling(3, 1)),
        (0.001, 0.0001, Sampling(10, 1)), (0.001, 0.003, Sampling(1, 3)),
        (0.001, 0.0004, None), (0.001, 0.0015, None),
    ],
)  # fmt: skip
def test_samples_and_steps_fit_into_each_other_or_not_at_all(every_s, dt_s, samples):
    assert sampled(every_s, dt_s) == samples


@pytest.mark.parametrize(
    ("every_s", "dt_s", "made"),
    [
        (0.002, 0.001, Updates(2, 1.0)), (0.002, 0.0005, Updates(4, 1.0)),
        (0.001, 0.003, Updates(1, 3.0)), (0.002, 0.005, Updates(1, 2.5)),
        (0.002, 0.0015, Updates(1, 0.75)), (0.007, 0.001, Updates(7, 1.0)),
    ],
)  # fmt: skip
def test_updates_weigh_the_same_per_second(every_s, dt_s, made):
    found = updates(every_s, dt_s)
    assert found.steps == made.steps and found.weight == pytest.approx(made.weight)
    assert (found.weight == 1.0) is (made.weight == 1.0), "else bits would change"
    assert found.weight / (found.steps * dt_s) == pytest.approx(1 / every_s)
