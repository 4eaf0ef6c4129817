"""``popnet status`` and ``popnet show``: the state of a run, and its networks."""

from __future__ import annotations

import operator
import re
from collections.abc import Hashable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from popnet.status import FAILED, Status

from .shell import (
    AsJson,
    RunFolder,
    give,
    give_json,
    guarded,
    say,
)

if TYPE_CHECKING:
    import pandas as pd

    from popnet.config import After
    from popnet.runs import Run
    from popnet.runs.earlier_run import EarlierRun

USUAL = [
    "key", "label", "index", "status", "trials_to_criterion", "final_accuracy",
    "accuracy", "accuracy_se", "observer_accuracy",
]  # fmt: skip
"""Columns that are shown by default, before the listed measures."""
OPERATORS = {
    "==": operator.eq, "!=": operator.ne, "<=": operator.le, ">=": operator.ge,
    "<": operator.lt, ">": operator.gt,
}  # fmt: skip


@guarded
def status(run: RunFolder, as_json: AsJson = False) -> None:
    """Where a run stands; needs nothing to be running."""
    from popnet.runs import open_run
    from popnet.runs.earlier_run import EarlierRun

    opened = open_run(run)
    if isinstance(opened, EarlierRun):
        summary = _summary_of_earlier(opened)
    else:
        summary = _summary(opened)
    if as_json:
        give_json(summary)
        return
    for key, value in summary.items():
        give(f"{key.replace('_', ' '):18} {value}")


def _summary_of_earlier(opened: EarlierRun) -> dict[str, Any]:
    """Return how many networks of an earlier popnet's run there are, by status."""
    from popnet.runs.physics import earlier_note

    say(f"note: {earlier_note(opened.provenance())}")
    statuses = opened.table()["status"]
    return {
        "name": opened.name,
        "networks": opened.planned(),
        "recorded": len(statuses),
        **{str(s): int(n) for s, n in sorted(statuses.value_counts().items())},
        "missing": max(0, opened.planned() - len(statuses)),
    }


def _summary(opened: Run) -> dict[str, Any]:
    """Return how many networks are recorded, by status, and what is still to do."""
    from collections import Counter

    from popnet.work import pending

    opened.store.refuse_unreadable()
    known = pending.statuses(opened)
    counts = Counter(known.values())
    planned = opened.planned()
    stopped = len(opened.stopped() - set(known))
    jobs = pending.test_jobs(opened, known, known)
    summary: dict[str, Any] = {
        "name": opened.name,
        "networks": planned,
        "recorded": len(known),
        **dict(sorted(counts.items())),
        **({} if opened.ledger is None else {"stopped": stopped}),
        "missing": planned - len(known) - stopped,
        "networks_to_test": sum(len(j.networks) for j in jobs),
        "pairs_to_compare": sum(
            len(pairs) for _, pairs in pending.comparisons(opened, known)
        ),
    }
    if opened.ledger is not None:
        states = Counter(e["state"] for e in opened.ledger.conditions.values())
        summary |= {f"conditions_{s}": n for s, n in sorted(states.items())}
    return summary


@guarded
def show(
    run: RunFolder,
    where: Annotated[
        list[str] | None,
        typer.Option("--where", help="e.g. status==converged; may be repeated"),
    ] = None,
    by: Annotated[
        str | None, typer.Option("--by", help="one row per value of this column")
    ] = None,
    columns: Annotated[
        str | None, typer.Option("--columns", help="comma-separated, or 'all'")
    ] = None,
    csv: Annotated[bool, typer.Option("--csv", help="data as CSV on stdout")] = False,
    as_json: AsJson = False,
) -> None:
    """The networks of a run as a table."""
    from popnet.runs import open_run
    from popnet.runs.earlier_run import EarlierRun
    from popnet.runs.physics import earlier_note

    opened = open_run(run)
    if isinstance(opened, EarlierRun):
        say(f"note: {earlier_note(opened.provenance())}")
    table = opened.table()
    for condition in where or []:
        table = _filtered(table, condition)
    table = table if by is None else _grouped(table, by)
    if columns not in (None, "all"):
        table = _with_columns(table, columns.split(","))
    elif by is None and columns is None:
        usual = dict.fromkeys([*USUAL, *listed(opened.sweep.after), *opened.varied])
        table = table[[n for n in usual if n in table.columns]]
    if csv:
        give(table.to_csv(index=False).rstrip())
    elif as_json:
        give_json([_row(row) for row in table.to_dict("records")])
    elif table.empty:
        give("no networks")
    else:
        give(table.to_string(index=False, float_format=lambda v: f"{v:.3g}"))


