"""Every measure must do this, on a made-up network.

B trials, K trial types, T time steps, N units, C blocks of trials.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from popnet.measures import (
    MEASURES,
    SEEN,
    ActivitySeen,
    ChangeSeen,
    ChoicesSeen,
    CurveSeen,
    NetworkSeen,
    TrialsSeen,
    WeightsSeen,
)
from popnet.runs.columns import EMPTY
from popnet.testing.checking import Check, example_of, run_checks, says_what_it_is
from popnet.testing.whole_networks import (
    OF_NETWORKS,
    arrays_of,
    broken,
    whole_network,
)

UNITS, OUTPUT, STEPS, DT_S = 9, 3, 60, 0.01
NOTICED = 1e-3
"""A change that is seen moves the number by this part of it."""

Changes = dict[str, Callable[[Any], Any]]


def _weights() -> WeightsSeen:
    random = np.random.default_rng(0)
    initial_NN, more_NN = random.standard_normal((2, UNITS, UNITS)).astype(np.float32)
    return WeightsSeen(
        initial_NN, initial_NN + more_NN / 2, random.uniform(0.01, 0.1, UNITS), OUTPUT
    )


def _rates(seed: int) -> Any:
    """Smooth rates [K, T, N] of units that differ."""
    steps = np.random.default_rng(seed).standard_normal((3, STEPS, UNITS))
    return np.tanh(steps.cumsum(axis=1) * np.linspace(0.05, 0.5, UNITS))


def _curve() -> CurveSeen:
    """A network that learns, loses what it had learned, and learns it again."""
    accuracy_C = np.repeat([0.5, 0.97, 0.6, 0.98, 0.99], 8)
    error_C = 1.1 - accuracy_C + 0.02 * np.random.default_rng(0).random(40)
    return CurveSeen(25.0 * (1 + np.arange(40)), error_C, accuracy_C, 400, 0.95)


def _choices() -> ChoicesSeen:
    """Decisions that lean to +, of a curve with lapses."""
    evidence_B = np.tile(np.linspace(-0.2, 0.2, 11), 60)
    rise_B = 1 / (1 + np.exp(-25 * (evidence_B + 0.03)))
    drawn_B = np.random.default_rng(0).random(len(evidence_B))
    return ChoicesSeen(evidence_B, (drawn_B < 0.02 + 0.96 * rise_B).astype(float))


EXAMPLES: dict[type, Any] = {
    WeightsSeen: _weights(),
    ActivitySeen: ActivitySeen(_rates(1), DT_S),
    ChangeSeen: ChangeSeen(_rates(1), _rates(2), DT_S),
    TrialsSeen: TrialsSeen(_rates(1), _rates(2), DT_S),
    CurveSeen: _curve(),
    NetworkSeen: whole_network(),
    ChoicesSeen: _choices(),
}
"""Example data for measures, by their declared need."""

_ORDER = np.random.default_rng(3).permutation(UNITS)
_SIGN = np.where(np.arange(UNITS) % 2 == 0, 1, -1).astype(np.float32)
_ROTATION = np.linalg.qr(np.random.default_rng(4).standard_normal((UNITS, UNITS)))[0]
_SHUFFLED = np.random.default_rng(5).permutation(STEPS)


def _wires(change: Callable[[Any], Any]) -> Callable[[WeightsSeen], WeightsSeen]:
    return lambda seen: seen._replace(
        initial_NN=change(seen.initial_NN), final_NN=change(seen.final_NN)
    )


def _relabelled(seen: WeightsSeen) -> WeightsSeen:
    moved = _wires(lambda w_NN: w_NN[np.ix_(_ORDER, _ORDER)])(seen)
    place = int(np.argmax(_ORDER == OUTPUT))
    return moved._replace(tau_N=seen.tau_N[_ORDER], output_unit=place)


def _moving(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The same change of every activity that is seen."""
    return lambda seen: seen._replace(
        **{field: change(getattr(seen, field)) for field in _rates_of(seen)}
    )


def _rates_of(seen: Any) -> list[str]:
    return [field for field in seen._fields if field.endswith("TN")]


_OF_ACTIVITY: Changes = {
    "relabelling": _moving(lambda x_KTN: x_KTN[..., _ORDER]),
    "rotation": _moving(lambda x_KTN: x_KTN @ _ROTATION),
    "shift": _moving(lambda x_KTN: x_KTN + np.linspace(-1, 2, UNITS)),
    "scale": _moving(lambda x_KTN: 3 * x_KTN),
    "reordering": _moving(lambda x_KTN: x_KTN[:, _SHUFFLED]),
    "time step": lambda seen: seen._replace(dt_s=2 * DT_S),
}
CHANGES: dict[type, Changes] = {
    WeightsSeen: {
        "relabelling": _relabelled,
        "sign": _wires(lambda w_NN: _SIGN[:, None] * w_NN * _SIGN),
        "transposition": _wires(lambda w_NN: w_NN.T),
        "scale": _wires(lambda w_NN: 2 * w_NN),
    },
    ActivitySeen: _OF_ACTIVITY,
    ChangeSeen: _OF_ACTIVITY,
    TrialsSeen: _OF_ACTIVITY,
    ChoicesSeen: {
        "reordering": lambda seen: ChoicesSeen(
            seen.evidence_B[::-1], seen.plus_B[::-1]
        ),
        "mirror": lambda seen: ChoicesSeen(-seen.evidence_B, 1 - seen.plus_B),
        "scale": lambda seen: seen._replace(evidence_B=2 * seen.evidence_B),
    },
    CurveSeen: {
        "shift": lambda seen: seen._replace(error_C=seen.error_C + 0.3),
        "scale": lambda seen: seen._replace(error_C=2 * seen.error_C),
        "other accuracy": lambda seen: seen._replace(
            accuracy_C=np.ones_like(seen.accuracy_C)
        ),
    },
    NetworkSeen: OF_NETWORKS,
}
"""Changes of what is seen, by the invariance that makes each unseen."""


