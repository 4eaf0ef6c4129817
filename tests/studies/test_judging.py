"""From numbers to verdicts: bounds, parts, cells; and pairs that are no evidence."""

import numpy as np
import pandas as pd
import pytest
from helpers.planted import LEVELS, evidence

from popnet.analysis.inference import Effect
from popnet.studies.heterogeneity.learning_claims import slowed
from popnet.studies.heterogeneity.profiles import shapes
from popnet.studies.heterogeneity.solution_claims import DEGENERATE
from popnet.studies.verdicts import above, below, both


@pytest.mark.parametrize(
    ("low", "high", "is_above", "is_below"),
    [
        (0.1, 0.3, "holds", "does not hold"),
        (-0.3, -0.1, "does not hold", "holds"),
        (-0.1, 0.3, "undecided", "undecided"),
        (np.nan, np.nan, "undecided", "undecided"),
        (0.0, 0.0, "does not hold", "does not hold"),  # exactly on it is neither side
    ],
)
def test_only_a_whole_interval_decides(low, high, is_above, is_below):
    for value in (-1.0, 1.0):  # whatever the value itself
        effect = Effect(value, low, high, 12)
        assert above(effect, 0) == is_above and below(effect, 0) == is_below


def test_a_claim_of_parts_needs_all_and_falls_with_one():
    assert both("holds", "holds") == "holds"
    assert both("holds", "undecided") == "undecided"
    assert both("holds", "undecided", "does not hold") == "does not hold"


def cell(task, shape, seeds=12, noise=0.1):
    random = np.random.default_rng(len(task))
    return pd.DataFrame(
        {
            "task": task, "configuration": "", "level": level, "seed": seed,
            "metric": shape(level) + random.normal(0, noise),
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


@pytest.mark.parametrize(
    ("first", "second", "verdict"),
    [
        ("rise", "rise", "does not hold"),
        ("fall", "fall", "does not hold"),
        ("rise", "fall", "holds"),
        ("peak", "rise", "holds"),
        ("flat", "rise", "undecided"),
        ("flat", "flat", "undecided"),
    ],
)
def test_what_two_cells_say_of_none_is_monotone(first, second, verdict):
    frame = pd.concat([cell("a", SHAPES[first]), cell("bb", SHAPES[second])])
    judged = shapes(frame, ["metric"])
    assert judged.verdict == verdict
    assert judged.metrics == 1 and judged.cells == 2 and judged.seeds == 12


def test_slowing_is_against_the_same_seed_task_and_configuration():
    rows = [
        ("a", "x", 0.0, 1, 8.0), ("a", "x", 1.0, 1, 9.5), ("a", "y", 0.0, 1, 3.0),
        ("a", "y", 1.0, 1, 2.0), ("b", "x", 0.0, 2, 5.0), ("b", "x", 1.0, 2, 5.25),
    ]  # fmt: skip
    columns = ["task", "configuration", "level", "seed", "doublings"]
    found = slowed(pd.DataFrame(rows, columns=columns))
    assert found["slowing"].tolist() == [1.5, -1.0, 0.25]


def test_pairs_of_one_seed_are_no_evidence_of_likeness():
    # networks of one seed start from the same draws: near each other by design
    made = evidence(true=True)
    same = made.pairs["seed_a"] == made.pairs["seed_b"]
    assert same.any()
    pairs = made.pairs.assign(value=made.pairs["value"].mask(same, 0.0))
    other = made._replace(pairs=pairs)
    for claim in DEGENERATE:
        assert claim.judge(made) == claim.judge(other)
