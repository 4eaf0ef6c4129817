"""Distances between networks in memory, or between recordings, as labelled arrays.

P networks, B trials, T time steps, N units.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from popnet.canonical import settings_text
from popnet.catalogue import metric_settings
from popnet.config import ConfigError, MetricSettings
from popnet.core.cell import pick
from popnet.metrics import METRICS, Prepared, Subject
from popnet.nets import Nets, Section, plain
from popnet.progress_bars import bar
from popnet.work.comparison import subject_of
from popnet.work.subject_pairs import (
    compare_prepared,
    likeness,
    pairs_of,
    prepare_subjects,
)

if TYPE_CHECKING:
    import xarray

Rates = Sequence[NDArray[Any]] | NDArray[Any] | Mapping[str, NDArray[Any]]
"""Activity of several networks: [B, T, N] each, or one array [P, B, T, N]."""
RATES_NEED = {"activity", "trials"}


class _Compared(NamedTuple):
    """Networks prepared for a metric, in order, and what two must agree in."""

    names: list[str]
    prepared: dict[str, Prepared]
    kinds: dict[str, Hashable]


def compare(
    nets: Nets | Rates, metric: Section, progress: bool = True
) -> xarray.DataArray:
    """Return the distance or similarity of every two networks, [P, P], labelled.

    ``nets`` are networks, or recorded rates [B, T, N] of several: a list, a dict by
    name or one array [P, B, T, N]; trials are those of all, in one order.  ``metric``
    is a name of ``popnet metrics``, or ``{"name": ..., settings}``.

    The coordinates ``network`` and ``other`` are the networks' keys, or the names or
    numbers of the rates.  Where the metric certifies its values, the coordinates
    ``bound`` and ``starts`` [P, P] stand beside them.  The diagonal is NaN (but for a
    metric with ``again``, which has nothing else), and so are pairs that cannot be
    compared: networks of different sizes by weights, on different trials by behaviour.
    Without a key a network has its place for a name.  ``progress`` as for ``train``.
    Raises ConfigError when there is no such metric, its settings are wrong or rates do
    not hold what it compares.
    """
    settings = metric_settings(plain(metric, "popnet.compare"), "popnet.compare")
    if isinstance(nets, Nets):
        made = _of_nets(nets, settings, progress)
    else:
        made = _of_rates(nets, settings, progress)
    pairs = pairs_of(settings, made.kinds)
    with bar(len(pairs), "comparing", progress) as done:
        found = compare_prepared(settings, pairs, made.prepared, done.advance)
    place = {name: i for i, name in enumerate(made.kinds)}
    rows = np.array([place[a] for a, _ in pairs], dtype=np.int64)
    columns = np.array([place[b] for _, b in pairs], dtype=np.int64)
    count = len(place)
    squares = []
    for values, empty in zip(found, (np.nan, np.nan, 0), strict=True):
        square = np.full((count, count), empty, dtype=values.dtype)
        square[rows, columns] = square[columns, rows] = values
        squares.append(square)
    return _labelled(settings, made.names, *squares)


def _of_nets(nets: Nets, settings: MetricSettings, progress: bool) -> _Compared:
    entry, count = METRICS[settings.name], len(nets.members)
    prepared: dict[str, Prepared] = {}
    kinds: dict[str, Hashable] = {}
    with bar(count, "preparing", progress) as done:
        for index, member in enumerate(nets.members):
            one = pick(nets.params, torch.tensor([index]))
            subject = subject_of(member, one, settings.needs)
            prepared[str(index)] = entry.prepare(settings, subject)
            kinds[str(index)] = entry.comparable(member.config)
            done.advance(1)
    names = [key or str(place) for place, key in enumerate(nets.key_P)]
    return _Compared(names, prepared, kinds)


def _of_rates(rates: Rates, settings: MetricSettings, progress: bool) -> _Compared:
    if not set(settings.needs) <= RATES_NEED:
        needs = ", ".join(sorted(set(settings.needs) - RATES_NEED))
        raise ConfigError(
            f"popnet.compare: {settings.name!r} compares {needs}, and rates alone are "
            "given; give networks, or name a metric of activity."
        )
    named = rates if isinstance(rates, Mapping) else dict(enumerate(rates))
    subjects = {str(name): _recorded(str(name), array) for name, array in named.items()}
    with bar(len(subjects), "preparing", progress) as done:
        prepared = prepare_subjects(settings, subjects, done.advance)
    kinds = {n: likeness(settings, s) for n, s in subjects.items() if n in prepared}
    return _Compared(list(kinds), prepared, kinds)


def _recorded(name: str, array: NDArray[Any]) -> Subject:
    """Return recorded rates as what a metric sees: each trial is a type of its own."""
    rates_BTN = np.asarray(array)
    if rates_BTN.ndim != 3 or rates_BTN.dtype.kind not in "fiu":
        raise ConfigError(
            f"popnet.compare: rates {name}: got an array of {rates_BTN.dtype}, shape "
            f"{rates_BTN.shape}; expected numbers, trials x time x units."
        )
    rates_BTN = rates_BTN.astype(np.float32)
    return Subject(trained_KTN=rates_BTN, trained_BTN=rates_BTN)


def _labelled(
    settings: MetricSettings,
    names: list[str],
    value_PP: NDArray[np.float64],
    bound_PP: NDArray[np.float64],
    starts_PP: NDArray[np.int64],
) -> xarray.DataArray:
    import xarray

    dims = ("network", "other")
    coords: dict[str, Any] = dict.fromkeys(dims, names)
    if settings.certified:
        coords |= {"bound": (dims, bound_PP), "starts": (dims, starts_PP)}
    about = {"kind": settings.kind, "settings": settings_text(settings)}
    return xarray.DataArray(value_PP, coords, dims, settings.name, about)
