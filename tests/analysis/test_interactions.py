"""Dependence on the task: size, power, the F of textbooks, and how large it is."""

import numpy as np
import pytest
from scipy import stats

from popnet.analysis.interactions import interaction, interaction_sizes
from popnet.analysis.intervals import excluded_at

T, S, L = 6, 12, 6
NAN = float("nan")
RISING = np.arange(L)
INVERTED_U = np.array([0, 0.8, 1.6, 1.6, 0.8, 0])


def rng(seed=0):
    return np.random.default_rng(seed)


def noise(seed, *shape):
    """Normal, with a share that all levels of a seed have in common."""
    random = rng(seed)
    return random.standard_normal(shape) + random.standard_normal((*shape[:-1], 1))


def plain_p(values):
    """Without a correction: right where all cells are alike noisy."""
    tasks, seeds, levels = values.shape
    d = (tasks - 1) * (levels - 1)
    return stats.f.sf(interaction(values).statistic, d, d * (seeds - 1))


def test_with_two_tasks_and_levels_it_is_students_paired_test():
    values = noise(10, 2, S, 2)
    slopes = np.diff(values, axis=2)[..., 0]
    t, p = stats.ttest_1samp(slopes[0] - slopes[1], 0)
    found = interaction(values)
    assert found.statistic == pytest.approx(t**2)
    assert found[1:] == (pytest.approx(p), 1, S)


def test_f_of_three_tasks_written_out():
    v = noise(11, 3, 5, 4)
    between = within = 0.0
    for t, s, level in np.ndindex(v.shape):
        of_task = v[t, :, level].mean() - v[t].mean()
        of_all = v[:, :, level].mean() - v.mean()
        seed = v[t, s, level] - v[t, s].mean() - v[:, s, level].mean() + v[:, s].mean()
        between += (of_task - of_all) ** 2 / (2 * 3)
        within += (seed - (of_task - of_all)) ** 2 / (2 * 4 * 3)
    assert interaction(v).statistic == pytest.approx(between / within)


def test_the_correction_is_huynh_and_feldts():
    # contrasts of tasks x levels, orthonormal, and their covariance over seeds
    v = rng(12).standard_normal((3, S, 4)) * np.array([1, 2, 4])[:, None, None]

    def contrasts(n):
        return np.linalg.svd(np.eye(n) - 1 / n)[0][:, : n - 1]

    own = np.einsum("tsl,ta,lb->sab", v, contrasts(3), contrasts(4)).reshape(S, -1)
    covariance = np.cov(own.T)
    e0 = np.trace(covariance) ** 2 / (6 * np.sum(covariance**2))
    epsilon = (S * 6 * e0 - 2) / (6 * (S - 1 - 6 * e0))
    found = interaction(v)
    assert found.epsilon == pytest.approx(epsilon)
    df = epsilon * 6
    assert found.p == pytest.approx(stats.f.sf(found.statistic, df, df * (S - 1)))


NULLS = {
    "alike noisy": lambda r: r.standard_normal((T, S, L)),
    "tasks differ in noise": lambda r: (
        r.standard_normal((T, S, L)) * np.array([0.2, 0.5, 1, 1, 3, 5])[:, None, None]
    ),
    "noise grows with the level": lambda r: (
        r.standard_normal((T, S, L)) * np.linspace(0.2, 3, L)
    ),
    "levels share draws": lambda r: np.cumsum(r.standard_normal((T, S, L)), axis=2),
    "in half of the tasks": lambda r: np.concatenate(
        [
            r.standard_normal((3, S, L)),
            np.cumsum(r.standard_normal((3, S, L)), axis=2) / 2,
        ]
    ),
    "skewed": lambda r: r.exponential(size=(T, S, L)),
    "heavy tails in one": lambda r: np.concatenate(
        [r.standard_normal((5, S, L)), r.standard_t(1.5, (1, S, L)) / 3]
    ),
}


@pytest.mark.parametrize("null", NULLS)
def test_profiles_alike_in_all_tasks_are_no_interaction(null):
    random = rng(13)
    height = np.arange(T)[:, None, None]
    p = [interaction(RISING + height + NULLS[null](random)).p for _ in range(1000)]
    rejected = np.mean(np.array(p) <= 0.05)
    assert 0.02 <= rejected <= 0.075  # 0.05, s.e. 0.007, and a correction's error


@pytest.mark.parametrize("seeds", [12, 20])
def test_an_interaction_is_found_as_often_as_by_the_f_test(seeds):
    random, found = rng(14), []
    for _ in range(300):
        values = random.standard_normal((T, seeds, L))
        values[:3] += np.linspace(-0.6, 0.6, L)
        found.append((interaction(values).p, plain_p(values)))
    own, plain = np.mean(np.array(found) <= 0.05, axis=0)
    assert plain > 0.4 and own > plain - 0.05


def test_interactions_without_noise():
    seeds_differ = np.tile(noise(0, S, L), (3, 1, 1))
    assert interaction(seeds_differ)[:2] == (0, 1)
    tasks_differ = np.tile(noise(0, 3, 1, L), (1, S, 1))
    assert interaction(tasks_differ)[:2] == (np.inf, 0)


def test_a_seed_that_lost_a_value_is_left_out():
    lost = noise(0, 3, S, L)
    lost[1, 0, 2] = NAN
    assert interaction(lost) == interaction(lost[:, 1:])
    for few in (lost[:1], lost[:, :2], lost[:, :, :1]):
        assert np.isnan(interaction(few).p)


def test_the_size_is_that_planted_and_covered():
    shapes = np.stack([INVERTED_U, -INVERTED_U / 2, 0 * RISING])
    own = shapes - shapes.mean(axis=1, keepdims=True)
    own -= own.mean(axis=0)
    size = np.mean(own**2)
    values = shapes[:, None] + rng(15).standard_normal((2000, 3, S, L))
    sizes = interaction_sizes(values)
    assert sizes.shape == (2000, S)
    assert sizes.mean() == pytest.approx(size, rel=0.02)
    assert np.mean(excluded_at(sizes, size) >= 0.05) >= 0.94
    none = interaction_sizes(rng(16).standard_normal((2000, 3, S, L)))
    assert none.mean() == pytest.approx(0, abs=0.005)


def test_sizes_are_from_products_of_different_seeds():
    values = noise(17, 3, 5, L)
    own = values - values.mean(axis=2, keepdims=True)
    own -= own.mean(axis=0)

    def size(seeds):
        pairs = [(a, b) for a in seeds for b in seeds if a != b]
        return np.mean([np.mean(own[:, a] * own[:, b]) for a, b in pairs])

    whole = size(range(5))
    without = [size(set(range(5)) - {s}) for s in range(5)]
    expected = 5 * whole - 4 * np.array(without)
    np.testing.assert_allclose(interaction_sizes(values), expected)
