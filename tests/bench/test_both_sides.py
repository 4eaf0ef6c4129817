"""Both sides of the bench compute the same thing; if they did not, it would stop."""

from itertools import combinations

import dynamics
import numpy as np
import ours_bptt
import ours_force
import ours_hebbian
import ours_testing
import pytest
import representations
import today_dynamics
import today_force
import today_numpy
import today_testing
import today_torch
from processes import agree
from same import Different, same

from popnet.plan import TRIALS_AT_ONCE
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


def test_sides_that_computed_different_things_do_not_agree(tmp_path):
    ours, theirs = tmp_path / "ours.npz", tmp_path / "theirs.npz"
    one = np.ones(3)
    np.savez(ours, W=one, **{"W before": one - 1e-3})
    np.savez(theirs, W=one + 2e-5)
    with pytest.raises(Different, match="bench: W: the change of"):
        agree("bench", ours, theirs)
    np.savez(theirs, W=one + 2e-6)
    agree("bench", ours, theirs)
    np.savez(theirs)
    with pytest.raises(Different, match=r"popnet computed \['W'\], .* \[\]"):
        agree("bench", ours, theirs)


@pytest.fixture
def both(tmp_path):
    """Both sides as they are set up, in this process, and held to be the same."""

    def check(ours, theirs):
        np.savez(tmp_path / "ours.npz", **ours(tmp_path).computed)
        made = theirs(tmp_path)
        np.savez(tmp_path / "theirs.npz", **made.computed)
        agree("bench", tmp_path / "ours.npz", tmp_path / "theirs.npz")
        made.run()
        return made.units

    return check


def small_hebbian(preset, **more):
    """40 units in the published steps of 1 ms; ten trials, so two of each type."""
    network = {"units": 40, "dt_s": 0.001}
    return lambda folder: ours_hebbian.learning(
        folder, 1, preset, network=network, **more
    )


@pytest.mark.parametrize("trace", ["cube", "product", "node_perturbation"])
def test_the_loop_in_numpy_learns_as_popnet_does(both, trace):
    preset = trace if trace == "node_perturbation" else "published_code"
    ours = small_hebbian(preset)
    assert both(ours, lambda f: today_numpy.hebbian(f, trace)) == 1
    assert both(ours, lambda f: today_numpy.hebbian(f, trace, drawing=True)) == 1
    other = "cube" if trace == "node_perturbation" else "node_perturbation"
    with pytest.raises(Different):
        both(ours, lambda f: today_numpy.hebbian(f, other))


def small_bptt(folder, **more):
    return ours_bptt.learning(folder, 12, 4, 2, **more)


BACK_PROPAGATION = {
    "nn.RNN": lambda f: today_torch.one_by_one(f),
    "loop": lambda f: today_torch.one_by_one(f, leaky=True),
    "drawing": lambda f: today_torch.one_by_one(f, drawing=True),
    "vmap": lambda f: today_torch.at_once(f),
    "plain": lambda f: ours_bptt.stacked(f, 12, 4, 2),
}


@pytest.mark.parametrize("way", BACK_PROPAGATION)
def test_every_way_of_back_propagation_gives_the_same_weights(both, way):
    assert both(small_bptt, BACK_PROPAGATION[way]) == 2


@pytest.mark.parametrize(
    ("name", "value"), [("RATE", 1.1e-3), ("CLIP", 1e-5)], ids=["rate", "clip"]
)
@pytest.mark.parametrize("way", ["nn.RNN", "vmap"])
def test_another_rate_or_clip_stops_the_bench(both, monkeypatch, name, value, way):
    monkeypatch.setattr(today_torch, name, value)
    with pytest.raises(Different, match="Nothing was timed"):
        both(small_bptt, BACK_PROPAGATION[way])


def small_force(folder):
    return ours_force.learning(folder, 20, steps=100)


@pytest.mark.parametrize("way", ["common", "outer", "in_place", "dger"])
def test_least_squares_in_numpy_gives_popnets_readout_and_p(both, monkeypatch, way):
    assert both(small_force, lambda f: today_force.force(f, way)) == 100
    update = today_force.update_of(way)
    monkeypatch.setattr(
        today_force, "update_of", lambda _: lambda p, k, c: update(p, k, 0.999 * c)
    )
    with pytest.raises(Different):
        both(small_force, lambda f: today_force.force(f, way))


def small_testing(folder):
    return ours_testing.testing(folder, False, per_type=1)


@pytest.mark.parametrize("drawing", [False, True])
def test_a_frozen_network_gives_the_same_outputs_in_torch(both, monkeypatch, drawing):
    assert both(small_testing, lambda f: today_testing.testing(f, drawing)) == 24
    whole = today_testing.tested
    pushed = lambda *given: whole(*given[:-1], today_testing.IMPULSES)  # noqa: E731
    monkeypatch.setattr(today_testing, "tested", pushed)
    with pytest.raises(Different):
        both(small_testing, lambda f: today_testing.testing(f, drawing))


