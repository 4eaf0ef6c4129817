"""Claims on learning rules: planted true, planted false, and where there is nothing."""

import warnings
from functools import cache
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from helpers.made_up_rules import RULES, SEEDS, MadeUpRules, conditions

from popnet.report.style import house_style
from popnet.studies import STUDIES
from popnet.studies.rules import effects
from popnet.studies.rules.claims import JUDGED, SAID
from popnet.studies.rules.design import FACTORS, MATCHED, PUBLISHED, design
from popnet.studies.rules.distances import Distances
from popnet.studies.rules.estimates import of_pairs, of_seeds, slope
from popnet.studies.rules.geometry_figures import RELEASED
from popnet.studies.rules.layout import with_interval
from popnet.studies.rules.statements import APART
from popnet.studies.rules.tables import LEARNING, pairs_of, read
from popnet.studies.rules.topology_figures import saddles
from popnet.studies.rules.variance_shares import every_share, of_metric
from popnet.studies.rules.verdict_table import verdict_of
from popnet.studies.study import judged

STUDY = STUDIES["rules"]
MISSING = "Not in this sweep."


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    out = tmp_path_factory.mktemp("rules")

    @cache
    def make(truth="true", failing=(), **given):
        return read(MadeUpRules(out, truth, failing=failing, **given))

    return make


def findings(tables):
    return {f.claim: f for f in judged(STUDY, tables, experiments=20)}


def about_what_there_is(found):
    return {claim: f for claim, f in found.items() if f.note != MISSING}


def test_every_claim_holds_where_it_is_planted_and_the_sweep_has_it(tables):
    found = findings(tables("true"))
    there = about_what_there_is(found)
    assert {c for c, f in there.items() if f.verdict != "holds"} == set()
    assert len(found) == len(JUDGED) and len(there) == 45
    missing = {c: f for c, f in found.items() if c not in there}
    assert {f.verdict for f in missing.values()} == {"undecided"}
    # five and six contexts are not among its tasks
    assert all("_5_" in claim or "_6_" in claim for claim in missing)


def test_no_claim_holds_where_its_opposite_is_planted(tables):
    there = about_what_there_is(findings(tables("false")))
    verdicts = {claim: f.verdict for claim, f in there.items()}
    assert "holds" not in verdicts.values()
    # twelve seeds cannot always tell nothing from a tenth of networks
    sure = {v for c, v in verdicts.items() if not c.startswith("decoded")}
    assert sure == {"does not hold"}


def test_no_claim_holds_where_there_is_nothing(tables):
    found = [f.verdict for f in about_what_there_is(findings(tables("null"))).values()]
    assert "holds" not in found


def test_a_claim_without_its_conditions_says_so(tables):
    def one_rule(rows):
        return rows["rule.name"] == "bptt"

    there = about_what_there_is(findings(tables("true", only=one_rule)))
    assert set(there) == {c for c in there if "noise" in c} and len(there) == 6


def test_a_network_that_failed_is_compared_with_none_and_counts_as_slow(tables):
    whole = tables("true").design
    lost = whole.by_scale("n_context_2")["eprop"][1.5]
    base = whole.by_rule(MATCHED, "n_context_3")["genetic"]
    made = tables("true", failing=(lost, base))
    assert made.met(lost) == (0, SEEDS)
    assert not np.isfinite(made.distances("svcca").mean(lost, lost).whole)
    found = findings(made)
    note = found["geometry_by_rule_n_context_3_matched"].note
    assert "fewer than 4 networks" in note and "genetic, 3 contexts" in note
    assert found["geometry_by_rule_n_context_3_matched"].verdict == "holds"
    assert f"{SEEDS} of {3 * SEEDS} networks" in found["learning_by_scale_eprop"].note
    assert made.mean(LEARNING, lost).whole == 16
    assert np.isnan(made.scalar("accuracy", lost)).all()


def test_networks_without_distances_are_named(tmp_path):
    run = MadeUpRules(tmp_path)
    lost = design(run.rows).by_rule(MATCHED, "n_context_2")["genetic"]
    rows = run.comparison_rows
    own = rows["key_a"].str.startswith(f"{lost}-")
    own |= rows["key_b"].str.startswith(f"{lost}-")
    own &= rows["metric"] == "neighbour_inputs"
    rows.loc[own, "value"] = np.nan
    found = findings(read(run))
    note = found["neighbours_by_rule_n_context_2_matched"].note
    assert note == (
        "Left out, without distances of their networks: genetic, 2 contexts, noise "
        "0.5, scale 1."
    )
    assert found["topology_by_rule_n_context_2_matched"].note == ""


