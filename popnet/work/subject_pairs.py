"""Compares networks that are in memory in pairs, whatever program trained them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from itertools import combinations

import numpy as np

from popnet.canonical import label
from popnet.config import ConfigError, MetricSettings
from popnet.metrics import METRICS, WITHIN, Certified, Prepared, Subject, certified

AT_ONCE = 64
"""Pairs between two reports of what is done."""
OnDone = Callable[[int], None]
NULLS = {"untrained": ("initial_", "untrained_"), "again": ("again_",)}
"""The setting of a metric that makes it read arrays whose names begin so."""


def fields_read(settings: MetricSettings) -> list[str]:
    """Return the arrays of a subject that a metric with these settings reads.

    A network as it was drawn and the same trials again are read only where the setting
    ``untrained`` or ``again`` asks for them.  What went into the network is for the
    metric itself to ask for.
    """
    unread = tuple(
        start
        for setting, starts in NULLS.items()
        if not getattr(settings, setting, False)
        for start in starts
    )
    fields = (field for need in settings.needs for field in WITHIN[need])
    return [field for field in fields if not field.startswith((*unread, "input_"))]


def prepare_subjects(
    settings: MetricSettings,
    subjects: Mapping[str, Subject],
    on_done: OnDone = lambda _: None,
) -> dict[str, Prepared]:
    """Prepare each network that has what the metric needs, by name.

    Raises ConfigError when no two networks have it.
    """
    prepared: dict[str, Prepared] = {}
    missing: list[str] = []
    for name, subject in subjects.items():
        absent = [f for f in fields_read(settings) if getattr(subject, f) is None]
        if not absent:
            try:
                made = METRICS[settings.name].prepare(settings, subject)
                prepared[name] = made
            except AssertionError:  # an array that only some of its settings read
                absent = [f for f in Subject._fields if getattr(subject, f) is None]
        missing = missing or absent
        on_done(1)
    if "rest" in settings.needs and not prepared:
        raise ConfigError(
            f"{label(settings)}: it looks for fixed points of networks at the rest "
            "inputs of their task, which only networks of popnet have; use `popnet "
            "compare RUN` or popnet.compare(nets)."
        )
    if len(prepared) < (1 if settings.of_itself else 2):
        raise ConfigError(
            f"{label(settings)}: fewer than two networks have what it compares (the "
            f"first lacks {', '.join(missing) or 'a peer'}; needs: "
            f"{', '.join(settings.needs)})."
        )
    return prepared


def heldout_errors(
    settings: MetricSettings, prepared: Mapping[str, Prepared]
) -> dict[str, float]:
    """Return the held-out error of each network's model; {} where none is fitted.

    With ``again`` a network has a model of each half of its trials: that of the first.
    """
    if not settings.fitted:
        return {}
    return {name: float(one["heldout_error"][0]) for name, one in prepared.items()}


def likeness(settings: MetricSettings, subject: Subject) -> Hashable:
    """Return what two networks must agree in to be compared: shapes, not sizes.

    The same units for weights, the same answers, the same trials and steps.
    """
    axes = 2 if {"activity", "trials"} & set(settings.needs) else None
    arrays = ((field, getattr(subject, field)) for field in fields_read(settings))
    return tuple((f, a.shape[:axes]) for f, a in arrays if a is not None)


def pairs_of(
    settings: MetricSettings, kinds: Mapping[str, Hashable]
) -> list[tuple[str, str]]:
    """Return all pairs of networks of one kind; each with itself for the floor."""
    if settings.of_itself:
        return [(name, name) for name in kinds]
    return [(a, b) for a, b in combinations(kinds, 2) if kinds[a] == kinds[b]]


def compare_prepared(
    settings: MetricSettings,
    pairs: Sequence[tuple[str, str]],
    prepared: Mapping[str, Prepared],
    on_done: OnDone = lambda _: None,
) -> Certified:
    """Return the values of pairs of prepared networks, with their certificates."""
    parts = []
    for first in range(0, len(pairs), AT_ONCE):
        block = pairs[first : first + AT_ONCE]
        one, other = ([prepared[k] for k in keys] for keys in zip(*block, strict=True))
        found = METRICS[settings.name].compare(settings, one, other)
        parts.append(certified(found))
        on_done(len(block))
    if not parts:
        return certified(np.empty(0))
    columns = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Certified(*columns)
