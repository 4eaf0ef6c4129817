"""Makes a run's tables from the store: rows of its networks, in the plan's order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from popnet.plan import PlannedNetwork
from popnet.runs.columns import EMPTY, SCHEDULE, STOPPED_BY, flattened
from popnet.runs.run import Run
from popnet.store.atomic_files import write_atomically

if TYPE_CHECKING:
    import pandas as pd


def write_view(run: Run, tests: Mapping[str, list[str]], metrics: list[str]) -> None:
    """Write the run's tables, each whole or not at all.

    ``tests``: the identities of the tests each network is asked, by key; ``metrics``:
    those of the comparisons asked.  The store may hold more, from other sweeps.
    """
    planned = {n.key: n for n in run.networks}
    evaluations = _tested("evaluations", run, planned, tests)
    frames = {
        "networks": _networks(run, planned, evaluations),
        "curves": _curves(run, planned),
        "evaluations": evaluations,
        "dynamics": _tested("dynamics", run, planned, tests),
        "comparisons": _comparisons(run, planned, metrics),
    }
    for name, frame in frames.items():
        path = run.folder / f"{name}.parquet"
        write_atomically(path, lambda part, f=frame: _write(f, part))


class Rows(NamedTuple):
    """Some networks' rows of three tables, as ``write_view`` would write them."""

    networks: pd.DataFrame
    curves: pd.DataFrame
    evaluations: pd.DataFrame


def rows_of(run: Run, keys: Iterable[str], tests: Mapping[str, list[str]]) -> Rows:
    """What the store holds of some networks of the run; reads what holds them only."""
    planned = {key: run.find(key) for key in keys}
    evaluations = _tested("evaluations", run, planned, tests)
    return Rows(
        _networks(run, planned, evaluations), _curves(run, planned), evaluations
    )


def _write(frame: pd.DataFrame, path: Path) -> None:
    frame.to_parquet(path, index=False, compression="zstd")


def _frame(
    run: Run, kind: str, folder: str, column: str, keys: set[str]
) -> pd.DataFrame:
    import pandas as pd

    table = run.store.table(kind, folder, column, keys)
    return pd.DataFrame() if table is None else table.to_pandas()


def _with_stopped(run: Run, folder: str, keys: set[str]) -> pd.DataFrame:
    """Rows of recorded networks, then of those that the run's search stopped."""
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


def _networks(
    run: Run, planned: dict[str, PlannedNetwork], evaluations: pd.DataFrame
) -> pd.DataFrame:
    import pandas as pd

    frame = _with_stopped(run, "networks", set(planned))
    if frame.empty:
        return pd.DataFrame(columns=EMPTY["networks"])
    known = [*EMPTY["networks"], STOPPED_BY, SCHEDULE]
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
            "weights_file": files.get(key),
        }  # fmt: skip
        out.append({**row, **_own_scores(own, key, network), **flat})
    table = pd.DataFrame(out)
    first = [c for c in known if c in table.columns]
    table = table[first + [c for c in table.columns if c not in first]]
    scores = {"accuracy": float, "error": float}  # numbers, also where all are missing
    return table.astype({"trials_to_criterion": "Int64", **scores})


def _own_scores(
    own: pd.DataFrame, key: str, network: PlannedNetwork
) -> dict[str, float | None]:
    scores: dict[str, float | None] = {"accuracy": None, "error": None}
    if key in own.index:
        rows = own.loc[[key]]
        mine = rows[rows["name"] == network.config.task.name]
        if len(mine):
            scores = {c: float(mine.iloc[0][c]) for c in scores}
    return scores


def _curves(run: Run, planned: dict[str, PlannedNetwork]) -> pd.DataFrame:
    import pandas as pd

    frame = _with_stopped(run, "curves", set(planned))
    if frame.empty:
        return pd.DataFrame(columns=EMPTY["curves"])
    frame = frame.drop_duplicates(["key", "trial"])
    return _in_order(frame, "key", planned, ["trial"])[EMPTY["curves"]]


def _tested(
    name: str,
    run: Run,
    planned: dict[str, PlannedNetwork],
    tests: Mapping[str, list[str]],
) -> pd.DataFrame:
    """The table of this name, a row per network and test."""
    import pandas as pd

    frame = _frame(run, "evaluations", name, "key", set(planned))
    if frame.empty:
        return pd.DataFrame(columns=EMPTY[name])
    frame = frame.drop_duplicates(["key", "identity"])
    found = frame["identity"].to_numpy()
    places = np.full(len(frame), -1)
    for key, rows in frame.groupby("key").indices.items():
        order = {
            identity: number for number, identity in enumerate(tests.get(str(key), ()))
        }
        places[rows] = [order.get(identity, -1) for identity in found[rows]]
    frame = frame.assign(place=places)
    frame = frame[frame["place"] >= 0]
    return _in_order(frame, "key", planned, ["place"])[EMPTY[name]]


def _comparisons(
    run: Run, planned: dict[str, PlannedNetwork], metrics: list[str]
) -> pd.DataFrame:
    import pandas as pd

    frame = _frame(run, "comparisons", "comparisons", "key_a", set(planned))
    if frame.empty:
        return pd.DataFrame(columns=EMPTY["comparisons"])
    compares = run.sweep.after.compares
    among = {key for key, n in planned.items() if compares(n.seed.number)}
    both = frame["key_a"].isin(among) & frame["key_b"].isin(among)
    frame = frame[both & frame["identity"].isin(metrics)]
    frame = frame.drop_duplicates(["key_a", "key_b", "identity"])
    return _in_order(frame, "key_a", planned, ["metric", "key_b"])[EMPTY["comparisons"]]


def _in_order(
    frame: pd.DataFrame,
    column: str,
    planned: dict[str, PlannedNetwork],
    then: list[str],
) -> pd.DataFrame:
    order = {key: number for number, key in enumerate(planned)}
    frame = frame.assign(_order=frame[column].map(order))
    return frame.sort_values(["_order", *then], kind="stable").reset_index(drop=True)
