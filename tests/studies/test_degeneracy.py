"""Claims on degeneracy: planted true, planted false, and where there is nothing."""

import json
import warnings
from functools import cache

import numpy as np
import pandas as pd
import pytest
from helpers.made_up_degeneracy import (
    TIMES,
    MadeUpDegeneracy,
    conditions,
    register,
)
from scipy.stats import linregress

from popnet.canonical import settings_text
from popnet.catalogue import load_sweep
from popnet.engine.evaluate import common_trials
from popnet.report.style import house_style
from popnet.runs.columns import flattened
from popnet.studies import STUDIES
from popnet.studies.degeneracy.claims import EVERY, STATEMENTS
from popnet.studies.degeneracy.controls import effect
from popnet.studies.degeneracy.estimates import deviation, mean, pair_mean
from popnet.studies.degeneracy.factor_figures import condition_interval
from popnet.studies.degeneracy.factors import FACTORS, families
from popnet.studies.degeneracy.map_figures import compared, scaled
from popnet.studies.degeneracy.mechanism import STATES, modes_of_network
from popnet.studies.degeneracy.quantities import QUANTITIES, RELATIVE_SCALE
from popnet.studies.degeneracy.tables import NULLS, read
from popnet.studies.degeneracy.trends import trend
from popnet.studies.study import judged

STUDY = STUDIES["degeneracy"]


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    out = tmp_path_factory.mktemp("degeneracy")

    @cache
    def make(truth="true", failing=()):
        return read(MadeUpDegeneracy(out, truth, failing=failing))

    with pytest.MonkeyPatch.context() as patch:
        register(patch)
        yield make


def verdicts_of(tables):
    return {f.claim: f.verdict for f in judged(STUDY, tables, experiments=20)}


def test_every_claim_holds_where_it_is_planted(tables):
    found = verdicts_of(tables("true"))
    assert {c for c, verdict in found.items() if verdict != "holds"} == set()
    assert len(found) == len(STATEMENTS) > 60


def test_no_claim_holds_where_its_opposite_is_planted(tables):
    found = verdicts_of(tables("false"))
    assert set(found.values()) == {"does not hold"}


def test_no_claim_holds_where_there_is_nothing(tables):
    found = list(verdicts_of(tables("null")).values())
    assert "holds" not in found
    # most are known well enough to be denied
    assert found.count("does not hold") > len(found) / 2


def test_the_slope_is_least_squares_of_log2_and_comes_back_as_planted(tables):
    made = tables("true")
    family = made.family("gamma", "sines")
    assert family is not None and family.levels == (0.25, 1.0, 4.0)
    found = trend(made, family, "dynamics")
    line = linregress([-2, 0, 2], np.log2(found.whole_K))
    assert found.effect.value == pytest.approx(line.slope, abs=0.01)
    planted = -TIMES * QUANTITIES["dynamics"].smallest
    assert found.effect.value == pytest.approx(planted, abs=0.02)
    assert found.effect.low < planted < found.effect.high
    assert found.effect.n == 20
    drawn = trend(made, family, "dynamics_drawn")
    assert drawn.effect.value == pytest.approx(0, abs=0.02)


def test_a_change_over_a_factor_is_the_slope_times_its_range(tables):
    made = tables("true")
    family = made.family("gamma", "sines")
    one, whole = trend(made, family, "behaviour"), effect(made, family, "behaviour")
    assert whole.value == pytest.approx(4 * one.effect.value)
    assert whole.low == pytest.approx(4 * one.effect.low)


def test_intervals_are_of_networks_never_of_pairs(tables):
    made = tables("true")
    cell = made.cells[made.family("gamma", "sines").conditions[0]]
    source = QUANTITIES["dynamics"].source
    found = source.of(cell)
    low, high = condition_interval(
        found.whole, list(found.without.values()), QUANTITIES["dynamics"]
    )
    value = source.rows(cell)["value"].to_numpy()
    naive = value.std() / np.sqrt(len(value)) * 2 * 1.96
    assert low < found.whole < high
    assert high - low > 2 * naive


def test_estimates_without_a_network_are_those_of_the_others():
    random = np.random.default_rng(4)
    seeds, value = np.arange(3, 12), random.lognormal(size=9)
    for estimate, plain in ((mean, np.mean), (deviation, np.std)):
        found = estimate(seeds, value)
        assert found.whole == pytest.approx(plain(value))
        for place, seed in enumerate(seeds):
            assert found.without[seed] == pytest.approx(plain(np.delete(value, place)))
    rows = [
        {"seed_a": a, "seed_b": b, "value": random.random()}
        for a in seeds
        for b in seeds
        if a < b
    ]
    pairs = pd.DataFrame(rows)
    found = pair_mean(pairs)
    assert found.whole == pytest.approx(pairs["value"].mean())
    for seed in seeds:
        others = pairs[(pairs["seed_a"] != seed) & (pairs["seed_b"] != seed)]
        assert found.without[seed] == pytest.approx(others["value"].mean())


