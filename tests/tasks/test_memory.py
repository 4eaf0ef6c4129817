"""Order, n-back and parametric memory, step by step."""

import numpy as np
import pytest

from popnet.tasks import TASKS


def test_order_has_the_trials_ab_and_ba_of_dnms(draw):
    _, (inputs, target, mask) = draw("order", [0, 1])
    _, same = draw("dnms", [1, 2])
    np.testing.assert_array_equal(inputs, same.input_BTI)
    np.testing.assert_array_equal(mask, same.mask_BTO)
    assert (target[0] == -0.98).all() and (target[1] == 0.98).all()


def in_words(inputs, items, steps):
    """The stimuli of a trial as a string of A and B."""
    rows = inputs.reshape(items, steps, 5)
    assert not rows[..., [0, 3, 4]].any() and set(np.unique(rows)) == {0.0, 1.0}
    return "".join("AB"[int(row[0, 2])] for row in rows)


@pytest.mark.parametrize("n", [1, 2, 4])
def test_n_back_against_strings(draw, n):
    settings, (inputs, target, mask) = draw("n_back", np.arange(160) % 8, n=n)
    assert inputs.shape == (160, (n + 3) * 600, 5) and settings.types == 8
    on = inputs[..., 1] + inputs[..., 2]
    step = np.arange(inputs.shape[1])
    np.testing.assert_array_equal(on, np.broadcast_to(step % 600 < 200, on.shape))
    scored = (step % 600 >= 400) & (step >= 600 * n)
    np.testing.assert_array_equal(mask[..., 0], np.broadcast_to(scored, on.shape))
    begins = set()
    for trial in range(160):
        shown = in_words(inputs[trial], n + 3, 600)
        begins.add(shown[:n])
        matches = [shown[k] == shown[k - n] for k in range(n, n + 3)]
        assert sum(2**d for d, match in enumerate(matches) if match) == trial % 8
        asked = target[trial, 600 * n + 599 :: 600, 0]
        np.testing.assert_array_equal(asked, np.where(matches, 1, -1))
    assert len(begins) == 2**n, "the first n stimuli are random"


def test_n_back_starts_do_not_depend_on_the_number_of_trials(draw):
    _, many = draw("n_back", np.arange(40) % 8)
    _, few = draw("n_back", np.arange(7))
    np.testing.assert_array_equal(few.input_BTI, many.input_BTI[:7])


def test_n_back_is_correct_when_all_decisions_are(draw, correct):
    settings, trials = draw("n_back", [0, 7])
    output = trials.target_BTO.copy()
    assert correct(settings, trials, output=output).all()
    output[:, -600:] *= -1  # two of three decisions right
    assert not correct(settings, trials, output=output).any()


def test_n_back_names_its_epochs_in_order():
    settings = TASKS["n_back"].settings(n=1)
    names = [
        f"{e}_{i}" for i in (1, 2, 3, 4) for e in ("stimulus", "delay", "response")
    ]
    assert list(settings.epochs_s) == names
    assert settings.with_epochs({"delay": 2}).steps(0.001) == 4 * 800


def test_parametric_memory_is_the_published_one(draw):
    pairs = [(18, 10), (22, 14), (26, 18), (30, 22), (34, 26)]
    _, (inputs, target, mask) = draw("parametric_memory", np.arange(10))
    assert inputs.shape == (10, 4400, 2)
    on = np.zeros(4400, dtype=bool)
    on[100:600] = on[3600:4100] = True
    assert (inputs[:, on] >= 0.2 - 1e-12).all() and not inputs[:, ~on].any()
    for k in range(10):
        high, low = pairs[k // 2]
        first, second = (high, low) if k % 2 == 0 else (low, high)
        for place, f in ((slice(100, 600), first), (slice(3600, 4100), second)):
            rising, falling = 0.2 + 0.8 * (f - 10) / 24, 0.2 + 0.8 * (34 - f) / 24
            np.testing.assert_allclose(inputs[k, place, 0], rising)
            np.testing.assert_allclose(inputs[k, place, 1], falling)
        assert (target[k, 4100:] == (1 if first > second else -1)).all()
    assert not target[:, :100].any()
    scored = np.zeros(4400, dtype=bool)
    scored[:100] = scored[4100:] = True
    np.testing.assert_array_equal(mask[..., 0], np.broadcast_to(scored, (10, 4400)))


@pytest.mark.parametrize("separation_hz", [1.0, 24.0])
def test_nearer_frequencies_stay_in_their_range(draw, correct, separation_hz):
    settings, trials = draw(
        "parametric_memory", np.arange(10), 0.01, separation_hz=separation_hz
    )
    assert correct(settings, trials, 0.01).all()
    frequency = 10 + 24 * (trials.input_BTI[:, [20, 380], 0] - 0.2) / 0.8
    np.testing.assert_allclose(np.abs(np.diff(frequency)), separation_hz)
    assert frequency.min() == pytest.approx(10) and frequency.max() == pytest.approx(34)