@pytest.mark.parametrize("norms", [False, True])
def test_the_formula_pair_by_pair_gives_the_same_cka(both, monkeypatch, norms):
    def ours(folder):
        return representations.at_once(folder, 5, 40, 12)

    def theirs(folder):
        return representations.pair_by_pair(folder, norms)

    assert both(ours, theirs) == 10
    with_mean = lambda x: x @ (np.eye(12) - 1 / 12)  # noqa: E731
    given = representations.given
    monkeypatch.setattr(
        representations,
        "given",
        lambda folder: {"rates_PSN": with_mean(given(folder)["rates_PSN"])},
    )
    with pytest.raises(Different, match="differ by"):
        both(ours, theirs)


def test_a_minimum_may_be_lower_than_the_alternatives_and_never_higher(tmp_path):
    ours, theirs = tmp_path / "ours.npz", tmp_path / "theirs.npz"
    minima = np.array([0.1, 0.2])
    np.savez(theirs, **{"distance at most": minima})
    for fine in (minima - 0.05, minima + 9e-5):
        np.savez(ours, **{"distance at most": fine})
        agree("bench", ours, theirs)
    for wrong in (minima + np.array([0, 2e-4]), minima * np.array([1, np.nan])):
        np.savez(ours, **{"distance at most": wrong})
        with pytest.raises(Different, match="is higher than the alternative's by"):
            agree("bench", ours, theirs)


def shifted(monkeypatch, name, change):
    """The package is given other arrays than popnet had."""
    given = today_dynamics.given
    monkeypatch.setattr(
        today_dynamics, "given", lambda f: {**given(f), name: change(given(f)[name])}
    )


def test_the_packages_fit_has_popnets_singular_values(both, monkeypatch):
    def ours(folder):
        return dynamics.fitted(folder, 3, 6)

    assert both(ours, today_dynamics.fitted) == 3
    shifted(monkeypatch, "rates_PBTN", lambda x: x[:, :-1])
    with pytest.raises(Different, match="singular values"):
        both(ours, today_dynamics.fitted)


def test_the_package_finds_no_lower_minimum(both, monkeypatch):
    def ours(folder):
        return dynamics.aligned(folder, 4, 6)

    def theirs(folder):
        return today_dynamics.aligned(folder, 300)

    assert both(ours, theirs) == 1
    # of an operator with itself the minimum is 0, lower than that of two
    shifted(monkeypatch, "operators_M2RR", lambda x: x[:, [0, 0]])
    with pytest.raises(Different, match="distance at most: popnet's minimum is higher"):
        both(ours, theirs)


def test_parts_of_all_pairs_are_all_pairs(tmp_path, monkeypatch):
    metric, settings, subjects, made = dynamics._prepared(
        "dsa", 5, 6, score="euclidean", starts=1
    )
    number = {id(one): place for place, one in enumerate(made)}
    seen = []

    class Counting:
        def compare(self, settings, a, b):
            pairs = zip(a, b, strict=True)
            seen.append([(number[id(x)], number[id(y)]) for x, y in pairs])
            return metric.compare(settings, a, b)

    again = (Counting(), settings, subjects, made)
    monkeypatch.setattr(dynamics, "_prepared", lambda *_, **__: again)
    part = dynamics.aligned(tmp_path, parts=3)
    seen.clear()
    for _ in range(3):
        part.run()
    assert {len(pairs) for pairs in seen} == {part.units} == {4}
    assert {pair for pairs in seen for pair in pairs} == set(combinations(range(5), 2))


def test_the_packages_input_dsa_has_popnets_states(both, monkeypatch):
    def ours(folder):
        return dynamics.driven(folder, 4, 6)

    assert both(ours, today_dynamics.driven) == 6
    shifted(monkeypatch, "systems_M2RS", lambda x: x[:, [0, 0]])
    with pytest.raises(Different, match="state"):
        both(ours, today_dynamics.driven)


def test_popnet_trains_on_with_drawing_and_criterion(tmp_path):
    for made, units in (
        (small_hebbian("published_code", drawing=True)(tmp_path), TRIALS_AT_ONCE),
        (small_bptt(tmp_path, drawing=True), 20),
        (small_force(tmp_path), 100),
    ):
        made.run()
        assert made.units == units


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
    impulses = np.stack(list(today_numpy.impulses(random, 2004, 500)))
    assert (impulses[:4] == 0).all()
    some = impulses[impulses != 0]
    # 1e6 chances of 0.003: 3,000 +- 55
    assert len(some) == pytest.approx(3000, abs=5 * 55)
    assert np.abs(some).max() <= 16 and np.abs(some).mean() == pytest.approx(8, rel=0.1)