def number(name: str, seen: Any) -> Any:
    """The value of the measure for these data, with the settings of its ``example``."""
    measure = MEASURES[name]
    return measure.of(example_of(measure.settings), seen)


def example(name: str) -> Any:
    """Example data for this measure."""
    return EXAMPLES[SEEN[MEASURES[name].settings.needs]]


def says_what_it_measures(name: str) -> None:
    """It declares what it needs, where it is shown, and how it is written."""
    settings = example_of(MEASURES[name].settings)
    says_what_it_is(settings, name)
    assert type(settings).__doc__, "its settings have no docstring"
    assert settings.needs in SEEN, (
        f"it needs {settings.needs!r}, which is nothing known"
    )
    assert 0 < len(settings.label.splitlines()) <= 2, "its label has not 1 or 2 lines"
    assert "\n" not in settings.note, "its note has several lines"
    assert f"{1.0:{settings.form}}", f"its form {settings.form!r} writes nothing"
    known = set(CHANGES[SEEN[settings.needs]])
    unknown = settings.invariances - known
    assert not unknown, f"unknown invariances {sorted(unknown)}; known: {sorted(known)}"


def shown_where_it_can_be(name: str) -> None:
    """Columns of networks are for one number of each, and have names of their own."""
    settings = MEASURES[name].settings
    one_each = not (settings.of_activity() or settings.over_time)
    assert one_each or not (settings.listed or settings.grouped), (
        "it is listed or grouped, and is not one number for each network"
    )
    assert not settings.over_time or settings.of_activity(), (
        "only activity has numbers over time"
    )
    if settings.always:
        assert name in MEASURES.own, "always: another package's are asked for"
    else:
        taken = {column for columns in EMPTY.values() for column in columns}
        assert name not in taken, "tables have a column of this name"


def gives_a_number_in_its_range(name: str) -> None:
    """A finite number, or one for each time step, in the range that it declares."""
    settings, found = MEASURES[name].settings, number(name, example(name))
    if settings.over_time:
        assert np.shape(found) == (STEPS,), f"it gives {np.shape(found)}, not [T]"
    else:
        assert isinstance(found, float), f"it gives a {type(found).__name__}"
    assert np.isfinite(found).all(), f"it gives {found}"
    least, most = settings.range
    inside = (least <= np.asarray(found)) & (np.asarray(found) <= most)
    assert inside.all(), f"{found} is outside of {least:g} to {most:g}"


def the_same_again(name: str) -> None:
    """It is a function of what it sees, and leaves that as it was."""
    seen = example(name)
    parts = arrays_of(seen) if isinstance(seen, NetworkSeen) else seen
    before = [np.copy(part) for part in parts]
    once, again = (number(name, seen) for _ in range(2))
    assert np.array_equal(once, again), "the second time is another one"
    for part, was in zip(parts, before, strict=True):
        assert np.array_equal(part, was), "it writes into what it is given"


def blind_to_what_it_declares(name: str) -> None:
    """Its number is the same after each change that it declares not to see."""
    declared, seen = MEASURES[name].settings.invariances, example(name)
    before = number(name, seen)
    for words, change in CHANGES[type(seen)].items():
        if words in declared:
            after = number(name, change(seen))
            same = np.allclose(after, before, rtol=1e-5, atol=0)
            assert same, f"{words}: {after} instead of {before}"


def sees_everything_else(name: str) -> None:
    """Its number is another one after each change that it does not declare."""
    declared, seen = MEASURES[name].settings.invariances, example(name)
    before = number(name, seen)
    for words, change in CHANGES[type(seen)].items():
        if words not in declared:
            after = number(name, change(seen))
            same = np.allclose(after, before, rtol=NOTICED, atol=0)
            assert not same, f"it does not see this, and does not declare it: {words}"


def undefined_is_nan(name: str) -> None:
    """What is not finite, and an empty curve, give NaN."""
    seen = example(name)
    lacking: list[Any] = []
    if isinstance(seen, CurveSeen):
        error_C = np.where(np.arange(40) == 20, np.inf, seen.error_C)
        lacking = [seen._replace(error_C=error_C), CurveSeen([], [], [], None)]
    if isinstance(seen, NetworkSeen):
        lacking = [broken(seen)]
    if isinstance(seen, ChoicesSeen):
        lacking = [
            seen._replace(plus_B=np.full_like(seen.plus_B, np.nan)),
            ChoicesSeen([], []),
        ]
    for field in _rates_of(seen):
        rates = np.copy(getattr(seen, field))
        rates[0, 3, 1] = np.nan
        lacking.append(seen._replace(**{field: rates}))
    for case in lacking:
        found = number(name, case)
        assert np.isnan(found).all(), f"it gives {found} of what is not defined"


MEASURE_CHECKS: dict[str, Check] = {
    "says what it measures": says_what_it_measures,
    "shown where it can be": shown_where_it_can_be,
    "gives a number in its range": gives_a_number_in_its_range,
    "the same again": the_same_again,
    "blind to what it declares": blind_to_what_it_declares,
    "sees everything else": sees_everything_else,
    "undefined is NaN": undefined_is_nan,
}


def check_measure(name: str) -> None:
    """Hold a measure to all that it declares.  Raises AssertionError."""
    run_checks("measure", name, MEASURE_CHECKS)
