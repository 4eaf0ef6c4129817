"""A sweep's folder: its view of the store, readable without popnet."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from numpy.typing import NDArray

from popnet.catalogue import CATALOGUE
from popnet.config import (
    ConfigError,
    LoadedSweep,
    NetworkConfig,
    Sweep,
    expand,
    read_file,
)
from popnet.config.reading import shown
from popnet.plan import PHYSICS, PlannedNetwork, networks
from popnet.runs.columns import EMPTY, flattened
from popnet.runs.labels import upgraded
from popnet.runs.provenance import refuse_packages
from popnet.runs.search_ledger import Ledger, asked_for, with_tried
from popnet.runs.untrusted import read_json, refuse_links
from popnet.store.location import storage_of
from popnet.store.parameters import params_of, stage_of
from popnet.store.store import Store

if TYPE_CHECKING:
    import pandas as pd

    from popnet.core.module import RateNetwork


AGAIN = "`popnet report` of the run makes its tables again."


class RecordedNetwork(NamedTuple):
    """One recorded network as arrays, by the names in its weights file."""

    key: str
    config: NetworkConfig
    initial: dict[str, NDArray[Any]]
    """recurrent [N, N] (post, pre), input [N, I], readout [O, N], tau_s [N], ..."""
    final: dict[str, NDArray[Any]]


class Run:
    """A sweep on disk: ``run.table()``, ``run.curves()``, ``run.network(key)``."""

    def __init__(self, folder: Path) -> None:
        unnamed = Path(folder).name in ("", "..")  # such as `popnet show .`
        self.folder = Path(folder).resolve() if unnamed else Path(folder)
        self.out = self.folder.parent
        self.store = Store(storage_of(self.out))

    @property
    def name(self) -> str:
        """The sweep's name."""
        return self.folder.name

    @cached_property
    def plan(self) -> LoadedSweep:
        """The sweep and its conditions, from the run's own sweep.yaml.

        Of a searched space: the conditions tried so far.
        """
        source = read_file(self.folder / "sweep.yaml")
        try:
            loaded = expand(source, CATALOGUE)
        except ConfigError:
            refuse_packages(self.folder, self.provenance())
            raise
        return with_tried(loaded, source, self.folder)

    @property
    def sweep(self) -> Sweep:
        """The sweep's settings."""
        return self.plan.sweep

    @property
    def varied(self) -> list[str]:
        """The columns of ``table()`` that the grid varies, in the grid's order.

        A path that sets a whole section gives the settings in which conditions differ;
        between rules or tasks their names, and what differs among those of one name.
        """
        return self._varied

    @cached_property
    def _varied(self) -> list[str]:
        plan = self.plan
        rows = [flattened(c.config) for c in (*plan.conditions, *plan.corners)]
        columns = dict.fromkeys(column for row in rows for column in row)
        return [
            column
            for path in plan.varied
            for column in columns
            if (column == path or column.startswith(f"{path}."))
            and _differs(rows, column, f"{path}.name")
        ]

    @cached_property
    def networks(self) -> list[PlannedNetwork]:
        """Every network the sweep asks for.

        Raises ConfigError when the run was made by another ``PHYSICS``, or with other
        versions of other people's packages: its networks have other keys, and none of
        them would be found.
        """
        about = self.provenance()
        made = about.get("physics", PHYSICS)
        if made != PHYSICS:
            versions = about.get("versions")
            known = isinstance(versions, dict) and versions.get("popnet")
            raise ConfigError(
                f"{self.folder}: made with physics {shown(made)} (popnet "
                f"{str(known or 'of then')[:40]}), this is "
                f"physics {PHYSICS}: its results would differ. Its files stay "
                f"readable; `popnet launch {self.folder / 'sweep.yaml'}` trains "
                "its networks anew."
            )
        plan = self.plan
        refuse_packages(self.folder, about)
        return networks(plan)

    @cached_property
    def positions(self) -> dict[str, int]:
        """Where in ``networks`` each key stands first."""
        places: dict[str, int] = {}
        for place, network in enumerate(self.networks):
            places.setdefault(network.key, place)
        return places

    @cached_property
    def ledger(self) -> Ledger | None:
        """What the run's search has tried; None without a search."""
        return None if self.sweep.search is None else Ledger(self.folder, self.sweep)

    def stopped(self) -> set[str]:
        """Keys of the networks of conditions that the run's search stopped.

        Some may be recorded all the same: they had ended before.
        """
        conditions = self.ledger.stopped() if self.ledger is not None else {}
        return {n.key for n in self.networks if n.condition in conditions}

    def planned(self) -> int:
        """How many networks the sweep asks for."""
        known = len(self.networks)
        if self.ledger is None:
            return known
        return max(known, asked_for(self.plan, self.ledger) * self.sweep.networks)

    def table(self) -> pd.DataFrame:
        """One row per recorded network: key, seed, settings, status, scores."""
        return self._read("networks")

    def curves(self) -> pd.DataFrame:
        """key, trial, error, accuracy: one row per point of a network's curve."""
        return self._read("curves")

    def evaluations(self) -> pd.DataFrame:
        """key, kind, name, settings, level, accuracy, flipped_accuracy, error, ...

        One row per network and test: its own task, that without exploratory impulses
        (kind "quiet"), other tasks, and each level of each perturbation.  ``settings``
        holds, as JSON, what is not the default of the task or perturbation ``name``.
        """
        return self._read("evaluations")

    def dynamics(self) -> pd.DataFrame:
        """key, state, name, settings, level, and a column for each measure.

        One row per measured activity: untrained, trained at rest (name ""), and under
        each perturbation of ``after.dynamics``; empty without it.  ``popnet.measures``
        says what the measures are.
        """
        return self._read("dynamics")

    def comparisons(self) -> pd.DataFrame:
        """key_a, key_b, metric, settings, value: each pair of networks once."""
        return self._read("comparisons")

    def _read(self, name: str) -> pd.DataFrame:
        import pandas as pd

        path = self.folder / f"{name}.parquet"
        if not path.is_file():
            return pd.DataFrame(columns=EMPTY[name])
        try:
            table = pd.read_parquet(path)
        except (OSError, ValueError) as error:  # pyarrow's own are both
            why = str(error).splitlines()[0][:200]
            raise ConfigError(f"{path} cannot be read ({why}); {AGAIN}") from None
        if missing := set(EMPTY[name][:2]) - set(table.columns):
            lacks = ", ".join(sorted(missing))
            raise ConfigError(f"{path} lacks the columns {lacks}; {AGAIN}")
        if "settings" in EMPTY[name] and "settings" not in table:  # of an older popnet
            known = self.table() if name == "evaluations" else table
            return upgraded(table, name, self.plan, known)
        return table

    def provenance(self) -> dict[str, Any]:
        """Versions, machine, commands; one entry per launch under ``launches``."""
        return read_json(self.folder / "provenance.json", dict)

    def network(self, key: str) -> RecordedNetwork:
        """A recorded network as arrays.  Raises ConfigError for an unknown key."""
        planned = self.find(key)
        try:
            tensors = self.store.tensors(planned.key)
        except KeyError:
            raise ConfigError(
                f"{self.folder}: network {planned.key} is not trained yet; "
                "`popnet launch` continues."
            ) from None
        return RecordedNetwork(
            planned.key,
            planned.config,
            stage_of(tensors, "initial"),
            stage_of(tensors, "final"),
        )

    def module(self, key: str) -> RateNetwork:
        """A recorded network as a torch module: ``outputs, rates = module(inputs)``."""
        from popnet.core.draw import cell_of
        from popnet.core.module import RateNetwork

        network = self.network(key)
        cell = cell_of(network.config.network)
        return RateNetwork(params_of(network.final), cell)

    def find(self, key: str) -> PlannedNetwork:
        """The network with this key, or with the only key that begins so."""
        if key in self.positions:
            return self.networks[self.positions[key]]
        found = [n for n in self.networks if n.key.startswith(key)] if key else []
        if len(found) == 1:
            return found[0]
        if not self.networks:
            raise ConfigError(f"{self.folder}: no condition has been tried yet.")
        some = ", ".join(n.key for n in (found or self.networks)[:3])
        what = f"{len(found)} keys begin" if found else "no network's key begins"
        raise ConfigError(
            f"{self.folder}: {what} with {shown(key)}; keys are like {some}."
        )


def open_run(folder: str | Path) -> Run:
    """Open a run's folder.  Raises ConfigError when it is not one."""
    path = Path(folder)
    if not (path / "sweep.yaml").is_file():
        near = sorted(p.parent.name for p in path.parent.glob("*/sweep.yaml"))
        known = f" Runs there: {', '.join(near[:8])}." if near else ""
        raise ConfigError(f"{path}: not a run (no sweep.yaml in it).{known}")
    run = Run(path)
    refuse_links(run.out, run.name, run.store.backend)
    return run


def _differs(rows: list[dict[str, Any]], column: str, name: str) -> bool:
    """Whether a column has several values among rows of one name, or is the name."""
    groups: dict[Any, set[str]] = {}
    for row in rows:
        same = None if column == name else row.get(name)
        groups.setdefault(same, set()).add(str(row.get(column)))
    return any(len(values) > 1 for values in groups.values())
