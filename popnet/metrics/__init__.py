"""Comparisons of two networks, by the name a sweep file uses.

A new one: one file, one line in METRICS.  It works in two steps: ``prepare`` makes of
one network the arrays that are compared, ``compare`` takes many pairs of them.
"""

from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple

from numpy.typing import NDArray

from popnet.config import MetricSettings, NetworkConfig
from popnet.metrics._pairs import Certified as Certified
from popnet.metrics._pairs import Prepared as Prepared
from popnet.metrics._pairs import Values as Values
from popnet.metrics._pairs import certified as certified
from popnet.metrics._subject import WITHIN as WITHIN
from popnet.metrics._subject import Subject as Subject
from popnet.metrics.behaviour import Behaviour, behaviour_distance, scored_response
from popnet.metrics.cka import CKA, centred_gram, cka_similarity
from popnet.metrics.dsa import DSA, operator_distance, unit_operators
from popnet.metrics.eigenvalues import Eigenvalues, spectra, spectral_distance
from popnet.metrics.input_dsa import InputDSA, driven_distance, driven_systems
from popnet.metrics.neighbour_inputs import (
    NeighbourInputs,
    evidence_distance,
    neighbour_evidence,
)
from popnet.metrics.procrustes import Procrustes, procrustes_angle, sampled_activity
from popnet.metrics.rsa import RSA, dissimilarities, representational_similarity
from popnet.metrics.svcca import SVCCA, kept_components, svcca_similarity
from popnet.metrics.topology import (
    AttractorTopology,
    attractor_graph,
    topology_distance,
)
from popnet.metrics.trajectories import Trajectories, mean_activity, trajectory_distance
from popnet.metrics.weights import Weights, recurrent_weights, weight_distance
from popnet.plan import PHYSICS, canonical, digest
from popnet.registry import Registry


class Metric(NamedTuple):
    """A comparison of two networks; its settings say distance or similarity."""

    settings: type[MetricSettings]
    prepare: Callable[[Any, Subject], dict[str, NDArray[Any]]]
    """From one network to the arrays that are compared."""
    compare: Callable[[Any, Sequence[Any], Sequence[Any]], Values]
    """From the prepared networks of M pairs to their values [M]."""
    comparable: Callable[[NetworkConfig], Hashable]
    """Only networks that agree in this can be compared."""


def _size(config: NetworkConfig) -> Hashable:
    return config.network.units


def _trials(config: NetworkConfig) -> Hashable:
    return canonical(config.task), config.network.dt_s


def _rest_inputs(config: NetworkConfig) -> Hashable:
    return config.task.rest_inputs


METRICS: Registry[Metric] = Registry(
    "metrics",
    Metric,
    {
        "behaviour": Metric(Behaviour, scored_response, behaviour_distance, _trials),
        "cka": Metric(CKA, centred_gram, cka_similarity, _trials),
        "procrustes": Metric(Procrustes, sampled_activity, procrustes_angle, _trials),
        "rsa": Metric(RSA, dissimilarities, representational_similarity, _trials),
        "svcca": Metric(SVCCA, kept_components, svcca_similarity, _trials),
        "dsa": Metric(DSA, unit_operators, operator_distance, _trials),
        "eigenvalues": Metric(Eigenvalues, spectra, spectral_distance, _trials),
        "input_dsa": Metric(InputDSA, driven_systems, driven_distance, _trials),
        "trajectories": Metric(
            Trajectories, mean_activity, trajectory_distance, _trials
        ),
        "topology": Metric(
            AttractorTopology, attractor_graph, topology_distance, _rest_inputs
        ),
        "neighbour_inputs": Metric(
            NeighbourInputs, neighbour_evidence, evidence_distance, _rest_inputs
        ),
        "weights": Metric(Weights, recurrent_weights, weight_distance, _size),
    },
)


def metric_identity(settings: MetricSettings) -> str:
    """A hash of a metric with its settings."""
    return digest(str(PHYSICS), canonical(settings), size=8)
