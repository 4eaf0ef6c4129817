"""Every network in one table."""

from html import escape

import pandas as pd

from popnet.report.conditions import ALL
from popnet.report.markup import NIL, colour_chip, table
from popnet.report.population import STATUSES, RunTables
from popnet.report.sections import Section

COLUMNS = {
    "trials": ("trials", ",.0f"),
    "trials_to_criterion": ("to criterion", ",.0f"),
    "accuracy": ("accuracy", ".3f"),
    "weight_change": ("weight change", ".3f"),
    "spectral_radius": ("spectral radius", ".3f"),
}


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
    words = (
        "Accuracy: frozen network, own task. Weight change: |ΔJ| / |J₀| (Frobenius "
        "norm), no unit. Spectral radius: of the final weights."
    )
    colours = {c.id: c.colour for c in population.conditions}
    header = ["key", "condition", "index", "status"]
    header += [words for words, _ in COLUMNS.values()]
    rows = [_row(row, colours) for row in networks.to_dict("records")]
    numeric = [2, *range(4, len(header))]
    body = table(header, rows, numeric=numeric, css="tall")
    return Section("networks", title, words, body=body)


def _row(row: dict, colours: dict[str, str]) -> list[str]:
    status = str(row["status"])
    label = escape(str(row["label"]) or ALL)
    return [
        f'<span class="mono">{escape(str(row["key"]))}</span>',
        colour_chip(colours[row["condition"]]) + label,
        str(row["index"]),
        f'<span class="status-{escape(status)}">'
        f"{escape(STATUSES.get(status, status))}</span>",
        *(_number(row[name], form) for name, (_, form) in COLUMNS.items()),
    ]


def _number(value: float | None, form: str) -> str:
    if pd.isna(value):
        return NIL
    return f"{value:{form}}"
