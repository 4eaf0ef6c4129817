"""Exploratory impulses: brief pulses of current to random units, as rules ask for."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field

from popnet.config.settings import PerNetwork, Settings


class Impulses(Settings):
    """Brief pulses of current to random single units, into the drive or the state.

    The area of a pulse, its amplitude times ``duration_s``, does not depend on the
    time step: in a step of dt_s the current is amplitude * duration_s / dt_s, so that
    x jumps by amplitude * duration_s / tau.
    """

    rate_hz: Annotated[float, PerNetwork, Field(ge=0, description="per unit")] = 0.0
    amplitude: Annotated[
        float, PerNetwork, Field(ge=0, description="half-width of the uniform law")
    ] = 0.0
    duration_s: Annotated[
        float,
        PerNetwork,
        Field(gt=0, le=1, description="of the current; published: one step of 1 ms"),
    ] = 0.001
    into: Annotated[
        Literal["drive", "state"],
        PerNetwork,
        Field(
            description="drive: inside dt/tau (published code); state: x jumps by "
            "amplitude * duration_s / mean tau whatever the unit's tau"
        ),
    ] = "drive"
    quiet_s: Annotated[
        float, PerNetwork, Field(ge=0, description="no impulses before this time")
    ] = 0.0

    @staticmethod
    def slots(dt_s: float) -> int:
        """Return the places for an impulse within a step: one per ms that begins in it.

        So the law of the impulses is that of steps of 1 ms in longer steps too.
        """
        return max(1, math.ceil(dt_s / 0.001 - 1e-9))