def test_a_network_that_failed_is_counted_and_compared_with_none(tables):
    whole = tables("true")
    lost = whole.family("gamma", "sines").conditions[2]
    made = tables("true", failing=(lost,))
    assert len(made.of(lost)) == 20 and made.cells[lost].networks.empty
    assert made.cells[lost].pairs.empty
    found = trend(made, made.family("gamma", "sines"), "dynamics")
    assert found.levels == (0.25, 1.0) and found.left_out == (4.0,)
    claim = next(c for c in STATEMENTS if c.name == "gamma_dynamics_sines")
    note = claim.judge(made, claim.smallest).note
    assert "fewer than 4 networks that met their criterion: 4." in note
    both = whole.family("channels", "path_integration").conditions
    made = tables("true", failing=both[:1])
    claim = next(
        c for c in STATEMENTS if c.name == "channels_dynamics_path_integration"
    )
    assert verdicts_of(made)[claim.name] == "undecided"


def test_what_is_mechanical_stands_beside_the_claims_on_weights(tables):
    made = tables("true")
    for task in EVERY:
        claim = next(c for c in STATEMENTS if c.name == f"width_weights_paper_{task}")
        note = claim.judge(made, claim.smallest).note
        assert "As drawn: " in note and "Relative to unrelated matrices" in note


def test_a_family_varies_one_setting_alone():
    rows = conditions()
    found = {(f.factor.name, f.task): f for f in families(rows)}
    assert len(found) == 3 * len(EVERY) + 4
    about = rows.set_index("condition")
    settings = [c for c in about if c != "rule.learning_rate"]
    for family in found.values():
        own = about.loc[list(family.conditions), settings].astype(str)
        (varied,) = [c for c in own if own[c].nunique() > 1]
        assert varied in family.factor.paths
        assert list(family.levels) == sorted(family.levels)
    assert list(found["nuclear", "delayed_discrimination"].x) == [0, 1, 2]
    assert found["width", "flipflop"].levels == (32, 64, 128)
    # the widths stand at the middle gamma, and nowhere else
    assert found["width", "flipflop"].conditions[1] in (
        found["gamma", "flipflop"].conditions[1],
    )


def test_flat_distances_are_shown_as_they_are_by_classical_scaling():
    place = np.random.default_rng(2).normal(size=(7, 2))
    apart = np.linalg.norm(place[:, None] - place[None], axis=-1)
    found, share = scaled(apart)
    again = np.linalg.norm(found[:, None] - found[None], axis=-1)
    assert np.allclose(again, apart) and share == pytest.approx(1)


def test_maps_carry_the_certificates(tables):
    found = compared(tables("true"))
    assert len(found) == len(conditions())
    assert all(one.certainty == pytest.approx(0.6) for one in found)
    assert all(one.distance_SS.shape == (20, 20) for one in found)


def test_figures_draw_every_condition_and_tables_have_a_row_for_each(tables):
    made = tables("true")
    with house_style(), warnings.catch_warnings():
        warnings.simplefilter("error")
        sections = {name: make(made) for name, make in STUDY.sections().items()}
        for section in sections.values():
            for drawing in section.drawings:
                drawing.figure.draw_without_rendering()
    assert len(sections["factors"].drawings) == 7
    assert [d.name for d in sections["solutions"].drawings] == [
        "solutions",
        "solutions_2",
    ]
    assert sections["numbers"].body.count("<tr") == 1 + len(conditions())
    assert sections["controls"].body.count("<tr") == 1 + len(made.families)
    first = sections["factors"].drawings[3].figure.axes[0]  # gamma, dynamics
    lines = [a for a in first.get_lines() if a.get_label() == "sines"]
    family = made.family("gamma", "sines")
    values = [
        QUANTITIES["dynamics"].source.of(made.cells[c]).whole for c in family.conditions
    ]
    assert np.allclose(lines[0].get_ydata(), values)


