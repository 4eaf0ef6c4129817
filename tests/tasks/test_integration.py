"""Noisy evidence: its law at any time step, and the ideal observer's ceiling."""

import numpy as np
import pytest
from scipy import integrate, stats

from popnet.config import ConfigError
from popnet.tasks import TASKS
from popnet.tasks._evidence import share_right

STEPS, STEP_S = 750, 0.003
MEANS = np.linspace(0, 0.1875, 20)
PER_MEAN = 400


def phi(mean, sigma):
    """Right answers of one who sums all steps of McMahan's trial."""
    return stats.norm.cdf(mean * np.sqrt(STEPS) / sigma)


@pytest.mark.parametrize(
    ("name", "sigma", "published"),
    [
        ("random_dots", 0.1, 0.9748),
        ("random_dots", 0.5, 0.9497),
        ("random_dots", 1.0, 0.9132),
        ("n_context", 0.1, 0.9998),
        ("n_context", 0.5, 0.9747),
        ("n_context", 1.0, 0.9382),
    ],
)
def test_the_ideal_observer_meets_the_ceiling_of_the_validation_set(
    draw, correct, name, sigma, published
):
    # 20 means in equal shares; n_context's code calls every answer to mean 0 correct
    chances = phi(MEANS, sigma)
    chances[0] = 1.0 if name == "n_context" else 0.5
    assert chances.mean() == pytest.approx(published, abs=6e-5)
    right = np.zeros(len(MEANS))
    for i, mean in enumerate(MEANS):
        types = np.arange(PER_MEAN) % TASKS[name].settings().types
        law = {"weakest": mean, "strongest": mean, "sigma": sigma}
        settings, trials = draw(name, types, STEP_S, seed=i, **law)
        assert trials.input_BTI.shape[1] == STEPS
        assert settings.ceiling == pytest.approx(phi(mean, sigma), abs=1e-9)
        right[i] = correct(settings, trials, STEP_S).mean()
    if name == "n_context":
        right[0] = 1.0
    error = np.sqrt((chances * (1 - chances)).sum() / PER_MEAN) / len(MEANS)
    assert abs(right.mean() - published) < 4 * error


@pytest.mark.parametrize(
    ("sigma", "published"), [(0.1, 0.992), (0.5, 0.9607), (1, 0.9215)]
)
def test_the_ceiling_over_means_of_the_task_itself(sigma, published):
    # recorded for |mean| ~ U(0, 0.1857), on a lattice
    settings = TASKS["random_dots"].settings(sigma=float(sigma))
    top = settings.strongest
    area, _ = integrate.quad(phi, 0, top, (sigma,), epsabs=1e-12)
    assert settings.ceiling == pytest.approx(area / top, abs=1e-10)
    assert settings.ceiling == pytest.approx(published, abs=2e-4)


@pytest.mark.parametrize("width", [0.0, 1e-7, 1e-5, 1e-3, 0.1])
def test_share_right_over_narrow_and_wide_laws(width):
    low, sd, step_s, seen_s = 0.05, 2.0, 0.004, 1.0
    area, _ = integrate.quad(
        lambda u: stats.norm.cdf((low + width * u) * np.sqrt(250) / sd), 0, 1
    )
    assert share_right(low, low + width, sd, step_s, seen_s) == pytest.approx(
        area, abs=1e-9
    )


def test_share_right_without_noise_or_without_evidence():
    assert share_right(0.0, 1.0, 0.0, 0.003, 1.0) == 1
    assert share_right(0.0, 0.0, 0.0, 0.003, 1.0) == 0.5
    assert share_right(0.0, 0.0, 1.0, 0.003, 1.0) == 0.5


@pytest.mark.parametrize("dt_s", [0.001, 0.005, 0.01])
@pytest.mark.parametrize(
    ("name", "step_s", "seen_s", "mean"),
    [("random_dots", 0.003, 2.25, 0.1), ("selective_integration", 0.001, 0.5, 0.25)],
)
def test_evidence_per_second_is_that_of_the_paper(
    draw, name, step_s, seen_s, mean, dt_s
):
    # integral of the input: mean times seconds, variance sigma^2 step seconds
    law = {"weakest": mean, "strongest": mean, "sigma": 0.5}
    settings, (inputs, _, _) = draw(name, [0] * 2000, dt_s, **law)
    integral = inputs[..., settings.evidence[0]].sum(1) * dt_s
    sd = 0.5 * np.sqrt(step_s * seen_s)
    assert abs(integral.mean() - mean * seen_s) < 4 * sd / np.sqrt(2000)
    assert abs(integral.std() / sd - 1) < 4 / np.sqrt(2 * 2000)


