"""The section ``after``: the tests, measures and comparisons of trained networks."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, SerializeAsAny

from popnet.config.entries import SMALL_TASK, TaskSettings
from popnet.config.network_config import NetworkConfig
from popnet.config.settings import Named, Settings

Observed = Literal[
    "weights", "activity", "change", "trials", "curve", "network", "choices"
]
"""The data a measure reads: weights, activity, the change of activity from that of the
trained network at rest, in means over trials or trial by trial, the learning curve, or
the whole network with trials of its task."""
Compared = tuple[Literal["weights", "response", "activity", "trials", "rest"], ...]
"""The data a metric reads: weights, outputs on common trials, mean activity on them,
activity trial by trial with what went into the network, or the trained network itself
at the rest inputs of its task."""


class PerturbationSettings(Named):
    """Settings of a perturbation; ``levels`` are graded, level 0 is the identity."""

    unit: ClassVar[str] = ""
    changes: ClassVar[frozenset[str]] = frozenset()
    """The parts of a network's situation that it changes, by their names in
    ``perturbations.parts``; all other parts stay as they are."""
    effective_from: ClassVar[float] = 0.0
    """Levels of at least this size, and not 0, change the network's answers."""
    small_task: ClassVar[dict[str, Any]] = SMALL_TASK
    """A small task on which its effect shows."""
    small_network: ClassVar[dict[str, Any]] = {"units": 24}
    """The network, on ``small_task``, on which its effect shows."""
    dt_tolerance: ClassVar[float] = 0.1
    """The largest relative difference of its effect at half the time step."""
    limit: ClassVar[float | None] = None
    """The level at which grading ends, the last of the default ones."""
    limit_reason: ClassVar[str] = ""
    """Why grading ends there, in words: what no higher level could mean."""
    levels: Annotated[
        tuple[float, ...], Field(strict=False, min_length=1, description="grades")
    ]

    def refuse(self, config: NetworkConfig) -> str | None:  # noqa: ARG002
        """Return "FIELD: reason" when networks of ``config`` cannot be perturbed so.

        FIELD is the setting of this perturbation that does not fit.  None means that
        the perturbation is possible.
        """
        return None

    def idle(self, config: NetworkConfig) -> str | None:  # noqa: ARG002
        """Return why no level changes any network of ``config``; None if one does.

        Such networks are not tested with it: an accuracy that could not have changed
        is no result.  A sweep in which it is idle everywhere is refused.
        """
        return None


class MetricSettings(Named):
    """Settings of a comparison between two networks."""

    kind: ClassVar[Literal["distance", "similarity"]] = "distance"
    range: ClassVar[tuple[float, float]] = (0, float("inf"))
    """The smallest and the largest value.  Equal networks have the smallest distance
    or the largest similarity."""
    precision: ClassVar[float] = 0.0
    """The largest rounding error allowed in the value of equal networks."""
    needs: ClassVar[Compared] = ()
    """The data that it reads.  Activity is kept where ``after.dynamics`` and
    ``after.sample`` are given."""
    invariances: ClassVar[frozenset[str]] = frozenset()
    """Changes of one network, or of both, that leave the value as it is.  All other
    changes in ``popnet.testing.metrics`` alter it."""
    triangle: ClassVar[bool] = False
    """The triangle inequality holds: d(a, c) <= d(a, b) + d(b, c)."""
    grows: ClassVar[bool] = True
    """The more noise is added to a network, the less it resembles the original."""
    stored: ClassVar[bool] = False
    """The result of ``prepare`` is costly, so it is computed once and stored."""
    certified: ClassVar[bool] = False
    """Each value is found by a search, and comes with a bound that no search can pass
    and the number of starts that reached it."""
    fitted: ClassVar[bool] = False
    """``prepare`` fits a model to each network, is stored, and returns the model's
    ``heldout_error`` too: the part of the variance in trials held out that the model
    does not predict.  Without it nobody sees whether a distance of models is one of
    networks."""

    @property
    def of_itself(self) -> bool:
        """Return True where each network is compared with itself: the floor.

        A metric has this null where it has a setting ``again``: one network in other
        trials, or under other noise in the same ones.
        """
        return bool(getattr(self, "again", False))


class MeasureSettings(Named):
    """Settings of a measure of one network."""

    needs: ClassVar[Observed] = "weights"
    """The data that it reads.  A measure of weights or curve gives one number per
    network, the others one per recorded activity."""
    unit: ClassVar[str] = ""
    label: ClassVar[str] = ""
    """The name on the axis of a figure, in one or two lines."""
    note: ClassVar[str] = ""
    """The sentence below a table that explains the measure."""
    form: ClassVar[str] = ".3g"
    log: ClassVar[bool] = False
    """Figures use a logarithmic axis."""
    over_time: ClassVar[bool] = False
    """The measure gives one number per step of a trial instead of one in all."""
    range: ClassVar[tuple[float, float]] = (-float("inf"), float("inf"))
    invariances: ClassVar[frozenset[str]] = frozenset()
    """Changes of the data that leave the value as it is.  All other changes in
    ``popnet.testing.measures`` alter it."""
    always: ClassVar[bool] = False
    """The measure is recorded for every network or every recorded activity.  Other
    measures are recorded where ``after.measures`` names them."""
    listed: ClassVar[bool] = False
    """``popnet show`` and the report's table of networks have a column for it."""
    grouped: ClassVar[bool] = False
    """``popnet show --by`` gives its median over each group."""

    @classmethod
    def of_activity(cls) -> bool:
        """Return True for a measure of each activity, False for one of each network."""
        return cls.needs in ("activity", "change", "trials")  # others: of a network


class After(Settings):
    """Tests, measures and comparisons that every trained network goes through."""

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
    """Activity is recorded untrained, at rest and under these perturbations.  None: no
    activity is recorded."""
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
    pairs: Annotated[
        Literal["all", "condition"],
        Field(
            description="which networks are compared: all, or those of one condition "
            "(trained again, train.replicate, is the same condition)",
        ),
    ] = "all"

    def compares(self, number: int) -> bool:
        """Return True when network ``number`` of a condition is to be compared."""
        return self.sample is None or number < self.sample

    def keeps(self, number: int) -> bool:
        """Return True when the activity of a condition's network ``number`` is kept."""
        return (
            self.dynamics is not None
            and self.sample is not None
            and number < self.sample
        )
