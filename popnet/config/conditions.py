"""Builds every condition of a grid; conditions share the sections that are equal.

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
from popnet.config.settings import Inconsistent, Settings

NETWORK_SECTIONS = ("network", "task", "rule", "train")
Rows = tuple[int, ...]
"""For each grid axis, the index of the chosen row."""


class Condition(NamedTuple):
    """One point of the grid: its values by path and the whole configuration."""

    values: dict[str, Any]
    config: NetworkConfig
    earlier: tuple[tuple[int, Condition], ...] = ()
    """Earlier conditions of its networks, each with the trial at which it ended."""
    member: int = 0
    """The member's number in population-based training; 0 elsewhere."""


def conditions(
    source: Source, catalogue: Catalogue, grid: list[Axis]
) -> tuple[Condition, ...]:
    """Build the conditions in the grid's order, each once.

    Raises ConfigError when a condition is invalid, about the first such one.
    """
    sections = _Sections(source, catalogue, grid)
    seen: dict[tuple[int, ...], Condition] = {}
    for rows, values in _combinations(grid):
        try:
            config = sections.config(rows)
        except (ConfigError, ValidationError, Inconsistent):
            explain(source, catalogue, values)
            raise
        same = tuple([id(getattr(config, name)) for name in NETWORK_SECTIONS])
        if same not in seen:
            seen[same] = Condition(values, config)
    return tuple(seen.values())


def _combinations(grid: list[Axis]) -> Iterator[tuple[Rows, dict[str, Any]]]:
    """Yield each choice of one row per axis, with its values by path.

    The first axis varies slowest.
    """
    for choice in itertools.product(*(enumerate(axis) for axis in grid)):
        values: dict[str, Any] = {}
        for _, part in choice:
            values |= part
        yield tuple([row for row, _ in choice]), values


class _SectionAxis(NamedTuple):
    """The part of a grid axis that sets values in one section."""

    axis: int
    rows: Axis
    """Values by path in this section only, one dict per row."""
    first_equal: list[int]
    """For each row, the index of the first row with equal values."""


class _Sections:
    """Builds the sections of the conditions' configurations, each one only once."""

    def __init__(self, source: Source, catalogue: Catalogue, grid: list[Axis]) -> None:
        self.source, self.catalogue = source, catalogue
        self.build = Builder(source, {})
        self.axes = {name: _section_axes(grid, name) for name in NETWORK_SECTIONS}
        self.built: dict[tuple[Any, ...], Any] = {}
        self.equal: dict[tuple[type, str], Any] = {}
        self.fitted: dict[int, list[RuleSettings]] = {}

    def config(self, rows: Rows) -> NetworkConfig:
        """Build the configuration of one condition.

        Raises ConfigError, ValidationError or Inconsistent when it is invalid;
        ``explain`` then raises the error that users read.
        """
        rule: RuleSettings = self._section("rule", rows)
        sections = {
            "network": self._section("network", rows, rule.network_of_preset),
            "task": self._section("task", rows),
            "rule": rule,
            "train": self._section("train", rows),
        }
        # each section is valid, once and for all conditions that share it: pydantic
        # would run its validators again in each
        config = NetworkConfig.model_construct(**sections).consistent()
        if config.rule is rule:
            return config
        # the rule was fitted to its network; all conditions together have few of these
        known = self.fitted.setdefault(id(rule), [])
        for fitted in known:
            if fitted == config.rule:
                return config.model_copy(update={"rule": fitted})
        known.append(self._shared(config.rule))
        return config.model_copy(update={"rule": known[-1]})

    def _section(
        self, name: str, rows: Rows, defaults: dict[str, Any] | None = None
    ) -> Any:
        """Return a section with the values of these grid rows.

        ``defaults`` are the rule's own defaults of the network section.
        """
        axes = self.axes[name]
        choice = [axis.first_equal[rows[axis.axis]] for axis in axes]
        key = (name, id(defaults), *choice)
        if key not in self.built:
            raw = {name: self.source.raw.get(name, {})}
            for axis, row in zip(axes, choice, strict=True):
                for path, value in axis.rows[row].items():
                    raw = placed(self.source, raw, path, value, ())
            settings = self._validated(name, raw[name], defaults)
            self.built[key] = self._shared(settings)
        return self.built[key]

    def _validated(
        self, name: str, raw: Any, defaults: dict[str, Any] | None
    ) -> Settings:
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
        """Return the one object that stands for all settings equal to these."""
        known = type(settings), settings.model_dump_json()
        return self.equal.setdefault(known, settings)


def _section_axes(grid: list[Axis], section: str) -> list[_SectionAxis]:
    axes = []
    for number, axis in enumerate(grid):
        paths = [path for path in axis[0] if path.split(".", 1)[0] == section]
        if not paths:
            continue
        rows = [{path: row[path] for path in paths} for row in axis]
        first: dict[str, int] = {}
        first_equal = [first.setdefault(repr(row), i) for i, row in enumerate(rows)]
        axes.append(_SectionAxis(number, rows, first_equal))
    return axes


def explain(source: Source, catalogue: Catalogue, values: dict[str, Any]) -> None:
    """Raise ConfigError about the first error in one condition, checked as a whole."""
    raw = {name: source.raw.get(name, {}) for name in NETWORK_SECTIONS}
    for path, value in values.items():
        raw = placed(source, raw, path, value, axis_place(source, path, value))
    build = Builder(source, values)
    task = build.named(("task",), raw["task"], catalogue.tasks, "task")
    rule = build.named(("rule",), raw["rule"], catalogue.rules, "rule")
    network = raw["network"]
    defaults: dict[Place, str] = {}
    if isinstance(network, dict):
        origin = f"a default of rule {rule.name}; the file may set another"
        defaults = {("network", k): origin for k in rule.network_of_preset}
        network = merged(rule.network_of_preset, network)
    sections = {"network": network, "train": raw["train"], "task": task, "rule": rule}
    Builder(source, values, defaults).settings((), sections, NetworkConfig)


def merged(defaults: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Return the settings given, over the defaults of the rule's publication."""
    result = {**defaults, **given}
    for key, value in given.items():
        if isinstance(value, dict) and isinstance(defaults.get(key), dict):
            same_kind = value.get("kind", defaults[key].get("kind"))
            if same_kind == defaults[key].get("kind") and key != "clamped":
                result[key] = merged(defaults[key], value)
    return result
