"""The panels of fixed points: read back from the artists, against planted networks."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.optimize import brentq

import popnet as pn
from popnet.core.cell import pick
from popnet.engine.phase_portrait import phase_portrait
from popnet.measures import MEASURES
from popnet.report import write_report
from popnet.report.phase_portraits import SADDLE, STABLE, UNSTABLE, phase_portraits
from popnet.report.population import load
from popnet.report.style import house_style
from popnet.store.parameters import tensors_of

UNITS = 10
FLIPFLOP = {
    "name": "flipflop",
    "bits": 1,
    "pulse": 0.1,
    "pulse_s": 0.01,
    "trial_s": 0.3,
}
DOTS = {"name": "random_dots", "stimulus_s": 0.2, "response_s": 0.05}


def planted(task, gain=1.5):
    """Three networks with W = gain u u' / N: x = +- a u and 0, a = gain tanh a."""
    nets = pn.draw(
        task, rule="bptt", networks=3, seed=2, network={"units": UNITS, "dt_s": 0.01}
    )
    u = torch.from_numpy(np.random.default_rng(1).choice([-1.0, 1.0], UNITS))
    w_PNN = (gain * torch.outer(u, u) / UNITS).float().expand(3, -1, -1).clone()
    params = nets.params._replace(w_PNN=w_PNN, bias_PN=0 * nets.params.bias_PN)
    return nets._replace(params=params)


@pytest.fixture
def recorded_run(make_run):
    """A run of these networks, as if they had been trained."""

    def make(nets, asked=True, **more):
        keys = [member.key for member in nets.members]
        members = dict(zip(keys, nets.members, strict=True))

        def network(key):
            one = pick(nets.params, torch.tensor([keys.index(key)]))
            return SimpleNamespace(final=tensors_of(one))

        run = make_run(grid={}, networks=len(keys), **more)
        run.networks["key"] = keys
        run.find, run.network = members.__getitem__, network
        measure = MEASURES["fixed_points"].settings()
        after = run.sweep.after.model_copy(
            update={"measures": (measure,) if asked else ()}
        )
        run.sweep.after = after
        return run

    return make


def section_of(run):
    with house_style():
        return phase_portraits(load(run))


def marks(axes, kind):
    (line,) = [one for one in axes.get_lines() if one.get_label() == kind.words]
    return np.column_stack(line.get_data())


def test_a_bistable_network_shows_two_stable_points_around_a_saddle(recorded_run):
    nets = planted(FLIPFLOP)
    (drawing,) = section_of(recorded_run(nets)).drawings
    panels = drawing.figure.axes
    assert len(panels) == 3
    a = brentq(lambda a: a - 1.5 * np.tanh(a), 0.1, 5)
    for axes in panels:
        stable, saddle = marks(axes, STABLE), marks(axes, SADDLE)
        assert len(stable) == 2 and len(saddle) == 1
        assert len(marks(axes, UNSTABLE)) == 0
        np.testing.assert_allclose(stable.mean(axis=0), saddle[0], atol=1e-6)
        apart = np.linalg.norm(stable[0] - stable[1])
        # a projection shortens 2 |a u|, and not by much: u is where the task moves
        assert 0.5 < apart / (2 * a * UNITS**0.5) < 1 + 1e-5


def test_the_points_are_those_of_the_measure(recorded_run):
    nets = planted(DOTS)
    every = np.array(nets.members[0].config.task.rest_inputs)
    one = pick(nets.params, torch.tensor([0]))
    found = phase_portrait(nets.members[0], one, every, 100)
    by_hand = pn.fixed_points(nets, trials=10)[0]
    assert [p.signature for p in found.points_L] == [p.signature for p in by_hand]
    shown = section_of(recorded_run(nets)).drawings
    assert [d.name for d in shown] == [f"portraits_{i}" for i in (1, 2, 3)]
    # 5 of 11 levels of evidence, the middle one among them, each in a panel
    titles = [axes.get_title(loc="left") for axes in shown[0].figure.axes]
    assert len(titles) == 5 and titles[2] == "no input"
    assert "5 of the 11" in shown[0].caption


def test_the_plane_is_that_of_the_first_two_components():
    nets = planted(DOTS)
    one = pick(nets.params, torch.tensor([0]))
    found = phase_portrait(nets.members[0], one, np.zeros((1, 1)), 10)
    z_S2 = found.z_BS2.reshape(-1, 2)
    np.testing.assert_allclose(z_S2.mean(axis=0), 0, atol=1e-9)
    covariance = np.cov(z_S2.T)
    assert abs(covariance[0, 1]) < 1e-9 and covariance[0, 0] > covariance[1, 1]
    assert found.explained_2.sum() <= 1 + 1e-12
    # runs go to the stable points: their ends lie on them
    ends, points = found.run_LRS2[0, :, -1], found.point_LF2[0]
    away = np.linalg.norm(ends[:, None] - points[found.points_L[0].stable_F], axis=2)
    assert np.median(away.min(axis=1)) < 0.05


def test_there_is_no_section_unless_it_is_asked_for(recorded_run):
    nets = planted(FLIPFLOP)
    run = recorded_run(nets, asked=False)
    assert section_of(run) is None
    assert 'id="fixed-points"' not in write_report(run).read_text(encoding="utf-8")


def test_networks_that_did_not_learn_are_not_drawn(recorded_run):
    nets = planted(FLIPFLOP)
    run = recorded_run(nets, failed={(0, 1): "diverged"})
    (drawing,) = section_of(run).drawings
    assert len(drawing.figure.axes) == 2
    assert nets.members[1].key not in drawing.caption
    page = write_report(run).read_text(encoding="utf-8")
    assert 'id="fixed-points"' in page
    assert (run.folder / "report/figures/portraits.png").exists()
