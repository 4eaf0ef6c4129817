"""Selection vectors and line attractors: planted ones, simulation, scipy."""

import numpy as np
import pytest
from scipy.linalg import eig, expm

from popnet.analysis.selection import (
    angle_between,
    integrated,
    line_attractor,
    line_through,
    selection_index,
)

N = 8


def planted(seed=0, rate=-1e-6):
    """-I plus a rank-one part: line m, selection vector n with n . m = 1."""
    random = np.random.default_rng(seed)
    m, n = random.standard_normal((2, N))
    m, n = m / np.linalg.norm(m), n
    n = n / (n @ m)
    return -np.eye(N) + (1 + rate) * np.outer(m, n), m, n


def test_a_planted_line_attractor_is_found():
    jacobian, m, n = planted()
    found = line_attractor(jacobian, outward_N=m)
    assert found.rate == pytest.approx(-1e-6, abs=1e-9)
    assert found.next_rate == pytest.approx(-1)
    assert found.line_N == pytest.approx(m, abs=1e-6)
    assert found.selection_N == pytest.approx(n, abs=1e-5)
    turned = line_attractor(jacobian, outward_N=-m)
    assert turned.line_N == pytest.approx(-m, abs=1e-6)
    # the product of both keeps its sign: what is integrated moves the same way
    assert np.outer(turned.line_N, turned.selection_N) == pytest.approx(
        np.outer(m, n), abs=1e-5
    )


def test_an_input_moves_the_network_along_the_line_as_far_as_predicted():
    """exp(J t) w for a long t, for any w: what is left is line (selection . w)."""
    jacobian, _, _ = planted(1)
    found = line_attractor(jacobian)
    inputs = np.random.default_rng(2).standard_normal((N, 3))
    left = expm(30 * jacobian) @ inputs
    moved = integrated(found.selection_N[None], inputs)
    assert left == pytest.approx(np.outer(found.line_N, moved[0]), abs=1e-3)


def test_eigenvectors_are_scipy_s():
    random = np.random.default_rng(3)
    jacobian = random.standard_normal((N, N)) / np.sqrt(N)
    jacobian = (jacobian + jacobian.T) / 2 + 0.1 * jacobian
    value, left, right = eig(jacobian, left=True, right=True)
    slowest = value.real.argmax()
    found = line_attractor(jacobian)
    assert found.rate == pytest.approx(value[slowest].real)
    assert angle_between(found.line_N, right[:, slowest].real) < 1e-6
    assert angle_between(found.selection_N, left[:, slowest].real) < 1e-6
    assert found.selection_N @ found.line_N == pytest.approx(1)
    assert found.selection_N @ jacobian == pytest.approx(
        found.rate * found.selection_N, abs=1e-9
    )


def test_an_oscillation_has_no_line():
    found = line_attractor([[-0.1, -1.0], [1.0, -0.1]])
    assert np.isnan(found.rate) and np.isnan(found.line_N).all()
    lost = line_attractor([[np.nan, 0], [0, -1]])
    assert np.isnan(lost.rate)


def test_selection_of_one_input_by_each_context():
    moved = integrated([[1, 0.25, 0], [0, 2, 0]], np.eye(3)[:, :2])
    assert moved.tolist() == [[1, 0.25], [0, 2]]
    assert selection_index(moved, [0, 1]).tolist() == [0.8, 1.0]
    assert selection_index(-moved, [1, 0]).tolist() == [0.2, 0.0]
    assert selection_index([[1, -1]], [1]).tolist() == [0.5]
    assert np.isnan(selection_index([[0, 0]], [0])).all()


def test_angles_between_lines():
    assert angle_between([1, 0], [1, 1]) == pytest.approx(np.pi / 4)
    assert angle_between([1, 0], [-3, 0]) == 0
    assert angle_between([1, 0], [0, 2]) == pytest.approx(np.pi / 2)
    assert angle_between([1, 0], [-1, 1e-9]) == pytest.approx(1e-9, rel=1e-6)
    assert np.isnan(angle_between([0, 0], [1, 0]))


def test_points_on_a_line():
    direction = np.array([2.0, -1.0, 0.5])
    direction /= np.linalg.norm(direction)
    points = 5 + np.array([0, 1, 2, 6.0])[:, None] * direction
    found = line_through(points[[2, 0, 3, 1]])
    assert found.direction_N == pytest.approx(direction)
    assert found.straight == pytest.approx(1)
    assert found.length == pytest.approx(6)
    assert found.widest_gap == pytest.approx(4 / 6)
    square = [[0, 0], [0, 1], [1, 0], [1, 1.0]]
    assert line_through(square).straight == pytest.approx(0.5)
    assert np.isnan(line_through(points[:1]).straight)
    assert line_through(np.ones((3, 2))).length == 0
