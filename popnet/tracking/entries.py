"""What MLflow shall say about a recorded run, as data: one Entry per MLflow run."""

import json
import math
import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from hashlib import blake2b
from pathlib import Path
from statistics import fmean, median
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from safetensors.numpy import save_file

from popnet.analysis.trials_to_criterion import allowed, trials_or_cap, trials_quantiles
from popnet.measures import recorded
from popnet.runs.columns import asked_columns
from popnet.runs.labels import labels
from popnet.status import Status
from popnet.tracking.curves import Point, population_points, thin

if TYPE_CHECKING:
    from popnet.runs import Run

LAYOUT = 2  # raised when what is written changes: every run is then filled in again
SCORES = ("trials_to_criterion", "trials", "final_error", "final_accuracy")
SCORES += ("accuracy", "error")
SCORES += tuple(n for n, m in recorded("weights", "curve").items() if m.settings.listed)
NETWORK_TAGS = ("condition", "label", "status", "index", "seed")
STATUSES = (
    Status.CONVERGED,
    Status.TRAINED,
    Status.UNCONVERGED,
    Status.DIVERGED,
    Status.STOPPED,
)
LONGEST_PARAM = 6000  # MLflow's limit
TABLES = ("networks", "curves", "evaluations", "dynamics", "comparisons")
POPULATION_NOTE = (
    "Over the networks that did not diverge. One that stopped early, at its criterion, "
    "counts with its last value from there on. median.trials_to_criterion is over all "
    "networks: one that failed (not converged, or diverged) counts as its cap, "
    "train.trials, so a median at the cap means more than the cap."
)

Attach = Callable[[Path], Iterable[tuple[Path, str | None]]]


class Entry(NamedTuple):
    """One MLflow run as it should be."""

    kind: str  # sweep, condition or network
    key: str
    name: str
    at_ms: int
    status: str  # MLflow's word: FINISHED, FAILED or RUNNING
    tags: dict[str, str]
    params: dict[str, str]
    scores: dict[str, float]
    curves: list[Point]  # by step
    holds: str  # what the artifacts hold; a change writes them again
    proof: str  # an artifact that must be there, or ""
    attach: Attach

    def digest(self) -> str:
        """A hash of everything that is written, artifacts included."""
        return _digest([LAYOUT, *self[:-1]])

    def curve_digest(self) -> str:
        """A hash of the curves, "" when there are none."""
        return _digest(self.curves) if self.curves else ""


def _digest(value: object) -> str:
    text = json.dumps(value, sort_keys=True)
    return blake2b(text.encode(), digest_size=12).hexdigest()


def network_entries(
    run: "Run", table: pd.DataFrame, curves: pd.DataFrame, evaluations: pd.DataFrame
) -> Iterator[Entry]:
    """One entry per row of ``table``; the other two hold these networks, or more.

    From the run's own tables or from some networks' rows in the store: an entry is the
    same, whatever networks stand beside it.
    """
    drawn = {key: part for key, part in _groups(curves, "key")}
    extra = _evaluation_scores(evaluations)
    columns = list(table.columns)
    asked = _asked(run)
    for values in table.itertuples(index=False, name=None):
        row: dict[Hashable, Any] = dict(zip(columns, values, strict=True))
        key, status = row["key"], row["status"]
        has_weights = not _missing(row.get("weights_file"))
        settings = _settings(row)
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
            params={name: _text(value) for name, value in settings.items()},
            scores=_finite({**scores, **extra.get(key, {})}),
            curves=thin(drawn.get(key)),
            holds=key if has_weights else "",
            proof="weights.safetensors" if has_weights else "",
            attach=_weights(run, row, settings) if has_weights else nothing,
        )


def condition_entries(
    run: "Run", table: pd.DataFrame, curves: pd.DataFrame
) -> Iterator[Entry]:
    """One entry per condition: counts, medians and the curves of its population."""
    for condition, rows in _groups(table, "condition"):
        label = rows["label"].iloc[0]
        whole = len(rows) >= run.sweep.networks
        sound = rows[rows["status"] != Status.DIVERGED]
        medians = {f"median.{n}": _median(sound[n]) for n in SCORES if n in sound}
        asked = {f"median.{n}": _median(sound[c]) for n, c in _asked(run).items()}
        medians |= asked
        medians["median.trials_to_criterion"] = _median_needed(rows)
        figure = run.folder / "report" / "figures" / f"condition_{condition}.png"
        yield Entry(
            kind="condition",
            key=condition,
            name=label or "all networks",
            at_ms=round(max(rows["recorded_at"]) * 1000),
            status="FINISHED" if whole else "RUNNING",
            tags={
                "popnet.condition": condition,
                "popnet.label": label,
                "popnet.status": "complete" if whole else "incomplete",
                "mlflow.note.content": POPULATION_NOTE,
            },
            params={k: _text(v) for k, v in _settings(rows.iloc[0].to_dict()).items()},
            scores=_finite({**_counts(rows), **medians}),
            curves=population_points(curves, sound["key"]),
            holds=_content([figure]),
            proof="",
            attach=_files([(figure, "figures")]),
        )


