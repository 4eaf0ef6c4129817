"""One condition's configuration: network, task, rule and training, checked together."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated

from pydantic import Field, SerializeAsAny, model_validator

from popnet.config.entries import RuleSettings, TaskSettings
from popnet.config.network import Network
from popnet.config.settings import Inconsistent, PerNetwork, Settings
from popnet.config.sizes import MOST_STEPS


def whole_steps(duration_s: float, dt_s: float) -> bool:
    """Return True when a duration is, up to rounding, one or more whole time steps."""
    steps = duration_s / dt_s
    return round(steps) >= 1 and abs(steps - round(steps)) <= 1e-6 * max(steps, 1)


@lru_cache(maxsize=1024)
def _first_unfit(
    durations: tuple[tuple[str, float], ...], dt_s: float
) -> tuple[str, float] | None:
    """Return the first duration that is too long or no whole number of steps.

    Cached: the conditions of a large sweep share few tasks and steps.
    """
    for name, duration in durations:
        if not duration / dt_s <= MOST_STEPS or not whole_steps(duration, dt_s):
            return name, duration
    return None


def _of_other_steps(
    task: TaskSettings, unfit: tuple[str, float], dt_s: float
) -> Inconsistent:
    """Return the error that says what is wrong with this duration of the task."""
    name, duration = unfit
    about = f"epoch {name}" if name in task.epochs_s else name
    steps = duration / dt_s
    if not steps <= MOST_STEPS:
        return Inconsistent(
            "network.dt_s",
            f"{about} of {duration:g} s has {steps:g} steps of {dt_s:g} s; "
            f"at most {MOST_STEPS:,}",
            "task",
        )
    setting = f"{name.rstrip('_0123456789')}_s"
    known = setting in type(task).model_fields
    return Inconsistent(
        f"task.{setting}" if known else "task",
        f"{about} of {duration:g} s is not a whole number of steps dt_s = {dt_s:g} s",
        "network.dt_s",
    )


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
        """Number of the last trials that the criterion reads."""
        return self.window * self.in_a_row


class Train(Settings):
    """The length of training, and its criterion."""

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
    replicate: Annotated[
        int,
        PerNetwork,
        Field(
            ge=0,
            description="another training of the same drawn network: other trials, "
            "noise and impulses; 0: the first",
        ),
    ] = 0

    @model_validator(mode="after")
    def _reachable(self) -> Train:
        """Refuse a criterion whose windows need more trials than the training has.

        The default criterion is accepted, since nobody asked for it.
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


class NetworkConfig(Settings):
    """The configuration of one condition: all settings of a network but its seed."""

    network: Network
    task: SerializeAsAny[TaskSettings]
    rule: SerializeAsAny[RuleSettings]
    train: Train

    @model_validator(mode="after")
    def _checked(self) -> NetworkConfig:
        return self.consistent()

    def consistent(self) -> NetworkConfig:
        """Return this configuration with its rule fitted to the others.

        Raises Inconsistent when its sections do not go together.
        """
        net, task = self.network, self.task
        if net.readout.kind == "unit" and task.outputs != 1:
            raise Inconsistent(
                "network.readout",
                f"kind unit gives 1 output, task {task.name!r} needs {task.outputs}; "
                "use readout: {kind: linear}",
                "task",
            )
        epochs, parts = task.epochs_s, task.parts_s
        unfit = _first_unfit((*epochs.items(), *parts.items()), net.dt_s)
        if unfit is not None:
            raise _of_other_steps(task, unfit, net.dt_s)
        rule = self.rule.fitted(net).fitted_to_task(task)
        return self if rule == self.rule else self.model_copy(update={"rule": rule})