def block(seed, seeds=7):
    values = np.random.default_rng(seed).random((seeds, seeds))
    values[2, 4] = np.nan
    return values


def test_means_without_a_seed_are_those_of_the_other_seeds():
    values = block(3)
    found = of_pairs(values)
    for without in (None, *range(7)):
        kept = [
            values[a, b]
            for a in range(7)
            for b in range(7)
            if a != b and without not in (a, b) and np.isfinite(values[a, b])
        ]
        place = 0 if without is None else 1 + without
        assert found.value_D[place] == pytest.approx(np.mean(kept))
    own = np.array([1.0, 2.0, np.nan, 5.0])
    found = of_seeds(own)
    assert found.value_D == pytest.approx([8 / 3, 3.5, 3, 8 / 3, 1.5])
    assert sorted(found.values) == pytest.approx([1, 2, 5])
    line = slope([1, 2, 4], [of_seeds(own + 3 * x) for x in (1, 2, 4)])
    assert line.effect.value == pytest.approx(3)


def planted_distances(seeds=6):
    """Three conditions of points in a plane; networks of one seed lie close."""
    random = np.random.default_rng(5)
    shared = random.normal(size=(seeds, 2))
    place = {
        name: shared + 0.3 * random.normal(size=(seeds, 2)) + [off, 0]
        for name, off in (("a", 0.0), ("b", 1.0), ("c", 3.0))
    }
    blocks = {
        (one, other): np.linalg.norm(place[one][:, None] - place[other][None], axis=-1)
        for one in "abc"
        for other in "abc"
        if one <= other
    }
    for one in "abc":
        np.fill_diagonal(blocks[one, one], np.nan)
    return Distances(blocks, seeds), place


def test_separation_is_that_of_a_plain_loop_over_pairs_of_two_seeds():
    distances, place = planted_distances()
    found = distances.separation(list("abc"))
    for without in (None, *range(6)):
        kept = [s for s in range(6) if s != without]

        def mean(one, other, kept=kept):
            apart = [
                np.linalg.norm(place[one][s] - place[other][t])
                for s in kept
                for t in kept
                if s != t
            ]
            return np.mean(apart)

        w = np.mean([mean(one, one) for one in "abc"])
        b = np.mean([mean(*pair) for pair in combinations("abc", 2)])
        where = 0 if without is None else 1 + without
        assert found.value_D[where] == pytest.approx((b - w) / (b + w))
    labelled = distances.matrix(list("abc"))
    assert labelled.separation_of(labelled.label_P) == pytest.approx(found.whole)
    assert labelled.exchange_test(draws=199) == pytest.approx(1 / 200)


def test_a_network_without_distances_has_no_place():
    distances, _ = planted_distances()
    for one in "abc":
        pair = distances.blocks["a", one]
        pair[2, np.arange(6) != 2] = np.nan
        pair.T[2, np.arange(6) != 2] = pair.T[2, np.arange(6) != 2] * (
            np.nan if one == "a" else 1.0
        )
    labelled = distances.matrix(list("abc"))
    places = list(zip(labelled.label_P, labelled.seed_P, strict=True))
    assert len(places) == 17 and (0, 2) not in places


def test_equal_networks_are_not_separated_and_far_labels_are_wholly():
    flat = np.zeros((6, 6))
    np.fill_diagonal(flat, np.nan)
    blocks = {("a", "a"): flat, ("b", "b"): flat, ("a", "b"): np.zeros((6, 6))}
    assert Distances(blocks, 6).separation(["a", "b"]).whole == 0
    blocks["a", "b"] = np.ones((6, 6))
    assert Distances(blocks, 6).separation(["a", "b"]).whole == 1


def test_exchanges_within_seeds_find_nothing_where_there_is_nothing(tables):
    made = tables("null")
    found = []
    for task in made.design.tasks:
        own = list(made.design.by_rule(MATCHED, task).values())
        found.append(made.distances("svcca").matrix(own).exchange_test(draws=99))
    assert min(found) > 0.02 and max(found) > 0.2


