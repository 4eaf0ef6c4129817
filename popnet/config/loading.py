"""From what was read to what was meant: validated sweeps, conditions, and errors."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any, NamedTuple

from popnet.config.explaining import Builder, describe
from popnet.config.grid import Axis, axes, axis_place, combinations
from popnet.config.network import Network
from popnet.config.reading import (
    ConfigError,
    Place,
    Source,
    nearest,
    read_text,
    shown,
    write_text,
)
from popnet.config.schema import Catalogue, NetworkConfig, Sweep
from popnet.config.space import check_search, corners, read_search, space_axes
from popnet.config.spread import Spread

NETWORK_SECTIONS = ("network", "task", "rule", "train")


class Condition(NamedTuple):
    """One point of the grid: its values by path and the whole configuration."""

    values: dict[str, Any]
    config: NetworkConfig
    earlier: tuple[tuple[int, Condition], ...] = ()
    """What its networks trained with before: each until some trial."""
    member: int = 0
    """Its number in population-based training."""


class Plan(NamedTuple):
    """A validated sweep with all its conditions, in the grid's order."""

    sweep: Sweep
    conditions: tuple[Condition, ...]
    """Of a searched space: those tried so far, none of which the file names."""
    corners: tuple[Condition, ...] = ()
    """Conditions at the bounds of the searched space; they are not trained."""

    @property
    def varied(self) -> list[str]:
        """The paths of the grid or the searched space, in its order."""
        return list((self.corners or self.conditions)[0].values)


def load(source: Source, catalogue: Catalogue) -> Plan:
    """Validate a sweep file and every condition of its grid.

    Raises ConfigError naming file, line, key, what is allowed, the nearest right name.
    """
    _check_keys(source)
    grid, space = axes(source), space_axes(source)
    _check_missing(source, [*grid, *space])
    choices = corners(space) if space else combinations(grid)
    made = conditions_of(source, catalogue, choices)
    _check_bounds(source, made)
    sweep = _sweep(source, catalogue, made[0].config)
    if sweep.search is not None:
        check_search(source, sweep.search, [c.config for c in made])
    return Plan(sweep, (), made) if space else Plan(sweep, made)


def conditions_of(
    source: Source, catalogue: Catalogue, choices: Iterable[dict[str, Any]]
) -> tuple[Condition, ...]:
    """The conditions with these values by path, each once.  Raises ConfigError."""
    seen: dict[str, Condition] = {}
    for values in choices:
        raw = copy.deepcopy({k: source.raw.get(k, {}) for k in NETWORK_SECTIONS})
        for path, value in values.items():
            _put(source, raw, path, value, axis_place(source, path))
        config = _config(source, raw, catalogue, values)
        seen.setdefault(config.model_dump_json(), Condition(values, config))
    return tuple(seen.values())


def with_overrides(source: Source, overrides: list[str]) -> Source:
    """Apply ``--set path=value`` options; values are YAML."""
    raw = copy.deepcopy(source.raw)
    origins = dict(source.overrides)
    changed = source._replace(raw=raw, overrides=origins)
    for option in overrides:
        path, equals, text = (part.strip() for part in option.partition("="))
        origin = f"--set {' '.join(option.split())[:80]}"
        if not equals or not path:
            raise ConfigError(f"{origin}: expected path=value.")
        read = read_text(f"value: {text}", origin).raw
        if len(read) > 1:
            raise ConfigError(f"{origin}: expected one value.")
        in_grid = path.startswith("grid.")
        parts = tuple(_part(part) for part in path.split("."))
        place: Place = ("grid", path[5:]) if in_grid else parts
        origins[place] = origin
        if in_grid:
            if raw.get("grid") is None:
                raw["grid"] = {}
            if not isinstance(raw["grid"], dict):
                axes(source)  # says what is wrong with it
            raw["grid"][path[5:]] = read["value"]
        else:
            _put(changed, raw, path, read["value"], place)
    return changed


def dump(plan: Plan, source: Source) -> str:
    """The sweep as launched, defaults filled in wherever all conditions agree.

    A default that differs between conditions (it may depend on the rule) is left
    out, so that the text means exactly the same networks when it is read again.
    """
    named = plan.corners or plan.conditions
    dumps = [_plain(c.config.model_dump()) for c in named]
    agreed = dumps[0]
    for other in dumps[1:]:
        agreed = _agreement(agreed, other)
        agreed = {} if agreed is _NOTHING else agreed
    top = _plain(plan.sweep.model_dump(exclude=set(NETWORK_SECTIONS)))
    filled: dict[str, Any] = {k: top[k] for k in ("name", "seed", "networks")}
    filled |= {k: agreed[k] for k in NETWORK_SECTIONS if agreed.get(k)}
    if source.raw.get("grid"):
        filled["grid"] = source.raw["grid"]
    if plan.sweep.search is not None:
        filled["search"] = top["search"]
    filled |= {k: top[k] for k in ("after", "machine")}
    return write_text(filled)


