"""Every network in one table."""

import pandas as pd
from markupsafe import Markup

from popnet.canonical import label
from popnet.config import After, MeasureSettings
from popnet.measures import recorded
from popnet.report.conditions import ALL
from popnet.report.markup import NIL, colour_chip, monospaced, table
from popnet.report.population import STATUSES, RunTables
from popnet.report.sections import Section, sentences

COLUMNS = {
    "trials": ("trials", ",.0f"),
    "trials_to_criterion": ("to criterion", ",.0f"),
    "accuracy": ("accuracy", ".3f"),
    "accuracy_se": ("± s.e.", ".3f"),
    "observer_accuracy": ("ideal observer", ".3f"),
}
"""Columns of each network: words above, and how its numbers are written."""


def all_networks(population: RunTables) -> Section:
    """The section that lists the networks."""
    title = "All networks"
    networks = population.networks
    if networks.empty:
        words = (
            "No network was recorded yet: `networks` and `grid` say how many there "
            "will be."
        )
        return Section("networks", title, words)
    listed = _listed(population.run.sweep.after)
    notes = [
        measure.note or f"{_words(c)}: {measure.summary}."
        for c, measure in listed.items()
    ]
    words = sentences(
        "Accuracy: frozen network, own task, with its binomial standard error over the "
        "test trials; the ideal observer's is that on the same trials.",
        *notes,
    )
    columns = COLUMNS | {c: (_words(c), measure.form) for c, measure in listed.items()}
    colours = {c.id: c.colour for c in population.conditions}
    header = ["key", "condition", "index", "status"]
    header += [words for words, _ in columns.values()]
    rows = [_row(row, colours, columns) for row in networks.to_dict("records")]
    numeric = [2, *range(4, len(header))]
    body = table(header, rows, numeric=numeric, css="tall")
    return Section("networks", title, words, body=body)


def _listed(after: After) -> dict[str, type[MeasureSettings]]:
    """The measures of networks that say they are listed, by their columns."""
    usual = recorded("weights", "curve")
    every = {name: measure.settings for name, measure in usual.items()}
    every |= {label(m): type(m) for m in after.measures if not m.of_activity()}
    return {column: measure for column, measure in every.items() if measure.listed}


def _words(column: str) -> str:
    return column.replace("_", " ")


def _row(
    row: dict, colours: dict[str, str], columns: dict[str, tuple[str, str]]
) -> list[str]:
    status = str(row["status"])
    words = STATUSES.get(status, status)
    return [
        monospaced(str(row["key"])),
        colour_chip(colours[row["condition"]]) + (str(row["label"]) or ALL),
        str(row["index"]),
        Markup('<span class="status-{}">{}</span>').format(status, words),
        *(_number(row.get(name), form) for name, (_, form) in columns.items()),
    ]


def _number(value: float | None, form: str) -> str:
    if pd.isna(value):
        return NIL
    return f"{value:{form}}"
