"""A run: the folder of one sweep, whose files can be read without popnet."""

from __future__ import annotations

from functools import cached_property
from io import BytesIO
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
from popnet.plan import PlannedNetwork, networks
from popnet.runs.checksums import Damaged, read_checked
from popnet.runs.columns import EMPTY, flattened
from popnet.runs.physics import refuse_run
from popnet.runs.provenance import read_provenance, refuse_packages
from popnet.runs.search_ledger import Ledger, asked_for, with_tried
from popnet.store.location import storage_of
from popnet.store.parameters import params_of, stage_of
from popnet.store.store import Store

if TYPE_CHECKING:
    import pandas as pd

    from popnet.core.module import RateNetwork


AGAIN = "`popnet report` of the run makes its tables again."


class RecordedNetwork(NamedTuple):
    """One recorded network as arrays, named as in its weights file."""

    key: str
    config: NetworkConfig
    initial: dict[str, NDArray[Any]]
    """recurrent [N, N] (post, pre), input [N, I], readout [O, N], tau_s [N], ..."""
    final: dict[str, NDArray[Any]]


class ExportedNetwork(NamedTuple):
    """One recorded network as arrays, with its settings as nested dicts."""

    key: str
    settings: dict[str, Any]
    initial: dict[str, NDArray[Any]]
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
        """The sweep and its conditions, read from the run's own ``sweep.yaml``.

        For a search, these are the conditions tried so far.  Raises ConfigError when
        the file is not valid or a package of other people's is missing.
        """
        self.check("sweep.yaml")
        source = read_file(self.folder / "sweep.yaml")
        try:
            loaded = expand(source, CATALOGUE)
        except ConfigError:
            refuse_packages(self.folder, self.provenance())
            raise
        return with_tried(loaded, source, self.folder)

    def check(self, name: str) -> None:
        """Raise Damaged when a file of the run is not as popnet wrote it."""
        if (self.folder / name).is_file():
            read_checked(self.folder, name)

    @property
    def sweep(self) -> Sweep:
        """The sweep's settings."""
        return self.plan.sweep

    @property
    def varied(self) -> list[str]:
        """The columns of ``table()`` that the grid varies, in the grid's order.

        A path that sets a whole section stands for those settings in it that differ
        between conditions.  For rules and tasks these are the name and the settings
        that differ between conditions of the same name.
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

        Raises ConfigError when the run was made by another ``PHYSICS`` or with other
        versions of other people's packages: its networks then have other keys.
        """
        about = self.provenance()
        refuse_run(self.folder, about)
        plan = self.plan
        refuse_packages(self.folder, about)
        return networks(plan)

    @cached_property
    def positions(self) -> dict[str, int]:
        """The index in ``networks`` at which each key comes first."""
        positions: dict[str, int] = {}
        for position, network in enumerate(self.networks):
            positions.setdefault(network.key, position)
        return positions

    @cached_property
    def ledger(self) -> Ledger | None:
        """The record of the run's search; None without a search."""
        return None if self.sweep.search is None else Ledger(self.folder, self.sweep)

    def stopped(self) -> set[str]:
        """Return the keys of all networks in conditions that the search stopped.

        Networks that had ended before may be recorded all the same.
        """
        conditions = self.ledger.stopped() if self.ledger is not None else {}
        return {n.key for n in self.networks if n.condition in conditions}

    def planned(self) -> int:
        """Return the number of networks that the sweep asks for."""
        known = len(self.networks)
        if self.ledger is None:
            return known
        return max(known, asked_for(self.plan, self.ledger) * self.sweep.networks)

    def table(self) -> pd.DataFrame:
        """Return a row per recorded network: key, seed, settings, status, scores."""
        return self._read("networks")

    def curves(self) -> pd.DataFrame:
        """Return a row per point of a learning curve: key, trial, error, accuracy."""
        return self._read("curves")

    def evaluations(self) -> pd.DataFrame:
        """Return a row per network and test: key, kind, name, settings, level, ...

        The tests are the network's own task, the same without exploratory impulses
        (kind "quiet"), other tasks, and each level of each perturbation.  The scores
        are accuracy, flipped_accuracy and error.  ``settings`` holds, as JSON, those
        settings of the task or perturbation ``name`` that are not the defaults.
        """
        return self._read("evaluations")

    def dynamics(self) -> pd.DataFrame:
        """Return a row per network and measured activity, with a column per measure.

        Activity is measured untrained, trained at rest (name ""), and under each
        perturbation of ``after.dynamics``; without that setting the table is empty.
        The first columns are key, state, name, settings and level.
        ``popnet.measures`` describes the measures.
        """
        return self._read("dynamics")

    def comparisons(self) -> pd.DataFrame:
        """Return each pair of networks once: key_a, key_b, metric, settings, value."""
        return self._read("comparisons")

    def _read(self, name: str) -> pd.DataFrame:
        import pandas as pd

        path = self.folder / f"{name}.parquet"
        if not path.is_file():
            return pd.DataFrame(columns=EMPTY[name])
        try:
            table = pd.read_parquet(BytesIO(read_checked(self.folder, path.name)))
        except Damaged:
            raise
        except (OSError, ValueError) as error:  # pyarrow's own are both
            why = str(error).splitlines()[0][:200]
            raise ConfigError(f"{path} cannot be read ({why}); {AGAIN}") from None
        if missing := set(EMPTY[name][:2]) - set(table.columns):
            lacks = ", ".join(sorted(missing))
            raise ConfigError(f"{path} lacks the columns {lacks}; {AGAIN}")
        return table

    def provenance(self) -> dict[str, Any]:
        """Return versions, machine, command; ``launches`` has one entry per launch."""
        return read_provenance(self.folder)

    def network(self, key: str) -> RecordedNetwork:
        """Return a recorded network as arrays.

        Raises ConfigError when the key is unknown or the network is not trained yet.
        """
        planned = self.find(key)
        found = self._exported(planned.key, {})
        return RecordedNetwork(planned.key, planned.config, found.initial, found.final)

    def exported(self, key: str) -> ExportedNetwork:
        """Return a recorded network as arrays, with its settings as nested dicts.

        Raises ConfigError as ``network`` does.
        """
        planned = self.find(key)
        settings = planned.config.model_dump(mode="json")
        return self._exported(planned.key, settings)

    def _exported(self, key: str, settings: dict[str, Any]) -> ExportedNetwork:
        try:
            tensors = self.store.tensors(key)
        except KeyError:
            self.store.refuse_unreadable()
            raise ConfigError(
                f"{self.folder}: network {key} is not trained yet; "
                "`popnet launch` continues."
            ) from None
        initial, final = stage_of(tensors, "initial"), stage_of(tensors, "final")
        return ExportedNetwork(key, settings, initial, final)

    def module(self, key: str) -> RateNetwork:
        """Return a network as a torch module: ``outputs, rates = module(inputs)``."""
        from popnet.core.draw import cell_of
        from popnet.core.module import RateNetwork

        network = self.network(key)
        cell = cell_of(network.config.network)
        return RateNetwork(params_of(network.final), cell)

    def find(self, key: str) -> PlannedNetwork:
        """Return the network with this key, or the only one whose key begins with it.

        Raises ConfigError when there is none, or more than one.
        """
        if key in self.positions:
            return self.networks[self.positions[key]]
        found = one_key(key, [n.key for n in self.networks], self.folder)
        return next(n for n in self.networks if n.key == found)


def one_key(key: str, known: list[str], folder: Path) -> str:
    """Return the key among ``known`` that is, or alone begins with, a given one.

    Raises ConfigError when there is none, or more than one.
    """
    found = [k for k in known if k.startswith(key)] if key else []
    if key in found or len(set(found)) == 1:
        return key if key in found else found[0]
    if not known:
        raise ConfigError(f"{folder}: no condition has been tried yet.")
    examples = ", ".join((found or known)[:3])
    matches = f"{len(found)} keys begin" if found else "no network's key begins"
    raise ConfigError(
        f"{folder}: {matches} with {shown(key)}; keys are like {examples}."
    )


def _differs(rows: list[dict[str, Any]], column: str, name: str) -> bool:
    """Return True when a column's values differ between rows of one ``name``.

    For the column ``name`` itself, all rows are compared.
    """
    groups: dict[Any, set[str]] = {}
    for row in rows:
        same = None if column == name else row.get(name)
        groups.setdefault(same, set()).add(str(row.get(column)))
    return any(len(values) > 1 for values in groups.values())