def sweep_entry(run: "Run", table: pd.DataFrame) -> Entry:
    """The sweep's entry: its files and its counts."""
    planned = run.planned()
    tops = (
        "sweep.yaml",
        "plan.json",
        "provenance.json",
        *(f"{name}.parquet" for name in TABLES),
    )
    paths = [run.folder / name for name in tops]
    paths += sorted((run.folder / "report").rglob("*"))
    kept = [
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
        scores=_finite({"planned": planned, **_counts(table)}),
        curves=[],
        holds=_content([path for path, _ in kept]),
        proof="",
        attach=_files(kept),
    )


def _groups(frame: pd.DataFrame, by: str) -> Iterator[tuple[Any, pd.DataFrame]]:
    if len(frame):
        yield from frame.groupby(by, sort=False)


def _counts(rows: pd.DataFrame) -> dict[str, float]:
    statuses = list(rows["status"]) if len(rows) else []
    known = [s for s in STATUSES if s != Status.STOPPED or s in statuses]
    return {"networks": len(statuses), **{s: statuses.count(s) for s in known}}


def _median(values: Iterable[Any]) -> float | None:
    known = [float(v) for v in values if not _missing(v) and math.isfinite(v)]
    return median(known) if known else None


def _median_needed(rows: pd.DataFrame) -> float:
    """Trials to criterion, failures at their cap; NaN where there was no criterion."""
    met = rows["trials_to_criterion"].astype("Float64").to_numpy(float, na_value=np.nan)
    cap = allowed(rows["status"], rows["trials"], rows["train.trials"])
    needed = trials_or_cap(rows["status"], met, cap)
    return trials_quantiles(needed, [0.5])[0].trials


def _asked(run: "Run") -> dict[str, str]:
    """The columns of what the sweep asks to be measured of networks, by score."""
    columns = asked_columns(run.sweep.after, "networks")
    return {metric_name(column): column for column in columns}


def _evaluation_scores(table: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Accuracy on each task, and the mean loss of accuracy under each perturbation."""
    tasks, rest, moved = defaultdict(list), defaultdict(list), defaultdict(list)
    columns = ("key", "kind", "level", "accuracy")
    rows = zip(labels(table), *(table[c] for c in columns), strict=True)
    for name, key, kind, level, accuracy in rows:
        if _missing(accuracy):
            continue
        if kind == "task":
            tasks[key, name].append(accuracy)
        elif kind == "perturbation":
            (rest if level == 0 else moved)[key, name].append(accuracy)
    scores: dict[str, dict[str, float]] = defaultdict(dict)
    for (key, name), values in tasks.items():
        scores[key][metric_name(f"task.{name}")] = fmean(values)
    for (key, name), values in moved.items():
        if (key, name) in rest:
            drop = fmean(rest[key, name]) - fmean(values)
            scores[key][metric_name(f"drop.{name}")] = drop
    return scores


def metric_name(name: str) -> str:
    """The nearest name that MLflow accepts on every system."""
    return re.sub(r"[^\w.\-]+", "_", name).strip("_")[:250]


def _settings(row: Mapping[Hashable, Any]) -> dict[str, Any]:
    """The settings of a network: the columns with a dotted path.

    A measure with settings, as in "residual(last=0.5)", is none.
    """
    return {
        str(name): _plain(value)
        for name, value in row.items()
        if "." in str(name) and "(" not in str(name) and not _missing(value)
    }


def _plain(value: Any) -> Any:
    """A setting as it was given: 200.0 is 200, as a column of floats may hold it."""
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return int(value)
    return value


def _missing(value: Any) -> bool:
    return value is None or (pd.api.types.is_scalar(value) and bool(pd.isna(value)))


def _text(value: object) -> str:
    """A setting as MLflow shows it."""
    text = json.dumps(value) if isinstance(value, list | dict) else str(value)
    return text if len(text) <= LONGEST_PARAM else text[: LONGEST_PARAM - 3] + "..."


def _finite(scores: Mapping[str, Any]) -> dict[str, float]:
    numbers = {k: float(v) for k, v in scores.items() if not _missing(v)}
    return {name: value for name, value in numbers.items() if math.isfinite(value)}


def nothing(folder: Path) -> list[tuple[Path, str | None]]:  # noqa: ARG001
    """No artifacts."""
    return []


def _files(paths: list[tuple[Path, str | None]]) -> Attach:
    def attach(folder: Path) -> Iterable[tuple[Path, str | None]]:  # noqa: ARG001
        return [(path, at) for path, at in paths if path.is_file()]

    return attach


def _content(paths: Iterable[Path]) -> str:
    known = sorted(p for p in paths if p.is_file())
    return _digest([(p.name, blake2b(p.read_bytes()).hexdigest()) for p in known])


def _weights(
    run: "Run", row: Mapping[Hashable, Any], settings: dict[str, Any]
) -> Attach:
    """Writes one network as safetensors: `initial.*`, `final.*`, key and settings."""

    def attach(folder: Path) -> Iterable[tuple[Path, str | None]]:
        network = run.network(row["key"])
        stages = {"initial": network.initial, "final": network.final}
        tensors = {
            # safetensors reads the buffer as it lies, whatever the strides say
            f"{stage}.{name}": np.asarray(array, order="C")
            for stage, arrays in stages.items()
            for name, array in arrays.items()
        }
        metadata = {name: str(row[name]) for name in ("key", "index", "seed")}
        path = folder / "weights.safetensors"
        given = json.dumps(settings, sort_keys=True)
        save_file(tensors, path, {**metadata, "settings": given})
        return [(path, None)]

    return attach
