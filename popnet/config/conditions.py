"""Every condition of a grid; what conditions have in common is read and kept once.

A grid of 100,000 conditions changes some settings of one or two sections.  A section
is therefore validated once for each choice of the grid's values in it, and equal
sections are one object in all conditions.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

from pydantic import ValidationError

from popnet.config.entries import RuleSettings
from popnet.config.explaining import Builder
from popnet.config.grid import Axis, axis_place
from popnet.config.network import Network
from popnet.config.network_config import NetworkConfig, Train
from popnet.config.reading import ConfigError, Place, Source
from popnet.config.schema import Catalogue
from popnet.config.setting_paths import placed
from popnet.config.settings import Settings

NETWORK_SECTIONS = ("network", "task", "rule", "train")
Rows = tuple[int, ...]
"""Of each axis of the grid the number of its row."""


class Condition(NamedTuple):
    """One point of the grid: its values by path and the whole configuration."""

    values: dict[str, Any]
    config: NetworkConfig
    earlier: tuple[tuple[int, Condition], ...] = ()
    """What its networks trained with before: each until some trial."""
    member: int = 0
    """Its number in population-based training."""


def conditions(
    source: Source, catalogue: Catalogue, grid: list[Axis]
) -> tuple[Condition, ...]:
    """The conditions in the grid's order, each once.

    Raises ConfigError about the first one that is wrong.
    """
    sections = _Sections(source, catalogue, grid)
    seen: dict[tuple[int, ...], Condition] = {}
    for rows, values in _combinations(grid):
        try:
            config = sections.config(rows)
        except (ConfigError, ValidationError):
            explain(source, catalogue, values)
            raise
        same = tuple([id(getattr(config, name)) for name in NETWORK_SECTIONS])
        if same not in seen:
            seen[same] = Condition(values, config)
    return tuple(seen.values())


def _combinations(grid: list[Axis]) -> Iterator[tuple[Rows, dict[str, Any]]]:
    """Every choice of one row per axis, the first axis slowest, and its values."""
    for choice in itertools.product(*(enumerate(axis) for axis in grid)):
        values: dict[str, Any] = {}
        for _, part in choice:
            values |= part
        yield tuple([row for row, _ in choice]), values


class _Part(NamedTuple):
    """What an axis of the grid says of one section."""

    axis: int
    rows: Axis
    """Its values, of this section alone, row by row."""
    alike: list[int]
    """Of each row the first one that says the same."""


class _Sections:
    """The sections of the conditions' configurations, each made when first asked."""

    def __init__(self, source: Source, catalogue: Catalogue, grid: list[Axis]) -> None:
        self.source, self.catalogue = source, catalogue
        self.build = Builder(source, {})
        self.parts = {name: _parts(grid, name) for name in NETWORK_SECTIONS}
        self.made: dict[tuple[Any, ...], Any] = {}
        self.equal: dict[tuple[type, str], Any] = {}
        self.fitted: dict[int, list[RuleSettings]] = {}

    def config(self, rows: Rows) -> NetworkConfig:
        """One condition.  Raises ConfigError or ValidationError: see ``explain``."""
        rule: RuleSettings = self._section("rule", rows)
        sections = {
            "network": self._section("network", rows, rule.network_of_preset),
            "task": self._section("task", rows),
            "rule": rule,
            "train": self._section("train", rows),
        }
        config = NetworkConfig.model_validate(sections)
        if config.rule is rule:
            return config
        # fitted to its network; among all conditions a few rules come out
        known = self.fitted.setdefault(id(rule), [])
        for fitted in known:
            if fitted == config.rule:
                return config.model_copy(update={"rule": fitted})
        known.append(self._shared(config.rule))
        return config.model_copy(update={"rule": known[-1]})

    def _section(
        self, name: str, rows: Rows, defaults: dict[str, Any] | None = None
    ) -> Any:
        """A section as these rows have it; ``defaults``: its rule's, of a network."""
        parts = self.parts[name]
        choice = [part.alike[rows[part.axis]] for part in parts]
        key = (name, id(defaults), *choice)
        if key not in self.made:
            raw = {name: self.source.raw.get(name, {})}
            for part, row in zip(parts, choice, strict=True):
                for path, value in part.rows[row].items():
                    raw = placed(self.source, raw, path, value, ())
            built = self._built(name, raw[name], defaults)
            self.made[key] = self._shared(built)
        return self.made[key]

    def _built(self, name: str, raw: Any, defaults: dict[str, Any] | None) -> Settings:
        if name == "task":
            return self.build.named((), raw, self.catalogue.tasks, name)
        if name == "rule":
            return self.build.named((), raw, self.catalogue.rules, name)
        if name == "train":
            return Train.model_validate(raw)
        if defaults and isinstance(raw, dict):
            raw = merged(defaults, raw)
        return Network.model_validate(raw)

    def _shared(self, settings: Any) -> Any:
        """The first of the settings that are equal to these."""
        known = type(settings), settings.model_dump_json()
        return self.equal.setdefault(known, settings)


def _parts(grid: list[Axis], section: str) -> list[_Part]:
    parts = []
    for number, axis in enumerate(grid):
        paths = [path for path in axis[0] if path.split(".", 1)[0] == section]
        if not paths:
            continue
        rows = [{path: row[path] for path in paths} for row in axis]
        first: dict[str, int] = {}
        alike = [first.setdefault(repr(row), i) for i, row in enumerate(rows)]
        parts.append(_Part(number, rows, alike))
    return parts


def explain(source: Source, catalogue: Catalogue, values: dict[str, Any]) -> None:
    """Raise ConfigError about what is wrong with one condition, sections together."""
    raw = {name: source.raw.get(name, {}) for name in NETWORK_SECTIONS}
    for path, value in values.items():
        raw = placed(source, raw, path, value, axis_place(source, path))
    build = Builder(source, values)
    task = build.named(("task",), raw["task"], catalogue.tasks, "task")
    rule = build.named(("rule",), raw["rule"], catalogue.rules, "rule")
    network = raw["network"]
    defaults: dict[Place, str] = {}
    if isinstance(network, dict):
        who = f"a default of rule {rule.name}; the file may set another"
        defaults = {("network", k): who for k in rule.network_of_preset}
        network = merged(rule.network_of_preset, network)
    sections = {"network": network, "train": raw["train"], "task": task, "rule": rule}
    Builder(source, values, defaults).settings((), sections, NetworkConfig)


def merged(defaults: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """What was given, over what the rule's publication has."""
    result = {**defaults, **given}
    for key, value in given.items():
        if isinstance(value, dict) and isinstance(defaults.get(key), dict):
            same_kind = value.get("kind", defaults[key].get("kind"))
            if same_kind == defaults[key].get("kind") and key != "clamped":
                result[key] = merged(defaults[key], value)
    return result
