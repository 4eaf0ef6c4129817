"""How each verdict changes with version, measure and first weights."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup

from popnet.report.markup import NIL, table
from popnet.report.sections import Section
from popnet.studies.rules import effects
from popnet.studies.rules.claims import SAID
from popnet.studies.rules.design import MATCHED, SIDES, task_words
from popnet.studies.rules.effects import GEOMETRY
from popnet.studies.rules.estimates import SeedEstimate
from popnet.studies.rules.layout import with_interval
from popnet.studies.rules.statements import Statement, evidence
from popnet.studies.rules.tables import RulesTables
from popnet.studies.verdicts import verdicts

ABOUT = (
    "The same statements under other circumstances: rules matched and as published, a "
    "proper distance of topologies and the paper's own measure, and, among matched "
    "rules, each initial scale. Numbers are separations with their 95 % intervals. "
    "Verdicts of the first table are those of the claims; those by initial scale are "
    "corrected for all cells of their own table (Holm)."
)
Cell = tuple[SeedEstimate, str]


def versions(tables: RulesTables) -> Section:
    """Two tables: by version and measure, by initial scale."""
    title = "How the verdicts change"
    body = Markup("\n").join([_by_version(tables), _by_scale(tables)])
    return Section("versions", title, ABOUT, body=body)


def verdict_of(tables: RulesTables) -> dict[str, Cell]:
    """The number and verdict of every claim, by its name."""
    found = {one.name: one.number(tables) for one in SAID}
    return dict(zip(found, _judged(list(zip(SAID, found.values(), strict=True))),
                    strict=True))  # fmt: skip


def _judged(cells: list[tuple[Statement, SeedEstimate]]) -> list[Cell]:
    """Numbers with their verdicts, corrected for all of these."""
    shown = [
        evidence(found, one.prediction, one.smallest).shown() for one, found in cells
    ]
    return [
        (found, verdict)
        for (_, found), (verdict, _) in zip(cells, verdicts(shown), strict=True)
    ]


def _by_version(tables: RulesTables) -> Markup:
    """A row for each statement and task, a column for each version and measure."""
    found = verdict_of(tables)
    kinds = {
        "geometry depends on the rule": ("geometry", None),
        "topology does not": ("topology", "neighbours"),
    }
    rows = []
    for words, (first, second) in kinds.items():
        for task in tables.design.tasks:
            names = [f"{k}_by_rule_{task}_{v}" for k in (first, second) if k
                     for v in SIDES]  # fmt: skip
            if names[0] in found:
                cells = [_cell(found.get(name)) for name in names]
                rows.append([words, task_words(task), *cells, NIL, NIL][:6])
    noise = {
        "by_noise_simple": "topology depends on noise (simple)",
        "by_noise_complex": "topology does not depend on noise (complex)",
        "noise_falls_with_complexity": "... less, with more contexts",
    }
    for name, words in noise.items():
        proper, paper = (
            _cell(found[f"{k}_{name}"]) for k in ("topology", "neighbours")
        )
        rows.append([words, NIL, proper, NIL, paper, NIL])
    header = [
        "statement", "task", "matched", "as published",
        "matched, the paper's measure", "as published, the paper's measure",
    ]  # fmt: skip
    return table(header, rows, wrapped=range(len(header)), css="conditions")


def _by_scale(tables: RulesTables) -> Markup:
    """A row for each statement and task with several scales, a column per scale."""
    scales = tables.design.scales
    kinds = {
        "geometry depends on the rule": ("geometry", GEOMETRY),
        "topology does not": ("topology", "topology"),
        "topology does not (the paper's measure)": ("neighbours", "neighbour_inputs"),
    }
    named = {one.name: one for one in SAID}
    places, cells = [], []
    for words, (kind, metric) in kinds.items():
        for task in tables.design.tasks:
            statement = named.get(f"{kind}_by_rule_{task}_{MATCHED}")
            if statement is None or len(tables.design.by_scale(task)) < 2:
                continue
            for scale in scales:
                number = effects.by_rule(tables, metric, MATCHED, task, scale)
                places.append((words, task, scale))
                cells.append((statement, number))
    if not cells:
        return Markup("<p>No two rules have several initial scales on one task.</p>")
    found = dict(zip(places, _judged(cells), strict=True))
    rows = [
        [words, task_words(task), *(_cell(found[words, task, s]) for s in scales)]
        for words, task in dict.fromkeys((w, t) for w, t, _ in places)
    ]
    header = ["statement, matched", "task", *(f"scale {s:g}" for s in scales)]
    return table(header, rows, wrapped=range(len(header)), css="conditions")


def _cell(found: Cell | None) -> Markup:
    if found is None or not np.isfinite(found[0].whole):
        return NIL
    number, verdict = found
    words = with_interval(number.effect)
    return Markup("<b>{}</b><br>{}").format(verdict, words)