def test_a_run_without_comparisons_has_sections_in_words(tmp_path, monkeypatch):
    register(monkeypatch)
    run = MadeUpDegeneracy(tmp_path)
    run.comparison_rows = run.comparison_rows.iloc[:0]
    run.evaluation_rows = run.evaluation_rows.iloc[:0]
    made = read(run)
    with house_style():
        for make in STUDY.sections().values():
            make(made)
    found = verdicts_of(made)
    assert {v for c, v in found.items() if "dynamics" in c} == {"undecided"}


def test_modes_are_of_the_first_networks_of_every_condition(tables):
    modes = tables("true").modes
    counts = modes.groupby("condition")["key"].nunique()
    assert set(counts) == {3} and len(counts) == len(conditions())
    for _, own in modes.groupby("key"):
        assert list(own["rank"]) == [1, 2, 3, 4, 5, 6]
        assert np.all(np.diff(own["modulus"]) <= 1e-12)
        assert own["input_overlap"].between(0, 1).all()


def test_modes_of_a_network_are_those_of_a_slow_plain_loop(tmp_path):
    network = MadeUpDegeneracy(tmp_path, seeds=4).network("c0-00")
    found = modes_of_network(network)
    config, arrays = network.config, network.final
    w, dt_s = arrays["recurrent"].astype(float), config.network.dt_s
    trials, _ = common_trials(config.task, STATES, dt_s, 0)
    moduli = []
    for inputs in trials.input_BTI:
        x = np.zeros(len(w))
        for u in inputs:
            drive = w @ np.tanh(x) + arrays["input"] @ u + arrays["bias"]
            x = x + dt_s / arrays["tau_s"] * (drive - x)
        slope = 1 - np.tanh(x) ** 2
        a = np.eye(len(w)) + (dt_s / arrays["tau_s"])[:, None] * (
            w * slope - np.eye(len(w))
        )
        moduli.append(np.sort(np.abs(np.linalg.eigvals(a)))[::-1][: len(found)])
    mean = np.mean(moduli, axis=0)
    assert [one["modulus"] for one in found] == pytest.approx(mean, rel=1e-4)
    times = [one["time_constant_s"] for one in found]
    assert times == pytest.approx(-dt_s / np.log(mean), rel=1e-2)


SIZES = {"quick": (38, 20), "paper": (68, 50)}


@pytest.mark.parametrize("scale", SIZES)
def test_the_sweeps_have_what_the_claims_need(scale):
    plan, _ = load_sweep(STUDY.scales[scale])
    assert (len(plan.conditions), plan.sweep.networks) == SIZES[scale]
    rows = [
        {"condition": str(i), **flattened(condition.config)}
        for i, condition in enumerate(plan.conditions)
    ]
    found = {(f.factor.name, f.task) for f in families(pd.DataFrame(rows))}
    assert {name for name, _ in found} == set(FACTORS)
    assert {("channels", task) for task in EVERY} <= found
    assert len([1 for name, _ in found if name == "gamma"]) >= 2
    # thresholds of the paper, in three epochs one after the other
    limits = {c.config.task.name: c.config.train.until.error for c in plan.conditions}
    assert list(limits.values()) == [0.001, 0.01, 0.05, 0.05]
    assert {c.config.train.until.in_a_row for c in plan.conditions} == {3}
    after = plan.sweep.after
    assert after.pairs == "condition" and after.sample == plan.sweep.networks
    asked = [(m.name, json.loads(settings_text(m))) for m in after.compare]
    for quantity in QUANTITIES.values():
        source = quantity.source
        if not hasattr(source, "metric"):
            continue
        fit = [given for name, given in asked if name == source.metric]
        nulls = {null: source.null == null for null in NULLS}
        fit = [g for g in fit if {n: g.get(n, False) for n in NULLS} == nulls]
        scales = [g.get("scale", RELATIVE_SCALE) for g in fit]
        assert source.scale in scales if source.scale else fit, quantity.words


REFUSED = {
    "no factor of degeneracy is varied alone": "grid: {network.gain: [1.0, 1.5]}\n",
    "differ in learning rate or trials alone": (
        "grid: {task.delay_s: [0.2, 0.4], rule.learning_rate: [0.001, 0.002]}\n"
    ),
    "no networks are compared": "grid: {task.delay_s: [0.2, 0.4]}\n",
}


@pytest.mark.parametrize("says", REFUSED)
def test_a_sweep_that_the_study_cannot_use_is_refused_in_words(says, tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text(
        "name: a\nseed: 1\nnetworks: 2\ntask: delayed_discrimination\nrule: bptt\n"
        f"train: {{trials: 500}}\n{REFUSED[says]}"
    )
    why = STUDY.refuse(load_sweep(path)[0])
    assert why is not None and says in why and "\n" not in why
