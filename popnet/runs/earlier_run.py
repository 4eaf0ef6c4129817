"""A run that an earlier popnet made: read, and never changed.

What is read of it are its own files.  Today's schema of sweeps has no part in that, so
a setting that has another name or meaning by now leaves the run as readable as it was.
"""

from __future__ import annotations

import json
import re
from functools import cached_property
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from popnet.config import After, ConfigError, LoadedSweep, read_file
from popnet.plan import PlannedNetwork
from popnet.runs.columns import EMPTY
from popnet.runs.physics import refuse_run
from popnet.runs.run import ExportedNetwork, RecordedNetwork, Run, one_key
from popnet.runs.search_ledger import Ledger
from popnet.runs.untrusted import read_json

if TYPE_CHECKING:
    import pandas as pd

LABEL = re.compile(r"(\w+)\((\w+=.*)\)")
"""Label of a registry entry with settings, such as "weights(align=true)"."""
LABELLED = {"evaluations": "name", "dynamics": "name", "comparisons": "metric"}
"""Column of each table that holds labels in runs made before settings had columns."""


class EarlierRun(Run):
    """A run of an earlier ``PHYSICS``; its networks can be read, not trained again."""

    def _refuse(self) -> NoReturn:
        refuse_run(self.folder, self.provenance())
        raise AssertionError("the run is of today's physics")

    @cached_property
    def plan(self) -> LoadedSweep:
        """Raise ConfigError: today's plan of the sweep would ask for other networks."""
        self._refuse()

    @cached_property
    def networks(self) -> list[PlannedNetwork]:
        """Raise ConfigError: the run's networks cannot be trained any more."""
        self._refuse()

    def find(self, key: str) -> PlannedNetwork:  # noqa: ARG002
        """Raise ConfigError, as ``networks`` does."""
        self._refuse()

    def network(self, key: str) -> RecordedNetwork:  # noqa: ARG002
        """Raise ConfigError: the settings may not be today's; see ``exported``."""
        self._refuse()

    @property
    def sweep(self) -> Any:
        """The sweep file's own words as attributes; ``after`` is empty.

        The measures that the sweep asked for are columns of the tables.
        """
        return self._words

    @cached_property
    def _words(self) -> SimpleNamespace:
        self.check("sweep.yaml")
        raw = read_file(self.folder / "sweep.yaml").raw
        found = _as_attributes(raw)
        found.after = After()
        return found

    @cached_property
    def _conditions(self) -> dict[str, dict[str, Any]]:
        plan = read_json(self.folder / "plan.json", dict)
        known = plan.get("conditions", {})
        if not isinstance(known, dict):
            raise ConfigError(f"{self.folder / 'plan.json'} is not what popnet writes.")
        return known

    def _keys(self) -> list[str]:
        return [key for about in self._conditions.values() for key in about["keys"]]

    @cached_property
    def ledger(self) -> Ledger | None:
        """None: the record of a search is not read."""
        return None

    def stopped(self) -> set[str]:
        """Return the keys of the networks that the run's search stopped."""
        table = self.table()
        return set(table.loc[table["status"] == "stopped", "key"])

    def planned(self) -> int:
        """Return the number of networks that the run was planned with."""
        return len(self._keys())

    @cached_property
    def _varied(self) -> list[str]:
        table = self.table()
        columns = [str(column) for column in table.columns]
        values = (about.get("values", {}) for about in self._conditions.values())
        paths = dict.fromkeys(path for one in values for path in one)
        return [
            column
            for path in paths
            for column in columns
            if (column == path or column.startswith(f"{path}."))
            and table[column].astype(str).nunique() > 1
        ]

    def exported(self, key: str) -> ExportedNetwork:
        """Return a recorded network as arrays, with its settings as they were named.

        Raises ConfigError when the key is unknown or the network was not trained.
        """
        found = one_key(key, self._keys(), self.folder)
        rows = self.table()
        rows = rows[rows["key"] == found]
        if rows.empty:
            raise ConfigError(f"{self.folder}: network {found} was not trained.")
        return self._exported(found, nested(rows.iloc[0].to_dict()))

    def _read(self, name: str) -> pd.DataFrame:
        """Return a table with all of today's columns; what it lacks is missing."""
        table = super()._read(name)
        if "settings" in EMPTY[name] and "settings" not in table:
            table = unlabelled(table, LABELLED[name])
        lacking = [c for c in EMPTY[name] if c not in table]
        return table.assign(**dict.fromkeys(lacking, np.nan)) if lacking else table


def unlabelled(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return a table of labels with names and, in a column behind them, settings."""
    entries = [split_label(str(text)) for text in table[column]]
    found = table.assign(**{column: [name for name, _ in entries]})
    position = list(table.columns).index(column) + 1
    found.insert(position, "settings", [settings for _, settings in entries])
    return found


def split_label(text: str) -> tuple[str, str]:
    """Return the name in a label and its settings as JSON; "{}" for none."""
    match = LABEL.fullmatch(text)
    if match is None:
        return text, "{}"
    # a comma inside of brackets or braces belongs to a value
    pairs = re.findall(r"(\w+)=((?:\[.*?\]|\{.*?\}|[^,])*)", match[2])
    return match[1], json.dumps({name: _value(value) for name, value in pairs})


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def nested(row: dict[Any, Any]) -> dict[str, Any]:
    """Return the settings in a row of ``networks`` as nested dicts."""
    found: dict[str, Any] = {}
    for column, value in row.items():
        *sections, name = str(column).split(".")
        if not sections or "(" in str(column):  # a score, or a measure's label
            continue
        inner = found
        for section in sections:
            inner = inner.setdefault(section, {})
        inner[name] = _plain(value)
    return found


def _plain(value: Any) -> Any:
    """Return a setting as JSON has it; lists and tables are JSON text in a column."""
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, str):
        return _value(value) if value[:1] in ("[", "{") else value
    return None if value is None or value != value else value


def _as_attributes(raw: dict[str, Any]) -> SimpleNamespace:
    return SimpleNamespace(
        **{
            str(name): _as_attributes(value) if isinstance(value, dict) else value
            for name, value in raw.items()
        }
    )
