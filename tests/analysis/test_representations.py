"""Forms of activity against the formulas written out, and against other packages."""

import numpy as np
import pytest
from scipy.spatial.distance import pdist
from scipy.stats import ortho_group, spearmanr
from sklearn.cross_decomposition import CCA

from popnet.analysis.representations import (
    canonical_correlations,
    cosines,
    dissimilarity_vector,
    gram_vector,
    principal_basis,
)


def activities(samples=60, units=(7, 5), seed=0, shared=3):
    """Rates of two networks that share some signals in the same samples."""
    random = np.random.default_rng(seed)
    signals = random.standard_normal((samples, shared))
    return [
        signals @ random.standard_normal((shared, n))
        + 0.5 * random.standard_normal((samples, n))
        + random.standard_normal(n)
        for n in units
    ]


def cka_by_pair(x, y):
    """The formula as it is published."""
    x, y = x - x.mean(0), y - y.mean(0)
    norms = np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y)
    return np.linalg.norm(y.T @ x) ** 2 / norms


def unbiased_hsic(k, l):  # noqa: E741
    """Song et al. (2012), eq. 5, term by term."""
    n, k, l = len(k), k.copy(), l.copy()  # noqa: E741
    np.fill_diagonal(k, 0)
    np.fill_diagonal(l, 0)
    one = np.ones(n)
    total = np.trace(k @ l)
    total += (one @ k @ one) * (one @ l @ one) / ((n - 1) * (n - 2))
    total -= 2 / (n - 2) * (one @ k @ l @ one)
    return total / (n * (n - 3))


