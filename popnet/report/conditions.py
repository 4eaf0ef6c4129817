"""The conditions of a run: their order, names, colours, and how they share panels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from popnet.report.style import palette

UNITS = {"_s": "s", "_hz": "Hz"}
ALL = "all networks"
SIZED = {"mean", "sd", "min", "max", "low", "high", "value"}


@dataclass(frozen=True)
class NamedCondition:
    """One point of the grid, as the report names and colours it."""

    id: str
    label: str  # in full: "spread=0.2, learning_rate=0.1"
    tick: str  # inside its facet: "0.2"
    facet: str  # the other axes: "learning_rate=0.1"; "" when there is one facet
    colour: str


def arrange(networks: pd.DataFrame, varied: Sequence[str]) -> list[NamedCondition]:
    """The recorded conditions, ordered along the grid's axes, the main one first.

    Numbers are in ascending order, everything else in the order of the table. Where
    the grid crosses its main axis with others, each combination of the others is a
    facet, and a colour stands for a value of the main axis in all of them. An axis
    that is no column is told by the labels alone.
    """
    if networks.empty:
        return []
    varied = in_columns(varied, networks)
    points = networks.drop_duplicates("condition").reset_index(drop=True)
    ranks = pd.DataFrame({path: _ranks(points[path]) for path in varied})
    if varied:
        points = points.loc[ranks.sort_values(list(varied), kind="stable").index]
        ranks = ranks.loc[points.index]
    rests = [_rest(row, varied) for _, row in points.iterrows()]
    crossed = _crossed(rests) and not points.duplicated(list(varied)).any()
    if not crossed:
        rests = [""] * len(points)
    tones = list(ranks[varied[0]]) if crossed else list(range(len(points)))
    ordered = bool(varied) and _is_number(points[varied[0]])
    colours = palette(max(tones) + 1, ordered=ordered)
    by_value = crossed or (len(varied) == 1 and points[varied[0]].is_unique)
    return [
        NamedCondition(
            id=str(row["condition"]),
            label=str(row["label"]) or ALL,
            tick=named(row[varied[0]]) if by_value else str(row["label"]) or ALL,
            facet=facet,
            colour=colours[tone],
        )
        for (_, row), facet, tone in zip(points.iterrows(), rests, tones, strict=True)
    ]


def in_columns(varied: Sequence[str], networks: pd.DataFrame) -> list[str]:
    """The axes of the grid that the table has a column for."""
    return [path for path in varied if path in networks]


def facets(
    conditions: Sequence[NamedCondition], at_most: int
) -> list[list[NamedCondition]]:
    """The conditions that share a panel, no more than `at_most` in each."""
    groups: dict[str, list[NamedCondition]] = {}
    for condition in conditions:
        groups.setdefault(condition.facet, []).append(condition)
    return [
        group[start : start + at_most]
        for group in groups.values()
        for start in range(0, len(group), at_most)
    ]


def axis_title(varied: Sequence[str], group: Sequence[NamedCondition]) -> str:
    """The title of an axis of conditions: the setting its ticks are values of."""
    if group[0].tick == group[0].label:
        return "" if group[0].label == ALL else "condition"
    unit = unit_of(varied[0])
    return f"{varied[0]} ({unit})" if unit else varied[0]


def unit_of(path: str) -> str:
    """The unit that the name of a setting carries: "network.tau_s.mean" is in s."""
    *parents, leaf = path.split(".")
    name = parents[-1] if leaf in SIZED and parents else leaf
    return next((unit for end, unit in UNITS.items() if name.endswith(end)), "")


def named(value: Any) -> str:
    """A setting's value as a person writes it."""
    if isinstance(value, bool | str):
        return str(value)
    if isinstance(value, list | tuple | dict):
        return str(value)
    if pd.isna(value):
        return "none"
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def evenly(items: Sequence, at_most: int) -> list:
    """At most so many of the items, evenly spaced, with the first and the last."""
    if len(items) <= at_most:
        return list(items)
    last = len(items) - 1
    return [items[round(i * last / (at_most - 1))] for i in range(at_most)]


def wrapped(label: str, characters: int) -> str:
    """A label in lines of so many characters, broken between settings.

    A setting longer than a line is cut with an ellipsis: tables have it in full.
    """
    lines: list[str] = []
    for part in label.split(", "):
        piece = part if len(part) <= characters else f"{part[: characters - 1]}…"
        if lines and len(lines[-1]) + 2 + len(piece) <= characters:
            lines[-1] += f", {piece}"
        else:
            lines.append(piece)
    return "\n".join(lines)


def _is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column) and column.dtype != bool


def _ranks(column: pd.Series) -> pd.Series:
    if _is_number(column):
        return column.rank(method="dense", na_option="bottom").astype(int) - 1
    return pd.Series(pd.factorize(column.map(named))[0], index=column.index)


def _rest(row: pd.Series, varied: Sequence[str]) -> str:
    ends = [path.removesuffix(".name").rsplit(".", 1)[-1] for path in varied[1:]]
    pairs = [f"{e}={named(row[p])}" for e, p in zip(ends, varied[1:], strict=True)]
    return ", ".join(pairs)


def _crossed(rests: list[str]) -> bool:
    sizes = pd.Series(rests).value_counts()
    return len(sizes) > 1 and int(sizes.min()) > 1