def test_the_nearest_network_is_of_another_seed():
    distances, place = planted_distances()
    found = distances.decoded(list("abc"))
    names = [(one, s) for one in "abc" for s in range(6)]
    scores = {s: [] for s in range(6)}
    for one, s in names:
        others = [(o, t) for o, t in names if t != s]
        apart = [np.linalg.norm(place[one][s] - place[o][t]) for o, t in others]
        scores[s].append((others[int(np.argmin(apart))][0] == one) - 1 / 3)
    plain = [np.mean(own) for own in scores.values()]
    assert found.values == pytest.approx(plain)
    assert found.limits == pytest.approx((-1 / 3, 2 / 3))


def test_perfect_decoding_is_shown_though_no_seed_differs(tables):
    found = effects.decoded(tables("true"), "svcca", MATCHED, "n_context_2")
    assert found.whole == pytest.approx(5 / 6)
    assert 0.4 < found.effect.low < found.whole


def test_published_rules_are_compared_each_at_its_own_scale():
    found = design(conditions())
    published = found.by_rule(PUBLISHED, "n_context_2")
    assert set(published) == set(RULES)
    assert len({found.places[c].scale for c in published.values()}) == 4
    assert found.base(MATCHED, "n_context_2") == (0.5, 1.0)
    assert found.base(PUBLISHED, "n_context_2") == (0.5, None)
    assert list(found.by_noise("n_context_4")["bptt"]) == [0.1, 0.5, 1.0]
    assert found.by_noise("n_context_3") == {} == found.by_scale("n_context_4")
    assert set(found.by_scale("n_context_2")) == set(RULES) - {"genetic", "full_force"}


def test_families_differ_in_one_factor_alone():
    found = design(conditions())
    for factor in FACTORS:
        families = found.families(factor)
        assert families
        for family in families:
            places = [found.places[c]._asdict() for c in family]
            varied = {k for k in places[0] if len({p[k] for p in places}) > 1}
            assert varied - {"contexts"} == {factor}


def test_shares_of_variance_are_of_centres_and_networks_about_them(tables):
    made = tables("true")
    shares = every_share(made)
    # two conditions a doubling apart lie 1 apart in log2, noise 0.05 within
    rank = shares["rank of weight change, log2"]["rule"]
    family = next(f for f in made.design.families("rule") if len(f) == 6)
    y = [np.log2(made.scalar("weight_change_rank", c)) for c in family]
    centres, within = np.var([v.mean() for v in y]), np.mean([v.var(ddof=1) for v in y])
    centres -= within / SEEDS * 5 / 6
    assert rank.whole == pytest.approx(centres / (centres + within), abs=0.02)
    assert shares["fixed points"]["rule"].whole == pytest.approx(0, abs=0.06)
    assert shares["topology"]["rule"].whole == pytest.approx(0, abs=0.03)
    # squared ratio of mean distances, of six rules
    by_rule = of_metric(made, "svcca", "rule")
    assert 0.3 < by_rule.effect.low < by_rule.whole < by_rule.effect.high < 0.7
    assert not np.isfinite(shares["SVCCA"]["sigma"].whole)
    assert not np.isfinite(shares["topology"]["task"].whole)


def test_distances_and_numbers_have_one_share():
    from popnet.studies.rules import variance_shares

    random = np.random.default_rng(8)
    y = {c: random.normal(size=9) + off for c, off in (("a", 0), ("b", 1), ("c", 1))}
    blocks = {
        (a, b): np.abs(y[a][:, None] - y[b][None])
        for a in y for b in y if a <= b
    }  # fmt: skip

    class Made:
        seeds = range(9)

        class design:
            @staticmethod
            def families(_):
                return [list(y)]

        @staticmethod
        def distances(_):
            return Distances(blocks, 9)

        @staticmethod
        def scalar(_, condition):
            return y[condition]

    one = variance_shares.of_metric(Made, "svcca", "rule")
    other = variance_shares.of_scalar(Made, "accuracy", "rule")
    assert one.value_D == pytest.approx(other.value_D)
    # of centres about their mean, less what networks add to it: no bias
    w = np.mean([v.var(ddof=1) for v in y.values()])
    off = [
        np.mean((y[a][:, None] - y[b][None])[~np.eye(9, dtype=bool)] ** 2)
        for a, b in combinations(y, 2)
    ]
    e = sum(m - 2 * w for m in off) / 9
    assert one.whole == pytest.approx(e / (e + w))


