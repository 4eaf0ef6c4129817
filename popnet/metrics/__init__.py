"""Comparisons of two networks, by the name a sweep file uses.

A new one: one file, one line in METRICS.
"""

from collections.abc import Callable, Hashable
from typing import Any, NamedTuple

from popnet.analysis.recurrent_weights import spectral_radius as spectral_radius
from popnet.analysis.recurrent_weights import weight_change as weight_change
from popnet.config import MetricSettings, NetworkConfig
from popnet.metrics.behaviour import Behaviour, behaviour_distance
from popnet.metrics.subject import Subject as Subject
from popnet.metrics.trajectories import Trajectories, trajectory_distance
from popnet.metrics.weights import Weights, weight_distance
from popnet.plan import canonical


class Metric(NamedTuple):
    """A comparison of two networks; its settings say distance or similarity."""

    settings: type[MetricSettings]
    compare: Callable[[Any, Subject, Subject], float]
    comparable: Callable[[NetworkConfig], Hashable]
    """Only networks that agree in this can be compared."""


def _size(config: NetworkConfig) -> Hashable:
    return config.network.units


def _trials(config: NetworkConfig) -> Hashable:
    return canonical(config.task), config.network.dt_s


METRICS: dict[str, Metric] = {
    "behaviour": Metric(Behaviour, behaviour_distance, _trials),
    "trajectories": Metric(Trajectories, trajectory_distance, _trials),
    "weights": Metric(Weights, weight_distance, _size),
}