def _plain(value: Any) -> Any:
    """Tuples as lists: what YAML can say."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, (list, tuple)) else value


def _agreement(one: Any, other: Any) -> Any:
    """What two dumps have in common; numbered units stand or fall together."""
    if one == other:
        return one
    if not isinstance(one, dict) or not isinstance(other, dict):
        return _NOTHING
    if any(isinstance(key, int) for key in (*one, *other)):
        return _NOTHING
    both = {k: _agreement(one[k], other[k]) for k in one if k in other}
    return {k: v for k, v in both.items() if v is not _NOTHING} or _NOTHING


_NOTHING = object()


def _merged(defaults: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """What was given, over what the rule's publication has."""
    result = {**defaults, **given}
    for key, value in given.items():
        if isinstance(value, dict) and isinstance(defaults.get(key), dict):
            same_kind = value.get("kind", defaults[key].get("kind"))
            if same_kind == defaults[key].get("kind") and key != "clamped":
                result[key] = _merged(defaults[key], value)
    return result


def _part(part: str | int) -> str | int:
    """A list's index or a unit's number; else a name."""
    return int(part) if isinstance(part, str) and part.isdecimal() else part


def _put(
    source: Source, raw: dict[str, Any], path: str, value: Any, place: Place
) -> None:
    """Set the value at a path, making what is missing on the way."""
    parts: list[Any] = [_part(part) for part in path.split(".")]
    node: Any = raw
    for depth, part in enumerate(parts):
        holder = ".".join(str(p) for p in parts[:depth])
        if not isinstance(node, (dict, list)):
            text = f"{holder} is {shown(node)}, which has no settings inside"
            raise source.error(place, text)
        if isinstance(node, list) and part not in range(len(node)):
            raise source.error(
                place, f"{holder} is a list of {len(node)}; give an index from 0"
            )
        if depth == len(parts) - 1:
            node[part] = copy.deepcopy(value)
        else:
            inner = node[part] if isinstance(node, list) else node.get(part, {})
            node[part] = node = _opened(inner, depth, part)


def _opened(value: Any, depth: int, part: str | int) -> Any:
    """A short form (a name, a mean) written out, so that more can be set in it."""
    if isinstance(value, str) and (part in ("task", "rule") or isinstance(part, int)):
        return {"name": value}
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return {"mean": value} if number and depth == 1 else value


def _check_keys(source: Source) -> None:
    known = list(Sweep.model_fields)
    for key in source.raw:
        if key not in known:
            hint = nearest(key, known)
            raise source.error(
                (key,), f"unknown key.{hint} Allowed: {', '.join(known)}."
            )


def _check_missing(source: Source, grid: list[Axis]) -> None:
    for key in ("name", "seed", "networks"):
        if key not in source.raw:
            about = describe(Sweep, key)
            raise source.error((), f"{key!r} is missing; add `{key}: ...`, {about}")
    varied = {path.split(".")[0] for axis in grid for path in axis[0]}
    for key in ("task", "rule"):
        if key not in source.raw and key not in varied:
            raise source.error(
                (), f"{key!r} is missing; add `{key}: {{name: ...}}` "
                f"(`popnet {key}s` lists them)"
            )  # fmt: skip


def _config(
    source: Source, raw: dict[str, Any], catalogue: Catalogue, values: dict[str, Any]
) -> NetworkConfig:
    build = Builder(source, values)
    task = build.named(("task",), raw["task"], catalogue.tasks, "task")
    rule = build.named(("rule",), raw["rule"], catalogue.rules, "rule")
    network = raw["network"]
    defaults: dict[Place, str] = {}
    if isinstance(network, dict):
        who = f"a default of rule {rule.name}; the file may set another"
        defaults = {("network", k): who for k in rule.network_of_preset}
        network = _merged(rule.network_of_preset, network)
    sections = {"network": network, "train": raw["train"], "task": task, "rule": rule}
    return Builder(source, values, defaults).settings((), sections, NetworkConfig)


def _check_bounds(source: Source, conditions: tuple[Condition, ...]) -> None:
    """Refuse bounds of a law that are used nowhere.

    Not in one condition alone: a grid of spreads may begin with 0.
    """
    for name, info in Network.model_fields.items():
        if not isinstance(info.default, Spread):
            continue
        laws = [getattr(c.config.network, name) for c in conditions]
        if any(law.spread > 0 for law in laws):
            continue
        for key in ("low", "high"):
            if any(getattr(law, key) is not None for law in laws):
                raise source.error(
                    ("network", name, key),
                    "does nothing where spread is 0, and it is 0 in every condition; "
                    f"leave {key} out or give a spread",
                )


def _sweep(source: Source, catalogue: Catalogue, first: NetworkConfig) -> Sweep:
    build = Builder(source, {})
    after = source.raw.get("after", {})
    if isinstance(after, dict):
        after = dict(after)
        lists = {
            "perturb": (catalogue.perturbations, "perturbation"),
            "other_tasks": (catalogue.tasks, "task"),
            "dynamics": (catalogue.perturbations, "perturbation"),
            "compare": (catalogue.metrics, "metric"),
        }
        for key, (registry, what) in lists.items():
            if key in after and (after[key] is not None or key != "dynamics"):
                after[key] = build.several(("after", key), after[key], registry, what)
    raw = dict(source.raw)
    raw |= {k: getattr(first, k) for k in NETWORK_SECTIONS}
    raw["after"] = after
    if "search" in raw:
        raw["search"] = read_search(source)
    raw["grid"] = {str(k): v for k, v in (source.raw.get("grid") or {}).items()}
    return build.settings((), raw, Sweep)
