"""The measures of one network, by the name that tables and sweep files use.

A new measure: one file, one line in MEASURES.  Its settings class says what it needs,
its unit, and where it is shown; tables, MLflow, the report and studies read that.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from popnet.config import MeasureSettings
from popnet.measures._rest import PointsMeasure as PointsMeasure
from popnet.measures._rest import network_at_rest as network_at_rest
from popnet.measures._seen import ActivitySeen as ActivitySeen
from popnet.measures._seen import ChangeSeen as ChangeSeen
from popnet.measures._seen import ChoicesSeen as ChoicesSeen
from popnet.measures._seen import CurveSeen as CurveSeen
from popnet.measures._seen import Found
from popnet.measures._seen import NetworkSeen as NetworkSeen
from popnet.measures._seen import NetworkTrials as NetworkTrials
from popnet.measures._seen import Seen as Seen
from popnet.measures._seen import TrialsSeen as TrialsSeen
from popnet.measures._seen import WeightsSeen as WeightsSeen
from popnet.measures.activity_change import ActivityChange, activity_change
from popnet.measures.area import Area, area
from popnet.measures.attractor_dimension import AttractorDimension, attractor_dimension
from popnet.measures.autocorrelation_s import Autocorrelation, autocorrelation_s
from popnet.measures.choice_bias import ChoiceBias, choice_bias
from popnet.measures.condition_distance import ConditionDistance, condition_distance
from popnet.measures.condition_distance_t import (
    ConditionDistanceOverTime,
    condition_distance_t,
)
from popnet.measures.fixed_points import FixedPointCount, fixed_points
from popnet.measures.flat_share import FlatShare, flat_share
from popnet.measures.hessian_participation_ratio import (
    HessianParticipationRatio,
    hessian_participation_ratio,
)
from popnet.measures.hessian_top import HessianTop, hessian_top
from popnet.measures.kernel_alignment import KernelAlignment, kernel_alignment
from popnet.measures.largest_exponent import LargestExponent, largest_exponent
from popnet.measures.line_attractors import LineAttractorShare, line_attractors
from popnet.measures.moving_attractors import MovingAttractorShare, moving_attractors
from popnet.measures.output_tau_s import OutputTau, output_tau_s
from popnet.measures.participation_ratio import ParticipationRatio, participation_ratio
from popnet.measures.pca_dimension import PcaDimension, pca_dimension
from popnet.measures.psychometric_slope import PsychometricSlope, psychometric_slope
from popnet.measures.relapses import Relapses, relapses
from popnet.measures.representation_alignment import (
    RepresentationAlignment,
    representation_alignment,
)
from popnet.measures.residual import Residual, residual
from popnet.measures.slowest_s import SlowestDirection, slowest_s
from popnet.measures.spectral_radius import SpectralRadius, spectral_radius
from popnet.measures.speed import Speed, speed
from popnet.measures.stable_fixed_points import (
    StableFixedPointCount,
    stable_fixed_points,
)
from popnet.measures.trajectory_change import TrajectoryChange, trajectory_change
from popnet.measures.variance import Variance, variance
from popnet.measures.weight_change import WeightChange, weight_change
from popnet.measures.weight_change_norm import WeightChangeNorm, weight_change_norm
from popnet.measures.weight_change_rank import WeightChangeRank, weight_change_rank
from popnet.registry import Registry


class Measure(NamedTuple):
    """A number measured of one network; its settings say what it needs."""

    settings: type[MeasureSettings]
    of: Callable[[Any, Any], Found]
    """From the settings and what is seen of a network to the number."""


SEEN: dict[str, type] = {
    "weights": WeightsSeen,
    "activity": ActivitySeen,
    "change": ChangeSeen,
    "trials": TrialsSeen,
    "curve": CurveSeen,
    "network": NetworkSeen,
    "choices": ChoicesSeen,
}
"""The class that a measure is given, by its declared need."""

MEASURES: Registry[Measure] = Registry(
    "measures",
    Measure,
    {
        "weight_change": Measure(WeightChange, weight_change),
        "spectral_radius": Measure(SpectralRadius, spectral_radius),
        "output_tau_s": Measure(OutputTau, output_tau_s),
        "pca_dimension": Measure(PcaDimension, pca_dimension),
        "participation_ratio": Measure(ParticipationRatio, participation_ratio),
        "speed": Measure(Speed, speed),
        "condition_distance": Measure(ConditionDistance, condition_distance),
        "autocorrelation_s": Measure(Autocorrelation, autocorrelation_s),
        "trajectory_change": Measure(TrajectoryChange, trajectory_change),
        "activity_change": Measure(ActivityChange, activity_change),
        "condition_distance_t": Measure(
            ConditionDistanceOverTime, condition_distance_t
        ),
        "area": Measure(Area, area),
        "relapses": Measure(Relapses, relapses),
        "variance": Measure(Variance, variance),
        "residual": Measure(Residual, residual),
        "weight_change_norm": Measure(WeightChangeNorm, weight_change_norm),
        "representation_alignment": Measure(
            RepresentationAlignment, representation_alignment
        ),
        "kernel_alignment": Measure(KernelAlignment, kernel_alignment),
        "hessian_top": Measure(HessianTop, hessian_top),
        "hessian_participation_ratio": Measure(
            HessianParticipationRatio, hessian_participation_ratio
        ),
        "flat_share": Measure(FlatShare, flat_share),
        "fixed_points": Measure(FixedPointCount, fixed_points),
        "stable_fixed_points": Measure(StableFixedPointCount, stable_fixed_points),
        "line_attractors": Measure(LineAttractorShare, line_attractors),
        "slowest_s": Measure(SlowestDirection, slowest_s),
        "moving_attractors": Measure(MovingAttractorShare, moving_attractors),
        "largest_exponent": Measure(LargestExponent, largest_exponent),
        "attractor_dimension": Measure(AttractorDimension, attractor_dimension),
        "weight_change_rank": Measure(WeightChangeRank, weight_change_rank),
        "psychometric_slope": Measure(PsychometricSlope, psychometric_slope),
        "choice_bias": Measure(ChoiceBias, choice_bias),
    },
)
"""In the order of the columns of tables."""


def recorded(*needs: str) -> dict[str, Measure]:
    """The measures that need one of these and are recorded without being asked.

    Only popnet's own: those of other packages are always asked for.
    """
    return {
        name: measure
        for name, measure in MEASURES.own.items()
        if measure.settings.always and measure.settings.needs in needs
    }


def number(found: float) -> float | None:
    """A measured number as tables hold it: None where it is not defined."""
    return None if found != found else float(found)


def measured(needs: str, seen: Seen) -> dict[str, Found]:
    """The values recorded of every network without being asked, by measure."""
    return {
        name: measure.of(measure.settings(name=name), seen)
        for name, measure in recorded(needs).items()
    }
