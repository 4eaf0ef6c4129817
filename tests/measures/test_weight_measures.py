"""Measures of weights that are known by hand."""

import numpy as np
import pytest

from popnet.measures import MEASURES, WeightsSeen


def of_weights(name, initial, final, tau=(0.1,), unit=None):
    measure = MEASURES[name]
    seen = WeightsSeen(np.asarray(initial), np.asarray(final), np.asarray(tau), unit)
    return measure.of(measure.settings(), seen)


def radius(w):
    return of_weights("spectral_radius", 0 * w, w)


def change(before, after):
    return of_weights("weight_change", before, after)


def random_weights(units, seed):
    return np.random.default_rng(seed).standard_normal((units, units))


def test_spectral_radius_of_known_matrices():
    turn = 2 * np.array([[0, -1], [1, 0]], np.float32)  # eigenvalues +-2i
    assert radius(turn) == pytest.approx(2)
    assert radius(np.diag([0.5, -3, 1]).astype(np.float32)) == pytest.approx(3)
    nilpotent = np.array([[0, 1], [0, 0]], np.float32)
    assert radius(nilpotent) == 0


def test_spectral_radius_of_random_networks_is_the_gain():
    # circular law: g (1 + O(1 / sqrt N))
    w = (1.5 / np.sqrt(300) * random_weights(300, 0)).astype(np.float32)
    assert radius(w) == pytest.approx(1.5, rel=0.1)


def test_weight_change_by_hand():
    before = np.array([[3, 0], [0, 4]], np.float32)
    after = before + np.array([[0, 1], [0, 0]], np.float32)
    assert change(before, after) == pytest.approx(1 / 5)
    assert change(before, before) == 0
    assert np.isnan(change(0 * before, after))


def test_the_time_constant_is_that_of_the_unit_that_is_read_out():
    w, tau = np.eye(3), np.array([0.1, 0.2, 0.3], np.float32)
    assert of_weights("output_tau_s", w, w, tau, 1) == np.float32(0.2)
    assert np.isnan(of_weights("output_tau_s", w, w, tau))
