"""Samples of activity for metrics that compare networks trial by trial.

B trials, T time steps, N units, S samples: steps of trials, in a fixed order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from popnet.config import Compared, Inconsistent, MetricSettings
from popnet.metrics._pairs import Prepared, by_content
from popnet.metrics._subject import Subject

Form = Callable[[NDArray[np.floating]], NDArray[np.floating]]


class SampledSettings(MetricSettings):
    """The settings of a metric on the steps of common trials, with its nulls."""

    kind: ClassVar[Literal["distance", "similarity"]] = "similarity"
    range: ClassVar[tuple[float, float]] = (0, 1)
    precision: ClassVar[float] = 1e-6  # forms are stored in float32
    needs: ClassVar[Compared] = ("trials",)
    stored: ClassVar[bool] = True  # the trials are run anew
    invariances: ClassVar[frozenset[str]] = frozenset(
        {"relabelling", "rotation", "shift", "scale", "common reordering"}
    )
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
            description="compare each network with itself in the same trials under "
            "other noise: the floor"
        ),
    ] = False
    samples: Annotated[
        int,
        Field(
            ge=8,
            le=4096,
            description="steps of trials that are compared, the same of every network",
        ),
    ] = 512

    @model_validator(mode="after")
    def _floor_of_trained(self) -> SampledSettings:
        for other in ("untrained", "shuffled"):
            if self.again and getattr(self, other):
                text = "got true; only the trained network runs again"
                raise Inconsistent("again", text, other)
        return self


def prepared_samples(
    settings: SampledSettings, subject: Subject, form: Form
) -> dict[str, NDArray[Any]]:
    """The form of a network's samples; with ``again`` also of its second run."""
    rates = subject.untrained_BTN if settings.untrained else subject.trained_BTN
    assert rates is not None
    runs = {"form": turned(rates) if settings.shuffled else rates}
    if settings.again:
        assert subject.again_BTN is not None
        runs["again"] = subject.again_BTN
    return {
        name: form(chosen_samples(run_BTN, settings.samples)).astype(np.float32)
        for name, run_BTN in runs.items()
    }


def forms(
    settings: SampledSettings, a: Sequence[Prepared], b: Sequence[Prepared]
) -> tuple[list[NDArray[Any]], list[NDArray[Any]]]:
    """The forms of M pairs; with ``again`` the second ones are those of second runs."""
    second = "again" if settings.again else "form"
    return [one["form"] for one in a], [other[second] for other in b]


def chosen_samples(rates_BTN: NDArray[np.floating], count: int) -> NDArray[np.floating]:
    """At most ``count`` steps of trials as samples [S, N].

    Which ones depends on B and T alone, so that they are the same of every network.
    They are drawn, because steps at equal distances could fall into step with trials.
    """
    x_SN = rates_BTN.reshape(-1, rates_BTN.shape[-1])
    if len(x_SN) <= count:
        return x_SN
    drawn = np.random.default_rng(len(x_SN)).choice(len(x_SN), count, replace=False)
    return x_SN[np.sort(drawn)]


def turned(rates_BTN: NDArray[np.floating]) -> NDArray[np.floating]:
    """Each unit's samples, all trials (or types) in a row, begun at its own sample."""
    trials, steps, units = rates_BTN.shape
    turn_N = by_content(rates_BTN).integers(trials * steps, size=units)
    place_SN = (np.arange(trials * steps)[:, None] + turn_N) % (trials * steps)
    samples_SN = rates_BTN.reshape(trials * steps, units)
    return np.take_along_axis(samples_SN, place_SN, 0).reshape(rates_BTN.shape)
