"""What controls degeneracy: every factor's effects side by side, in one unit.

An effect is the change of a quantity from the lowest to the highest level of a factor,
in doublings: the slope of its log2 times the range of x.
"""

from __future__ import annotations

import numpy as np
from markupsafe import Markup

from popnet.analysis.intervals import Effect, mean_interval
from popnet.report.claims import rounded
from popnet.report.markup import NIL, table
from popnet.report.sections import Section
from popnet.studies.degeneracy import measured
from popnet.studies.degeneracy.factors import Family, level_words
from popnet.studies.degeneracy.layout import condition_words, task_words
from popnet.studies.degeneracy.quantities import DYNAMICS, QUANTITIES
from popnet.studies.degeneracy.tables import DegeneracyTables, OneCondition
from popnet.studies.degeneracy.trends import trend

CONTROLLED = {
    "dynamics": "dynamics",
    "dynamics_drawn": "… as drawn",
    "weights_paper": "weights per parameter",
    "weights_paper_drawn": "… as drawn",
    "weights_free": "weights, relative",
    "weights_free_drawn": "… as drawn",
    "weights_unrelated": "weights, beside unrelated",
    "behaviour": "sigma_OOD",
    "mean_loss": "mean OOD error",
    "disagreement": "outputs apart",
    "representations": "SVCCA",
    "change": "weight change",
    "kernel": "kernel alignment",
}
ABOUT = (
    "Each number: by how many doublings a quantity changes from the lowest to the "
    "highest level of a factor (the slope of its log2, times the range), with its 95 % "
    "interval over seeds. Bold: the interval leaves out 0. Columns as drawn show what "
    "is mechanical: what networks have before any training."
)


def controls(tables: DegeneracyTables) -> Section:
    """The table of effects, a row for each factor and task."""
    rows = []
    for family in tables.families:
        ends = f"{level_words(family.levels[0])} to {level_words(family.levels[-1])}"
        cells = [_shown(effect(tables, family, name)) for name in CONTROLLED]
        rows.append([family.factor.name, task_words(family.task), ends, *cells])
    header = ["factor", "task", "levels", *CONTROLLED.values()]
    body = table(header, rows, numeric=range(3, len(header)), css="controls")
    return Section("controls", "What controls degeneracy", ABOUT, body=body)


def effect(tables: DegeneracyTables, family: Family, name: str) -> Effect:
    """The change of a quantity over the whole factor, in doublings."""
    quantity = QUANTITIES[name]._replace(log=True)
    found = trend(tables, family, name, quantity)
    return mean_interval(found.values_S * found.reach)


def _shown(found: Effect) -> Markup:
    if not np.isfinite(found.value):
        return NIL
    if not np.isfinite(found.low):
        return Markup("{}").format(rounded(found.value)[0])
    value, low, high = rounded(found.value, found.low, found.high)
    clear = found.low > 0 or found.high < 0
    form = "<b>{}</b><br>[{}, {}]" if clear else "{}<br>[{}, {}]"
    return Markup(form).format(value, low, high)


NUMBERS = {
    "behaviour": "sigma_OOD",
    "mean_loss": "mean OOD error",
    "disagreement": "outputs apart",
    "dynamics": "DSA",
    "weights_paper": "weights per parameter",
    "weights_free": "weights, relative",
    "weights_unrelated": "weights, beside unrelated",
    "representations": "SVCCA",
    "change": "weight change",
    "kernel": "kernel alignment",
}
ABOUT_NUMBERS = (
    "One row per condition. Met: networks that met their criterion, of all; only these "
    "are in the other columns. DSA: the smallest distance that was found, and in "
    "brackets the bound that no alignment can be below; floor: a network beside itself."
)


def numbers(tables: DegeneracyTables) -> Section:
    """The table of conditions: how many learned, and every quantity."""
    words = condition_words(tables)
    networks = tables.networks
    others = [c for n in ("network", "change") for c in measured.columns(networks, n)]
    kernel = measured.of_kernel(networks)
    others = [column for column in others if column != kernel]
    rows = []
    for condition in tables.conditions:
        cell, every = tables.cells[condition], tables.of(condition)
        met = f"{len(cell.networks)} of {len(every)}"
        own = [_number(cell, name) for name in NUMBERS]
        means = [_plain(cell.networks[c].astype(float).mean()) for c in others]
        rows.append([words[condition], met, *own, _floor(cell), *means])
    header = ["condition", "met", *NUMBERS.values(), "DSA floor", *others]
    body = table(header, rows, numeric=range(1, len(header)), css="conditions")
    return Section("numbers", "Every condition", ABOUT_NUMBERS, body=body)


def _number(cell: OneCondition, name: str) -> Markup:
    shown = _plain(QUANTITIES[name].source.of(cell).whole)
    if name != "dynamics" or shown == NIL:
        return shown
    bound = DYNAMICS._replace(column="bound").of(cell).whole
    return Markup("{} ({})").format(shown, _plain(bound))


def _floor(cell: OneCondition) -> Markup:
    return _plain(DYNAMICS._replace(null="again").of(cell).whole)


def _plain(value: float) -> Markup:
    return Markup("{}").format(f"{value:.3g}") if np.isfinite(value) else NIL