def _with_columns(table: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Return these columns of a table.  Raises ConfigError when one is not there."""
    from popnet.config import ConfigError

    unknown = [n for n in names if n not in table.columns]
    if unknown:
        raise ConfigError(f"--columns: {_no_column(unknown[0], table)}")
    return table[names]


def listed(after: After) -> list[str]:
    """Return the columns of measures that are shown by default."""
    from popnet.canonical import label
    from popnet.measures import recorded

    usual = [n for n, m in recorded("weights", "curve").items() if m.settings.listed]
    asked = [m for m in after.measures if m.listed and not m.of_activity()]
    return [*usual, *map(label, asked)]


def _row(row: dict[Hashable, Any]) -> dict[Hashable, Any]:
    """Return a row for JSON, with null for missing, infinite and NaN values."""
    import pandas as pd

    infinite = (float("inf"), -float("inf"))
    return {k: None if pd.isna(v) or v in infinite else v for k, v in row.items()}


def _no_column(name: str, table: pd.DataFrame) -> str:
    from popnet.config import nearest
    from popnet.config.reading import shown

    known = [str(c) for c in table.columns]
    return (
        f"no column {shown(name)}.{nearest(name, known)} Columns: {', '.join(known)}."
    )


def _filtered(table: pd.DataFrame, condition: str) -> pd.DataFrame:
    """Return the rows that meet a condition such as "status==converged".

    Raises ConfigError when the condition is malformed or has no such column.
    """
    from popnet.config import ConfigError

    match = re.fullmatch(
        r"\s*([\w.]+(?:\([^()]*\))?)\s*(==|!=|<=|>=|<|>|=)\s*(.*?)\s*", condition
    )
    if not match:
        raise ConfigError(
            f"--where {condition!r}: expected COLUMN OP VALUE, OP one of "
            f"{' '.join(OPERATORS)}."
        )
    name, sign, text = match.groups()
    if name not in table.columns:
        raise ConfigError(f"--where: {_no_column(name, table)}")
    column, value = _comparable(table[name], text.strip("'\""), condition)
    met = OPERATORS["==" if sign == "=" else sign](column, value)
    return table[met.fillna(False).astype(bool)]


def _comparable(column: pd.Series, text: str, condition: str) -> tuple[Any, Any]:
    """Return a column and a value that compare: both numbers, or both text."""
    import pandas as pd

    from popnet.config import ConfigError

    kind = pd.api.types.infer_dtype(column, skipna=True)
    if kind not in ("integer", "floating", "mixed-integer-float", "boolean", "empty"):
        return column.astype(str), text
    try:
        value = {"true": 1.0, "false": 0.0}.get(text.lower())
        value = float(text) if value is None else value
    except ValueError:
        if kind == "empty":
            return column.astype(str), text
        raise ConfigError(
            f"--where {condition!r}: {column.name} holds numbers, got {text!r}."
        ) from None
    return column.astype("Float64"), value


def _grouped(table: pd.DataFrame, by: str) -> pd.DataFrame:
    """Return counts and medians of each group of networks with one value of a column.

    In the median of trials to criterion a network that failed counts with its cap, and
    one that a search stopped with the trials it had.
    """
    import pandas as pd

    from popnet.analysis.trials_to_criterion import (
        allowed,
        trials_or_cap,
        trials_quantiles,
    )
    from popnet.config import ConfigError
    from popnet.measures import recorded

    of_networks = recorded("weights", "curve")
    grouped = [name for name, m in of_networks.items() if m.settings.grouped]
    if by not in table.columns:
        raise ConfigError(f"--by: {_no_column(by, table)}")
    rows = []
    for value, group in table.groupby(by, sort=True, dropna=False):
        counts = group["status"].value_counts()
        row: dict[str, Any] = {by: value, "networks": len(group)}
        statuses = [Status.CONVERGED, *FAILED, Status.TRAINED]
        statuses += [Status.STOPPED] * bool((table["status"] == Status.STOPPED).any())
        row |= {str(s): int(counts.get(s, 0)) for s in statuses}
        met = group["trials_to_criterion"].astype("Float64")
        needed = trials_or_cap(
            group["status"],
            met.to_numpy(float, na_value=float("nan")),
            allowed(group["status"], group["trials"], group["train.trials"]),
        )
        (median,) = trials_quantiles(needed, [0.5])
        row["median_trials_to_criterion_or_cap"] = median.trials
        for name in ("accuracy", *grouped):
            row[f"median_{name}"] = group[name].astype(float).median()
        rows.append(row)
    return pd.DataFrame(rows)
