"""Makes a run's tables from the store, with its networks in the plan's order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from popnet.canonical import label, settings_text
from popnet.config import MetricSettings
from popnet.engine.test_plan import Asked, TestPlan
from popnet.metrics import metric_identity
from popnet.plan import PlannedNetwork
from popnet.runs.checksums import write_files
from popnet.runs.columns import (
    EMPTY,
    OWN_SCORES,
    SCHEDULE,
    STOPPED_BY,
    asked_columns,
    flattened,
)
from popnet.runs.run import Run

if TYPE_CHECKING:
    import pandas as pd


def write_tables(run: Run) -> None:
    """Write the run's tables from its store, each whole or not at all.

    Networks of other sweeps in the store are left out.  Raises StoreError when a part
    of the store's index is damaged, since rows would be missing without a word.
    """
    run.store.refuse_unreadable()
    planned = {n.key: n for n in run.networks}
    found = _Selection(run, planned)
    evaluations = _tested("evaluations", found)
    frames = {
        "networks": _networks(found, evaluations),
        "curves": _curves(run, planned),
        "evaluations": evaluations,
        "dynamics": _with_measures(_tested("dynamics", found), found),
        "comparisons": comparison_rows(run, run.sweep.after.compare),
    }
    write_files(
        run.folder,
        {f"{name}.parquet": partial(_write, frame) for name, frame in frames.items()},
    )


class Rows(NamedTuple):
    """Rows of three tables for some networks, as ``write_tables`` would write them."""

    networks: pd.DataFrame
    curves: pd.DataFrame
    evaluations: pd.DataFrame


def rows_of(run: Run, keys: Iterable[str]) -> Rows:
    """Return the rows of some of the run's networks; only their batches are read."""
    planned = {key: run.find(key) for key in keys}
    found = _Selection(run, planned)
    evaluations = _tested("evaluations", found)
    return Rows(_networks(found, evaluations), _curves(run, planned), evaluations)


class _Selection:
    """Networks of a run, with the tests asked for and the recorded measures."""

    def __init__(self, run: Run, planned: dict[str, PlannedNetwork]) -> None:
        self.run, self.planned = run, planned
        self._plan = TestPlan(run.sweep.after)
        self._measured: dict[tuple[str, str], Any] = {}
        if not run.sweep.after.measures:
            return
        rows = _frame(run, "evaluations", "measures", "key", set(planned))
        columns = ("key", "identity", "value", "over_time")
        for key, identity, value, trace in zip(
            *(rows[c] for c in columns if c in rows), strict=True
        ):
            self._measured[key, identity] = value if trace is None else trace

    def asked(self, key: str) -> Asked:
        """Return the tests and measures asked for of a network."""
        return self._plan.asked(self.planned[key].config)

    def measured(self, key: str, test: str = "") -> dict[str, Any]:
        """Return a network's measures, or those of one test's activity, by column."""
        return {
            label(m.settings): self._measured.get((key, m.identity))
            for m in self.asked(key).measures
            if (m.test.identity if m.test else "") == test
        }


def _write(frame: pd.DataFrame, path: Path) -> None:
    frame.to_parquet(path, index=False, compression="zstd")


def _frame(
    run: Run, kind: str, folder: str, column: str, keys: set[str]
) -> pd.DataFrame:
    import pandas as pd

    table = run.store.table(kind, folder, column, keys)
    return pd.DataFrame() if table is None else table.to_pandas()


def _with_stopped(run: Run, folder: str, keys: set[str]) -> pd.DataFrame:
    """Return rows of recorded networks, then of those that the run's search stopped."""
    import pandas as pd

    recorded = _frame(run, "networks", folder, "key", keys)
    left = (run.stopped() & keys) - run.store.recorded()
    rows = _frame(run, "stopped", f"stopped_{folder}", "key", left)
    if rows.empty:
        return recorded
    # a network may have been stopped, gone on, and been stopped again
    last = rows.groupby("key")["until"].transform("max")
    rows = rows[rows["until"] == last]
    return rows if recorded.empty else pd.concat([recorded, rows], ignore_index=True)


