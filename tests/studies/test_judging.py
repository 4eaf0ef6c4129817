"""What tables say on levels, failures and pairs of seeds."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from helpers.planted import LEVELS, evidence

from popnet.analysis.interactions import interaction_sizes
from popnet.analysis.intervals import excluded_at, jackknifed, mean_interval
from popnet.studies.evidence import Not
from popnet.studies.heterogeneity.censored import TaskMeans
from popnet.studies.heterogeneity.contrasts import SILENCE, by_demand
from popnet.studies.heterogeneity.learning_claims import LEARNING, slowing
from popnet.studies.heterogeneity.profiles import directions, profiles
from popnet.studies.heterogeneity.solution_claims import (
    DEGENERATE,
    PERFORM_ALIKE,
    place_between_nulls,
)
from popnet.studies.level_evidence import SomeDepend, TaskDependence
from popnet.studies.shared_direction import SharedDirection, shared_direction
from popnet.studies.verdicts import verdicts

SMALLEST = 0.3
LEAD = {"dnms": 1.0, "xor": -1.0}


def cell(task, shape, configuration="", seeds=24, noise=0.1):
    random = np.random.default_rng(len(task))
    return pd.DataFrame(
        {
            "task": task, "configuration": configuration, "level": level, "seed": seed,
            "metric": shape(level) + noise * random.normal(),
        }
        for seed in range(seeds)
        for level in LEVELS
    )  # fmt: skip


SHAPES = {
    "rise": lambda level: level,
    "fall": lambda level: -level,
    "flat": lambda level: 0 * level,
    "peak": lambda level: -abs(level - 0.4),
}


def outcome(evidence):
    return verdicts([evidence.shown()])[0][0]


@pytest.mark.parametrize(
    ("first", "second", "verdict"),
    [
        ("rise", "rise", "does not hold"),
        ("fall", "fall", "does not hold"),
        ("rise", "fall", "holds"),
        ("peak", "rise", "holds"),
        ("peak", "peak", "holds"),  # it falls more than it rises, and turns
        ("flat", "rise", "holds"),  # in one of them it does not follow
        ("flat", "flat", "holds"),
    ],
)
def test_what_two_cells_say_of_none_is_monotone(first, second, verdict):
    frame = pd.concat([cell("a", SHAPES[first]), cell("bb", SHAPES[second])])
    judged = directions(frame, ["metric"], SMALLEST)
    assert outcome(Not(judged.judged["metric"])) == verdict
    # of one metric in two cells the mean product is known less well
    assert outcome(judged.judgement("metrics").evidence) in (verdict, "undecided")


PEAK = 2


def metrics(shapes, seeds=24):
    """A metric for each shape: rising (1), falling (-1), flat (0) or PEAK, by cell."""
    random = np.random.default_rng(2)
    task = cell("a", SHAPES["flat"], seeds=seeds)
    made = []
    for name in "abcd":
        rows = task.assign(task=name)
        for i, shape in enumerate(shapes):
            sign = shape if np.isscalar(shape) else shape["abcd".index(name)]
            level = rows["level"]
            value = -abs(level - 0.4) if sign == PEAK else sign * level
            rows[f"m{i}"] = value + 0.3 * random.normal(size=len(rows))
        made.append(rows)
    return pd.concat(made), [f"m{i}" for i in range(len(shapes))]


@pytest.mark.parametrize(
    ("shapes", "verdict"),
    [
        ([1] * 6, "does not hold"),
        ([1, -1] * 3, "does not hold"),  # each has its own direction
        ([0] * 6, "holds"),
        ([(1, 1, -1, -1)] * 6, "holds"),  # each has another direction by the task
        ([(PEAK,) * 4] * 6, "holds"),  # each turns, however far it falls after that
        ([0] * 5 + [1], "does not hold"),  # one alone follows, and is shown to
        ([0] * 5 + [(1, 1, 1, -1)], "holds"),
    ],
)
def test_metrics_as_a_whole_follow_the_level_or_do_not(shapes, verdict):
    frame, names = metrics(shapes)
    judged = directions(frame, names, SMALLEST)
    assert outcome(judged.judgement("metrics").evidence) == verdict


def test_the_shared_direction_is_the_mean_product_written_out():
    random = np.random.default_rng(0)
    sides = random.uniform(-1, 1, (2, 3, 4, 7))
    sides[:, 0, 1, 2] = sides[:, 2, :, 0] = np.nan

    def whole(sides):
        found = []
        for before, after in zip(*sides, strict=True):
            products = [
                before[c, s] * after[e, z]
                for c, e in product(range(4), repeat=2)
                for s, z in product(range(before.shape[1]), repeat=2)
                if c != e and s != z
            ]
            found.append(np.nanmean(products))
        return np.mean(found)

    without = [whole(np.delete(sides, s, axis=-1)) for s in range(7)]
    expected = jackknifed(whole(sides), without)
    np.testing.assert_allclose(shared_direction(*sides), expected)
    one = shared_direction(*sides[:, 1:2, :1])
    a, b = sides[:, 1, 0]
    pairs = [a[s] * b[z] for s, z in product(range(7), repeat=2) if s != z]
    # of numbers of one kind the jackknife keeps the mean of an unbiased estimate
    assert one.mean() == pytest.approx(np.mean(pairs))


def test_a_shared_direction_is_covered_and_rarely_denied_at_its_bound():
    # metrics that share their noise, as those of one drawn network do
    random = np.random.default_rng(4)
    shared = random.normal(size=(1000, 1, 1, 24))
    noise = 0.25 * shared + 0.5 * random.normal(size=(2, 1000, 6, 9, 24))
    at_the_bound = SharedDirection(*SMALLEST + noise, SMALLEST).shown()
    nothing = SharedDirection(*noise, SMALLEST).shown()
    for level, allowed in ((0.05, 0.05), (0.05 / 16, 0.006)):
        assert np.mean(at_the_bound.true <= level) <= allowed
        assert np.mean(at_the_bound.false <= level) <= allowed
        assert np.mean(nothing.true <= level) <= allowed
    assert np.mean(nothing.false <= 0.05) > 0.8
    assert (
        np.mean(SharedDirection(*2 * SMALLEST + noise, SMALLEST).shown().true <= 0.05)
        > 0.8
    )


def test_few_noisy_seeds_decide_nothing_on_direction():
    flat = SHAPES["flat"]
    frame = pd.concat([cell("a", flat, seeds=4), cell("bb", flat, seeds=4)])
    judged = directions(frame, ["metric"], SMALLEST)
    assert outcome(judged.judgement("metrics").evidence) == "undecided"


def constant(task, deviating):
    """A ceiling that some seeds do not reach at one level."""
    frame = cell(task, SHAPES["flat"], noise=0)
    below = (frame["seed"] < deviating) & (frame["level"] == 0.4)
    return frame.assign(metric=1.0 - 0.1 * below)


def test_constant_cells_are_left_out_of_directions():
    rises = cell("a", SHAPES["rise"])
    for deviating, verdict in ((0, "does not hold"), (3, "does not hold")):
        frame = pd.concat([rises, constant("bb", deviating)])
        judged = directions(frame, ["metric"], SMALLEST)
        assert outcome(judged.judgement("metrics").evidence) == verdict
        assert len(judged.judged["metric"].cells) == 1
    both = pd.concat([rises, constant("bb", 20)])
    judged = directions(both, ["metric"], SMALLEST)
    assert len(judged.judged["metric"].cells) == 2
    alone = directions(constant("bb", 2), ["metric"], SMALLEST)
    assert alone.constant == ["metric"]
    judgement = alone.judgement("metrics")
    assert outcome(judgement.evidence) == "undecided"
    assert "Constant, left out: metric." in judgement.note


@pytest.mark.parametrize(("tasks", "configurations"), [(6, 2), (10, 12)])
def test_a_turn_is_seen_among_as_many_cells_as_a_study_has(tasks, configurations):
    def high(level):
        return 100 * (1 - (2 * level - 0.8) ** 2)

    frame = pd.concat(
        cell(f"t{task}" + "x" * task, high, f"c{one}", seeds=20, noise=1)
        for task in range(tasks)
        for one in range(configurations)
    )
    judged = directions(frame, ["metric"], SMALLEST)
    shown = judged.judged["metric"].shown()
    assert shown.false < 1e-4
    assert shown.true == 1


@pytest.mark.parametrize(
    ("shapes", "verdict"),
    [
        (("rise", "rise", "rise"), "does not hold"),
        (("rise", "flat", "flat"), "holds"),
        (("rise", "fall", "flat"), "holds"),
    ],
)
def test_dependence_on_the_task_can_come_out_either_way(shapes, verdict):
    frame = pd.concat(cell("a" * (i + 1), SHAPES[s]) for i, s in enumerate(shapes))
    found = profiles(frame, "metric")
    assert found is not None
    assert outcome(TaskDependence(found.values_TSL, 0.4)) == verdict
    noise = pd.concat(cell("a" * (i + 1), SHAPES["flat"], seeds=4) for i in range(3))
    few = profiles(noise, "metric")
    assert few is not None
    assert outcome(TaskDependence(few.values_TSL, 0.4)) == "undecided"


def test_dependence_of_many_metrics_is_judged_as_a_whole():
    def several(shapes, metrics=12, seeds=24):
        frame = pd.concat(
            cell("a" * (i + 1), SHAPES[s], seeds=seeds, noise=1.0)
            for i, s in enumerate(shapes)
        )
        random = np.random.default_rng(5)
        flat = pd.concat(
            cell("a" * (i + 1), SHAPES["flat"], seeds=seeds, noise=1.0)
            for i in range(len(shapes))
        )
        noisy = [
            flat.assign(metric=random.normal(size=len(flat)))
            for _ in range(metrics - 1)
        ]
        found = [profiles(one, "metric") for one in (frame, *noisy)]
        parts = tuple(TaskDependence(f.values_TSL, 0.4) for f in found if f)
        return SomeDepend(parts, tuple(np.array(f.seeds) for f in found if f), 0.4)

    nothing = several(("flat", "flat", "flat"))
    assert outcome(nothing) == "does not hold"
    few = several(("flat", "flat", "flat"), seeds=8)
    assert outcome(few) == "does not hold"
    assert not all(part.shown().false <= 0.05 for part in few.parts)
    one = several(("rise", "fall", "flat"))
    strong = one._replace(
        parts=(TaskDependence(3 * one.parts[0].values_TSL, 0.4), *one.parts[1:])
    )
    assert outcome(strong) == "holds"  # though eleven of twelve do not depend
    assert strong.shown().false == 1
    assert SomeDepend((), (), 0.4).shown() == (1, 1)


def test_the_size_over_metrics_is_each_seeds_mean_over_those_that_it_has():
    random = np.random.default_rng(6)
    values = random.normal(size=(2, 3, 9, 4))
    own = np.arange(9), np.array([0, 1, 2, 4, 5, 6, 7, 8])
    parts = tuple(
        TaskDependence(v[:, s], 5.0) for v, s in zip(values, own, strict=True)
    )
    first, second = (interaction_sizes(part.values_TSL) for part in parts)
    sizes_S = first.copy()
    sizes_S[own[1]] = (sizes_S[own[1]] + second) / 2
    expected = excluded_at(sizes_S, 25.0)
    assert SomeDepend(parts, own, 5.0).shown().false == pytest.approx(expected)


def networks(rows):
    columns = ["task", "configuration", "level", "seed", "doublings", "failed"]
    return pd.DataFrame([(t, "", *row) for t, *row in rows], columns=columns)


def population(needed, cap, seeds=40):
    """log2 of learning trials, lognormal, by task and level; failures at the cap."""
    random = np.random.default_rng(3)
    rows = []
    for (task, level), middle in needed.items():
        values = middle + random.normal(0, 0.7, seeds)
        for seed, value in enumerate(values):
            rows.append((task, level, seed, min(value, cap), value > cap))
    return networks(rows)


def test_slowing_is_against_the_same_seed_task_and_configuration():
    rows = [
        ("dnms", 0.0, 1, 8.0, False), ("dnms", 1.0, 1, 9.5, False),
        ("dnms", 0.0, 2, 3.0, False), ("dnms", 1.0, 2, 2.0, False),
        ("xor", 0.0, 1, 5.0, False), ("xor", 1.0, 1, 5.25, False),
        ("xor", 0.0, 2, 5.0, False), ("xor", 1.0, 2, 5.25, False),
    ]  # fmt: skip
    found = slowing(networks(rows))
    # with all seeds, without the first, without the second
    np.testing.assert_allclose(found.by_task["dnms"], [0.25, -1.0, 1.5])
    np.testing.assert_allclose(found.by_task["xor"], [0.25, 0.25, 0.25])
    lead = found.combined(LEAD, 0.25).part
    np.testing.assert_allclose(lead.values_S, [1.25, -1.25])


@pytest.mark.parametrize("slow_first", [True, False])
def test_failures_on_either_side_of_a_difference_are_censored(slow_first):
    # the cap bites at one level: without heterogeneity, or with it
    plain, other = (9.4, 8.4) if slow_first else (8.4, 9.4)
    truth = other - plain
    needed = {
        ("dnms", 0.0): plain, ("dnms", 1.0): other,
        ("xor", 0.0): 5.0, ("xor", 1.0): 5.0,
    }  # fmt: skip
    found = slowing(population(needed, cap=9.2, seeds=400))
    at_the_cap = population(needed, cap=9.2, seeds=400).query("task == 'dnms'")
    counted = at_the_cap.groupby("level")["doublings"].mean()
    assert at_the_cap["failed"].sum() > 200
    lead = found.combined(LEAD, 0.25)
    assert lead.can_hold and lead.can_fail
    assert lead.part.effect.value == pytest.approx(truth, abs=0.12)
    assert abs(counted[1.0] - counted[0.0] - truth) > 0.25


@pytest.mark.parametrize("level", [0.0, 1.0])
@pytest.mark.parametrize("task", ["dnms", "xor"])
def test_a_condition_that_nobody_learned_bounds_the_effect_on_one_side(task, level):
    needed = {(t, at): 6.0 for t in ("dnms", "xor") for at in (0.0, 1.0)}
    needed[task, level] = 20.0
    found = slowing(population(needed, cap=9.0))
    more = (task == "dnms") == (level == 1.0)
    lead = found.combined(LEAD, 0.25)
    # where the truth is even larger nothing is denied, where smaller nothing shown
    assert (lead.can_hold, lead.can_fail) == (more, not more)
    assert np.sign(lead.part.effect.value) == (1 if more else -1)


def test_learning_that_takes_twice_the_trials_everywhere_is_no_difference():
    rows = [
        (task, level, seed, np.log2(needs * factor), False)
        for task, needs in [
            ("dnms", 900),
            ("order", 500),
            ("xor", 150),
            ("go_nogo", 40),
        ]
        for level, factor in [(0.0, 1.0), (1.0, 2.0)]
        for seed in range(6)
    ]
    found = slowing(networks(rows))
    demand = {"dnms": 20.0, "order": 10.0, "xor": 0.0, "go_nogo": 0.0}
    slope = found.combined(by_demand(demand), 0.25).part.values_S
    assert slope == pytest.approx(np.zeros(6), abs=1e-12)
    assert all(values[0] == pytest.approx(1) for values in found.by_task.values())


def test_the_slope_is_that_of_a_regression_with_families():
    demand = {
        "dnms": 20.0, "delayed_response": 12.0, "selective_integration_ongoing": 0.0,
        "go_nogo_delayed": 15.0, "go_nogo": 0.0, "xor_delayed": 8.0, "xor": 0.0,
    }  # fmt: skip
    variance = dict(zip(demand, [1.0, 2.0, 9.0, 0.5, 1.0, 1.0, 0.3], strict=True))
    families = np.array([0, 0, 0, 1, 1, 2, 2])
    d, v = np.array([*demand.values()]), np.array([*variance.values()])
    design = np.column_stack([d / SILENCE, *(families == f for f in range(3))])
    root = 1 / np.sqrt(v + v.mean())
    expected = np.linalg.pinv(root[:, None] * design)[0] * root
    assert [*by_demand(demand, variance).values()] == pytest.approx(expected)
    # what a family shares does not count, nor what all share
    weights = by_demand(demand, variance)
    assert weights["xor"] == pytest.approx(-weights["xor_delayed"])
    assert by_demand({"go_nogo": 0.0, "go_nogo_delayed": 0.0, "dnms": 20.0}) == {}


def test_an_error_variance_is_that_of_the_jackknife():
    values = np.random.default_rng(0).normal(size=9)
    without = [np.delete(values, i).mean() for i in range(9)]
    found = TaskMeans({"a": np.array([values.mean(), *without])}, {}, {})
    assert found.variances()["a"] == pytest.approx(values.var(ddof=1) / 9)


def test_pairs_of_one_seed_are_no_evidence_of_likeness():
    # networks of one seed start from the same draws: near each other by design
    made = evidence()
    same = (made.pairs["seed_a"] == made.pairs["seed_b"]) & ~made.pairs["retrained"]
    assert same.any()
    pairs = made.pairs.assign(value=made.pairs["value"].mask(same, 0.0))
    other = made._replace(pairs=pairs)
    for claim in DEGENERATE:
        assert claim.judge(made, 0.5).effect == claim.judge(other, 0.5).effect


def halfway(own, null, twice):
    """Pairs of some seeds: trained again 0.2, unrelated 1.2, and others at 0.7."""
    seeds = [(a, b) for b in range(len(own)) for a in range(b)]
    rows = [(a, b, False, False, 0.7 + own[a] + own[b]) for a, b in seeds]
    rows += [(a, b, True, False, 1.2 + null[a] + null[b]) for a, b in seeds]
    rows += [(a, a, False, True, 0.2 + again) for a, again in enumerate(twice)]
    columns = ["seed_a", "seed_b", "shuffled", "retrained", "value"]
    return pd.DataFrame(rows, columns=columns).assign(same=True, untrained=False)


def test_a_network_trained_again_is_no_pair_of_its_condition():
    values_S, note = place_between_nulls(halfway(*np.zeros((3, 6))), relative=False)
    assert values_S == pytest.approx(np.full(6, 0.5))
    assert note.startswith("Within a condition 0.700, trained again 0.200")


@pytest.mark.parametrize("n", [5, 6, 12])
def test_the_interval_of_a_place_between_nulls_covers(n):
    random, hits = np.random.default_rng(n), 0
    for _ in range(200):
        pairs = halfway(*0.1 * random.standard_normal((3, n)))
        values_S, _ = place_between_nulls(pairs, relative=False)
        effect = mean_interval(values_S)
        hits += effect.low <= 0.5 <= effect.high
    assert hits / 200 >= 0.92  # 0.94, two standard errors of 200 less


def test_networks_that_failed_count_among_those_that_perform_alike():
    made = evidence()
    alike = PERFORM_ALIKE.judge(made, 0.05)
    failed = made.networks["seed"] < 10
    accuracy = made.networks["accuracy"].mask(failed, 0.5)
    worse = made.networks.assign(failed=failed, accuracy=accuracy + 0.95 * ~failed)
    unlike = PERFORM_ALIKE.judge(made._replace(networks=worse), 0.05)
    assert outcome(alike.evidence) == "holds"
    assert outcome(unlike.evidence) == "does not hold"


def test_the_distance_of_two_accuracies_is_that_of_pairs_written_out():
    accuracy = {0: 0.9, 1: 0.8, 2: 0.95}
    rows = [("a", "", 0.0, seed, value, False) for seed, value in accuracy.items()]
    columns = ["task", "configuration", "level", "seed", "accuracy", "failed"]
    made = evidence()._replace(networks=pd.DataFrame(rows, columns=columns))
    found = PERFORM_ALIKE.judge(made, 0.05).effect
    assert found.value == pytest.approx((0.1 + 0.15 + 0.05) / 3)


def test_learning_is_undecided_where_a_bound_is_on_the_wrong_side():
    made = evidence()
    lost = (made.networks["task"] == "dnms") & (made.networks["level"] == 0)
    networks = made.networks.assign(failed=lost)
    judged = LEARNING.judge(made._replace(networks=networks), 0.25)
    assert outcome(LEARNING.judge(made, 0.25).evidence) == "holds"
    assert outcome(judged.evidence) == "undecided"
    assert "upper bound" in judged.note
