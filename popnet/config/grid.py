"""The grid of a sweep: the values that its conditions take.

grid:
  network.tau_s.spread: [0.0, 0.2, 0.4]        every combination
  zip: [{rule.learning_rate: [.1, .03], task.delay_s: [.2, 1.0]}]
  cases:                                       combinations of one, then of the next
    - {rule.name: [bptt, eprop], network.gain: [1]}
    - {rule.name: [bptt], network.gain: [0.5, 1.5]}
  rule.max_update: {sample: 5, law: log_uniform, low: 1e-5, high: 1e-3}
"""

from __future__ import annotations

import itertools
import math
from hashlib import blake2b
from typing import Any

import numpy as np

from popnet.config.reading import Place, Source, nearest, shown
from popnet.config.sizes import LARGEST_SWEEP, check_size

ROOTS = ("network", "task", "rule", "train")
SAMPLE_LAWS = ("uniform", "log_uniform", "normal", "integer")
Axis = list[dict[str, Any]]


def axes(source: Source) -> list[Axis]:
    """Return the axes of the grid; each is a list of {path: value} to choose one from.

    Raises ConfigError when the grid is malformed or too large.
    """
    grid = source.raw.get("grid", {})
    if "grid" in source.raw and (grid is None or grid == {}):
        raise source.error(
            ("grid",), "is empty; give `path: [values]` lines, or leave `grid` out"
        )
    if not isinstance(grid, dict):
        raise source.error(
            ("grid",), f"got {shown(grid)}; expected `path: [values]` lines, or no grid"
        )
    result: list[Axis] = []
    for path, values in grid.items():
        if path == "zip":
            groups = values if isinstance(values, list) else [values]
            result += [_zipped(source, g, i) for i, g in enumerate(groups or [None])]
        elif path == "cases":
            result.append(_cases(source, values))
        else:
            column = _values(source, ("grid", path), str(path), values)
            if isinstance(values, list):  # drawn values may come again
                _refuse_repeats(source, ("grid", path), column)
            result.append([{str(path): v} for v in column])
    check_paths(source, result)
    check_size(source, math.prod(len(axis) for axis in result))
    return result


def axis_place(source: Source, path: str, value: Any = None) -> Place:
    """Return the place in the file where the grid or space gives a path's values.

    ``value``: of several cases, the first that has it.
    """
    grid = source.raw.get("grid", {})
    for several in ("zip", "cases"):
        if several in grid and path not in grid:
            groups = grid[several]
            groups = groups if isinstance(groups, list) else [groups]
            giving = [i for i, group in enumerate(groups) if path in group]
            own = [i for i in giving if value in _listed(groups[i][path])]
            if giving:
                return ("grid", several, (own or giving)[0], path)
    for key in ("searcher", "scheduler"):
        space = ("search", key, "space", path)
        if space in source.lines or space in source.overrides:
            return space
    return ("grid", path)


def _listed(values: Any) -> list[Any]:
    return values if isinstance(values, list) else []


def _zipped(source: Source, group: Any, number: int) -> Axis:
    place: Place = ("grid", "zip", number)
    if not isinstance(group, dict) or not group:
        raise source.error(
            place, f"got {shown(group)}; expected a group of `path: [values]` lines"
        )
    columns = {
        str(path): _values(source, (*place, path), str(path), values)
        for path, values in group.items()
    }
    lengths = {path: len(values) for path, values in columns.items()}
    if len(set(lengths.values())) > 1:
        counts = ", ".join(f"{path} has {n}" for path, n in lengths.items())
        raise source.error(place, f"zipped lists must be equally long; {counts}")
    rows = [
        dict(zip(columns, row, strict=True))
        for row in zip(*columns.values(), strict=True)
    ]
    _refuse_repeats(source, place, rows)  # within a column, a value may come again
    return rows


def _cases(source: Source, cases: Any) -> Axis:
    """Return one axis of all combinations of each case, one case after the other."""
    place: Place = ("grid", "cases")
    if not isinstance(cases, list) or not cases:
        raise source.error(
            place, f"got {shown(cases)}; expected a list of `{{path: [values], ...}}`"
        )
    rows: Axis = []
    for number, case in enumerate(cases):
        own: Place = (*place, number)
        if not isinstance(case, dict) or not case:
            raise source.error(
                own, f"got {shown(case)}; expected `path: [values]`, one or more"
            )
        columns = {
            str(path): _values(source, (*own, path), str(path), values)
            for path, values in case.items()
        }
        check_size(source, len(rows) + math.prod(map(len, columns.values())))
        combined = itertools.product(*columns.values())
        found = [dict(zip(columns, row, strict=True)) for row in combined]
        order = rows[0] if rows else found[0]
        if set(columns) != set(order):
            odd = ", ".join(sorted(set(columns) ^ set(order)))
            raise source.error(
                own, f"every case must set the same paths; not all of them set {odd}"
            )
        rows += [{path: row[path] for path in order} for row in found]
    _refuse_repeats(source, place, rows)
    return rows


