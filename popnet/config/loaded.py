"""A validated sweep: its settings, and every condition of its grid."""

from __future__ import annotations

from typing import NamedTuple

from popnet.config.conditions import Condition
from popnet.config.schema import Sweep


class LoadedSweep(NamedTuple):
    """A validated sweep with all its conditions, in the grid's order."""

    sweep: Sweep
    conditions: tuple[Condition, ...]
    """All conditions of the grid; in a search, those tried so far."""
    corners: tuple[Condition, ...] = ()
    """Conditions at the bounds of the searched space, used for checks only."""

    @property
    def varied(self) -> list[str]:
        """Paths of the grid or of the searched space, in the file's order."""
        return list((self.corners or self.conditions)[0].values)