@pytest.mark.parametrize("seed", range(3))
def test_the_product_of_gram_vectors_is_linear_cka(seed):
    x, y = activities(seed=seed)
    found = gram_vector(x) @ gram_vector(y)
    assert found == pytest.approx(cka_by_pair(x, y), rel=1e-12)
    assert 0.1 < found < 0.95
    assert np.linalg.norm(gram_vector(x)) == pytest.approx(1, rel=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_debiased_cka_is_that_of_the_unbiased_estimator(seed):
    x, y = activities(seed=seed)
    k, l = x @ x.T, y @ y.T  # noqa: E741
    expected = unbiased_hsic(k, l)
    expected /= np.sqrt(unbiased_hsic(k, k) * unbiased_hsic(l, l))
    found = gram_vector(x, debiased=True) @ gram_vector(y, debiased=True)
    assert found == pytest.approx(expected, rel=1e-10)


def test_unrelated_activity_is_at_0_only_when_debiased():
    plain, debiased = [], []
    for seed in range(40):
        x, y = np.random.default_rng(seed).standard_normal((2, 50, 20))
        plain.append(gram_vector(x) @ gram_vector(y))
        debiased.append(gram_vector(x, True) @ gram_vector(y, True))
    error = np.std(debiased) / np.sqrt(40)
    assert np.mean(plain) > 0.2
    assert abs(np.mean(debiased)) < 4 * error < 0.05


@pytest.mark.parametrize("dissimilarity", ["euclidean", "correlation"])
def test_dissimilarities_are_correlated_as_scipy_does(dissimilarity):
    x, y = activities(samples=40, seed=2)
    found = dissimilarity_vector(x, dissimilarity) @ dissimilarity_vector(
        y, dissimilarity
    )
    expected = spearmanr(pdist(x, dissimilarity), pdist(y, dissimilarity)).statistic
    assert found == pytest.approx(expected, abs=1e-4)  # near ties count as ties
    assert 0.1 < found < 0.95


def test_samples_that_are_equal_but_for_rounding_are_tied():
    """A network without noise stands still before each stimulus."""
    x, _ = activities(samples=30, seed=3)
    x[:15] = x[0]
    rotated = x @ ortho_group.rvs(7, random_state=1)
    one, other = dissimilarity_vector(x), dissimilarity_vector(rotated)
    assert one @ other == pytest.approx(1, abs=1e-9)
    noisy = x + 1e-12 * np.random.default_rng(0).standard_normal(x.shape)
    assert dissimilarity_vector(noisy) @ one == pytest.approx(1, abs=1e-9)


def test_a_constant_pattern_is_correlated_with_none():
    x = np.array([[1.0, 2, 3], [3, 2, 1], [2, 2, 2], [1, 2, 4]])
    ranks = dissimilarity_vector(x, "correlation")
    # pairs 01, 02, 03, 12, 13, 23: those with the constant one (02, 12, 23) tie at 1
    assert ranks[1] == ranks[3] == ranks[5]
    assert ranks[2] < ranks[1] < ranks[0]


@pytest.mark.parametrize("seed", range(3))
def test_canonical_correlations_are_those_of_scikit_learn(seed):
    x, y = activities(seed=seed)
    found = canonical_correlations(principal_basis(x, 1.0), principal_basis(y, 1.0))
    u, v = CCA(n_components=5, max_iter=5000, tol=1e-12).fit_transform(x, y)
    expected = [np.corrcoef(u[:, k], v[:, k])[0, 1] for k in range(5)]
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("variance", [0.5, 0.9, 0.99])
def test_as_many_components_are_kept_as_hold_the_variance(variance):
    x = activities(samples=200, units=(12,), seed=5)[0] * np.linspace(0.1, 2, 12)
    basis = principal_basis(x, variance)
    np.testing.assert_allclose(basis.T @ basis, np.eye(basis.shape[1]), atol=1e-12)
    of_all = np.sort(np.linalg.eigvalsh(np.cov(x.T)))[::-1]
    share = np.cumsum(of_all) / of_all.sum()
    kept = basis.shape[1]
    assert share[kept - 1] >= variance and (kept == 1 or share[kept - 2] < variance)
    centred = x - x.mean(0)
    held = np.linalg.norm(basis.T @ centred) ** 2 / np.linalg.norm(centred) ** 2
    assert held == pytest.approx(share[kept - 1])


def test_directions_of_rounding_are_never_kept():
    signals = np.random.default_rng(6).standard_normal((50, 2))
    x = signals @ np.random.default_rng(7).standard_normal((2, 9))
    assert principal_basis(x, 1.0).shape == (50, 2)


def test_cosines_are_those_of_each_pair():
    random = np.random.default_rng(8)
    some = [random.standard_normal(40_000).astype(np.float32) for _ in range(5)]
    pairs = [(0, 1), (0, 2), (3, 1), (4, 4), (1, 0)]
    found = cosines([some[a] for a, _ in pairs], [some[b] for _, b in pairs])
    for (a, b), value in zip(pairs, found, strict=True):
        x, y = some[a].astype(float), some[b].astype(float)
        expected = x @ y / np.linalg.norm(x) / np.linalg.norm(y)
        assert value == pytest.approx(expected, rel=1e-9)
    mixed = cosines([some[0], some[0]], [some[1], some[1][:7]])
    assert mixed[0] == pytest.approx(found[0], rel=1e-12) and np.isnan(mixed[1])


@pytest.mark.parametrize("broken", [np.full((9, 3), 0.1), np.full((9, 3), np.nan)])
def test_activity_that_does_not_vary_or_is_not_finite_has_no_form(broken):
    x = np.random.default_rng(9).standard_normal((9, 3))
    for form in (
        gram_vector,
        lambda rates: gram_vector(rates, True),
        dissimilarity_vector,
        lambda rates: dissimilarity_vector(rates, "correlation"),
    ):
        assert np.isnan(cosines([form(x)], [form(broken)])).all()
        assert not np.isnan(cosines([form(x)], [form(x)])).any()
    u, v = principal_basis(x, 0.99), principal_basis(broken, 0.99)
    assert np.isnan(canonical_correlations(u, v)).all()
