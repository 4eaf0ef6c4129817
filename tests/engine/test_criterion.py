"""When a network has learned, when it stops, and what is noted on the way."""

import math

import numpy as np
import pytest
import torch

SHORT = {"name": "delayed_response", "stimulus_s": 0.002, "delay_s": 0.002,
         "response_s": 0.002}  # fmt: skip
NETWORK = {"units": 12}


@pytest.fixture
def outcome(planned, train, scripted):
    """What becomes of one network with these outcomes and this training section."""

    def make(correct, error=None, rule="reward_hebbian", batch=None, **section):
        scripted(correct, error, rule)
        settings = {"name": rule} | ({"batch_trials": batch} if batch else {})
        members = planned(task=SHORT, network=NETWORK, rule=settings, train=section)
        (result,) = train(members).values()
        return result

    return make


def first_met(correct, window, need):
    """The plain version: trials when the last ``window`` first hold ``need`` right."""
    for n in range(window, len(correct) + 1):
        if sum(correct[n - window : n]) >= need:
            return n
    return None


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("window", "accuracy"), [(20, 0.95), (30, 0.9), (7, 1.0)])
def test_accuracy_window_is_exact(seed, window, accuracy, outcome):
    chance = np.linspace(0.3, 0.97, 400)
    correct = (np.random.default_rng(seed).uniform(size=400) < chance).tolist()
    until = {"accuracy": accuracy, "window": window}
    result = outcome(correct, trials=400, until=until)
    expected = first_met(correct, window, round(accuracy * window + 1e-9))
    assert expected is not None, "the script must reach the criterion"
    assert result.trials == result.trials_to_criterion == expected
    assert result.status == "converged"
    share = np.mean(correct[expected - window : expected])
    assert result.final_accuracy == pytest.approx(share)


@pytest.mark.parametrize("rule", ["reward_hebbian", "bptt"])
@pytest.mark.parametrize(("window", "rows"), [(10, 3), (5, 8), (20, 2)])
def test_windows_in_a_row_must_each_be_met(window, rows, rule, outcome):
    random = np.random.default_rng(window)
    correct = (random.uniform(size=800) < np.linspace(0.5, 1, 800)).tolist()
    until = {"accuracy": 0.9, "window": window, "in_a_row": rows}
    batch = 8 if rule == "bptt" else None
    result = outcome(correct, rule=rule, batch=batch, trials=800, until=until)
    need = math.ceil(0.9 * window - 1e-9)

    def met(n):
        ends = [n - k * window for k in range(rows)]
        return ends[-1] >= window and all(
            sum(correct[e - window : e]) >= need for e in ends
        )

    expected = next(n for n in range(batch or 1, 801, batch or 1) if met(n))
    assert result.trials == result.trials_to_criterion == expected
    # stricter than the mean over all of them
    mean = {"accuracy": 0.9, "window": window * rows}
    once = outcome(correct, rule=rule, batch=batch, trials=800, until=mean)
    assert once.trials < expected


@pytest.mark.parametrize("right", [94, 95])
def test_95_of_100_is_enough_and_94_is_not(right, outcome):
    correct = [True] * right + [False] * (100 - right)
    result = outcome(correct, trials=100, until={"accuracy": 0.95, "window": 100})
    assert result.trials == 100
    assert result.status == ("converged" if right == 95 else "unconverged")
    assert result.trials_to_criterion == (100 if right == 95 else None)


@pytest.mark.parametrize("percent", [7, 14, 28, 29, 55, 56, 57, 58])
def test_rounding_of_the_share_costs_no_trial(percent, outcome):
    # 0.07 * 100 is 7.000000000000001 in binary
    correct = [True] * percent + [False] * (100 - percent)
    result = outcome(correct, trials=100, until={"accuracy": percent / 100})
    assert result.trials_to_criterion == 100


def test_not_before_a_whole_window(outcome):
    result = outcome([True] * 50, trials=50, until={"accuracy": 0.5, "window": 40})
    assert result.trials == 40


def test_mean_error_as_the_criterion(outcome):
    error = np.linspace(1.2, 0.0, 200).tolist()
    until = {"error": 0.3, "window": 10}
    result = outcome([False] * 200, error, trials=200, until=until)
    means = np.convolve(error, np.ones(10) / 10, "valid")
    assert result.trials == 10 + int(np.argmax(means <= 0.3))
    assert result.final_error == pytest.approx(means[means <= 0.3][0], rel=1e-6)


def test_both_criteria_must_be_met_at_once(outcome):
    error = [0.1] * 100 + [0.9] * 50 + [0.1] * 50
    correct = [False] * 100 + [True] * 100
    until = {"error": 0.2, "accuracy": 1.0, "window": 10}
    result = outcome(correct, error, trials=200, until=until)
    # all right from trial 110 on; one 0.9 among nine 0.1 is a mean of 0.18
    assert result.trials == 159


