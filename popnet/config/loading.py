"""From what was read to what was meant: validated sweeps, conditions, and errors."""

from __future__ import annotations

import copy
import typing
from typing import Any, NamedTuple

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from popnet.config.grid import axes, combinations
from popnet.config.reading import ConfigError, Place, Source, nearest, read_text
from popnet.config.schema import Catalogue, NetworkConfig, Sweep
from popnet.config.settings import Named, Settings

S = typing.TypeVar("S", bound=Settings)
NETWORK_SECTIONS = ("network", "task", "rule", "train")


class Condition(NamedTuple):
    """One point of the grid: its values by path and the whole configuration."""

    values: dict[str, Any]
    config: NetworkConfig


class Plan(NamedTuple):
    """A validated sweep with all its conditions, in the grid's order."""

    sweep: Sweep
    conditions: tuple[Condition, ...]

    @property
    def varied(self) -> list[str]:
        """The grid's paths, in its order."""
        return list(self.conditions[0].values)


def load(source: Source, catalogue: Catalogue) -> Plan:
    """Validate a sweep file and every condition of its grid.

    Raises ConfigError naming file, line, key, what is allowed, the nearest right name.
    """
    _check_top(source)
    grid = axes(source)
    seen: dict[str, Condition] = {}
    for values in combinations(grid):
        raw = copy.deepcopy({k: source.raw.get(k, {}) for k in NETWORK_SECTIONS})
        for path, value in values.items():
            _put(source, raw, path, value)
        config = _config(source, raw, catalogue, values)
        seen.setdefault(config.model_dump_json(), Condition(values, config))
    conditions = tuple(seen.values())
    return Plan(_sweep(source, catalogue, conditions[0].config), conditions)


def with_overrides(source: Source, overrides: list[str]) -> Source:
    """Apply ``--set path=value`` options; values are YAML."""
    raw = copy.deepcopy(source.raw)
    lines = dict(source.lines)
    for option in overrides:
        path, equals, text = option.partition("=")
        if not equals or not path.strip():
            raise ConfigError(f"--set {option}: expected path=value")
        value = read_text(f"value: {text}", f"--set {option}").raw["value"]
        changed = source._replace(file=f"--set {option}", raw=raw, lines={})
        if path.startswith("grid."):
            raw.setdefault("grid", {})[path[5:]] = value
        else:
            _put(changed, raw, path.strip(), value)
    return source._replace(raw=raw, lines=lines)


def dump(plan: Plan, source: Source) -> str:
    """The sweep as launched, defaults filled in wherever all conditions agree.

    A default that differs between conditions (it may depend on the rule) is left
    out, so that the text means exactly the same networks when it is read again.
    """
    dumps = [_plain(c.config.model_dump()) for c in plan.conditions]
    agreed = dumps[0]
    for other in dumps[1:]:
        agreed = _agreement(agreed, other)
    top = _plain(plan.sweep.model_dump(exclude=set(NETWORK_SECTIONS)))
    filled: dict[str, Any] = {k: top[k] for k in ("name", "seed", "networks")}
    filled |= {k: agreed[k] for k in NETWORK_SECTIONS if agreed.get(k)}
    for section in ("task", "rule"):
        if section in filled and "name" not in filled[section]:
            del filled[section]
    if source.raw.get("grid"):
        filled["grid"] = source.raw["grid"]
    filled |= {k: top[k] for k in ("after", "machine")}
    return yaml.safe_dump(filled, sort_keys=False, allow_unicode=True)


