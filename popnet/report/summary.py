"""Summarises what was run and what became of it; every network is counted once."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from markupsafe import Markup

from popnet.analysis.trials_to_criterion import TrialsQuantile
from popnet.report.conditions import named, unit_of
from popnet.report.markup import NIL, colour_chip, table
from popnet.report.population import (
    STATUSES,
    RunTables,
    needed_quartiles,
    numbers,
    trials_needed,
)
from popnet.report.sections import sentences
from popnet.report.statistics import mean_interval
from popnet.report.style import thousands
from popnet.status import FAILED, Status

TO = "\N{EN DASH}"
FEW = 4
MOST_VALUES = 12
MOST_ROWS = 20  # beyond, the table scrolls
STOPPED_AT = "A network that the search stopped counts as the trials it had."
ALWAYS = [Status.CONVERGED, Status.UNCONVERGED, Status.DIVERGED]


def sentence(population: RunTables) -> str:
    """One sentence: how many networks learned what, how, and what varies."""
    run, networks = population.run, population.networks
    planned, units = run.planned(), _setting(population, "network.units", "numbers")
    parts = (
        f"{thousands(planned)} network{'s' * (planned != 1)} of {units} units on "
        f"{_setting(population, 'task.name', 'tasks')}, trained with "
        f"{_setting(population, 'rule.name', 'rules')}"
    )
    each = run.sweep.networks
    seeds = f"{each} independently seeded network{'s' * (each != 1)}"
    if not run.varied:
        return f"{parts}: one condition, {seeds}."
    if networks.empty:
        return f"{parts}: {seeds} in each condition of {', '.join(run.varied)}."
    axes = [
        f"{path} ({_values(networks[path], path)})" if path in networks else path
        for path in run.varied
    ]
    return f"{parts}: {seeds} in each condition; varied: {'; '.join(axes)}."


def counts(population: RunTables) -> pd.DataFrame:
    """Networks by condition (rows, in order) and status; recorded; missing.

    The last row, "", holds networks of conditions of which none is recorded yet.
    """
    run, networks = population.run, population.networks
    present = list(networks["status"].unique()) if not networks.empty else []
    statuses = [*ALWAYS, *(s for s in present if s not in ALWAYS)]
    rows = []
    for condition in population.conditions:
        own = networks[networks["condition"] == condition.id]
        row = {s: int((own["status"] == s).sum()) for s in statuses}
        missing = max(0, int(run.sweep.networks) - len(own))
        rows.append(
            {"id": condition.id, **row, "recorded": len(own), "missing": missing}
        )
    missing = max(0, run.planned() - len(networks))
    rest = missing - sum(int(row["missing"]) for row in rows)
    if rest > 0:
        rows.append(
            {"id": "", **dict.fromkeys(statuses, 0), "recorded": 0, "missing": rest}
        )
    return pd.DataFrame(rows, columns=["id", *statuses, "recorded", "missing"])


class Tile(NamedTuple):
    """A large number at the top of the page."""

    number: str
    words: str
    bad: bool


def tiles(population: RunTables) -> list[Tile]:
    """The totals: networks planned, by status, and missing."""
    total = counts(population).drop(columns="id").sum()
    made = [Tile(thousands(population.run.planned()), "planned", False)]
    for status in total.index.drop(["recorded", "missing"]):
        number = int(total[status])
        failed = number > 0 and status in (Status.UNCONVERGED, Status.DIVERGED)
        words = STATUSES.get(str(status), str(status))
        made.append(Tile(thousands(number), words, failed))
    missing = int(total["missing"])
    return [*made, Tile(thousands(missing), "not recorded yet", missing > 0)]


def counts_table(population: RunTables) -> Markup:
    """The counts of every condition, with its median of trials to criterion."""
    frame = counts(population)
    statuses = [c for c in frame.columns if c not in ("id", "recorded", "missing")]
    header = [
        "condition",
        "recorded",
        *(STATUSES.get(s, s) for s in statuses),
        "missing",
        "median trials (IQR)",
        "mean accuracy",
    ]
    names = {c.id: c for c in population.conditions}
    rows = []
    for row in frame.to_dict("records"):
        condition = names.get(row["id"])
        title = "conditions with nothing recorded yet"
        if condition is not None:
            title = colour_chip(condition.colour) + condition.label
        cells = [_count(row[s], s in FAILED) for s in statuses]
        rows.append(
            [
                title,
                _count(row["recorded"]),
                *cells,
                _count(row["missing"], True),
                *_scores(population, row["id"]),
            ]
        )
    words = sentences(
        "Median trials: to the criterion; a network that did not converge, or "
        "diverged, counts as its cap; > marks values that such networks decide. Mean "
        "accuracy: frozen networks, own task.",
        STOPPED_AT if Status.STOPPED in statuses else "",
        population.excluded.replace("Left out", "Left out of the accuracy"),
    )
    note = Markup('<p class="note">{}</p>').format(words)
    css = "counts tall" if len(rows) > MOST_ROWS else "counts"
    return table(header, rows, numeric=range(1, len(header)), css=css) + note


def _scores(population: RunTables, condition: str) -> list[str]:
    own = population.networks
    if own.empty or condition == "":
        return [_count(None), _count(None)]
    needed = trials_needed(population)
    needed = needed[needed["condition"] == condition]
    trials = _count(None)
    if not needed.empty:
        low, median, high = needed_quartiles(needed)
        to = " to " if high.bound else TO  # a dash before > would be an arrow
        trials = f"{_trials(median)} ({_trials(low)}{to}{_trials(high)})"
        trials = _trials(median) if low == median == high else trials
    own = population.averages(own[own["condition"] == condition])
    mean = mean_interval(numbers(own["accuracy"])).mean
    return [trials, _count(None) if np.isnan(mean) else f"{mean:.3f}"]


def _trials(quantile: TrialsQuantile) -> str:
    return f"{'> ' if quantile.bound else ''}{quantile.trials:,.0f}"


def _count(value: int | None, failed: bool = False) -> str:
    if not value:
        return NIL if value is None else Markup('<span class="nil">0</span>')
    text = thousands(value)
    return Markup('<span class="bad">{}</span>').format(text) if failed else text


def _setting(population: RunTables, path: str, noun: str) -> str:
    """A setting in words: from the networks, or from the sweep if there are none."""
    networks = population.networks
    if not networks.empty and path in networks:
        several = networks[path].map(named).nunique()
        return _values(networks[path], "") if several <= FEW else f"{several} {noun}"
    value = population.run.sweep
    for part in path.split("."):
        value = getattr(value, part)
    return named(value)


def _values(column: pd.Series, path: str) -> str:
    """The values a setting takes, in order."""
    values = list(dict.fromkeys(column.map(named)))
    if pd.api.types.is_numeric_dtype(column):
        values = [named(v) for v in sorted(column.dropna().unique())]
    shown = values[:MOST_VALUES]
    more = f" … {values[-1]}" if len(values) > MOST_VALUES else ""
    unit = unit_of(path)
    return ", ".join(shown) + more + (f" {unit}" if unit else "")
