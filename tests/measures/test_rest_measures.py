"""Measures of networks at rest, on made-up networks whose attractors are known."""

import numpy as np
import pytest
import torch

from popnet.core.cell import Cell, Params
from popnet.measures import MEASURES, NetworkSeen, NetworkTrials

DT_S, TAU_S = 0.01, 0.1
OF_POINTS = ("fixed_points", "stable_fixed_points", "line_attractors", "slowest_s")
AT_REST = (
    *OF_POINTS, "moving_attractors", "largest_exponent", "attractor_dimension",
)  # fmt: skip


def seen(w_NN, win_N=None, rest_LI=(), kept=None):
    """A network after training; its trials are short and begin anywhere."""
    w_PNN = torch.from_numpy(np.array(w_NN, dtype=np.float64))[None]
    n = w_PNN.shape[1]
    one_PN = torch.ones(1, n, dtype=torch.float64)
    win = np.zeros(n) if win_N is None else np.array(win_N, dtype=np.float64)
    params = Params(
        w_PNN, torch.from_numpy(win)[None, :, None], None, 0 * one_PN,
        TAU_S * one_PN, one_PN, 0 * one_PN, None, None,
    )  # fmt: skip
    random = np.random.default_rng(0)

    def trials(count):
        shape = (1, count, 5, 1)
        zero = torch.zeros(shape, dtype=torch.float64)
        x0 = torch.from_numpy(random.standard_normal((1, count, n)))
        return NetworkTrials(zero, zero, zero > -1, x0)

    cell = Cell(DT_S, "tanh", (), 0)
    return NetworkSeen(params, params, cell, trials, None, True, kept, rest_LI)


def number(name, network, **settings):
    measure = MEASURES[name]
    return measure.of(measure.settings(name=name, **settings), network)


def along(gain, units=6):
    """W = gain u u' / N: x = a u with a = gain tanh a."""
    return gain * np.ones((units, units)) / units


ROTOR = np.array([[1.6, -0.8], [0.8, 1.6]])


def test_a_bistable_network_has_three_points_of_which_two_are_stable():
    one, other = seen(along(0.8)), seen(along(1.5))
    assert [number("fixed_points", n) for n in (one, other)] == [1, 3]
    assert [number("stable_fixed_points", n) for n in (one, other)] == [1, 2]


def test_the_mean_over_rest_inputs():
    """A strong input leaves one of the three points."""
    network = seen(along(1.5), np.ones(6), ((0.0,), (2.0,), (-2.0,), (0.01,)))
    assert number("fixed_points", network) == (3 + 1 + 1 + 3) / 4
    assert number("stable_fixed_points", network) == (2 + 1 + 1 + 2) / 4


def test_the_largest_exponent_at_rest_and_on_a_cycle():
    expected = np.log(1 + DT_S / TAU_S * (0.8 - 1)) / DT_S
    assert number("largest_exponent", seen(along(0.8))) == pytest.approx(expected)
    assert number("largest_exponent", seen(ROTOR)) == pytest.approx(0, abs=0.05)


def test_the_slowest_direction_by_hand():
    """-1 + 0.8 along u; a saddle and a rotor have no stable point to measure."""
    expected = -DT_S / np.log(1 + DT_S / TAU_S * (0.8 - 1))
    assert number("slowest_s", seen(along(0.8))) == pytest.approx(expected)
    assert np.isnan(number("slowest_s", seen(ROTOR)))


def test_a_cycle_never_rests_and_has_one_dimension():
    assert number("moving_attractors", seen(ROTOR), starts=4) == 1
    assert number("moving_attractors", seen(along(1.5)), starts=4) == 0
    assert number("attractor_dimension", seen(ROTOR)) == pytest.approx(1, abs=0.01)
    assert number("attractor_dimension", seen(along(1.5))) == 0


def test_two_rotors_are_a_torus_of_two_dimensions():
    w_NN = np.zeros((4, 4))
    w_NN[:2, :2], w_NN[2:, 2:] = ROTOR, np.array([[1.7, -1.37], [1.37, 1.7]])
    found = number("attractor_dimension", seen(w_NN))
    assert found == pytest.approx(2, abs=0.01)


@pytest.mark.parametrize("name", AT_REST)
def test_a_network_that_diverged_has_no_number(name):
    w_NN = along(0.8)
    w_NN[0, 1] = np.nan
    assert np.isnan(number(name, seen(w_NN)))


def test_measures_share_what_they_found():
    kept = {}
    network = seen(along(1.5), kept=kept)
    for name in OF_POINTS:
        number(name, network)
    assert len(kept) == 1
    (key,) = kept
    kept[key] = None
    assert np.isnan(number("fixed_points", network)), "it was computed again"
    assert number("fixed_points", network, starts=10) == 3, "another question"


def test_a_sweep_that_asks_for_them_has_them_in_its_table(make_run, tmp_path):
    asked = [{"name": "fixed_points", "starts": 10}, "largest_exponent"]
    run = make_run(tmp_path / "runs", after={"trials": 1, "measures": asked}, grid=None)
    table = run.table()
    assert len(table) == 2 and np.isfinite(table["largest_exponent"]).all()
    (column,) = (name for name in table if name.startswith("fixed_points"))
    assert "starts" in column and (table[column] >= 0).all()