def test_without_stop_the_trial_is_noted_and_training_goes_on(outcome):
    correct = [True] * 30 + [False] * 70
    until = {"accuracy": 1.0, "window": 20, "stop": False}
    result = outcome(correct, trials=100, until=until)
    assert result.trials == 100 and result.trials_to_criterion == 20
    assert result.status == "converged"
    assert result.final_accuracy == 0, "the last window, not the best"


def test_no_criterion(outcome):
    result = outcome([True] * 60, trials=60, until=None)
    assert result.status == "trained" and result.trials_to_criterion is None
    assert result.trials == 60 and result.final_accuracy == 1


@pytest.mark.parametrize("until", [None, {"accuracy": 0.9}])
def test_a_cap_of_0_trials_leaves_the_network_as_drawn(until, outcome):
    result = outcome([], trials=0, until=until)
    assert result.status == ("trained" if until is None else "unconverged")
    assert result.trials == 0 and math.isnan(result.final_error)
    assert len(result.curve_trial_C) == len(result.curve_error_C) == 0
    for a, b in zip(result.initial, result.final, strict=True):
        assert (a is None and b is None) or torch.equal(a, b)


@pytest.mark.parametrize(("trials", "every"), [(60, 20), (65, 20), (7, 20), (65, 1)])
def test_curve_is_the_mean_of_each_block_also_the_last(trials, every, outcome):
    random = np.random.default_rng(trials)
    error = random.uniform(size=trials).tolist()
    correct = (random.uniform(size=trials) < 0.6).tolist()
    result = outcome(correct, error, trials=trials, until=None, curve_every=every)
    blocks = range(0, trials, every)
    ends = [min(first + every, trials) for first in blocks]
    assert result.curve_trial_C.tolist() == ends
    for row, (first, end) in enumerate(zip(blocks, ends, strict=True)):
        assert result.curve_error_C[row] == pytest.approx(np.mean(error[first:end]))
        assert result.curve_accuracy_C[row] == pytest.approx(
            np.mean(correct[first:end])
        )


@pytest.mark.parametrize(("batch", "every"), [(32, 20), (32, 5), (8, 32), (10, 10)])
def test_batches_larger_than_a_block_fill_several(batch, every, outcome):
    trials = 96 if batch == 32 else 80
    random = np.random.default_rng(batch)
    error = random.uniform(size=trials).tolist()
    correct = (random.uniform(size=trials) < 0.6).tolist()
    result = outcome(
        correct, error, rule="bptt", batch=batch, trials=trials, until=None,
        curve_every=every,
    )  # fmt: skip
    assert result.trials == trials
    ends = [min(first + every, trials) for first in range(0, trials, every)]
    assert result.curve_trial_C.tolist() == ends
    counts = np.diff(ends, prepend=0)
    assert (result.curve_error_C * counts).sum() == pytest.approx(np.sum(error))
    for first, end, mean in zip(
        np.array(ends) - counts, ends, result.curve_error_C, strict=True
    ):
        assert mean == pytest.approx(np.mean(error[first:end]))


@pytest.mark.parametrize(("batch", "window"), [(8, 20), (32, 20), (20, 20), (7, 64)])
def test_the_window_slides_over_batches(batch, window, outcome):
    random = np.random.default_rng(window)
    correct = (random.uniform(size=800) < np.linspace(0.3, 1, 800)).tolist()
    until = {"accuracy": 0.9, "window": window}
    trials = 800 // batch * batch
    result = outcome(correct, rule="bptt", batch=batch, trials=trials, until=until)
    # looked at after whole batches only
    need = math.ceil(0.9 * window - 1e-9)
    ends = range(batch, 801, batch)
    expected = next(
        n for n in ends if n >= window and sum(correct[n - window : n]) >= need
    )
    assert result.trials == result.trials_to_criterion == expected
    share = np.mean(correct[expected - window : expected])
    assert result.final_accuracy == pytest.approx(share)


def test_final_means_over_fewer_trials_than_a_window(outcome):
    error = [0.1, 0.2, 0.6]
    result = outcome([True, False, True], error, trials=3, until=None)
    assert result.final_error == pytest.approx(0.3)
    assert result.final_accuracy == pytest.approx(2 / 3)


def test_what_cannot_learn_meets_no_criterion(planned, train, scripted):
    """One of four untrained networks is right on both types of a task by luck."""
    until = {"accuracy": 0.95, "window": 20}
    for rate, status in ((0.0, "unconverged"), (0.1, "converged")):
        scripted([True] * 60, None, "reward_hebbian")
        rule = {"name": "reward_hebbian", "learning_rate": rate}
        train_section = {"trials": 60, "until": until}
        members = planned(task=SHORT, network=NETWORK, rule=rule, train=train_section)
        (result,) = train(members).values()
        assert result.status == status
        assert (result.trials_to_criterion is None) == (rate == 0)


def test_time_constants_alone_can_learn(planned):
    given = {"name": "bptt", "learning_rate": 0.0, "trains": ["time_constants"]}
    (some,) = planned(task=SHORT, network=NETWORK, rule=given)
    assert some.config.rule.learns
    (none,) = planned(
        task=SHORT, network=NETWORK, rule=given | {"tau_learning_rate": 0.0}
    )
    assert not none.config.rule.learns
