"""Every metric must do this, on made-up networks.

B trials, S scored steps, K trial types, T time steps, N units, M pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from popnet.metrics import METRICS, WITHIN, Certified, Subject, certified
from popnet.testing.checking import Check, example_of, run_checks, says_what_it_is
from popnet.testing.network_pairs import (
    ARRAYS,
    TRANSFORMS,
    Pair,
    changed,
    made_up,
    near,
    relabelled,
)
from popnet.testing.networks_at_rest import same_network

SEEN = 0.1
"""A change that is seen moves the value by this part of how far the two were apart."""


def values(name: str, pairs: Sequence[Pair], **given: Any) -> NDArray[np.float64]:
    """The values of some pairs, [M], with the settings of the metric's ``example``."""
    metric = METRICS[name]
    settings = example_of(metric.settings)
    settings = type(settings)(**{**settings.example, **given})
    one, other = (
        [metric.prepare(settings, subject) for subject in side]
        for side in zip(*pairs, strict=True)
    )
    found = metric.compare(settings, one, other)
    assert isinstance(found, Certified) == settings.certified, (
        "it gives a certificate where it declares none, or the other way"
    )
    return certified(found).value_M


def apart(name: str, one: Subject, other: Subject) -> float:
    """Distance of two networks; for a similarity, how far it is below its maximum."""
    settings, (value,) = METRICS[name].settings, values(name, [(one, other)])
    least, most = settings.range
    return float(value - least if settings.kind == "distance" else most - value)


def says_what_and_of_what(name: str) -> None:
    """It declares kind, range, needs and invariances in words that are known."""
    settings = example_of(METRICS[name].settings)
    says_what_it_is(settings, name)
    assert type(settings).__doc__, "its settings have no docstring"
    assert settings.kind in ("distance", "similarity"), f"its kind is {settings.kind!r}"
    least, most = settings.range
    assert least < most, f"its range is {least:g} to {most:g}"
    ends = (least, most) if settings.kind == "similarity" else (least,)
    assert np.isfinite(ends).all(), "nothing says what equal networks have"
    assert settings.needs, "it needs nothing"
    unknown = set(settings.needs) - set(WITHIN)
    assert not unknown, f"it needs {sorted(unknown)}; known: {', '.join(WITHIN)}"
    words = {word for t in TRANSFORMS.values() for word in t.hidden_by}
    unknown = settings.invariances - words
    assert not unknown, f"unknown invariances {sorted(unknown)}; known: {sorted(words)}"


def values_are_in_its_range(name: str) -> None:
    """One finite number for each pair, in the range that it declares."""
    pairs = [(made_up(a), made_up(b)) for a, b in ((0, 1), (2, 3), (4, 5))]
    found, settings = values(name, pairs), METRICS[name].settings
    assert isinstance(found, np.ndarray), f"it gives a {type(found).__name__}"
    assert (found.shape, found.dtype) == ((3,), np.float64), f"it gives {found!r}"
    assert np.isfinite(found).all(), f"it gives {found}"
    least, most = settings.range
    inside = (least - settings.precision <= found) & (
        found <= most + settings.precision
    )
    assert inside.all(), f"{found} is outside of {least:g} to {most:g}"


def equal_networks_are_not_apart(name: str) -> None:
    """Equal networks have the least distance or the largest similarity."""
    one = made_up(5)
    found = apart(name, one, one)
    room = METRICS[name].settings.precision
    assert abs(found) <= room, f"a network is {found:g} apart from itself"
    copy = changed(one, ARRAYS, np.copy)
    assert apart(name, one, copy) == found, "a copy is not the same"


def symmetric(name: str) -> None:
    """The order of the two networks does not matter, exactly."""
    for seed in range(4):
        one = made_up(seed)
        others = made_up(seed + 20, fixed=(0, 5)), relabelled(near(one, seed + 40))
        for other in others:
            there, back = values(name, [(one, other), (other, one)])
            room = METRICS[name].settings.precision
            assert abs(there - back) <= room, f"{there} one way, {back} the other"


def pairs_do_not_depend_on_each_other(name: str) -> None:
    """Pairs compared at once have the values that they have alone."""
    pairs = [(made_up(a), made_up(a + 10)) for a in range(4)]
    alone = np.concatenate([values(name, [pair]) for pair in pairs])
    found = values(name, pairs)
    assert np.allclose(found, alone, rtol=1e-9, atol=0), f"{found} at once, {alone}"


