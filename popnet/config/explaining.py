"""Builds settings from a file's values and explains an error in one sentence."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from popnet.config.grid import axis_place
from popnet.config.known_names import known_names
from popnet.config.reading import ConfigError, Place, Source, nearest, shown
from popnet.config.settings import Inconsistent, Settings
from popnet.config.spread import Spread

S = typing.TypeVar("S", bound=Settings)
KINDS = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
BOUNDS = (("gt", "above"), ("ge", "at least"), ("lt", "below"), ("le", "at most"))
UNITS = {"s": "in seconds", "hz": "in hertz"}


class Builder:
    """Builds settings objects and turns pydantic's errors into popnet's sentences."""

    def __init__(
        self,
        source: Source,
        values: Mapping[str, Any],
        defaults: Mapping[Place, str] | None = None,
    ) -> None:
        """Take the grid's ``values`` by path.

        ``defaults`` holds places that the file does not set, each with the origin of
        its value in words.
        """
        self.source = source
        self.values = values
        self.defaults = defaults or {}

    def several(
        self, place: Place, raw: Any, registry: Mapping[str, type[Settings]], what: str
    ) -> tuple[Settings, ...]:
        """Build a list of registry entries.  Raises ConfigError."""
        if not isinstance(raw, list):
            raise self.source.error(place, f"got {shown(raw)}; expected a list")
        return tuple(
            self.named((*place, i), item, registry, what) for i, item in enumerate(raw)
        )

    def named(
        self, place: Place, raw: Any, registry: Mapping[str, type[S]], what: str
    ) -> S:
        """Build a registry entry from its name or from ``{name: ..., settings}``.

        Raises ConfigError when the name is unknown or a setting is wrong.
        """
        raw = _with_setting_after_colon(
            {"name": raw} if isinstance(raw, str) else raw, registry
        )
        if not isinstance(raw, dict) or "name" not in raw:
            text = f"expected a {what}: {{name: ...}}. {known_names(registry, what)}."
            raise self.error(place, f"got {shown(raw)}; {text}")
        name = raw["name"]
        try:
            model = registry.get(name) if isinstance(name, str) else None
        except ConfigError as error:  # somebody's package offers it, and is unfit
            raise self.error((*place, "name"), str(error)) from error
        if model is None:
            hint = nearest(name, list(registry))
            text = f"unknown {what} {shown(name)}.{hint} {known_names(registry, what)}"
            raise self.error((*place, "name"), f"{text}.")
        return self.settings(place, raw, model)

    def settings(self, place: Place, raw: Any, model: type[S]) -> S:
        """Build a settings object.  Raises ConfigError about its first error."""
        try:
            return model.model_validate(raw)
        except ValidationError as error:
            details = error.errors(include_url=False)
            first = details[0]
            where: Place = (*place, *_without_tags(first["loc"]))
            more = f" (and {len(details) - 1} more)" if len(details) > 1 else ""
            others: list[Place] = []
            cause = first.get("ctx", {}).get("error")
            if isinstance(cause, Inconsistent):
                others = [(*where, *_parts(path)) for path in cause.others]
                where = (*where, *_parts(cause.path))
            text = _sentence(first, model).rstrip(".") + more
            raise self.error(where, text, others) from None

    def error(
        self, place: Place, text: str, others: typing.Sequence[Place] = ()
    ) -> ConfigError:
        """Return the error, placed in the grid where the grid set one of the values.

        ``others`` are the places of values that clash with the one at ``place``.
        """
        for candidate in (place, *others):
            for path, value in self.values.items():
                if _overlap(candidate, _parts(path)):
                    return self._in_grid(place, path, value, text)
        own = [at for at in (place, *others) if at in self.source.lines]
        for known, origin in self.defaults.items():
            if place[: len(known)] == known and known not in self.source.lines:
                text = f"{text.rstrip('.')} ({'.'.join(map(str, known))} is {origin})"
        return self.source.error(place, text, own[0] if own else place)

    def _in_grid(self, place: Place, path: str, value: Any, text: str) -> ConfigError:
        name = ".".join(str(part) for part in place)
        if name != path:
            condition = f"in the condition {path} = {shown(value)}"
            text = f"{name}: {text.rstrip('.')} ({condition})"
        return self.source.error(axis_place(self.source, path, value), text)


def _parts(path: str) -> Place:
    return tuple(path.split("."))


def _overlap(one: Place, other: Place) -> bool:
    """Return True when one place equals the other or lies inside it."""
    shorter = min(len(one), len(other))
    return list(map(str, one[:shorter])) == list(map(str, other[:shorter]))


def _without_tags(loc: tuple[int | str, ...]) -> Place:
    """Return pydantic's location without the parts that pydantic added."""
    return tuple(
        part
        for part in loc
        if not (isinstance(part, str) and part.startswith(("function", "[key]")))
    )


class _Expected(NamedTuple):
    """The schema's declaration of one place."""

    owner: type[BaseModel] | None
    """The settings class that has the place's last key as a field."""
    name: str
    annotation: Any
    bounds: list[Any]
    description: str


