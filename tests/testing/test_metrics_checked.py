"""Each check of metrics refuses one that is not what it declares."""

from typing import ClassVar, Literal

import numpy as np
import pytest

from popnet.config import MetricSettings
from popnet.metrics import METRICS, Metric
from popnet.testing import METRIC_CHECKS, check_metric


class Sound(MetricSettings):
    """Cosine of two responses."""

    reference: ClassVar[str] = "this test"
    summary: ClassVar[str] = "how alike two responses are"
    kind: ClassVar[Literal["distance", "similarity"]] = "similarity"
    range: ClassVar[tuple[float, float]] = (-1, 1)
    precision: ClassVar[float] = 1e-12
    needs: ClassVar[tuple[str, ...]] = ("response",)
    invariances: ClassVar[frozenset[str]] = frozenset({"scale", "common reordering"})
    stored: ClassVar[bool] = True
    name: Literal["made_up"] = "made_up"


class Distance(Sound):
    """Root mean square difference of two responses."""

    kind: ClassVar[Literal["distance", "similarity"]] = "distance"
    range: ClassVar[tuple[float, float]] = (0, float("inf"))
    invariances: ClassVar[frozenset[str]] = frozenset(
        {"common shift", "common reordering"}
    )
    triangle: ClassVar[bool] = True


class Untrained(Sound):
    untrained: bool = False


def prepare(settings, subject):
    return {"x": subject.response.astype(np.float64).ravel()}


def cosine(settings, a, b):
    x, y = (np.array([one["x"] for one in side]) for side in (a, b))
    sizes = np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1)
    return (x * y).sum(axis=1) / sizes


def difference(settings, a, b):
    x, y = (np.array([one["x"] for one in side]) for side in (a, b))
    return np.sqrt(((x - y) ** 2).mean(axis=1))


def metric(settings=Sound, prepare=prepare, compare=cosine, **declared):
    made = type("Declared", (settings,), {"__doc__": settings.__doc__, **declared})
    return Metric(made, prepare, compare, lambda _: None)


def of_the_other(settings, a, b):
    """Not symmetric: the first of two counts twice."""
    x, y = (np.array([one["x"] for one in side]) for side in (a, b))
    return cosine(settings, [{"x": row} for row in 2 * x + np.abs(x) + y], b)


def in_the_crowd(settings, a, b):
    return cosine(settings, a, b) * (1 - 0.01 * (len(a) - 1))


def writing(settings, subject):
    subject.response[0] = 0
    return prepare(settings, subject)


def of_weights_too(settings, subject):
    return {"x": subject.response.ravel() + subject.final_NN.sum()}


def squared(settings, a, b):
    return difference(settings, a, b) ** 2


def saturating(settings, a, b):
    return np.minimum(difference(settings, a, b), 0.02)


BROKEN = {
    "says what and of what": metric(kind="closeness"),
    "values are in its range": metric(range=(0.9999, 1)),
    "equal networks are not apart": metric(
        compare=lambda s, a, b: 0.9 * cosine(s, a, b)
    ),
    "symmetric": metric(compare=of_the_other),
    "pairs do not depend on each other": metric(compare=in_the_crowd),
    "prepares numbers": metric(prepare=writing),
    "looks at what it needs": metric(prepare=of_weights_too),
    "blind to what it declares": metric(invariances=frozenset({"shift"})),
    "sees everything else": metric(invariances=frozenset()),
    "grows with the difference": metric(Distance, compare=saturating),
    "no way round is shorter": metric(Distance, compare=squared),
    "untrained networks are compared alike": metric(Untrained),
}


@pytest.fixture
def made_up(monkeypatch):
    """Puts a metric into the registry."""
    return lambda made: monkeypatch.setitem(METRICS.own, "made_up", made)


@pytest.mark.parametrize(
    "sound",
    [metric(), metric(Distance, compare=difference)],
    ids=["likeness", "distance"],
)
def test_each_check_is_tried_here_and_takes_a_sound_one(sound, made_up):
    assert set(BROKEN) == set(METRIC_CHECKS)
    made_up(sound)
    check_metric("made_up")


@pytest.mark.parametrize("check", METRIC_CHECKS)
def test_it_refuses_a_broken_metric(check, made_up):
    made_up(BROKEN[check])
    # a metric may look at what it is not given
    with pytest.raises((AssertionError, AttributeError)):
        METRIC_CHECKS[check]("made_up")


def test_what_it_does_not_see_has_to_be_declared(made_up):
    made_up(metric(invariances=frozenset({"common reordering"})))
    message = "not see this, and does not declare one of .*scale.*: response of"
    with pytest.raises(AssertionError, match=message):
        METRIC_CHECKS["sees everything else"]("made_up")
    made_up(metric(invariances=frozenset({"mood"})))
    with pytest.raises(AssertionError, match=r"unknown invariances \['mood'\]"):
        METRIC_CHECKS["says what and of what"]("made_up")


def test_a_metric_that_does_not_grow_says_so(made_up):
    made_up(metric(Distance, compare=saturating, grows=False))
    METRIC_CHECKS["grows with the difference"]("made_up")