@pytest.mark.parametrize("name", ["selective_integration", "perceptual_decision"])
def test_published_timing_and_layout(draw, name):
    _, (inputs, target, mask) = draw(name, np.arange(400) % 4)
    assert inputs.shape == (400, 700, 5)
    two = name == "selective_integration"
    noisy = inputs[..., [1, 2]] if two else inputs[..., [1]]
    assert (noisy[:, 1:501] != 0).all() and not noisy[:, 0].any()
    assert not noisy[:, 501:].any() and not inputs[..., 0].any()
    assert mask[:, 500:].all() and not mask[:, :500].any()
    assert set(np.unique(target)) == {-1.0, 1.0}
    if not two:
        assert not inputs[..., 2:].any()
        return
    # attend-1 +, attend-2 +, attend-1 -, attend-2 -, in turn; context all trial long
    means = noisy[:, 1:501].mean(1)
    for k, (attended, sign) in enumerate([(0, 1), (1, 1), (0, -1), (1, -1)]):
        own, other = means[k::4, attended], means[k::4, 1 - attended]
        assert (target[k::4] == sign).all()
        assert (inputs[k::4, :, 3 + attended] == 1).all()
        assert not inputs[k::4, :, 4 - attended].any()
        assert abs(own.mean() - 0.25 * sign) < 4 * 0.5 / np.sqrt(500 * 100)
        assert 20 < (other > 0).sum() < 80, "the irrelevant sign is random"
        assert np.abs(other).mean() == pytest.approx(0.25, abs=0.01)
    assert noisy[:, 1:501].std((0, 1)) == pytest.approx(np.hypot(0.5, 0.25), rel=0.02)


def test_all_channels_of_a_trial_share_one_strength(draw):
    settings, (inputs, target, _) = draw(
        "n_context", np.arange(120) % 12, 0.01, contexts=6, sigma=0.0
    )
    assert settings.inputs == inputs.shape[2] == 12 and settings.types == 12
    size = np.abs(inputs[:, 0, :6])
    assert (size == size[:, :1]).all() and (inputs == inputs[:, :1]).all()
    law = stats.kstest(size[:, 0], stats.uniform(0, 0.1857).cdf)
    assert law.pvalue > 1e-3
    np.testing.assert_array_equal(inputs[:, 0, 6:].argmax(1), np.arange(120) % 6)
    signs = np.sign(inputs[:, 0, :6])
    attended = signs[np.arange(120), np.arange(120) % 6]
    np.testing.assert_array_equal(attended, target[:, 0, 0])
    np.testing.assert_array_equal(attended, np.where(np.arange(120) % 12 < 6, 1, -1))
    assert np.abs(np.corrcoef(signs.T) - np.eye(6)).max() < 4 / np.sqrt(120)


def test_the_observer_reads_the_context_and_nothing_else(draw, correct):
    settings, trials = draw("n_context", np.arange(60) % 6, 0.01, contexts=3, sigma=0.0)
    assert correct(settings, trials, 0.01).all()
    moved = trials.input_BTI.copy()
    moved[..., 3:] = np.roll(moved[..., 3:], 1, axis=2)
    unlike = np.sign(moved[:, 0, :3])[np.arange(60), (np.arange(60) + 1) % 3]
    np.testing.assert_array_equal(
        correct(settings, trials._replace(input_BTI=moved), 0.01),
        unlike == trials.target_BTO[:, 0, 0],
    )


@pytest.mark.parametrize(
    "name", ["random_dots", "n_context", "selective_integration", "multisensory"]
)
def test_more_trials_or_a_longer_one_only_add_to_what_is_drawn(draw, name):
    types = np.arange(12) % TASKS[name].settings().types
    settings, (before, _, _) = draw(name, types)
    _, (fewer, _, _) = draw(name, types[:5])
    np.testing.assert_array_equal(fewer, before[:5])
    random = np.random.default_rng(0)
    longer = settings.with_epochs({"stimulus": 1.5})
    after, _, _ = TASKS[name].draw(longer, types, 0.001, random)
    seen = 501 if name == "selective_integration" else before.shape[1]
    np.testing.assert_array_equal(after[:, :seen], before[:, :seen])
    # and a noisier network meets the same noise, larger
    key = "noise_hz" if name == "multisensory" else "sigma"
    clean, one, three = (draw(name, types, **{key: s})[1][0] for s in (0.0, 1.0, 3.0))
    np.testing.assert_allclose(three - clean, 3 * (one - clean), atol=1e-9)


@pytest.mark.parametrize(
    ("task", "sentence"),
    [
        (
            {"name": "random_dots", "weakest": 0.3},
            "task.weakest: got 0.3; must be at most strongest 0.1857",
        ),
        (
            {"name": "multisensory", "farthest_hz": 20.0},
            "task.farthest_hz: got 20; must be at most boundary_hz 12.5",
        ),
        ({"name": "n_context", "contexts": 7}, "task.contexts"),
    ],
)
def test_laws_in_the_wrong_order_are_refused(plan_of, task, sentence):
    with pytest.raises(ConfigError) as caught:
        plan_of(task=task, rule="bptt")
    assert sentence in str(caught.value)