def test_similarities_are_distances_and_nulls_take_no_part():
    networks = pd.DataFrame(
        {"key": ["x", "y", "z"], "condition": ["c", "c", "d"], "seed": [4, 7, 4],
         "failed": [False, False, True]}
    )  # fmt: skip
    rows = [
        ("x", "y", "svcca", '{"untrained": true}', 0.1),
        ("x", "y", "svcca", "{}", 0.8),
        ("x", "y", "svcca", '{"share": 0.5}', 0.3),
        ("x", "z", "svcca", "{}", 0.9),
        ("y", "x", "topology", "{}", 3.0),
    ]
    columns = ["key_a", "key_b", "metric", "settings", "value"]
    found = pairs_of(pd.DataFrame(rows, columns=columns), networks)
    assert dict(zip(found["metric"], found["value"], strict=True)) == pytest.approx(
        {"svcca": 0.2, "topology": 3.0}
    )
    assert list(found["place_a"]) == [0, 1] and len(found) == 2


def test_the_smallest_separation_is_about_half_of_the_least_released():
    released = [(1 - row[4]) / (1 + row[4]) for row in RELEASED]
    assert 0.5 * min(released) < APART < 0.6 * min(released)


def test_figures_draw_and_tables_have_all_rows(tables):
    made = tables("true")
    with house_style(), warnings.catch_warnings():
        warnings.simplefilter("error")
        sections = {name: make(made) for name, make in STUDY.sections().items()}
        for section in sections.values():
            for drawing in section.drawings:
                drawing.figure.draw_without_rendering()
    drawn = [d.name for s in sections.values() for d in s.drawings]
    assert len(drawn) == len(set(drawn)) == 9
    assert {claim.figure for claim in JUDGED} <= set(drawn)
    assert sections["learning"].body.count("<tr") == 1 + len(conditions())
    assert sections["geometry"].body.count("<tr") == 1 + 10 + len(RELEASED)
    assert "0.92" in sections["learning"].words
    axes = sections["motion"].drawings[0].figure.axes[2]
    ends = [line.get_ydata() for line in axes.get_lines() if len(line.get_xdata()) == 3]
    policy = made.design.by_scale("n_context_2")["policy_gradient"]
    means = [made.mean("moving_attractors", c).whole for c in policy.values()]
    assert any(np.allclose(y, means) for y in ends)


def test_saddles_are_the_points_that_are_not_stable(tables):
    made = tables("true")
    condition = made.design.by_rule(MATCHED, "n_context_2")["bptt"]
    assert np.mean(saddles(made, condition)) == pytest.approx(1, abs=0.3)


def test_the_table_of_verdicts_is_that_of_the_claims(tables):
    made = tables("true")
    table, found = verdict_of(made), findings(made)
    assert {name: v for name, (_, v) in table.items()} == {
        name: f.verdict for name, f in found.items()
    }
    body = STUDY.sections()["versions"](made).body
    # nine rows by version and measure, three by scale, two headers
    assert body.count("<tr") == 5 + 3 + 3 + 3 + 2
    assert "scale 1.5" in body and "as published" in body
    for scale in (0.5, 1.0, 1.5):
        number = effects.by_rule(made, "topology", MATCHED, "n_context_2", scale)
        assert with_interval(number.effect) in body


def test_a_run_without_comparisons_has_sections_in_words(tmp_path):
    run = MadeUpRules(tmp_path)
    run.comparison_rows = run.comparison_rows.iloc[:0]
    measured = ["fixed_points", "moving_attractors", "weight_change_rank(x=1)"]
    run.networks = run.networks.drop(columns=[*measured, "largest_exponent"])
    made = read(run)
    with house_style():
        sections = {name: make(made) for name, make in STUDY.sections().items()}
    for name in ("topology", "geometry", "motion", "weights"):
        assert sections[name].words.startswith("Left out"), name
    found = findings(made)
    assert found["geometry_by_rule_n_context_2_matched"].verdict == "undecided"
    assert found["geometry_by_rule_n_context_2_matched"].note == "Not compared."


def test_every_prediction_has_a_claim():
    assert {one.prediction for one in SAID} == {
        "above",
        "below",
        "within",
        "either",
    }
    names = [claim.name for claim in JUDGED]
    assert len(names) == len(set(names))
