"""Each check of measures refuses one that is not what it declares."""

from typing import ClassVar, Literal

import numpy as np
import pytest

from popnet.config import MeasureSettings
from popnet.measures import MEASURES, Measure
from popnet.testing import MEASURE_CHECKS, check_measure


class Sound(MeasureSettings):
    """The largest rate."""

    reference: ClassVar[str] = "this test"
    summary: ClassVar[str] = "the largest rate"
    needs: ClassVar[str] = "activity"
    label: ClassVar[str] = "largest\nrate"
    range: ClassVar[tuple[float, float]] = (-1, 100)
    invariances: ClassVar[frozenset[str]] = frozenset(
        {"relabelling", "reordering", "time step"}
    )
    name: Literal["made_up"] = "made_up"


class OfWeights(Sound):
    """The sum of the absolute weights."""

    needs: ClassVar[str] = "weights"
    range: ClassVar[tuple[float, float]] = (0, float("inf"))
    listed: ClassVar[bool] = True
    invariances: ClassVar[frozenset[str]] = frozenset(
        {"relabelling", "sign", "transposition"}
    )


class OfCurve(Sound):
    """The last error."""

    needs: ClassVar[str] = "curve"
    invariances: ClassVar[frozenset[str]] = frozenset({"other accuracy"})


class OverTime(Sound):
    """The largest rate at each time."""

    over_time: ClassVar[bool] = True
    invariances: ClassVar[frozenset[str]] = frozenset({"relabelling", "time step"})


def largest(settings, seen):
    return float(np.max(seen.rates_KTN))


def absolute(settings, seen):
    return float(np.abs(seen.final_NN).sum())


def last_error(settings, seen):
    known = len(seen.error_C) > 0 and np.isfinite(seen.error_C).all()
    return float(seen.error_C[-1]) if known else float("nan")


def over_time(settings, seen):
    found_T = np.max(seen.rates_KTN, axis=(0, 2))
    return found_T if np.isfinite(found_T).all() else np.full(len(found_T), np.nan)


def writing(settings, seen):
    seen.rates_KTN[0, 0, 0] += 0.01
    return float(np.sum(seen.rates_KTN))


def measure(settings=Sound, of=largest, **declared):
    made = type("Declared", (settings,), {"__doc__": settings.__doc__, **declared})
    return Measure(made, of)


BROKEN = {
    "says what it measures": measure(label=""),
    "shown where it can be": measure(listed=True),
    "gives a number in its range": measure(range=(5, 6)),
    "the same again": measure(of=writing),
    "blind to what it declares": measure(invariances=frozenset({"shift"})),
    "sees everything else": measure(invariances=frozenset()),
    "undefined is NaN": measure(of=lambda _, seen: float(np.nanmax(seen.rates_KTN))),
}
SOUND = {
    "of activity": measure(),
    "of weights": measure(OfWeights, absolute),
    "of a curve": measure(OfCurve, last_error),
    "over time": measure(OverTime, over_time),
}


@pytest.fixture
def made_up(monkeypatch):
    """Puts a measure into the registry."""
    return lambda made: monkeypatch.setitem(MEASURES.own, "made_up", made)


@pytest.mark.parametrize("sound", SOUND)
def test_each_check_is_tried_here_and_takes_a_sound_one(sound, made_up):
    assert set(BROKEN) == set(MEASURE_CHECKS)
    made_up(SOUND[sound])
    check_measure("made_up")


@pytest.mark.parametrize("check", MEASURE_CHECKS)
def test_it_refuses_a_broken_measure(check, made_up):
    made_up(BROKEN[check])
    with pytest.raises(AssertionError):
        MEASURE_CHECKS[check]("made_up")


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ({"needs": "mood"}, "needs 'mood', which is nothing known"),
        ({"label": "a\nb\nc"}, "not 1 or 2 lines"),
        ({"invariances": frozenset({"mood"})}, r"unknown invariances \['mood'\]"),
    ],
)
def test_what_it_says_is_known(declared, message, made_up):
    made_up(measure(**declared))
    with pytest.raises(AssertionError, match=message):
        MEASURE_CHECKS["says what it measures"]("made_up")


def test_only_activity_has_numbers_over_time(made_up):
    made_up(measure(OfWeights, absolute, listed=False, over_time=True))
    with pytest.raises(AssertionError, match="only activity"):
        MEASURE_CHECKS["shown where it can be"]("made_up")
