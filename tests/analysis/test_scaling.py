"""Multidimensional scaling: closed forms, scikit-learn, stress that never rises."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from popnet.analysis.scaling import classical_scaling, stress_of, stress_scaling


def points(seed, count=15, dimensions=2):
    return np.random.default_rng(seed).standard_normal((count, dimensions))


def distances(seed, noise=0.0):
    """Distances of points in a plane, each made longer by up to ``noise``."""
    distance = cdist(points(seed), points(seed))
    longer = np.random.default_rng(seed + 1).uniform(0, noise, distance.shape)
    return distance + np.triu(longer, 1) + np.triu(longer, 1).T


def test_a_right_triangle_by_hand():
    # 3, 4, 5; the points, up to rotation, are those of the triangle
    distance = np.array([[0, 3, 4], [3, 0, 5], [4, 5, 0.0]])
    made = classical_scaling(distance)
    assert cdist(made, made) == pytest.approx(distance)
    assert made.mean(0) == pytest.approx([0, 0], abs=1e-12)


def test_points_in_a_plane_come_back():
    distance = distances(1)
    made = classical_scaling(distance)
    assert cdist(made, made) == pytest.approx(distance, abs=1e-9)
    assert made[:, 0].var() > made[:, 1].var()
    assert (np.take_along_axis(made, np.abs(made).argmax(0)[None], 0) > 0).all()
    whole = stress_scaling(distance)
    assert whole.stress == pytest.approx(0, abs=1e-9)
    # a third axis has nothing to say, and so has a fourth for three points
    assert classical_scaling(distance, 3)[:, 2] == pytest.approx(0, abs=1e-6)
    assert classical_scaling(distance[:3, :3], 4).shape == (3, 4)


def test_stress_falls_at_every_step_to_that_of_scikit_learn():
    manifold = pytest.importorskip("sklearn.manifold")
    distance, start = distances(2, noise=1.5), points(9)
    before = stress_of(start, distance)
    for steps in range(1, 12):
        after = stress_scaling(distance, 2, start, steps, 0.0).stress
        assert after < before
        before = after
    ours = stress_scaling(distance, 2, start, 4000, 1e-13)
    theirs, _ = manifold.smacof(
        distance, n_components=2, init=start, n_init=1, max_iter=4000, eps=1e-13,
        normalized_stress=False,
    )  # fmt: skip
    assert ours.stress == pytest.approx(stress_of(theirs, distance), rel=1e-4)
    assert cdist(ours.points_PD, ours.points_PD) == pytest.approx(
        cdist(theirs, theirs), abs=0.02
    )


def test_it_is_better_than_where_it_starts():
    distance = distances(3, noise=1.5)
    classical = stress_of(classical_scaling(distance), distance)
    assert stress_scaling(distance).stress < 0.95 * classical


def test_it_ends_when_a_step_gains_little():
    distance = distances(4, noise=1.0)
    soon, late = (stress_scaling(distance, tolerance=t) for t in (1e-2, 1e-8))
    assert soon.steps < late.steps < 300
    assert late.stress < soon.stress


def test_distances_that_are_not_known_have_no_points():
    distance = distances(5)
    distance[0, 1] = np.nan
    assert np.isnan(classical_scaling(distance)).all()
    assert np.isnan(stress_scaling(distance).stress)