def _walk(model: type[BaseModel], loc: Place) -> _Expected:
    """Follow a location through the schema.

    The annotation is None where the schema ends before the location does.
    """
    at = _Expected(None, "", model, [], "")
    for part in loc:
        inner = settings_in(at.annotation)
        if inner is not None:
            info = inner.model_fields.get(str(part))
            about = (info.description or "") if info else ""
            kind = info.annotation if info else None
            bounds = list(info.metadata) if info else []
            at = _Expected(inner, str(part), kind, bounds, about)
        else:
            item = _item(at.annotation)
            at = at._replace(annotation=item[0], bounds=item[1])
    return at


def _options(annotation: Any) -> list[Any]:
    """Return the members of a union; any other type is its own only member."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return list(typing.get_args(annotation))
    return [annotation]


def settings_in(annotation: Any) -> type[BaseModel] | None:
    """Return the settings class that an annotation allows, or None."""
    for option in _options(annotation):
        if isinstance(option, type) and issubclass(option, BaseModel):
            return option
    return None


def _item(annotation: Any) -> tuple[Any, list[Any]]:
    """Return the type and bounds of the items of a list or dict annotation."""
    inside = typing.get_args(annotation)
    if typing.get_origin(annotation) not in (tuple, dict) or not inside:
        return None, []
    item = inside[0] if typing.get_origin(annotation) is tuple else inside[1]
    if typing.get_origin(item) is not typing.Annotated:
        return item, []
    bare, *metadata = typing.get_args(item)
    bounds = [
        bound
        for m in metadata
        for bound in (m.metadata if isinstance(m, FieldInfo) else [m])
    ]
    return bare, bounds


def describe(model: type[BaseModel], *loc: str | int) -> str:
    """Describe in words the values that a place of the schema allows."""
    at = _walk(model, loc)
    unit = UNITS.get(at.name.rsplit("_", 1)[-1], "") if "_" in at.name else ""
    words = [_kind(at.annotation, at.bounds), unit]
    about = f" ({at.description})" if at.description else ""
    return ", ".join(word for word in words if word) + about


def _kind(annotation: Any, bounds: list[Any]) -> str:
    options = _options(annotation)
    words = [_one_kind(o, bounds) for o in options if o is not types.NoneType]
    return " or ".join(words + ["null"] * (types.NoneType in options))


def _one_kind(annotation: Any, bounds: list[Any]) -> str:
    origin, inside = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Literal:
        return " or ".join(map(repr, inside))
    if origin is tuple:
        return f"a list (of {_kind(*_item(annotation))})"
    if origin is dict:
        key, value = inside
        words = [KINDS.get(kind, "a value").removeprefix("a ") for kind in (key, value)]
        return f"{{{words[0]}: {words[1]}, ...}}"
    model = settings_in(annotation)
    if model is not None:
        number = "a number, or " if issubclass(model, Spread) else ""
        return f"{number}settings {{{', '.join(model.model_fields)}}}"
    limits = [
        f"{word} {_number(getattr(bound, attribute))}"
        for bound in bounds
        for attribute, word in BOUNDS
        if hasattr(bound, attribute)
    ]
    return ", ".join([KINDS.get(annotation, str(annotation)), *limits])


def _number(value: float) -> str:
    if value == 2**63:
        return "2^63"
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def _with_setting_after_colon(raw: Any, registry: Mapping[str, type[Settings]]) -> Any:
    """Write out ``{name: neurogym:GoNogo-v0}`` when the entry takes such a name."""
    if not isinstance(raw, dict) or not isinstance(raw.get("name"), str):
        return raw
    name, colon, rest = raw["name"].partition(":")
    setting = getattr(registry.get(name), "after_colon", "") if colon else ""
    if not setting or setting in raw:
        return raw
    return {**raw, "name": name, setting: rest}


def _sentence(error: ErrorDetails, model: type[BaseModel]) -> str:
    """Return a sentence: the value given, the allowed ones, the nearest right name."""
    loc = _without_tags(error["loc"])
    at = _walk(model, loc)
    kind, given = error["type"], error["input"]
    if kind == "extra_forbidden" and at.owner is not None:
        known = list(at.owner.model_fields)
        hint = nearest(loc[-1], known)
        return f"unknown key.{hint} Allowed: {', '.join(known)}."
    if kind == "missing":
        return f"is missing; expected {describe(model, *loc)}."
    if kind == "literal_error":
        allowed = error.get("ctx", {}).get("expected", "")
        options = [o.strip("' ") for o in allowed.replace(" or ", ", ").split(",")]
        return f"got {shown(given)}; allowed {allowed}.{nearest(given, options)}"
    if kind == "value_error":
        return f"{error.get('ctx', {}).get('error')}."
    if at.annotation is not None:
        quote = kind == "string_type" and isinstance(given, (int, float))
        hint = "; put it in quotes" if quote else ""
        return f"got {shown(given)}; expected {describe(model, *loc)}{hint}."
    return f"got {shown(given)}: {error['msg'][0].lower()}{error['msg'][1:]}."
