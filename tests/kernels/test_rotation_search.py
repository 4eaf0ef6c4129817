"""The search for the rotation between two operators."""

import numpy as np
import pytest

from popnet.analysis.operator_alignment import alignment_bound
from popnet.analysis.rotation_starts import best_signs, rotation_starts
from popnet.kernels import rotation_search
from popnet.kernels.rotation_search import align_operators


def rotation(n, random):
    return np.linalg.qr(random.standard_normal((n, n)))[0]


def operators(seed, n, count=2):
    random = np.random.default_rng(seed)
    made = random.standard_normal((count, n, n))
    return made / np.linalg.norm(made, axis=(1, 2), keepdims=True)


@pytest.mark.parametrize("n", [1, 2, 7, 12])
def test_the_value_is_that_of_an_orthogonal_matrix(n):
    a, b = operators(n, n)
    found = align_operators(a, b, 12)
    c = found.rotation_nn
    np.testing.assert_allclose(c @ c.T, np.eye(n), atol=1e-11)
    assert found.distance == pytest.approx(np.linalg.norm(a - c @ b @ c.T), abs=1e-12)
    assert alignment_bound(a, b) <= found.distance + 1e-12
    assert 1 <= found.reached <= 12


@pytest.mark.parametrize("n", [2, 6])
def test_the_gradient_is_that_of_finite_differences(n):
    a, b = operators(3, n)
    lines = rotation_search._in_lines
    work = np.zeros((2, *lines(a).shape))
    gradient = np.zeros(n * (n - 1) // 2)
    f = rotation_search._slope(lines(a), lines(b.T), gradient, *work)
    assert f == pytest.approx(-np.sum(a * b))
    step, places = 1e-6, iter(gradient)
    for i in range(n):
        for j in range(i):
            x = np.zeros((n, n))
            x[i, j], x[j, i] = step, -step
            q = np.linalg.solve(np.eye(n) - x / 2, np.eye(n) + x / 2)
            change = -np.sum(a * (q @ b @ q.T)) - f
            assert next(places) == pytest.approx(change / step, abs=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_two_dimensions_by_trying_every_angle(seed):
    a, b = operators(seed, 2)
    angles = np.linspace(0, 2 * np.pi, 20001)
    sine, cosine = np.sin(angles), np.cos(angles)
    turns = np.stack([np.stack([cosine, -sine]), np.stack([sine, cosine])])
    turns = np.moveaxis(turns, -1, 0)
    both = np.concatenate([turns, turns @ np.diag([1.0, -1.0])])
    tried = np.linalg.norm(a - both @ b @ np.swapaxes(both, 1, 2), axis=(1, 2)).min()
    assert align_operators(a, b, 12).distance == pytest.approx(tried, abs=1e-6)


def test_symmetric_operators_have_a_closed_form():
    a, b = (x + x.T for x in operators(4, 9))
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    exact = np.linalg.norm(np.linalg.eigvalsh(a) - np.linalg.eigvalsh(b))
    assert align_operators(a, b, 4).distance == pytest.approx(exact, abs=1e-9)


@pytest.mark.parametrize("determinant", [1, -1])
def test_rotated_copies_are_found(determinant):
    random = np.random.default_rng(6)
    (a,) = operators(6, 8, 1)
    c = rotation(8, random)
    c[0] *= determinant * np.sign(np.linalg.det(c))
    assert align_operators(a, c @ a @ c.T, 40).distance < 1e-7
    signs = random.choice([-1.0, 1.0], 8)
    assert align_operators(a, signs[:, None] * a * signs, 1).distance < 1e-12


def test_both_orders_are_one_value_whatever_was_computed_before():
    a, b, other = operators(8, 10, 3)
    there = align_operators(a, b, 10)
    align_operators(other, a, 10)
    back = align_operators(b, a, 10)
    assert there.distance == back.distance and there.reached == back.reached
    np.testing.assert_array_equal(there.rotation_nn, back.rotation_nn.T)


def test_more_starts_never_find_less():
    a, b = operators(9, 10)
    found = [align_operators(a, b, k).distance for k in (1, 3, 10, 30)]
    assert found == sorted(found, reverse=True) and found[0] > found[-1]


@pytest.mark.parametrize("seed", range(6))
def test_no_start_that_was_given_up_would_have_ended_lower(seed):
    a, b = sorted(operators(seed, 14), key=lambda x: x.tobytes())  # as it takes them
    lines = rotation_search._in_lines
    ends = []
    for c in rotation_starts(a, b, 24):
        m = lines((c @ b @ c.T).T)
        ends.append(rotation_search.descend(lines(a), m, lines(c), 2000, 1e-20))
    lowest = np.sqrt(2 + 2 * np.min(ends))  # ||A - C B C'||^2 of norms 1
    assert align_operators(a, b, 24).distance == pytest.approx(lowest, abs=1e-8)


def test_starts_are_orthogonal_and_of_both_determinants():
    a, b = operators(10, 7)
    made = rotation_starts(a, b, 21)
    assert made.shape == (21, 7, 7)
    np.testing.assert_allclose(
        made @ np.swapaxes(made, 1, 2), np.broadcast_to(np.eye(7), made.shape),
        atol=1e-12,
    )  # fmt: skip
    assert {-1.0, 1.0} == set(np.sign(np.linalg.det(made)))


def test_signs_by_trying_all():
    a, b = operators(11, 8)
    every = 1 - 2.0 * ((np.arange(256)[:, None] >> np.arange(8)) & 1)
    values = np.einsum("si,sj,ij->s", every, every, a * b)
    s = best_signs(a, b)
    found = s @ (a * b) @ s
    assert found <= values.max() + 1e-12
    # no single flip helps
    for i in range(8):
        flipped = s.copy()
        flipped[i] *= -1
        assert flipped @ (a * b) @ flipped <= found + 1e-12