def _plain(value: Any) -> Any:
    """Tuples as lists: what YAML can say."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, (list, tuple)) else value


def _agreement(one: Any, other: Any) -> Any:
    if isinstance(one, dict) and isinstance(other, dict):
        both = {k: _agreement(one[k], other[k]) for k in one if k in other}
        return {k: v for k, v in both.items() if v is not _NOTHING and v != {}}
    return one if one == other else _NOTHING


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


def _put(source: Source, raw: dict[str, Any], path: str, value: Any) -> None:
    parts: list[str] = path.split(".")
    node: Any = raw
    for depth, part in enumerate(parts[:-1]):
        inner = node.get(part, {})
        if isinstance(inner, str) and part in ("task", "rule"):
            inner = {"name": inner}
        if isinstance(inner, (int, float)) and not isinstance(inner, bool):
            inner = {"mean": inner}
        if not isinstance(inner, dict):
            raise source.error(
                ("grid", path), f"{'.'.join(parts[: depth + 1])} has no settings inside"
            )
        node[part] = inner
        node = inner
    node[parts[-1]] = copy.deepcopy(value)


def _check_top(source: Source) -> None:
    known = list(Sweep.model_fields)
    for key in source.raw:
        if key not in known:
            hint = nearest(key, known)
            raise source.error(
                (key,), f"unknown key.{hint} Allowed: {', '.join(known)}."
            )
    for key in ("name", "seed", "networks"):
        if key not in source.raw:
            about = _describe(Sweep, key)
            raise source.error((), f"{key!r} is missing; add `{key}: ...` ({about}).")
    grid = source.raw.get("grid") or {}
    grid_paths = " ".join(str(path) for path in grid)
    for key in ("task", "rule"):
        if key not in source.raw and key not in grid_paths:
            raise source.error(
                (), f"{key!r} is missing; add `{key}: {{name: ...}}` "
                f"(`popnet {key}s` lists them)."
            )  # fmt: skip


def _config(
    source: Source, raw: dict[str, Any], catalogue: Catalogue, values: dict[str, Any]
) -> NetworkConfig:
    build = _Builder(source, values)
    task = build.named(("task",), raw["task"], catalogue.tasks)
    rule = build.named(("rule",), raw["rule"], catalogue.rules)
    network = raw["network"]
    if isinstance(network, dict):
        network = _merged(rule.network_defaults, network)
    sections = {"network": network, "train": raw["train"], "task": task, "rule": rule}
    return build.settings((), sections, NetworkConfig)


def _sweep(source: Source, catalogue: Catalogue, first: NetworkConfig) -> Sweep:
    build = _Builder(source, {})
    after = source.raw.get("after", {})
    if isinstance(after, dict):
        after = dict(after)
        lists = {
            "perturb": catalogue.perturbations,
            "other_tasks": catalogue.tasks,
            "compare": catalogue.metrics,
        }
        for key, registry in lists.items():
            if key in after:
                after[key] = build.several(("after", key), after[key], registry)
    raw = dict(source.raw)
    raw |= {k: getattr(first, k) for k in NETWORK_SECTIONS}
    raw["after"] = after
    raw["grid"] = {str(k): v for k, v in (source.raw.get("grid") or {}).items()}
    return build.settings((), raw, Sweep)


class _Builder:
    """Builds settings objects; turns what pydantic reports into our sentences."""

    def __init__(self, source: Source, values: dict[str, Any]) -> None:
        self.source = source
        self.values = values

    def several(self, place: Place, raw: Any, registry: dict[str, Any]) -> Any:
        if not isinstance(raw, list):
            raise self.source.error(place, f"expected a list, got {raw!r}")
        return tuple(
            self.named((*place, i), item, registry) for i, item in enumerate(raw)
        )

    def named(self, place: Place, raw: Any, registry: dict[str, Any]) -> Any:
        raw = {"name": raw} if isinstance(raw, str) else raw
        known = ", ".join(sorted(registry))
        if not isinstance(raw, dict) or not isinstance(raw.get("name"), str):
            raise self._error(place, f"expected {{name: ...}}. Known: {known}.")
        name = raw["name"]
        if name not in registry:
            what = str(place[0] if place[0] != "after" else place[1])
            hint = nearest(name, list(registry))
            raise self._error(
                (*place, "name"), f"unknown {what} {name!r}.{hint} Known: {known}."
            )
        return self.settings(place, raw, registry[name])

    def settings(self, place: Place, raw: Any, model: type[S]) -> S:
        try:
            return model.model_validate(raw)
        except ValidationError as error:
            details = error.errors(include_url=False)
            first = details[0]
            where = (*place, *_without_tags(first["loc"]))
            more = f" (and {len(details) - 1} more)" if len(details) > 1 else ""
            text = _sentence(first, model)
            raise self._error(where, text + more) from None

    def _error(self, place: Place, text: str) -> ConfigError:
        """Point at the grid's line when the value came from the grid."""
        path = ".".join(str(p) for p in place)
        for key, value in self.values.items():
            if path == key or path.startswith(key + ".") or not path:
                at = ("grid", key)
                text = f"{text} (in the condition {key} = {value!r})"
                inner = f"{path}: " if path and path != key else ""
                return self.source.error(at, inner + text)
        return self.source.error(place, text)


def _without_tags(loc: tuple[int | str, ...]) -> Place:
    return tuple(
        p for p in loc if not (isinstance(p, str) and p.startswith("function"))
    )


def _field(model: type[BaseModel], loc: Place) -> tuple[type[BaseModel], str] | None:
    """The settings class and field name a location means."""
    current: Any = model
    for part in loc[:-1]:
        current = _model_in(current, part)
        if current is None:
            return None
    return (current, str(loc[-1])) if loc else None


def _model_in(model: Any, part: str | int) -> Any:
    fields = getattr(model, "model_fields", {})
    if part not in fields:
        return None
    annotation = fields[part].annotation
    for option in (annotation, *typing.get_args(annotation)):
        if isinstance(option, type) and issubclass(option, BaseModel):
            return option
    return None


def _describe(model: type[BaseModel], field: str) -> str:
    info = model.model_fields[field]
    kind = getattr(info.annotation, "__name__", str(info.annotation))
    kind = {"int": "a whole number", "float": "a number", "str": "text"}.get(kind, kind)
    rules = [
        f"{label} {getattr(m, attribute):g}"
        for m in info.metadata
        for attribute, label in (
            ("gt", "above"), ("ge", "at least"), ("lt", "below"), ("le", "at most"),
        )
        if hasattr(m, attribute)
    ]  # fmt: skip
    unit = {"s": "in seconds", "hz": "in hertz"}.get(field.rsplit("_", 1)[-1], "")
    about = [kind, *rules, unit, info.description or ""]
    return ", ".join(part for part in about if part)


def _sentence(error: ErrorDetails, model: type[BaseModel]) -> str:
    """One sentence: what was given, what is allowed, the nearest right name."""
    loc = _without_tags(error["loc"])
    found = _field(model, loc)
    kind, given = error["type"], error["input"]
    if kind == "extra_forbidden" and found:
        known = [
            f
            for f in found[0].model_fields
            if f != "name" or issubclass(found[0], Named)
        ]
        hint = nearest(loc[-1], known)
        return f"unknown key.{hint} Allowed: {', '.join(known)}."
    if kind == "missing" and found:
        return f"is missing; expected {_describe(found[0], found[1])}."
    if kind == "literal_error":
        allowed = error.get("ctx", {}).get("expected", "")
        options = [o.strip("' ") for o in allowed.replace(" or ", ", ").split(",")]
        return f"got {given!r}; allowed {allowed}.{nearest(given, options)}"
    if kind == "value_error":
        return f"{error.get('ctx', {}).get('error')}."
    if found and found[1] in found[0].model_fields:
        return f"got {given!r}; expected {_describe(found[0], found[1])}."
    return f"got {given!r}: {error['msg'][0].lower()}{error['msg'][1:]}."
