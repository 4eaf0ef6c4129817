"""The section ``after``: what every trained network meets, and how pairs compare."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, SerializeAsAny

from popnet.config.entries import SMALL_TASK, TaskSettings
from popnet.config.network_config import NetworkConfig
from popnet.config.settings import Named, Settings


Observed = Literal["weights", "activity", "change", "curve"]
"""What a measure looks at: weights, activity, the change of activity from that of the
trained network at rest, or the learning curve."""
Compared = tuple[Literal["weights", "response", "activity"], ...]
"""What a metric looks at: weights, outputs on common trials, activity on them."""


class PerturbationSettings(Named):
    """Settings of a perturbation; ``levels`` are graded, level 0 is the identity."""

    unit: ClassVar[str] = ""
    changes: ClassVar[frozenset[str]] = frozenset()
    """The parts of a network's situation that change, in the words of
    ``perturbations.parts``; all others stay as they are."""
    effective_from: ClassVar[float] = 0.0
    """Levels of at least this size, and not 0, change what the network answers."""
    small_task: ClassVar[dict[str, Any]] = SMALL_TASK
    """A small task on which its effect shows."""
    small_network: ClassVar[dict[str, Any]] = {"units": 24}
    """The network, on ``small_task``, on which its effect shows."""
    levels: Annotated[
        tuple[float, ...], Field(strict=False, min_length=1, description="grades")
    ]

    def refuse(self, config: NetworkConfig) -> str | None:  # noqa: ARG002
        """Why this cannot be done to such networks: "FIELD: reason"; None: it can.

        FIELD is the setting of this perturbation that does not fit.
        """
        return None


class MetricSettings(Named):
    """Settings of a comparison between two networks."""

    kind: ClassVar[Literal["distance", "similarity"]] = "distance"
    range: ClassVar[tuple[float, float]] = (0, float("inf"))
    """The least and the largest value; equal networks have the least distance, or the
    largest similarity."""
    precision: ClassVar[float] = 0.0
    """How far rounding may take the value of equal networks from that."""
    needs: ClassVar[Compared] = ()
    """What it looks at.  The activity is what ``after.dynamics`` with ``after.sample``
    keeps."""
    invariances: ClassVar[frozenset[str]] = frozenset()
    """Changes of one network, or of both, that it does not see; it sees all others that
    ``popnet.testing.metrics`` knows."""
    triangle: ClassVar[bool] = False
    """No way over a third network is shorter."""
    grows: ClassVar[bool] = True
    """The more noise is added to a network, the less it is like what it was."""
    stored: ClassVar[bool] = False
    """What ``prepare`` makes of a network is costly: it is made once and recorded."""


class MeasureSettings(Named):
    """Settings of what is measured of one network."""

    needs: ClassVar[Observed] = "weights"
    """Weights and curve give one number for each network, activity and change one for
    each activity that is measured."""
    unit: ClassVar[str] = ""
    label: ClassVar[str] = ""
    """Its name on the axis of a figure, in one line or two."""
    note: ClassVar[str] = ""
    """The sentence below a table that says what it is."""
    form: ClassVar[str] = ".3g"
    log: ClassVar[bool] = False
    """Figures show it on a logarithmic axis."""
    over_time: ClassVar[bool] = False
    """It is a number for each step of a trial instead of one."""
    range: ClassVar[tuple[float, float]] = (-float("inf"), float("inf"))
    invariances: ClassVar[frozenset[str]] = frozenset()
    """Changes of what it is measured of that it does not see; it sees all others that
    ``popnet.testing.measures`` knows."""
    always: ClassVar[bool] = False
    """Recorded without being asked, of every network or every measured activity; the
    others are asked for by ``after.measures``."""
    listed: ClassVar[bool] = False
    """`popnet show` and the report's table of networks have a column of it."""
    grouped: ClassVar[bool] = False
    """`popnet show --by` gives its median over each group."""

    @classmethod
    def of_activity(cls) -> bool:
        """Whether it is measured of each activity rather than of each network."""
        return cls.needs in ("activity", "change")


class After(Settings):
    """What every trained network meets afterwards."""

    trials: Annotated[
        int, Field(ge=1, le=100_000, description="per trial type; 20 is Miconi's")
    ] = 20
    perturb: Annotated[
        tuple[SerializeAsAny[PerturbationSettings], ...], Field(strict=False)
    ] = ()
    other_tasks: Annotated[
        tuple[SerializeAsAny[TaskSettings], ...], Field(strict=False)
    ] = ()
    dynamics: (
        Annotated[tuple[SerializeAsAny[PerturbationSettings], ...], Field(strict=False)]
        | None
    ) = None
    """Activity is measured untrained, at rest and under these; None: it is not."""
    measures: Annotated[
        tuple[SerializeAsAny[MeasureSettings], ...],
        Field(strict=False, description="what is measured besides what always is"),
    ] = ()
    compare: Annotated[
        tuple[SerializeAsAny[MetricSettings], ...], Field(strict=False)
    ] = ()
    sample: Annotated[
        int | None,
        Field(
            ge=1,
            description="the first so many networks of each condition are compared, "
            "and their activity kept; null: all are compared and none kept",
        ),
    ] = None

    def compares(self, number: int) -> bool:
        """Whether a condition's network of this number is compared with others."""
        return self.sample is None or number < self.sample

    def keeps(self, number: int) -> bool:
        """Whether the activity of a condition's network of this number is kept."""
        return (
            self.dynamics is not None
            and self.sample is not None
            and number < self.sample
        )
