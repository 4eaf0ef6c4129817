"""Metrics of networks at rest, on made-up networks whose fixed points are known."""

import time

import numpy as np
import pytest
import torch
from numpy.random import default_rng

from popnet.analysis import topology as graphs
from popnet.config import ConfigError
from popnet.core.cell import Cell, Params
from popnet.dynamics.at_rest import AtRest
from popnet.dynamics.connections import topologies
from popnet.dynamics.points import points
from popnet.dynamics.starts import Visited
from popnet.folder_comparison import has_data
from popnet.formats import read_folder
from popnet.metrics import METRICS, Subject
from popnet.testing.networks_at_rest import made_at_rest, renamed
from popnet.work import pending

NAMES = ("topology", "neighbour_inputs")
UNITS = 6


def along(gain, levels=(0.0,)):
    """W = gain u u' / N and inputs along u: x = c u with c = gain tanh c + input."""
    one_N = torch.ones(1, UNITS, dtype=torch.float64)
    w_PNN = gain * torch.ones(1, UNITS, UNITS, dtype=torch.float64) / UNITS
    params = Params(
        w_PNN, one_N[..., None], one_N[:, None], 0 * one_N, 0.1 * one_N, one_N,
        0 * one_N, None, None,
    )  # fmt: skip
    states = Visited(default_rng(0).standard_normal((20, UNITS)), 2.0)
    input_LI = np.array(levels)[:, None]
    return Subject(
        rest=AtRest(params, Cell(0.01, "tanh", (), None), states, input_LI, False)
    )


def metric(name, **settings):
    entry = METRICS[name]
    return entry, entry.settings(name=name, **settings)


def apart(name, one, other, **settings):
    entry, chosen = metric(name, **settings)
    return float(
        entry.compare(chosen, *([entry.prepare(chosen, s)] for s in (one, other)))[0]
    )


def graph(subject, **settings):
    entry, chosen = metric("topology", **settings)
    return entry.prepare(chosen, subject)["graph_E4"].tolist()


# --- topology ------------------------------------------------------------------------


def test_one_point_and_three_with_a_saddle_by_its_index():
    """Rows are (input, index, -2, points) and (input, from, to, ways)."""
    assert graph(along(0.8)) == [[0, 0, -2, 1]]
    assert graph(along(1.5)) == [[0, 0, -2, 2], [0, 1, -2, 1], [0, 1, 0, 2]]
    assert graph(along(1.5), connections=False) == [[0, 0, -2, 2], [0, 1, -2, 1]]


def test_the_distance_by_hand_is_a_mean_over_inputs():
    """A stable point more, a saddle and two ways; under a strong input nothing."""
    assert apart("topology", along(0.8), along(1.5)) == 4
    assert apart("topology", along(0.8), along(1.5), connections=False) == 2
    both = (along(gain, (0.0, 3.0)) for gain in (0.8, 1.5))
    assert apart("topology", *both) == 2


def test_it_is_the_distance_of_the_analysis():
    entry, settings = metric("topology", starts=30)
    made = [made_at_rest(default_rng(seed), 8) for seed in range(4)]
    prepared = [entry.prepare(settings, Subject(rest=rest)) for rest in made]
    known = []
    for one in made:
        found = points(one.params, one.cell, one.states, one.input_LI, 30)
        known.append(topologies(one.params, one.cell, found, one.states.spread))
    one, other = np.triu_indices(4, 1)
    found = entry.compare(
        settings, [prepared[i] for i in one], [prepared[j] for j in other]
    )
    expected = graphs.distances(known)[one, other]
    assert found == pytest.approx(expected) and expected.max() > 0


def test_sixty_thousand_pairs_take_seconds():
    entry, settings = metric("topology")
    random = default_rng(0)
    prepared = [
        {
            "graph_E4": np.array([
                [level, index, end, random.integers(1, 4)]
                for level in range(22) for index, end in ((0, -2), (1, -2), (1, 0))
            ]),
            "inputs": np.array([22]),
        }
        for _ in range(347)
    ]  # fmt: skip
    one, other = np.triu_indices(347, 1)
    start = time.perf_counter()
    found = entry.compare(
        settings, [prepared[i] for i in one], [prepared[j] for j in other]
    )
    assert time.perf_counter() - start < 20  # 0.2 s, and other programs run
    assert len(found) == 60_031 and np.isfinite(found).all()
    first = prepared[0]["graph_E4"][:, 3] - prepared[1]["graph_E4"][:, 3]
    assert found[0] == np.abs(first).sum() / 22


# --- neighbour inputs ----------------------------------------------------------------