def check_root(source: Source, place: Place, path: str, of: str = "grid") -> None:
    """Raise ConfigError for a grid or space path that is no setting of a network."""
    root = path.split(".", 1)[0]
    allowed = ", ".join(ROOTS)
    if root in ("after", "machine"):
        raise source.error(
            place,
            f"`{root}` is one for the whole sweep and cannot be varied; {of} paths "
            f"begin with one of {allowed}",
        )
    if root not in ROOTS:
        hint = nearest(root, list(ROOTS))
        zipped = " (or is `zip` or `cases`)" if of == "grid" else ""
        raise source.error(
            place,
            f"a {of} path must begin with one of {allowed}{zipped}; got "
            f"{path!r}.{hint}",
        )


def _values(source: Source, place: Place, path: str, values: Any) -> list[Any]:
    check_root(source, place, path)
    if isinstance(values, dict) and "sample" in values:
        return _sampled(source, place, path, values)
    if not isinstance(values, list):
        raise source.error(place, f"got {shown(values)}; expected a list of values")
    if not values:
        raise source.error(place, "the list is empty; give at least one value")
    return values


def _refuse_repeats(source: Source, place: Place, values: list[Any]) -> None:
    seen: set[str] = set()
    for value in values:
        if repr(value) in seen:
            raise source.error(
                place, f"the value {shown(value)} is given twice; once is enough"
            )
        seen.add(repr(value))


def _sampled(source: Source, place: Place, path: str, spec: Any) -> list[Any]:
    """Draw the ``sample: n`` values of a law.

    The same seed and path always give the same values.
    """
    keys = {"sample", "law", "low", "high", "mean", "sd"}
    for key in spec:
        if key not in keys:
            hint = nearest(key, sorted(keys))
            allowed = ", ".join(sorted(keys))
            raise source.error((*place, key), f"unknown key.{hint} Allowed: {allowed}")
    law, count = spec.get("law", "uniform"), spec["sample"]
    if law not in SAMPLE_LAWS:
        allowed = ", ".join(SAMPLE_LAWS)
        hint = nearest(law, list(SAMPLE_LAWS))
        raise source.error(
            (*place, "law"), f"got {shown(law)}; allowed {allowed}.{hint}"
        )
    if type(count) is not int or not 1 <= count <= LARGEST_SWEEP:
        raise source.error(
            (*place, "sample"),
            f"got {shown(count)}; expected how many values: a whole number, 1 to "
            f"{LARGEST_SWEEP:,}",
        )
    a, b = _bounds(source, place, law, spec)
    name = repr((source.raw.get("seed"), "grid", path)).encode()
    key = int.from_bytes(blake2b(name, digest_size=16).digest(), "little")
    draws = np.random.Generator(np.random.Philox(key=key))
    if law == "normal":
        return [float(v) for v in draws.normal(a, b, count)]
    if law == "integer":
        return [int(v) for v in draws.integers(int(a), int(b) + 1, count)]
    u = draws.uniform(size=count)
    if law == "log_uniform":
        return [float(v) for v in np.exp(np.log(a) + u * (np.log(b) - np.log(a)))]
    return [float(v) for v in a + u * (b - a)]


def _bounds(source: Source, place: Place, law: str, spec: Any) -> tuple[float, float]:
    """Return the two numbers of a law: low and high, or mean and sd."""
    need = ("mean", "sd") if law == "normal" else ("low", "high")
    kind, limit = ((int,), 2.0**62) if law == "integer" else ((int, float), 1e300)
    for key in need:
        value = spec.get(key)
        # false for NaN too
        if type(value) not in kind or not abs(value) < limit:
            what = "whole number" if law == "integer" else "number"
            raise source.error(
                (*place, key) if key in spec else place,
                f"law {law} needs a {what} {key!r}, got {shown(value)}",
            )
    unused = {"low", "high", "mean", "sd"} & set(spec) - set(need)
    if unused:
        raise source.error(place, f"law {law} does not use {', '.join(sorted(unused))}")
    a, b = spec[need[0]], spec[need[1]]
    if law == "normal" and b <= 0:
        raise source.error((*place, "sd"), f"got {b:g}; expected a number above 0")
    if law != "normal" and not a < b:
        raise source.error(place, f"low {a:g} must be below high {b:g}")
    if law == "log_uniform" and a <= 0:
        raise source.error((*place, "low"), f"got {a:g}; log_uniform needs it above 0")
    return a, b


def check_paths(source: Source, grid: list[Axis]) -> None:
    """Refuse a path that occurs twice or lies inside another: which value would hold?

    Raises ConfigError.
    """
    paths = [path for axis in grid for path in axis[0]]
    for one, other in itertools.combinations(paths, 2):
        if one == other:
            raise source.error(axis_place(source, one), "stands on two axes; keep one")
        for outer, inner in ((one, other), (other, one)):
            if inner.startswith(outer + "."):
                place = axis_place(source, inner)
                raise source.error(
                    place,
                    f"conflicts with the {'grid' if place[0] == 'grid' else 'space'} "
                    f"axis {outer!r}, which sets it too; vary one of the two",
                )
