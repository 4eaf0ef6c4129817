"""The statements of Huang et al. (arXiv 2410.03972), as trends along their factors.

Table 1 of the paper, row by row, for each task that it is said of.  Weights are judged
in the paper's normalisation, per parameter, and free of scale; what networks have as
drawn is mechanical, and stands in the note.  Sizes were not readable: directions only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from popnet.studies.degeneracy.factors import FACTORS
from popnet.studies.degeneracy.quantities import QUANTITIES
from popnet.studies.degeneracy.tables import DegeneracyTables
from popnet.studies.degeneracy.trends import (
    FEWEST_NETWORKS,
    FactorTrend,
    levels_words,
    trend,
)
from popnet.studies.evidence import Mean, above, below, within
from popnet.studies.study import Claim, Judgement

UP, DOWN, SAME = "rises", "falls", "does not follow"
PAPER_TASKS = {
    "flipflop": "flip-flop",
    "delayed_discrimination": "delayed discrimination",
    "sines": "sine waves",
    "path_integration": "path integration",
}
EVERY = tuple(PAPER_TASKS)
DELAYED = ("delayed_discrimination",)
DRAWN = {
    "dynamics": "dynamics_drawn",
    "weights_paper": "weights_paper_drawn",
    "weights_free": "weights_free_drawn",
}
"""The quantity of the networks as drawn: what of a trend no training made."""
SHOWN = {"change": "learning", "kernel": "learning"}
"""The sections that show a quantity, where it is not that of the factors."""


class Row(NamedTuple):
    """What the paper says of one factor: quantities, and where each goes."""

    factor: str
    when: str
    tasks: tuple[str, ...]
    says: dict[str, str]


def _three(dynamics: str, weights: str, behaviour: str) -> dict[str, str]:
    both = {"weights_paper": weights, "weights_free": weights}
    return {"dynamics": dynamics, **both, "behaviour": behaviour}


PAPER_ROWS = (
    Row("channels", "with more channels", EVERY, _three(DOWN, UP, DOWN)),
    Row("delay", "with a longer delay", DELAYED, _three(DOWN, UP, DOWN)),
    Row("auxiliary", "with an auxiliary output", DELAYED, _three(DOWN, UP, DOWN)),
    Row("channels", "with more channels", EVERY, {"change": UP, "kernel": DOWN}),
    Row(
        "gamma",
        "with stronger feature learning",
        EVERY,
        _three(DOWN, UP, UP) | {"mean_loss": UP},
    ),
    Row("width", "with more units", EVERY, _three(DOWN, DOWN, DOWN)),
    Row("nuclear", "under a nuclear norm", DELAYED, _three(DOWN, DOWN, DOWN)),
    Row("l1", "under an L1 norm", DELAYED, _three(DOWN, DOWN, DOWN)),
    Row("channels", "with more channels", EVERY, {"representations": SAME}),
    Row("gamma", "with stronger feature learning", EVERY, {"representations": SAME}),
)
"""In the order of the paper's claims; the last are those of its appendix G."""


def _judged(factor: str, task: str, name: str, goes: str) -> Callable[..., Judgement]:
    def judge(tables: DegeneracyTables, smallest: float) -> Judgement:
        quantity = QUANTITIES[name]
        family = tables.family(factor, task)
        found = trend(tables, family, name)
        evidence = _evidence(found, goes, smallest)
        unit = f"{quantity.unit} per {FACTORS[factor].per}"
        note = _note(tables, factor, task, name, found)
        return Judgement(evidence.effect, unit, evidence, note)

    return judge


def _evidence(found: FactorTrend, goes: str, smallest: float) -> Mean:
    if goes == UP:
        return above(found.values_S, smallest)
    if goes == DOWN:
        return below(found.values_S, -smallest)
    return within(found.values_S, smallest)


def _note(
    tables: DegeneracyTables, factor: str, task: str, name: str, found: FactorTrend
) -> str:
    """The values by level, what was left out, and what is mechanical."""
    family = tables.family(factor, task)
    if family is None:
        return "Not in this sweep."
    words = []
    if found.levels:
        words.append(f"By level {levels_words(found)}.")
    else:
        words.append("Not compared.")
    if found.left_out:
        lost = ", ".join(f"{level:g}" for level in found.left_out)
        words.append(
            f"Left out, with fewer than {FEWEST_NETWORKS} networks that met their "
            f"criterion: {lost}."
        )
    words += _baselines(tables, factor, task, name)
    return " ".join(words)


def _baselines(
    tables: DegeneracyTables, factor: str, task: str, name: str
) -> Iterator[str]:
    """The same trend of networks as drawn, and beside unrelated matrices."""
    beside = {DRAWN[name]: "As drawn"} if name in DRAWN else {}
    if factor == "width" and name.startswith("weights"):
        beside["weights_unrelated"] = "Relative to unrelated matrices of the size"
    for other, words in beside.items():
        found = trend(tables, tables.family(factor, task), other)
        if not found.levels:
            continue
        value, low, high, _ = found.effect
        # of equal draws at every level nothing differs, and there is no interval
        ends = f" ({low:+.2f} to {high:+.2f})" if np.isfinite([low, high]).all() else ""
        yield f"{words}: {value:+.2f}{ends}."


def _claims() -> Iterator[Claim[DegeneracyTables]]:
    for row in PAPER_ROWS:
        for task in row.tasks:
            for name, goes in row.says.items():
                quantity = QUANTITIES[name]
                start = quantity.words[0].upper() + quantity.words[1:]
                sign = {UP: "above", DOWN: "below", SAME: "within"}[goes]
                yield Claim(
                    f"{row.factor}_{name}_{task}",
                    f"{start}, {goes} {row.when} ({PAPER_TASKS[task]}).",
                    f"slope of {'log2 of ' * quantity.log}{quantity.words} over "
                    f"{FACTORS[row.factor].words}, jackknifed over seeds; predicted "
                    f"{sign} none",
                    SHOWN.get(name, "factors"),
                    quantity.smallest,
                    f"{quantity.unit} per {FACTORS[row.factor].per}",
                    _judged(row.factor, task, name, goes),
                )


STATEMENTS = tuple(_claims())
