"""The measures of a network that the study looks at, chosen by what they declare.

Only popnet's own: which claims hold does not depend on what else is installed.
A column of ``networks`` is a measure's label: its name, with settings in brackets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from popnet.config import MeasureSettings
from popnet.measures import MEASURES

if TYPE_CHECKING:
    import pandas as pd

Chosen = dict[str, type[MeasureSettings]]
"""Settings classes of measures by the column that holds them."""


def columns(networks: pd.DataFrame, needs: str) -> Chosen:
    """The columns of measures that need this, in the order of the registry."""
    found: Chosen = {}
    for name, measure in MEASURES.own.items():
        own = [c for c in networks if c == name or str(c).startswith(f"{name}(")]
        if measure.settings.needs == needs:
            found |= {str(column): measure.settings for column in own}
    return found


def of_activity_change(activity: pd.DataFrame) -> Chosen:
    """The likenesses of an activity and that of the trained network at rest."""
    asked = columns(activity, "change")
    return {column: one for column, one in asked.items() if one.range == (0, 1)}


def of_weight_change(networks: pd.DataFrame) -> str | None:
    """The change of the weights: the paper's norm, else relative to their size."""
    changes = {
        column: one
        for column, one in columns(networks, "weights").items()
        if "change" in one.summary or "moved" in one.summary
    }
    plain = [c for c, one in changes.items() if "scale" not in one.invariances]
    return next(iter([*plain, *changes]), None)


def of_kernel(networks: pd.DataFrame) -> str | None:
    """The alignment of the tangent kernel before and after training."""
    asked = columns(networks, "network")
    both = (c for c, one in asked.items() if "kernel" in f"{one.summary}{one.label}")
    return next(both, None)
