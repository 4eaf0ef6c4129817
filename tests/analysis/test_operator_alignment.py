"""Comparisons of operators without a search: closed forms, SciPy, the package."""

import itertools

import numpy as np
import pytest
from helpers import dsa_package
from scipy.linalg import orthogonal_procrustes

from popnet.analysis.operator_alignment import (
    alignment_bound,
    angle_of,
    best_rotations,
    controllability,
    eigenvalue_distance,
    input_scores,
)


def rotation(n, random):
    return np.linalg.qr(random.standard_normal((n, n)))[0]


def unit(x):
    return x / np.linalg.norm(x)


def system(seed, n=6, inputs=3):
    random = np.random.default_rng(seed)
    a = random.standard_normal((n, n))
    a *= 0.9 / np.abs(np.linalg.eigvals(a)).max()
    return a, random.standard_normal((n, inputs))


@pytest.mark.parametrize("seed", range(6))
def test_no_rotation_passes_the_bound(seed):
    """It is tight for symmetric operators, and above 0 for others."""
    random = np.random.default_rng(seed)
    a, b = (unit(random.standard_normal((5, 5))) for _ in range(2))
    bound = alignment_bound(a, b)
    turned = [c @ b @ c.T for c in (rotation(5, random) for _ in range(300))]
    assert 0 < bound < min(np.linalg.norm(a - t) for t in turned)
    assert alignment_bound(a, turned[0]) == pytest.approx(bound, abs=1e-12)
    c = rotation(5, random)
    assert alignment_bound(a, c @ a @ c.T) < 1e-7
    a, b = (unit(x + x.T) for x in (a, b))
    eigenvalues = [np.linalg.eigvalsh(x) for x in (a, b)]
    exact = np.linalg.norm(eigenvalues[0] - eigenvalues[1])
    assert alignment_bound(a, b) == pytest.approx(exact, abs=1e-9)


def test_singular_values_bound_where_the_parts_do_not():
    """Same symmetric spectrum and same skew one, other singular values."""
    a, b = np.diag([1.0, -1.0, 0.0]), np.diag([1.0, -1.0, 0.0])
    a[0, 1], a[1, 0] = 1, -1
    b[1, 2], b[2, 1] = 1, -1
    a, b = unit(a), unit(b)
    singular = [np.linalg.svd(x, compute_uv=False) for x in (a, b)]
    expected = np.linalg.norm(singular[0] - singular[1])
    assert alignment_bound(a, b) == pytest.approx(expected, abs=1e-9)
    assert expected > 0.1


def test_angles_keep_their_digits():
    assert angle_of(2.0) == pytest.approx(np.pi)
    assert angle_of(np.sqrt(2)) == pytest.approx(np.pi / 2)
    assert angle_of(1e-9) == pytest.approx(1e-9, rel=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_eigenvalues_by_every_assignment_and_by_the_package(seed):
    (a, _), (b, _) = system(seed), system(seed + 10)
    one, other = np.linalg.eigvals(a), np.linalg.eigvals(b)
    found = eigenvalue_distance(one, other)
    best = min(
        np.mean(np.abs(one - other[list(p)]) ** 2)
        for p in itertools.permutations(range(6))
    )
    assert found == pytest.approx(np.sqrt(best), abs=1e-12)
    # the package leaves the root out
    assert found**2 == pytest.approx(dsa_package.eigenvalue_cost(a, b), abs=1e-6)
    assert found == eigenvalue_distance(other, one)
    padded = eigenvalue_distance(one, other[:4])
    assert padded == pytest.approx(eigenvalue_distance(one, [*other[:4], 0, 0]))


def test_controllability_by_hand():
    a, b = system(0, n=3, inputs=2)
    expected = np.hstack([b, a @ b, a @ a @ b])
    np.testing.assert_allclose(controllability(a[None], b[None])[0], expected)


def scores(one, other, **given):
    given = input_scores(*(x[None] for x in (*one, *other)), **given)
    return [float(part[0]) for part in given]


@pytest.mark.parametrize("seed", range(4))
def test_a_rotated_copy_is_no_distance_away(seed):
    a, b = system(seed)
    c = rotation(6, np.random.default_rng(seed + 50))
    for angular in (False, True):
        *apart, rank = scores((a, b), (c @ a @ c.T, c @ b), angular=angular)
        assert max(apart) < 1e-10 and rank == 6
    k = controllability(a[None], b[None])
    np.testing.assert_allclose(best_rotations(k, c @ k)[0][0], c, atol=1e-10)


@pytest.mark.parametrize("seed", range(5))
def test_input_scores_by_scipy_and_by_the_package(seed):
    one, other = system(seed), system(seed + 20)
    joint, state, driven, rank = scores(one, other)
    k1, k2 = (controllability(a[None], b[None])[0] for a, b in (one, other))
    c = orthogonal_procrustes(k1.T, k2.T)[0].T
    assert joint == pytest.approx(np.linalg.norm(c @ k1 - k2), abs=1e-10)
    assert rank == 6
    random = np.random.default_rng(seed)
    for _ in range(100):
        assert np.linalg.norm(rotation(6, random) @ k1 - k2) > joint
    _, their_state, their_input = dsa_package.input_scores(
        *one, *other, controllability=lambda a, b: controllability(a[None], b[None])[0]
    )
    assert state == pytest.approx(their_state, abs=1e-6)
    assert driven == pytest.approx(their_input, abs=1e-6)
    there, back = scores(one, other), scores(other, one)
    np.testing.assert_allclose(there, back, atol=1e-10)


def test_the_package_finds_its_own_rotated_copy_in_state_and_input_alone():
    """Its fault in the joint score, which is why that is not compared."""
    a, b = system(1)
    c = rotation(6, np.random.default_rng(2))
    joint, state, driven = dsa_package.input_scores(a, b, c @ a @ c.T, c @ b)
    assert max(state, driven) < 1e-10 < 1 < joint


def test_one_input_that_reaches_few_directions_leaves_the_rotation_open():
    a, b = np.diag([0.9, 0.5, 0.2]), np.array([[1.0], [1.0], [0.0]])
    assert scores((a, b), (a, b))[-1] == 2
    assert scores((a, b + 1), (a, b + 1))[-1] == 3
