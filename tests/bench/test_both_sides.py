"""Both sides of the bench compute the same thing; if they did not, it would stop."""

import case
import cases_bptt
import cases_force
import numpy as np
import pytest
import timing
import today_numpy
import today_torch
from cases_hebbian import numpy_network
from cases_testing import IMPULSES, Frozen
from ours import HEBBIAN, Learners
from same import Different, same
from timing import SGEMM, Effort
from two_workers import gain

from popnet.core.kicks import dense
from popnet.tasks import flipflop, matching


def test_same_is_about_size_and_about_change():
    before = np.ones(100)
    same("w", before + 1e-3, before + 1.001e-3, before)
    with pytest.raises(Different, match=r"w: popnet's .* differ by 1.0e-03"):
        same("w", before, before * 1.001)
    # the whole agrees to 3e-5, what was learned does not at all
    with pytest.raises(Different, match="the change of"):
        same("w", before + 1e-5, before - 2e-5, before)
    with pytest.raises(Different):
        same("w", np.full(3, np.nan), np.ones(3))


def small_learners(preset):
    """40 units at 5 ms: trials of 200 steps, two of some types."""
    network = {"units": 40, "dt_s": 0.005}
    rule = {**HEBBIAN, "preset": preset}
    return Learners(1, 6, task={"name": "dnms"}, rule=rule, network=network)


@pytest.mark.parametrize("trace", ["cube", "product", "node_perturbation"])
def test_the_loop_in_numpy_learns_as_popnet_does(trace):
    preset = trace if trace == "node_perturbation" else "published_code"
    small = small_learners(preset)
    loop = numpy_network(small, 0, trace)
    trials = today_numpy.as_trials(small.episodes[0], dense)
    before = small.populations[0].params.w_PNN[0]
    small.step()
    for trial in trials:
        loop.learn(trial)
    after = small.populations[0].params.w_PNN[0]
    same("W", after, loop.w, before)
    loop.learn(trials[0])
    with pytest.raises(Different):
        same("W", after, loop.w, before)


@pytest.fixture
def quick(monkeypatch):
    """Without the machine's matrix products, which take seconds."""

    def with_sgemm(sides, effort):
        rounds = timing.interleaved(sides, effort)
        return {**rounds, SGEMM: [1.0] * effort.rounds}

    monkeypatch.setattr(case, "with_sgemm", with_sgemm)


def small_bptt():
    names = [getattr(cases_bptt, name) for name in ("RNN", "LOOP", "VMAP", "PLAIN")]
    claims = [(name, None, None) for name in [*names, SGEMM]]
    return cases_bptt.bptt(12, 4, 2, *claims).measure(Effort(1, 0.0))


@pytest.mark.usefixtures("quick")
def test_every_way_of_back_propagation_gives_the_same_weights():
    rows = small_bptt()
    assert len(rows) == 5
    assert all(row.ratio.median > 0 for row in rows)


@pytest.mark.usefixtures("quick")
def test_least_squares_in_numpy_and_in_place_give_popnets_readout(monkeypatch):
    monkeypatch.setattr(cases_force, "STEPS", 100)
    claims = [(name, None, None) for name in (cases_force.OUTER, cases_force.DGER)]
    rows = cases_force.force(*claims, units=20).measure(Effort(1, 0.0))
    assert [row.against for row in rows] == [claim[0] for claim in claims]


@pytest.mark.parametrize(
    ("name", "value"), [("RATE", 1.1e-3), ("CLIP", 1e-5)], ids=["rate", "clip"]
)
@pytest.mark.usefixtures("quick")
def test_another_way_of_back_propagation_stops_the_bench(monkeypatch, name, value):
    monkeypatch.setattr(today_torch, name, value)
    with pytest.raises(Different, match="Nothing was timed"):
        small_bptt()


def test_a_frozen_network_gives_the_same_outputs_in_torch():
    frozen = Frozen(per_type=1)
    w_PNN = frozen.jittered(0.1)
    outputs = frozen.popnet_alone(w_PNN)
    assert outputs.shape == (4, 1000)
    same("outputs", outputs, frozen.eager(w_PNN))
    same("outputs", outputs, frozen.eager(w_PNN, (0.0, 16.0)))
    for other in (frozen.eager(w_PNN, IMPULSES), frozen.eager(frozen.params.w_PNN)):
        with pytest.raises(Different):
            same("outputs", outputs, other)


def test_two_workers_gain_by_what_they_do_together():
    speeds = {(0,): 3.0, (1,): 5.0, (0, 1): 6.0}
    assert gain(lambda _, numbers: speeds[tuple(numbers)], "popnet") == 1.5


def test_the_trials_drawn_in_numpy_are_those_of_popnet():
    random = np.random.default_rng(0)
    for number in range(4):
        trial = today_numpy.dnms_trial(random, number, 7)
        theirs = matching.draw(matching.DNMS(), np.array([number]), 0.001, random)
        np.testing.assert_array_equal(trial.input_TI, theirs.input_BTI[0])
        assert trial.target == theirs.target_BTO[0, -1, 0]
        assert trial.scored == theirs.mask_BTO.sum()
    inputs, targets = today_numpy.flipflop_trials(random, 5, 60, 3)
    seen = flipflop.observe(flipflop.FlipFlop(), inputs, 0.001)
    np.testing.assert_array_equal(targets, seen)
    assert (inputs != 0).mean() == pytest.approx(0.3, abs=0.06)


def test_impulses_drawn_in_numpy_have_the_published_law():
    random = np.random.default_rng(0)
    kicks = np.stack(list(today_numpy.impulses(random, 2004, 500)))
    assert (kicks[:4] == 0).all()
    some = kicks[kicks != 0]
    # 1e6 chances of 0.003: 3,000 +- 55
    assert len(some) == pytest.approx(3000, abs=5 * 55)
    assert np.abs(some).max() <= 16 and np.abs(some).mean() == pytest.approx(8, rel=0.1)
