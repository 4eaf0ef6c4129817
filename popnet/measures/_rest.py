"""What measures of a network at rest have in common: its states, points, attractors.

Several measures ask the same of a network, so that answers are kept with it.  L inputs,
I input channels, S states, N units, C exponents.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from popnet.config import MeasureSettings, Observed
from popnet.dynamics.at_rest import AtRest, at_rest
from popnet.dynamics.attractors import Attractor, attractors, spectrum_hz
from popnet.dynamics.points import Points, points
from popnet.dynamics.starts import TRIALS
from popnet.measures._seen import NetworkSeen

Array = NDArray[np.float64]
UNSEEN = frozenset({"relabelling", "sign", "reordering", "other targets"})
UNSEEN |= {"other beginning", "gamma"}
"""What no measure at rest sees: the order and sign of units, the order of trials, what
was asked for, and what the network was before training."""


class RestMeasure(MeasureSettings):
    """Settings of a measure of the trained network at the rest inputs of its task."""

    needs: ClassVar[Observed] = "network"


class PointsMeasure(RestMeasure):
    """Settings of a measure of the fixed points that searches find."""

    reference: ClassVar[str] = "Sussillo & Barak 2013, Neural Comput 25, 626"
    starts: Annotated[
        int, Field(ge=2, le=10_000, description="searches at each rest input")
    ] = 100


class MotionMeasure(RestMeasure):
    """Settings of a measure of the network's runs from some starts."""

    reference: ClassVar[str] = "Kononov et al. 2025, arXiv 2510.11162"
    starts: Annotated[
        int, Field(ge=2, le=1000, description="long runs at each rest input")
    ] = 8


def points_of(settings: PointsMeasure, seen: NetworkSeen) -> list[Points] | None:
    """The fixed points of the trained network, by rest input; None if it diverged."""
    return _answered(
        f"points {settings.starts}",
        seen,
        lambda q: points(q.params, q.cell, q.states, q.input_LI, settings.starts),
    )


def attractors_of(
    settings: MotionMeasure, seen: NetworkSeen
) -> list[list[Attractor]] | None:
    """The attractors of the trained network, by rest input; None if it diverged."""
    return _answered(
        f"attractors {settings.starts}",
        seen,
        lambda q: attractors(q.params, q.cell, q.states, q.input_LI, settings.starts),
    )


def spectrum_of(seen: NetworkSeen, count: int) -> Array | None:
    """Lyapunov exponents [C] per second at the first rest input; None if it diverged.

    Falling, of the attractor that the middle of the task's states leads to.
    """
    return _answered(
        f"spectrum {count}",
        seen,
        lambda q: spectrum_hz(q.params, q.cell, q.states, q.input_LI[0], count),
    )


def network_at_rest(seen: NetworkSeen) -> AtRest:
    """Put the trained network at rest, after some trials of its task."""
    shown = seen.trials(TRIALS)
    return at_rest(seen.final, seen.cell, shown.input_PBTI, shown.x0_PBN, seen.rest_LI)


def _answered(what: str, seen: NetworkSeen, answer: Callable[[AtRest], Any]) -> Any:
    if seen.kept is not None and what in seen.kept:
        return seen.kept[what]
    rest = network_at_rest(seen)
    found = None if rest.diverged else answer(rest)
    if seen.kept is not None:
        seen.kept[what] = found
    return found
