"""What metrics of networks at rest have in common: the search for fixed points."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field

from popnet.config import Compared, MetricSettings
from popnet.dynamics.points import Points, points
from popnet.metrics._subject import Subject


class RestSettings(MetricSettings):
    """Settings of a metric of the trained networks at their task's rest inputs.

    Networks compare where these inputs are the same, whatever their sizes and noise.
    """

    needs: ClassVar[Compared] = ("rest",)
    stored: ClassVar[bool] = True
    grows: ClassVar[bool] = False  # numbers of points jump, and may jump back
    invariances: ClassVar[frozenset[str]] = frozenset({"relabelling", "sign"})
    example: ClassVar[dict[str, Any]] = {"starts": 30}
    starts: Annotated[
        int, Field(ge=2, le=10_000, description="searches at each rest input")
    ] = 100


def points_at_rest(settings: RestSettings, subject: Subject) -> list[Points] | None:
    """The fixed points at each rest input; None of a network that diverged.

    Slow points are among them, as their ``kind_F`` says.
    """
    rest = subject.rest
    assert rest is not None
    if rest.diverged:
        return None
    return points(rest.params, rest.cell, rest.states, rest.input_LI, settings.starts)
