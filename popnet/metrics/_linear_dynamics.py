"""What metrics of linear dynamics share: their settings, and the fit to a network.

B trials, T time steps, N units, R rank.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from popnet.analysis.delay_embedding import LinearDynamics, fit_dynamics
from popnet.config import Compared, MetricSettings
from popnet.metrics._samples import turned
from popnet.metrics._subject import Subject


class LinearDynamicsSettings(MetricSettings):
    """How linear dynamics are fitted to the activity of each network."""

    needs: ClassVar[Compared] = ("trials",)
    stored: ClassVar[bool] = True
    fitted: ClassVar[bool] = True
    precision: ClassVar[float] = 1e-7  # the fits of rotated rates differ by rounding
    invariances: ClassVar[frozenset[str]] = frozenset(
        {"relabelling", "rotation", "scale", "trial order"}
    )
    example = {"delays": 2, "rank": 6}  # noqa: RUF012
    delays: Annotated[
        int, Field(ge=1, le=1000, description="steps that make one delay-embedded row")
    ] = 5
    rank: Annotated[
        int, Field(ge=1, le=500, description="leading directions that are kept of rows")
    ] = 20
    interval: Annotated[
        int, Field(ge=1, le=1000, description="steps between the delays of a row")
    ] = 1
    untrained: Annotated[
        bool, Field(description="compare the networks as they were drawn: the null")
    ] = False
    shuffled: Annotated[
        bool,
        Field(
            description="turn each unit's activity in a circle of its own over trials "
            "and time: the null of units that do not act together"
        ),
    ] = False
    again: Annotated[
        bool,
        Field(
            description="compare each network with itself, the first half of its "
            "trials with the second: the floor"
        ),
    ] = False


def fits(
    settings: LinearDynamicsSettings, subject: Subject, driven: bool = False
) -> list[LinearDynamics]:
    """The fit to all trials; with ``again`` two, to the halves of the trials.

    ``driven``: with the inputs as a part of the dynamics.
    """
    kept = subject.untrained_BTN if settings.untrained else subject.trained_BTN
    assert kept is not None
    rates_BTN = turned(kept) if settings.shuffled else kept
    input_BTI = subject.input_BTI if driven else None
    how = settings.delays, settings.rank, settings.interval
    half = -(-len(rates_BTN) // 2)
    parts = (slice(half), slice(half, None)) if settings.again else (slice(None),)
    return [
        fit_dynamics(
            rates_BTN[part], *how, None if input_BTI is None else input_BTI[part]
        )
        for part in parts
    ]


def filled_up(array: NDArray[np.float64], *shape: int) -> NDArray[np.float64]:
    """The array with zeros up to this shape; all NaN where it is NaN.

    So networks whose activity has fewer directions than others compare with them: what
    they lack is a direction that is forgotten at once.
    """
    if not np.isfinite(array).all():
        return np.full(shape, np.nan)
    return np.pad(array, [(0, n - m) for n, m in zip(shape, array.shape, strict=True)])
