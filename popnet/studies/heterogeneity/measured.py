"""The measures that the study looks at, chosen by what they declare.

Only popnet's own: which claims hold does not depend on what else is installed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from popnet.config import MeasureSettings
from popnet.measures import MEASURES

Chosen = dict[str, type[MeasureSettings]]
"""Settings classes of measures by name, in the registry's order."""


def _chosen(wanted: Callable[[type[MeasureSettings]], bool]) -> Chosen:
    classes = {name: measure.settings for name, measure in MEASURES.own.items()}
    return {name: one for name, one in classes.items() if wanted(one)}


@cache
def of_curves() -> Chosen:
    """The measures of a learning curve."""
    return _chosen(lambda one: one.needs == "curve")


@cache
def of_activity() -> Chosen:
    """The recorded numbers of the activity at rest."""
    return _chosen(lambda o: o.needs == "activity" and o.always and not o.over_time)


@cache
def of_weights() -> Chosen:
    """The recorded numbers of the weights that every table of networks shows."""
    return _chosen(lambda one: one.needs == "weights" and one.listed)


@cache
def over_time() -> str:
    """The measure of the activity at every moment of a trial."""
    (name,) = _chosen(lambda one: one.needs == "activity" and one.over_time)
    return name


@cache
def of_change() -> str:
    """The measure of how far a perturbation moves the activity."""
    (name,) = _chosen(lambda one: one.needs == "change" and one.always)
    return name


@cache
def of_trials() -> str:
    """The measure of how far a perturbation moves the activity, trial by trial."""
    (name,) = _chosen(lambda one: one.needs == "trials" and one.always)
    return name


@cache
def of_learning() -> str:
    """The measure of how far learning moves the weights, relative to their size."""
    (name,) = (n for n, one in of_weights().items() if "scale" in one.invariances)
    return name
