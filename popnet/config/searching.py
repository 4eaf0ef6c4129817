"""The section ``search``: settings of a search over conditions.

A scheduler compares conditions while they train and stops the poor ones; a searcher
chooses the conditions from a space.  Ray Tune and Optuna decide, with these settings.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, PositiveFloat, PositiveInt, SerializeAsAny, model_validator

from popnet.config.settings import Inconsistent, Named, Settings

Value = bool | int | float | str
Grace = Annotated[
    int | None, Field(ge=1, description="trials before a condition may be stopped")
]


class Law(Settings):
    """The values that a searched setting may take."""

    law: Literal["uniform", "log_uniform", "integer", "choice"]
    low: int | float | None = None
    high: int | float | None = None
    values: Annotated[tuple[Value, ...] | None, Field(strict=False)] = None

    @model_validator(mode="after")
    def _consistent(self) -> Law:
        given = {k for k in ("low", "high", "values") if getattr(self, k) is not None}
        need = {"values"} if self.law == "choice" else {"low", "high"}
        for key in sorted(given ^ need):
            verb = "needs" if key in need else "does not use"
            raise Inconsistent(key, f"law {self.law} {verb} {key}", "law")
        if self.values is not None:
            if len({repr(v) for v in self.values}) < max(2, len(self.values)):
                raise Inconsistent("values", "give at least two values, each once")
            return self
        low, high = self.corners
        whole = isinstance(low, int) and isinstance(high, int)
        if self.law == "integer" and not whole:
            raise ValueError("law integer needs whole numbers low and high")
        if not low < high:  # type: ignore[operator]
            raise ValueError(f"low {low} must be below high {high}")
        if self.law == "log_uniform" and low <= 0:  # type: ignore[operator]
            raise Inconsistent("low", f"got {low:g}; log_uniform needs it above 0")
        return self

    @property
    def corners(self) -> tuple[Value, ...]:
        """The two bounds, or all values of a choice."""
        if self.values is not None:
            return self.values
        return tuple(v for v in (self.low, self.high) if v is not None)


class SchedulerSettings(Named):
    """Settings of a scheduler, which stops conditions early."""

    grace: Grace = None
    """Trials before a condition may be stopped.  None: the search's ``every``."""


class Asha(SchedulerSettings):
    """Asynchronous successive halving.

    At ``grace``, ``grace * reduction``, ``grace * reduction^2`` ... trials a condition
    goes on when it is among the best ``1 / reduction`` of those that came so far.
    """

    reference: ClassVar[str] = "Li et al., MLSys 2020 (arXiv 1810.05934)"
    name: Literal["asha"] = "asha"  # type: ignore[assignment]
    reduction: Annotated[float, Field(gt=1)] = 3.0


class MedianStopping(SchedulerSettings):
    """Stops a condition whose best score is below the median of the others' means."""

    reference: ClassVar[str] = "Golovin et al., KDD 2017"
    name: Literal["median_stopping"] = "median_stopping"  # type: ignore[assignment]
    conditions: Annotated[
        int, Field(ge=1, description="others that must have come as far")
    ] = 3


class Pbt(SchedulerSettings):
    """Population-based training over conditions, its members.

    A member among the worst takes over the networks of one among the best.  It goes on
    with that member's settings, each multiplied by a factor of ``perturb`` or drawn
    anew.
    """

    reference: ClassVar[str] = "Jaderberg et al. 2017 (arXiv 1711.09846)"
    name: Literal["pbt"] = "pbt"  # type: ignore[assignment]
    conditions: Annotated[int, Field(ge=2, le=10_000, description="members")]
    space: Annotated[dict[str, Law], Field(min_length=1)]
    quantile: Annotated[
        float, Field(gt=0, le=0.5, description="share that is worst, and best")
    ] = 0.25
    perturb: Annotated[
        tuple[PositiveFloat, PositiveFloat],
        Field(strict=False, description="factors, one of which is taken"),
    ] = (0.8, 1.2)
    resample: Annotated[
        float, Field(ge=0, le=1, description="probability that it is drawn anew")
    ] = 0.25


class SearcherSettings(Named):
    """Settings of a searcher, which chooses the conditions."""

    conditions: Annotated[PositiveInt, Field(le=100_000)]
    space: Annotated[dict[str, Law], Field(min_length=1)]


class Optuna(SearcherSettings):
    """Optuna's tree-structured Parzen estimator, seeded by the sweep's seed."""

    reference: ClassVar[str] = "Bergstra et al., NeurIPS 2011; Akiba et al., KDD 2019"
    name: Literal["optuna"] = "optuna"  # type: ignore[assignment]
    random: Annotated[
        int, Field(ge=1, description="conditions drawn at random before it is asked")
    ] = 10


SCHEDULERS: dict[str, type[SchedulerSettings]] = {
    "asha": Asha,
    "median_stopping": MedianStopping,
    "pbt": Pbt,
}
SEARCHERS: dict[str, type[SearcherSettings]] = {"optuna": Optuna}


class Search(Settings):
    """Settings of a search; a condition's score is the median over its networks."""

    metric: Literal["accuracy", "error"]
    every: Annotated[
        PositiveInt, Field(description="training trials from one look to the next")
    ]
    scheduler: SerializeAsAny[SchedulerSettings] | None = None
    searcher: SerializeAsAny[SearcherSettings] | None = None

    @model_validator(mode="after")
    def _something(self) -> Search:
        if self.scheduler is None and self.searcher is None:
            raise ValueError("give a scheduler, a searcher or both")
        if isinstance(self.scheduler, Pbt) and self.searcher is not None:
            text = "pbt chooses its conditions itself; take the searcher out"
            raise Inconsistent("searcher", text, "scheduler")
        grace = self.scheduler.grace if self.scheduler else None
        if grace is not None and grace < self.every:
            raise Inconsistent(
                "scheduler.grace",
                f"got {grace:,}; a condition is first looked at after every = "
                f"{self.every:,} trials",
                "every",
            )
        return self

    @property
    def chooser(self) -> SearcherSettings | Pbt | None:
        """The searcher or pbt, whichever has the space; None where there is a grid."""
        return self.scheduler if isinstance(self.scheduler, Pbt) else self.searcher

    @property
    def grace(self) -> int:
        """Number of trials that every condition gets before it may be stopped."""
        grace = self.scheduler.grace if self.scheduler else None
        return grace or self.every
