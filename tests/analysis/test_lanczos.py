"""Spectra by products alone, against eigenvalues that are known."""

import numpy as np
import pytest

from popnet.analysis.lanczos import (
    estimated_spectrum,
    lanczos,
    participation,
    quadrature,
    share_below,
    sums,
    whole_spectrum,
)

MUS = (1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2)


def symmetric(size, seed):
    a_RR = np.random.default_rng(seed).standard_normal((size, size))
    return (a_RR + a_RR.T) / 2


def gaussian(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def of_known(eigenvalue_R, seed, steps, starts=4, probes=32):
    """The estimate in the basis of the eigenvectors: starts have no direction."""
    size = len(eigenvalue_R)
    drawn_SR = gaussian(starts + probes, size, seed=seed)
    return estimated_spectrum(
        lambda v_R: eigenvalue_R * v_R, drawn_SR[:starts], drawn_SR[starts:], steps
    )


@pytest.fixture(scope="module")
def like_the_flipflop():
    """4,544 eigenvalues with the published shares, one in four of them negative."""
    share = [0, 0.369, 0.628, 0.799, 0.899, 0.958, 0.99, 1]
    decade = [-10, -7, -6, -5, -4, -3, -2, 0]
    size = np.interp((np.arange(4544) + 0.5) / 4544, share, decade)
    eigenvalue_R = 10.8 * 10**size
    eigenvalue_R[:1600:4] *= -1
    return eigenvalue_R


def test_as_many_steps_as_rows_give_all_eigenvalues():
    a_RR = symmetric(30, 0)
    space = lanczos(lambda v_R: a_RR @ v_R, gaussian(30), 30)
    np.testing.assert_allclose(
        space.basis_MR @ space.basis_MR.T, np.eye(30), atol=1e-13
    )
    tridiagonal = space.basis_MR @ a_RR @ space.basis_MR.T
    np.testing.assert_allclose(np.diag(tridiagonal), space.alpha_M, atol=1e-12)
    np.testing.assert_allclose(np.diag(tridiagonal, 1), space.beta_M[:-1], atol=1e-12)
    node_M, _ = quadrature(space)
    np.testing.assert_allclose(node_M, np.linalg.eigvalsh(a_RR), atol=1e-12)


def test_no_eigenvalue_appears_twice_in_many_steps():
    # without orthogonalisation the top one is found again and again
    eigenvalue_R = np.concatenate([[100.0, 50.0], np.linspace(0, 1, 400)])
    node_M, _ = quadrature(lanczos(lambda v: eigenvalue_R * v, gaussian(402), 150))
    assert (node_M > 10).sum() == 2
    np.testing.assert_allclose(node_M[-2:], [50, 100], rtol=1e-13)


def test_few_different_eigenvalues_end_the_recursion():
    eigenvalue_R = np.repeat([-1.0, 0.0, 2.0], [5, 70, 25])
    start_R = gaussian(100)
    space = lanczos(lambda v: eigenvalue_R * v, start_R, 60)
    node_M, weight_M = quadrature(space)
    np.testing.assert_allclose(node_M, [-1, 0, 2], atol=1e-12)
    parts = [(start_R[eigenvalue_R == node] ** 2).sum() for node in (-1, 0, 2)]
    np.testing.assert_allclose(weight_M, parts / (start_R**2).sum(), rtol=1e-10)
    nothing = lanczos(lambda v: 0 * v, start_R, 60)
    assert nothing.alpha_M.tolist() == [0.0] and nothing.beta_M.tolist() == [0.0]


def test_quadrature_is_exact_for_polynomials():
    a_RR, start_R = symmetric(40, 1), gaussian(40)
    unit_R = start_R / np.linalg.norm(start_R)
    node_M, weight_M = quadrature(lanczos(lambda v: a_RR @ v, start_R, 6))
    for degree in range(12):
        expected = unit_R @ np.linalg.matrix_power(a_RR, degree) @ unit_R
        assert weight_M @ node_M**degree == pytest.approx(expected, rel=1e-10)


def test_sums_are_without_bias_and_exact_in_the_space():
    a_RR = symmetric(12, 2)
    space = lanczos(lambda v: a_RR @ v, gaussian(12), 5)
    probes_SR = gaussian(40_000, 12, seed=3)
    one = np.array([sums(lambda v: a_RR @ v, space, p[None]) for p in probes_SR[:4000]])
    expected = np.trace(a_RR), (a_RR**2).sum()
    error = one.std(axis=0) / np.sqrt(len(one))
    assert (np.abs(one.mean(axis=0) - expected) < 4 * error).all()
    whole = lanczos(lambda v: a_RR @ v, gaussian(12), 12)
    for probes in (probes_SR[:3], probes_SR[:0]):
        found = sums(lambda v: a_RR @ v, whole, probes)
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_numbers_of_a_known_spectrum():
    spectrum = whole_spectrum(np.diag([4.0, 2.0, -0.02, 0.001]))
    assert spectrum.top == 4
    assert participation(spectrum) == pytest.approx(5.981**2 / 20.000401)
    found = share_below(spectrum, [1e-4, 1e-3, 1e-2, 0.6])
    np.testing.assert_array_equal(found, [0, 0.25, 0.5, 0.75])
    leaning = whole_spectrum(np.array([[0.0, 2.0], [0.0, 0.0]]))
    assert leaning.top == pytest.approx(1), "the symmetric part alone counts"
    assert np.isnan(participation(whole_spectrum(np.zeros((3, 3)))))
    assert np.isnan(share_below(whole_spectrum(-np.eye(3)), [0.1])).all()


@pytest.mark.parametrize("seed", range(3))
def test_how_near_an_estimate_comes(seed, like_the_flipflop):
    whole = np.sort(like_the_flipflop)
    found = of_known(like_the_flipflop, seed, steps=100)
    assert found.top == pytest.approx(whole[-1], rel=1e-12)
    ratio = whole.sum() ** 2 / (whole**2).sum()
    assert ratio == pytest.approx(22, abs=1)
    assert participation(found) == pytest.approx(ratio, rel=0.01)
    shares = [(np.abs(whole) < mu * whole[-1]).mean() for mu in MUS]
    error = np.abs(share_below(found, MUS) - shares)
    assert (error[3:] < 0.02).all(), error
    assert error[0] > 0.1, "it is said to be of no use at 1e-7"


def test_the_largest_is_never_overestimated():
    a_RR = symmetric(200, 5)
    top = np.linalg.eigvalsh(a_RR)[-1]
    drawn_SR = gaussian(3, 200)
    tops = [
        estimated_spectrum(lambda v: a_RR @ v, drawn_SR, drawn_SR[:0], steps).top
        for steps in (3, 10, 30, 100)
    ]
    assert tops == sorted(tops) and tops[-1] == pytest.approx(top, rel=1e-9)
    assert all(found <= top * (1 + 1e-12) for found in tops) and tops[0] < 0.97 * top
