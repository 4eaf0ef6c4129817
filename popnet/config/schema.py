"""The other sections of a sweep file and their defaults, each with its source."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NamedTuple

from pydantic import (
    Field,
    PositiveInt,
    SerializeAsAny,
    field_validator,
    model_validator,
)

from popnet.config.network import Network
from popnet.config.searching import Search
from popnet.config.settings import (
    Inconsistent,
    MetricSettings,
    PerNetwork,
    PerturbationSettings,
    RuleSettings,
    Settings,
    TaskSettings,
)

LARGEST_SWEEP = 1_000_000
MOST_STEPS = 10_000_000
"""Time steps of an epoch: what is more is a slip of a unit."""


class Catalogue(NamedTuple):
    """Which names a sweep file may use: registry name -> its settings class."""

    tasks: dict[str, type[TaskSettings]]
    rules: dict[str, type[RuleSettings]]
    perturbations: dict[str, type[PerturbationSettings]]
    metrics: dict[str, type[MetricSettings]]


class Until(Settings):
    """The criterion of learning, per network, over its last ``window`` trials.

    95 of 100 successive trials correct is Miconi's (2017, Methods); ten validations in
    a row McMahan et al.'s (2021, code), three epochs Huang et al.'s (2025).
    """

    accuracy: Annotated[float | None, PerNetwork, Field(gt=0, le=1)] = None
    error: Annotated[
        float | None,
        PerNetwork,
        Field(gt=0, description="mean error at most, as the task measures it"),
    ] = None
    window: Annotated[int, Field(ge=1, le=100_000, description="trials")] = 100
    in_a_row: Annotated[
        int, Field(ge=1, le=100, description="windows, one after the other, each")
    ] = 1
    stop: Annotated[
        bool, PerNetwork, Field(description="false: note the trial and train on")
    ] = True

    @model_validator(mode="after")
    def _one(self) -> Until:
        if self.accuracy is None and self.error is None:
            raise ValueError("give accuracy (e.g. 0.95) or error, or both")
        return self

    @property
    def watched(self) -> int:
        """Trials that it looks at."""
        return self.window * self.in_a_row


class Train(Settings):
    """How long each network trains."""

    trials: Annotated[
        int,
        PerNetwork,
        Field(
            ge=0, le=100_000_000, description="cap; a batch that reaches it is finished"
        ),
    ] = 10_000
    until: Until | None = Until(accuracy=0.95)
    curve_every: Annotated[
        int, Field(ge=1, description="trials per point of the recorded curve")
    ] = 20

    @model_validator(mode="after")
    def _reachable(self) -> Train:
        """A criterion that no network could meet is refused.

        The default one is not: it asks for nothing that a short training would need.
        """
        until, default = self.until, type(self).model_fields["until"].default
        # 0 trials: the untrained control of a sweep
        if until not in (None, default) and 0 < self.trials < until.watched:
            raise Inconsistent(
                "until.window",
                f"{until.watched:,} trials are more than train.trials, "
                f"{self.trials:,}: no network could meet the criterion; give a "
                "shorter window",
                "trials",
            )
        return self


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


class Machine(Settings):
    """Where and how it runs.  Nothing here changes a result or a network's key."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    workers: Annotated[
        int | None, Field(ge=1, description="shard actors; default one per core or GPU")
    ] = None
    shard: Annotated[
        int | None, Field(ge=1, description="most networks a shard actor takes at once")
    ] = None
    checkpoint_s: Annotated[float, Field(gt=0)] = 10.0


class NetworkConfig(Settings):
    """One condition: everything a network's configuration says but its seed."""

    network: Network
    task: SerializeAsAny[TaskSettings]
    rule: SerializeAsAny[RuleSettings]
    train: Train

    @model_validator(mode="after")
    def _consistent(self) -> NetworkConfig:
        net, task = self.network, self.task
        if net.readout.kind == "unit" and task.outputs != 1:
            raise Inconsistent(
                "network.readout",
                f"kind unit gives 1 output, task {task.name!r} needs {task.outputs}; "
                "use readout: {kind: linear}",
                "task",
            )
        for epoch, duration in task.epochs_s.items():
            steps = duration / net.dt_s
            if not steps <= MOST_STEPS:
                raise Inconsistent(
                    "network.dt_s",
                    f"epoch {epoch} of {duration:g} s has {steps:g} steps of "
                    f"{net.dt_s:g} s; at most {MOST_STEPS:,}",
                    "task",
                )
            if round(steps) < 1 or abs(steps - round(steps)) > 1e-6 * max(steps, 1):
                setting = f"{epoch.rstrip('_0123456789')}_s"
                known = setting in type(task).model_fields
                raise Inconsistent(
                    f"task.{setting}" if known else "task",
                    f"epoch {epoch} of {duration:g} s is not a whole number of steps "
                    f"dt_s = {net.dt_s:g} s",
                    "network.dt_s",
                )
        rule = self.rule.fitted(net)
        return self if rule == self.rule else self.model_copy(update={"rule": rule})


class Sweep(Settings):
    """A sweep file, validated; its conditions are in ``conditions``."""

    name: Annotated[
        str,
        Field(
            pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$",
            description="letters, digits, - _ . (at most 64), beginning with a letter "
            "or digit",
        ),
    ]
    seed: Annotated[int, Field(ge=0, lt=2**63)]
    networks: PositiveInt
    network: Network
    task: SerializeAsAny[TaskSettings]
    rule: SerializeAsAny[RuleSettings]
    train: Train = Train()
    grid: dict[str, Any] = {}  # noqa: RUF012
    search: Search | None = None
    after: After = After()
    machine: Machine = Machine()

    @field_validator("name")
    @classmethod
    def _not_the_store(cls, name: str) -> str:
        if name in ("store", "artifacts", "mlflow.db"):
            raise ValueError(f"{name!r} is a folder of popnet's own; choose another")
        return name