def test_neighbours_by_hand():
    """One point per input, at c(u), so that neighbours are the next inputs.

    In the order 0, -1, 1, -2 ... -5, of 11 inputs of which the last is left out.
    """
    entry, settings = metric("neighbour_inputs")
    levels = tuple(np.arange(-5.0, 6.0))
    found = entry.prepare(settings, along(0.5, levels))
    assert found["points"].tolist() == [11]
    near_103 = found["evidence"].reshape(10, 3)
    assert near_103[:, 0].tolist() == [0, -1, 1, -2, 2, -3, 3, -4, 4, -5]
    for own, *others in near_103[1:9].tolist():
        assert sorted(np.abs(np.array(others) - own)) == [1, 1]
    assert sorted(near_103[9]) == [-5, -4, -3]


def test_the_distance_is_that_of_thirty_numbers():
    """Three points at each input are neighbours, or one at each is."""
    levels = tuple(np.linspace(-0.1, 0.1, 11))
    entry, settings = metric("neighbour_inputs")
    one, other = (entry.prepare(settings, along(g, levels)) for g in (0.5, 2.0))
    assert other["points"].tolist() == [33]
    own = other["evidence"].reshape(10, 3)[:, 0]
    assert own == pytest.approx([0] * 3 + [-0.02] * 3 + [0.02] * 3 + [-0.04], abs=1e-12)
    expected = np.sqrt(((one["evidence"] - other["evidence"]) ** 2).sum())
    found = entry.compare(settings, [one], [other])
    assert found == pytest.approx([expected]) and expected > 0.05


def test_fewer_than_ten_points_have_no_number():
    levels = tuple(np.linspace(-0.5, 0.5, 9))
    few, many = along(0.5, levels), along(0.5, tuple(np.linspace(-0.5, 0.5, 10)))
    assert np.isnan(apart("neighbour_inputs", few, few))
    assert apart("neighbour_inputs", many, many) == 0


# --- both ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_a_permuted_copy_is_no_other_network(name):
    one = made_at_rest(default_rng(3), 14)
    params = one.params._replace(w_PNN=one.params.w_PNN / 4)  # one point per input
    other = one._replace(params=params)
    labels = default_rng(5).permutation(14)
    assert apart(name, Subject(rest=one), Subject(rest=renamed(one, labels))) == 0
    assert apart(name, Subject(rest=one), Subject(rest=other)) > 0


@pytest.mark.parametrize("name", NAMES)
def test_a_network_that_diverged_has_no_number(name):
    one = along(0.5, tuple(np.linspace(-0.5, 0.5, 11)))
    assert one.rest is not None
    lost = Subject(rest=one.rest._replace(diverged=True))
    assert np.isnan(apart(name, one, lost)) and np.isnan(apart(name, lost, lost))


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_of_foreign_networks_is_refused_in_words(name, tmp_path):
    for seed in range(2):
        w_NN = default_rng(seed).standard_normal((5, 5))
        np.savez(tmp_path / f"net{seed}.npz", w_rec=w_NN)
    read = read_folder(tmp_path)
    _, settings = metric(name)
    assert not has_data(settings, read)
    from popnet.folder_comparison import _refuse_without_data

    with pytest.raises(ConfigError, match="only networks of popnet have"):
        _refuse_without_data(settings, read)


# --- a sweep -------------------------------------------------------------------------

SWEEP = {
    "task": {"name": "random_dots", "strongest": 0.2},
    "rule": {"name": "bptt"},
    "train": {"trials": 64, "until": None},
    "after": {"trials": 1, "compare": [{"name": n, "starts": 20} for n in NAMES]},
}


def test_a_sweep_has_a_table_of_finite_numbers(make_run, tmp_path):
    run = make_run(tmp_path, **SWEEP, grid=None, networks=4)
    table = run.comparisons()
    assert sorted(table["metric"].value_counts().items()) == sorted(
        (name, 6) for name in NAMES
    )
    assert np.isfinite(table["value"]).all() and (table["value"] >= 0).all()
    assert len([b for b in run.store.batches() if b.kind.startswith("prepared")]) > 0


def test_other_inputs_do_not_compare_but_other_noise_does(make_run, tmp_path):
    def asked(grid):
        run = make_run(tmp_path / next(iter(grid)), "trained", **SWEEP, grid=grid)
        known = pending.statuses(run)
        found = {
            (s.name, p) for s, some in pending.comparisons(run, known) for p in some
        }
        return len(run.networks), len(found)

    networks, pairs = asked({"task.strongest": [0.2, 0.4]})
    half = networks // 2
    assert pairs == len(NAMES) * 2 * half * (half - 1) // 2
    networks, pairs = asked({"task.sigma": [0.1, 0.5]})
    assert pairs == len(NAMES) * networks * (networks - 1) // 2
