"""Compares the networks and recordings of somebody else's folder, and reports it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from popnet.canonical import label, settings_text
from popnet.catalogue import metric_settings
from popnet.config import ConfigError, MetricSettings
from popnet.config.plain_file import read_plain
from popnet.formats import ForeignFolder, read_folder
from popnet.formats.folder import RESULTS
from popnet.metrics import METRICS, Certified, Prepared, metric_identity
from popnet.report.comparison_page import folder_tables
from popnet.report.population import ComparedNetworks
from popnet.runs import writing
from popnet.store.atomic_files import write_atomically
from popnet.work.subject_pairs import (
    compare_prepared,
    fields_read,
    heldout_errors,
    likeness,
    pairs_of,
    prepare_subjects,
)

TABLE = "comparison.parquet"
LARGEST_TABLE = 2**30
COLUMNS = [
    "key_a", "key_b", "metric", "settings", "value", "bound", "starts", "identity",
    "content_a", "content_b", "heldout_a", "heldout_b",
]  # fmt: skip
"""Columns of the table; ``identity`` is a hash of the metric, ``content_a`` and
``content_b`` of the networks' arrays: equal ones are not compared again.  ``heldout_a``
and ``heldout_b`` are the errors of the models that a metric fits; NaN for others."""

OnPairs = Callable[[str, int, int], None]
"""Called with a metric's label, and its pairs that are done and that there are."""


class FolderComparison(NamedTuple):
    """A folder, its pairs by the metrics asked for, and notes for the user."""

    networks: ComparedNetworks
    metrics: tuple[MetricSettings, ...]
    """The metrics asked for, or, by default, all that the folder allows."""
    notes: tuple[str, ...]


def compare_folder(
    folder: Path,
    metrics: Sequence[MetricSettings],
    nulls: Callable[[MetricSettings], dict[str, MetricSettings]] = lambda _: {},
    on_pairs: OnPairs = lambda *_: None,
) -> FolderComparison:
    """Compare all comparable pairs of a folder by some metrics and their nulls.

    Without metrics, by all that its networks have the data for.  A null that they have
    no data for is left out.  The pairs are kept in ``comparison/comparison.parquet`` of
    the folder; what is there, of networks and metrics that are still the same, is not
    computed again.  Raises ConfigError when a file is unfit or a metric has no data.
    """
    read = read_folder(folder)
    for metric in metrics:  # before anything is written
        _refuse_without_data(metric, read)
    chosen = tuple(metrics) or default_metrics(read)
    every = list(chosen)
    for metric in chosen:
        every += [null for null in nulls(metric).values() if has_data(null, read)]
    every = list(dict.fromkeys(every))
    with writing(folder / RESULTS):
        known = _recorded(folder / RESULTS / TABLE, read)
        for metric in every:
            known = _with_metric(known, metric, read, on_pairs)
            write_atomically(folder / RESULTS / TABLE, _writer(known))
    names = [network.name for network in read.networks]
    identities = {metric_identity(metric) for metric in every}
    pairs = known[known["identity"].isin(identities)].reset_index(drop=True)
    conditions = [network.condition for network in read.networks]
    errors = {metric: _heldout_errors(metric, pairs) for metric in chosen}
    networks = folder_tables(names, conditions, pairs, errors)
    return FolderComparison(networks, chosen, read.notes)


def _heldout_errors(metric: MetricSettings, pairs: pd.DataFrame) -> dict[str, float]:
    """Return the error of the model of each network, by its name."""
    if not metric.fitted:
        return {}
    own = pairs[pairs["identity"] == metric_identity(metric)]
    return {
        str(key): float(error)
        for side in "ab"
        for key, error in zip(own[f"key_{side}"], own[f"heldout_{side}"], strict=True)
    }


def default_metrics(read: ForeignFolder) -> tuple[MetricSettings, ...]:
    """Return every metric, with its default settings, that a folder has data for."""
    every = (metric_settings(name, "popnet compare") for name in METRICS)
    found = tuple(metric for metric in every if has_data(metric, read))
    if not found:
        raise ConfigError(
            f"{read.folder}: no metric has the data it compares; give inputs in "
            "compare.yaml so that networks can be run."
        )
    return found


