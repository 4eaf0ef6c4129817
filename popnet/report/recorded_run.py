"""What the report needs of a recorded run; popnet.runs.Run offers it."""

from pathlib import Path
from typing import Any, Protocol

import pandas as pd


class RecordedRun(Protocol):
    """A run as it lies on disk: its sweep and its tables, nothing computed."""

    @property
    def folder(self) -> Path:
        """The run's own folder, in which the report is written."""
        ...

    @property
    def name(self) -> str:
        """The sweep's name."""
        ...

    @property
    def sweep(self) -> Any:
        """The validated sweep file."""
        ...

    @property
    def varied(self) -> list[str]:
        """Dotted paths of the grid's axes, the main one first."""
        ...

    def table(self) -> pd.DataFrame:
        """One row per recorded network."""
        ...

    def curves(self) -> pd.DataFrame:
        """One row per network and block of trials."""
        ...

    def evaluations(self) -> pd.DataFrame:
        """One row per network and task, or perturbation and level."""
        ...

    def comparisons(self) -> pd.DataFrame:
        """One row per unordered pair of networks and metric."""
        ...

    def dynamics(self) -> pd.DataFrame:
        """One row per network, state and perturbation; no row where none was asked."""
        ...

    def provenance(self) -> dict[str, Any]:
        """Versions, machine, command, commit."""
        ...

    def planned(self) -> int:
        """How many networks the sweep asks for."""
        ...
