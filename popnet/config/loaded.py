"""A sweep as it was meant: its settings, and every condition of its grid."""

from __future__ import annotations

from typing import NamedTuple

from popnet.config.conditions import Condition
from popnet.config.schema import Sweep


class LoadedSweep(NamedTuple):
    """A validated sweep with all its conditions, in the grid's order."""

    sweep: Sweep
    conditions: tuple[Condition, ...]
    """Of a searched space: those tried so far, none of which the file names."""
    corners: tuple[Condition, ...] = ()
    """Conditions at the bounds of the searched space; they are not trained."""

    @property
    def varied(self) -> list[str]:
        """The paths of the grid or the searched space, in its order."""
        return list((self.corners or self.conditions)[0].values)