def has_data(settings: MetricSettings, read: ForeignFolder) -> bool:
    """Return True when two networks of a folder have all that a metric reads."""
    try:
        _refuse_without_data(settings, read)
    except ConfigError:
        return False
    return True


def _refuse_without_data(settings: MetricSettings, read: ForeignFolder) -> None:
    """Prepare the first two networks that have what a metric reads, as a trial."""
    fields = fields_read(settings)
    every = {network.name: network.subject for network in read.networks}
    able = {
        name: subject
        for name, subject in every.items()
        if all(getattr(subject, field) is not None for field in fields)
    }
    prepare_subjects(settings, dict(list((able or every).items())[:2]))


def _with_metric(
    known: pd.DataFrame,
    metric: MetricSettings,
    read: ForeignFolder,
    on_pairs: OnPairs,
) -> pd.DataFrame:
    """Return the table with all pairs of one metric in it, computing those missing."""
    fields, identity = fields_read(metric), metric_identity(metric)
    kinds = {
        network.name: likeness(metric, network.subject)
        for network in read.networks
        if all(getattr(network.subject, field) is not None for field in fields)
    }
    mine = known[known["identity"] == identity]
    done = set(zip(mine["key_a"], mine["key_b"], strict=True))
    left = [pair for pair in pairs_of(metric, kinds) if pair not in done]
    if not left and done:
        return known
    wanted = {name for pair in left for name in pair}
    subjects = {
        n.name: n.subject for n in read.networks if n.name in wanted or not left
    }
    prepared = prepare_subjects(metric, subjects)
    left = [(a, b) for a, b in left if a in prepared and b in prepared]
    count = 0

    def advance(pairs: int) -> None:
        nonlocal count
        count += pairs
        on_pairs(label(metric), count, len(left))

    found = compare_prepared(metric, left, prepared, advance)
    made = _table(metric, left, found, read, prepared)
    return made if known.empty else pd.concat([known, made], ignore_index=True)


def _table(
    metric: MetricSettings,
    pairs: Sequence[tuple[str, str]],
    found: Certified,
    read: ForeignFolder,
    prepared: Mapping[str, Prepared],
) -> pd.DataFrame:
    """Return the rows of pairs that were just compared."""
    content = {network.name: network.content for network in read.networks}
    error = heldout_errors(metric, prepared)
    rows: dict[str, Any] = {
        "key_a": [a for a, _ in pairs],
        "key_b": [b for _, b in pairs],
        "metric": metric.name,
        "settings": settings_text(metric),
        "value": found.value_M,
        "bound": found.bound_M,
        "starts": found.starts_M,
        "identity": metric_identity(metric),
        "content_a": [content[a] for a, _ in pairs],
        "content_b": [content[b] for _, b in pairs],
        "heldout_a": [error.get(a, np.nan) for a, _ in pairs],
        "heldout_b": [error.get(b, np.nan) for _, b in pairs],
    }
    return pd.DataFrame(rows, columns=COLUMNS)


def _recorded(path: Path, read: ForeignFolder) -> pd.DataFrame:
    """Return the recorded pairs of networks that are still the same.

    A file that is no such table, or a link, counts as none.
    """
    content = {network.name: network.content for network in read.networks}
    table = pd.DataFrame(columns=COLUMNS)
    if path.is_symlink():
        return table
    with suppress(OSError, ValueError, KeyError):
        table = pd.read_parquet(BytesIO(read_plain(path, LARGEST_TABLE)))[COLUMNS]
    same = (table["key_a"].map(content) == table["content_a"]) & (
        table["key_b"].map(content) == table["content_b"]
    )
    return table[same].reset_index(drop=True)


def _writer(table: pd.DataFrame) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        table.to_parquet(path, index=False, compression="zstd")

    return write