def prepares_numbers(name: str) -> None:
    """``prepare`` gives arrays of numbers, and the same ones each time."""
    metric, subject = METRICS[name], made_up(0)
    settings, before = example_of(metric.settings), changed(subject, ARRAYS, np.copy)
    once, again = (metric.prepare(settings, subject) for _ in range(2))
    assert once, "it prepares nothing"
    for array, other in ((once[key], again[key]) for key in once):
        assert isinstance(array, np.ndarray), f"it prepares a {type(array).__name__}"
        assert array.dtype.kind in "biuf", f"it prepares {array.dtype}"
        assert np.array_equal(array, other), "the second time is another one"
    for field in ARRAYS:
        now, then = getattr(subject, field), getattr(before, field)
        alike = same_network if field == "rest" else np.array_equal
        same = alike(now, then)
        assert same, f"it writes into {field}"


def looks_at_what_it_needs(name: str) -> None:
    """It does without all that it does not say it needs."""
    pair = made_up(0), made_up(1)
    needed = _needed(name)
    bare = [
        changed(s, [f for f in ARRAYS if f not in needed], lambda _: None) for s in pair
    ]
    (found,), (expected,) = values(name, [(bare[0], bare[1])]), values(name, [pair])
    assert found == expected, "it looks at more than it says it needs"


def blind_to_what_it_declares(name: str) -> None:
    """Its value is the same after each change that it declares not to see."""
    _look(name, hidden=True)


def sees_everything_else(name: str) -> None:
    """Its value is another one after each change that it does not declare."""
    _look(name, hidden=False)


def _look(name: str, hidden: bool) -> None:
    settings, needed = METRICS[name].settings, _needed(name)
    one = made_up(0)
    other = near(one, 1)
    before = apart(name, one, other)
    for words, transform in TRANSFORMS.items():
        unseen = needed.isdisjoint(transform.fields)
        if (
            unseen or not settings.invariances.isdisjoint(transform.hidden_by)
        ) != hidden:
            continue
        after = apart(name, *transform.apply(one, other))
        if hidden:
            room = 1e-6 * before + settings.precision
            assert abs(after - before) <= room, (
                f"{words}: {after:g} apart instead of {before:g}"
            )
        else:
            assert abs(after - before) > SEEN * before, (
                f"it does not see this, and does not declare one of "
                f"{', '.join(transform.hidden_by)}: {words}"
            )


def grows_with_the_difference(name: str) -> None:
    """The more noise is added to a network, the farther it is, if that is declared."""
    if not METRICS[name].settings.grows:
        return
    one = made_up(0)
    found = [apart(name, one, near(one, 1, size)) for size in (0, 0.05, 0.2, 0.5)]
    assert found == sorted(set(found)), f"with ever more noise it gives {found}"


def no_way_round_is_shorter(name: str) -> None:
    """The triangle inequality holds, if that is declared."""
    if not METRICS[name].settings.triangle:
        return
    for seed in range(8):
        a, b = made_up(seed), made_up(seed + 20)
        between = changed(a, ARRAYS, lambda x, y: (x + y) / 2, b)
        ab, bc, ac = values(name, [(a, between), (between, b), (a, b)])
        assert ac <= ab + bc + 1e-7, f"{ac:g} directly, {ab:g} and {bc:g} over another"


def untrained_networks_are_compared_alike(name: str) -> None:
    """With ``untrained`` it gives what it would of networks that end as they began."""
    if "untrained" not in METRICS[name].settings.model_fields:
        return
    pair = made_up(0), made_up(1)
    drawn = [
        s._replace(
            final_NN=s.initial_NN,
            trained_KTN=s.untrained_KTN,
            trained_BTN=s.untrained_BTN,
        )
        for s in pair
    ]
    (found,) = values(name, [pair], untrained=True)
    (expected,), (trained,) = values(name, [(drawn[0], drawn[1])]), values(name, [pair])
    assert found == expected, "untrained networks are compared otherwise"
    assert found != trained, "untrained networks are compared as trained ones"


def _needed(name: str) -> set[str]:
    return {field for need in METRICS[name].settings.needs for field in WITHIN[need]}


METRIC_CHECKS: dict[str, Check] = {
    "says what and of what": says_what_and_of_what,
    "values are in its range": values_are_in_its_range,
    "equal networks are not apart": equal_networks_are_not_apart,
    "symmetric": symmetric,
    "pairs do not depend on each other": pairs_do_not_depend_on_each_other,
    "prepares numbers": prepares_numbers,
    "looks at what it needs": looks_at_what_it_needs,
    "blind to what it declares": blind_to_what_it_declares,
    "sees everything else": sees_everything_else,
    "grows with the difference": grows_with_the_difference,
    "no way round is shorter": no_way_round_is_shorter,
    "untrained networks are compared alike": untrained_networks_are_compared_alike,
}


def check_metric(name: str) -> None:
    """Hold a metric to all that it declares.  Raises AssertionError."""
    run_checks("metric", name, METRIC_CHECKS)
