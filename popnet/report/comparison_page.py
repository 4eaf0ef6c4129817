"""The page of a comparison: its table of means, then a figure per metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from popnet.canonical import settings_text
from popnet.config import MetricSettings
from popnet.report.comparison import comparisons
from popnet.report.conditions import arrange
from popnet.report.markup import fill_template, table
from popnet.report.pair_summary import PairSummary, shown_effect, shown_fits
from popnet.report.population import ComparedNetworks
from popnet.report.sections import Section
from popnet.report.style import house_style
from popnet.report.write import draw, remove_stale
from popnet.status import Status
from popnet.store.atomic_files import write_bytes

HEADER = [
    "metric", "kind", "within conditions", "between", "floor: again",
    "ceiling: untrained", "ceiling: shuffled",
]  # fmt: skip
EXPLAINED = (
    "Means over pairs of networks, in brackets 95 % intervals over networks "
    "(jackknife, since pairs share networks), cut at the limits of the metric; no "
    "interval where fewer than three networks differ. Floor: each network with "
    "itself, measured again. Ceilings: the networks as they were drawn, and units "
    "that do not act together. A dash: the metric has no such null, or nothing to "
    "compare. Networks of one index in two conditions start from the same draws, and "
    "the table leaves their pairs out."
)


def folder_tables(
    names: Sequence[str],
    conditions: Sequence[str],
    pairs: pd.DataFrame,
    heldout_errors: Mapping[MetricSettings, Mapping[str, float]],
) -> ComparedNetworks:
    """Return the networks of somebody else's folder as a run's are shown."""
    networks = pd.DataFrame(
        {
            "key": list(names),
            "condition": list(conditions),
            "label": list(conditions),
            "index": range(len(names)),
            "status": str(Status.TRAINED),
        }
    )
    shown = arrange(networks, [])
    place = {condition.id: i for i, condition in enumerate(shown)}
    order = networks["condition"].map(place)
    networks = networks.assign(_place=order).sort_values("_place", kind="stable")
    return ComparedNetworks(
        conditions=shown,
        networks=networks.drop(columns="_place").reset_index(drop=True),
        comparisons=pairs,
        averaged=frozenset(names),
        excluded="",
        notes={},
        heldout_errors=heldout_errors,
    )


def write_comparison(
    page: Path,
    figures: Path,
    title: str,
    compared: ComparedNetworks,
    metrics: Sequence[MetricSettings],
    rows: Sequence[PairSummary],
    notes: Sequence[str] = (),
) -> Path:
    """Write the page of a comparison and its figures; return the page's path.

    ``metrics``: those drawn, without their nulls.  ``figures`` is a folder beside the
    page, and holds nothing else.
    """
    figures.mkdir(parents=True, exist_ok=True)
    pairs = compared.comparisons
    drawn = {(m.name, settings_text(m)) for m in metrics}
    named = zip(pairs["metric"], pairs["settings"], strict=True)
    kept = [both in drawn for both in named]
    with house_style():
        shown = comparisons(replace(compared, comparisons=pairs[kept]))
        svgs = draw(shown.drawings, figures)
    sections = [means_section(rows), shown]
    if notes:
        words = " ".join(f"{note}." for note in notes)
        sections.append(Section("notes", "What was assumed or left out", words))
    made = fill_template(
        "comparison.html.j2",
        name=title,
        sentence=_sentence(compared, metrics),
        sections=sections,
        svgs=svgs,
        folder=figures.name,
    )
    write_bytes(page, made.encode())
    remove_stale(figures, set(svgs))
    return page


def means_section(rows: Sequence[PairSummary]) -> Section:
    """The table of means, floors and ceilings."""
    cells = [
        [row.metric, row.kind, *(shown_effect(effect) for effect in row.effects)]
        for row in rows
    ]
    body = table(HEADER, cells, numeric=range(2, len(HEADER)), css="counts")
    words = f"{EXPLAINED} {shown_fits(rows)}".rstrip()
    return Section("means", "Distances and their scale", words, body=body)


def _sentence(compared: ComparedNetworks, metrics: Sequence[MetricSettings]) -> str:
    count, conditions = len(compared.networks), len(compared.conditions)
    several = f" of {conditions} conditions" if conditions > 1 else ""
    by = "one metric" if len(metrics) == 1 else f"{len(metrics)} metrics"
    return f"{count} networks{several}, compared in pairs by {by}."
