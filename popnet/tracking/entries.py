"""Entries describe, as data, the MLflow runs of a recorded sweep."""

from collections.abc import Hashable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from popnet.measures import recorded
from popnet.status import Status
from popnet.tracking.artifacts import (
    Attach,
    digest_of,
    digest_of_files,
    files_attached,
    no_artifacts,
    weights_attached,
)
from popnet.tracking.curves import Point, population_points, thin
from popnet.tracking.scores import (
    asked_scores,
    counts,
    evaluation_scores,
    finite,
    median_of,
    median_trials_to_criterion,
    missing,
    param_text,
    settings_of,
)

if TYPE_CHECKING:
    from popnet.runs import Run

LAYOUT = 2  # raised when what is written changes: every run is then filled in again
SCORES = ("trials_to_criterion", "trials", "final_error", "final_accuracy")
SCORES += ("accuracy", "error")
SCORES += tuple(n for n, m in recorded("weights", "curve").items() if m.settings.listed)
NETWORK_TAGS = ("condition", "label", "status", "index", "seed")
TABLES = ("networks", "curves", "evaluations", "dynamics", "comparisons")
POPULATION_NOTE = (
    "Over the networks that did not diverge. One that stopped early, at its criterion, "
    "counts with its last value from there on. median.trials_to_criterion is over all "
    "networks: one that failed (not converged, or diverged) counts as its cap, "
    "train.trials, so a median at the cap means more than the cap."
)


class Entry(NamedTuple):
    """The content of one MLflow run: of the sweep, a condition or a network."""

    kind: str  # sweep, condition or network
    key: str
    name: str
    at_ms: int
    status: str  # MLflow's word: FINISHED, FAILED or RUNNING
    tags: dict[str, str]
    params: dict[str, str]
    scores: dict[str, float]
    curves: list[Point]  # by step
    artifact_digest: str  # identifies the artifacts; they are rewritten if it changes
    required: str  # name of the artifact that must exist; "" if none
    attach: Attach

    def digest(self) -> str:
        """Return a hash of everything that is written, artifacts included."""
        return digest_of([LAYOUT, *self[:-1]])

    def curve_digest(self) -> str:
        """Return a hash of the curves; "" when there are none."""
        return digest_of(self.curves) if self.curves else ""


def network_entries(
    run: "Run", table: pd.DataFrame, curves: pd.DataFrame, evaluations: pd.DataFrame
) -> Iterator[Entry]:
    """Yield one entry per row of ``table``, which is a table ``networks``.

    ``curves`` and ``evaluations`` hold at least the rows of these networks.  The tables
    may be the run's own or rows from the store: a network's entry depends on its own
    rows alone.
    """
    drawn = {key: part for key, part in _groups(curves, "key")}
    extra = evaluation_scores(evaluations)
    columns = list(table.columns)
    asked = asked_scores(run)
    for values in table.itertuples(index=False, name=None):
        row: dict[Hashable, Any] = dict(zip(columns, values, strict=True))
        key, status = row["key"], row["status"]
        has_weights = not missing(row.get("weights_file"))
        settings = settings_of(row)
        scores = {name: row[name] for name in SCORES if name in row}
        scores |= {name: row[column] for name, column in asked.items()}
        yield Entry(
            kind="network",
            key=key,
            name=f"{row['label'] or row['condition']} #{row['index']}",
            at_ms=round(row["recorded_at"] * 1000),
            status={Status.DIVERGED: "FAILED", Status.STOPPED: "KILLED"}.get(
                status, "FINISHED"
            ),
            tags={f"popnet.{name}": str(row[name]) for name in NETWORK_TAGS},
            params={name: param_text(value) for name, value in settings.items()},
            scores=finite({**scores, **extra.get(key, {})}),
            curves=thin(drawn.get(key)),
            artifact_digest=key if has_weights else "",
            required="weights.safetensors" if has_weights else "",
            attach=weights_attached(run, row, settings)
            if has_weights
            else no_artifacts,
        )


def condition_entries(
    run: "Run", table: pd.DataFrame, curves: pd.DataFrame
) -> Iterator[Entry]:
    """Yield one entry per condition: counts, medians and its population's curves."""
    for condition, rows in _groups(table, "condition"):
        label = rows["label"].iloc[0]
        complete = len(rows) >= run.sweep.networks
        sound = rows[rows["status"] != Status.DIVERGED]
        medians = {f"median.{n}": median_of(sound[n]) for n in SCORES if n in sound}
        asked = asked_scores(run).items()
        medians |= {f"median.{name}": median_of(sound[c]) for name, c in asked}
        medians["median.trials_to_criterion"] = median_trials_to_criterion(rows)
        settings = settings_of(rows.iloc[0].to_dict())
        figure = run.folder / "report" / "figures" / f"condition_{condition}.png"
        yield Entry(
            kind="condition",
            key=condition,
            name=label or "all networks",
            at_ms=round(max(rows["recorded_at"]) * 1000),
            status="FINISHED" if complete else "RUNNING",
            tags={
                "popnet.condition": condition,
                "popnet.label": label,
                "popnet.status": "complete" if complete else "incomplete",
                "mlflow.note.content": POPULATION_NOTE,
            },
            params={name: param_text(value) for name, value in settings.items()},
            scores=finite({**counts(rows), **medians}),
            curves=population_points(curves, sound["key"]),
            artifact_digest=digest_of_files([figure]),
            required="",
            attach=files_attached([(figure, "figures")]),
        )


def sweep_entry(run: "Run", table: pd.DataFrame) -> Entry:
    """Return the sweep's entry: its files and its counts."""
    planned = run.planned()
    names = (
        "sweep.yaml",
        "plan.json",
        "provenance.json",
        *(f"{name}.parquet" for name in TABLES),
    )
    paths = [run.folder / name for name in names]
    paths += sorted((run.folder / "report").rglob("*"))
    artifacts = [
        (path, None if at == Path(".") else str(at))
        for path in paths
        if path.is_file() and path.name[0] != "."
        for at in (path.parent.relative_to(run.folder),)
    ]
    return Entry(
        kind="sweep",
        key=run.name,
        name=run.name,
        at_ms=round(max(table["recorded_at"]) * 1000) if len(table) else 0,
        status="FINISHED" if len(table) >= planned else "RUNNING",
        tags={
            "popnet.varied": ", ".join(run.varied),
            "popnet.status": "complete" if len(table) >= planned else "incomplete",
        },
        params={},
        scores=finite({"planned": planned, **counts(table)}),
        curves=[],
        artifact_digest=digest_of_files([path for path, _ in artifacts]),
        required="",
        attach=files_attached(artifacts),
    )


def _groups(frame: pd.DataFrame, by: str) -> Iterator[tuple[Any, pd.DataFrame]]:
    if len(frame):
        yield from frame.groupby(by, sort=False)