def _networks(found: _Selection, evaluations: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    run, planned = found.run, found.planned
    asked = asked_columns(run.sweep.after, "networks")
    frame = _with_stopped(run, "networks", set(planned))
    if frame.empty:
        return pd.DataFrame(columns=EMPTY["networks"])
    known = [*EMPTY["networks"], *asked, STOPPED_BY, SCHEDULE]
    rows = frame.drop_duplicates("key").set_index("key")
    own = evaluations[evaluations["kind"] == "task"].set_index("key")
    files = run.store.files_of(planned)
    settings: dict[int, dict[str, Any]] = {}
    out = []
    for key, network in planned.items():
        if key not in rows.index:
            continue
        if id(network.config) not in settings:
            settings[id(network.config)] = flattened(network.config)
        flat = settings[id(network.config)]
        row: dict[str, Any] = {
            "key": key, "condition": network.condition, "label": network.label,
            "index": network.seed.number, "seed": network.seed.sweep,
            **{c: rows.at[key, c] for c in known if c in rows.columns},
            "weights_file": files.get(key), **found.measured(key),
        }  # fmt: skip
        out.append({**row, **_own_scores(own, key, network), **flat})
    table = pd.DataFrame(out)
    first = [c for c in known if c in table.columns]
    table = table[first + [c for c in table.columns if c not in first]]
    # floats, even when all values are missing
    scores = dict.fromkeys((*OWN_SCORES, *asked), float)
    return table.astype({"trials_to_criterion": "Int64", **scores})


def _own_scores(
    own: pd.DataFrame, key: str, network: PlannedNetwork
) -> dict[str, float | None]:
    scores: dict[str, float | None] = dict.fromkeys(OWN_SCORES)
    if key in own.index:
        rows, task = own.loc[[key]], network.config.task
        mine = rows[
            (rows["name"] == task.name) & (rows["settings"] == settings_text(task))
        ]
        if len(mine):
            scores = {c: mine.iloc[0][c] for c in scores}
    return scores


def _curves(run: Run, planned: dict[str, PlannedNetwork]) -> pd.DataFrame:
    import pandas as pd

    frame = _with_stopped(run, "curves", set(planned))
    if frame.empty:
        return pd.DataFrame(columns=EMPTY["curves"])
    frame = frame.drop_duplicates(["key", "trial"])
    return _in_order(frame, "key", planned, ["trial"])[EMPTY["curves"]]


def _tested(name: str, found: _Selection) -> pd.DataFrame:
    """Return the table ``name``: a row per network and test.

    Names and settings of tests are taken from the plan: older records hold a label.
    """
    import pandas as pd

    run, planned = found.run, found.planned
    frame = _frame(run, "evaluations", name, "key", set(planned))
    if frame.empty:
        return pd.DataFrame(columns=EMPTY[name])
    frame = frame.drop_duplicates(["key", "identity"])
    identities = frame["identity"].to_numpy()
    positions = np.full(len(frame), -1)
    names, settings = (np.full(len(frame), "", dtype=object) for _ in range(2))
    for key, rows in frame.groupby("key").indices.items():
        asked = found.asked(str(key))
        tests = asked.tests if name == "evaluations" else asked.dynamics
        known = {test.identity: number for number, test in enumerate(tests)}
        for row in rows:
            position = known.get(identities[row], -1)
            positions[row] = position
            if position >= 0:
                test = tests[position]
                names[row], settings[row] = test.name, test.settings
    frame = frame.assign(position=positions, name=names, settings=settings)
    frame = _in_order(frame[frame["position"] >= 0], "key", planned, ["position"])
    extra = ["identity"] if name == "dynamics" else []
    return frame.reindex(columns=[*EMPTY[name], *extra])


def _with_measures(dynamics: pd.DataFrame, found: _Selection) -> pd.DataFrame:
    """Return the table ``dynamics`` with a column per measure asked of activity.

    The column of the tests' identities is used for this and removed.
    """
    columns = asked_columns(found.run.sweep.after, "dynamics")
    if "identity" not in dynamics:
        return dynamics.reindex(columns=[*dynamics.columns, *columns])
    both = zip(dynamics["key"], dynamics["identity"], strict=True)
    values = [found.measured(*one) for one in both] if columns else []
    added: dict[str, Any] = {c: [value.get(c) for value in values] for c in columns}
    asked = [m for m in found.run.sweep.after.measures if m.of_activity()]
    numbers = {label(m): float for m in asked if not m.over_time}
    return dynamics.drop(columns="identity").assign(**added).astype(numbers)


def comparison_rows(run: Run, metrics: Sequence[MetricSettings]) -> pd.DataFrame:
    """Return the recorded pairs of some metrics as the table ``comparisons`` has them.

    The metrics need not be those of the sweep.
    """
    import pandas as pd

    planned = {n.key: n for n in run.networks}
    frame = _frame(run, "comparisons", "comparisons", "key_a", set(planned))
    if frame.empty:
        return pd.DataFrame(columns=EMPTY["comparisons"])
    compares = run.sweep.after.compares
    among = {key for key, n in planned.items() if compares(n.seed.number)}
    both = frame["key_a"].isin(among) & frame["key_b"].isin(among)
    known = {metric_identity(m): m for m in metrics}
    frame = frame[both & frame["identity"].isin(known)]
    frame = frame.drop_duplicates(["key_a", "key_b", "identity"])
    asked = [known[identity] for identity in frame["identity"]]
    frame = frame.assign(
        metric=[m.name for m in asked],
        settings=[settings_text(m) for m in asked],
        _label=[label(m) for m in asked],
    )
    frame = _in_order(frame, "key_a", planned, ["_label", "key_b"])
    # what was compared before there were certificates has none
    frame = frame.reindex(columns=EMPTY["comparisons"])
    return frame.astype({"bound": float, "starts": "Int64"})


def _in_order(
    frame: pd.DataFrame,
    column: str,
    planned: dict[str, PlannedNetwork],
    then: list[str],
) -> pd.DataFrame:
    order = {key: number for number, key in enumerate(planned)}
    frame = frame.assign(_order=frame[column].map(order))
    return frame.sort_values(["_order", *then], kind="stable").reset_index(drop=True)
