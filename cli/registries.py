"""``popnet tasks|rules|perturbations|measures|metrics``: lists the registries' entries.

The entries of installed packages are listed after popnet's own.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .shell import WRONG, AsJson, give, give_json, guarded, say

if TYPE_CHECKING:
    from popnet.config import Named
    from popnet.registry import Registry

Name = Annotated[str | None, typer.Argument(help="only this one")]
DECLARED = {
    "tasks": (
        "chance",
        "memoryless_score",
        "memory_demand_s",
        "target_kind",
        "silence",
        "stretchable",
    ),
    "rules": ("forms", "readouts", "takes_feedback", "uses_target"),
    "perturbations": ("changes",),
    "measures": ("range", "invariances"),
    "metrics": ("kind", "range", "invariances"),
}
"""Declarations of entries that help to choose one, by registry, at their defaults."""


@guarded
def tasks(name: Name = None, as_json: AsJson = False) -> None:
    """The tasks: reference, settings, units, defaults."""
    _show("tasks", name, as_json)


@guarded
def rules(name: Name = None, as_json: AsJson = False) -> None:
    """The learning rules: reference, settings, units, defaults."""
    _show("rules", name, as_json)


@guarded
def perturbations(name: Name = None, as_json: AsJson = False) -> None:
    """The perturbations: reference, settings, units, defaults."""
    _show("perturbations", name, as_json)


@guarded
def measures(name: Name = None, as_json: AsJson = False) -> None:
    """What is measured of each network: reference, settings, units, defaults."""
    _show("measures", name, as_json)


@guarded
def metrics(name: Name = None, as_json: AsJson = False) -> None:
    """The comparisons between networks: reference, settings, defaults."""
    _show("metrics", name, as_json)


def _show(kind: str, only: str | None, as_json: bool) -> None:
    from popnet.catalogue import REGISTRIES
    from popnet.config import ConfigError, nearest

    registry = REGISTRIES[kind]
    if only is not None and only not in registry:
        hint = nearest(only, list(registry))
        known = ", ".join(registry)
        raise ConfigError(f"no {kind} entry {only!r}.{hint} Known: {known}.")
    described: dict[str, dict[str, Any]] = {}
    problems = registry.problems() if only is None else []
    for name in [only] if only else registry:
        try:
            described[name] = _described(registry, name)
        except ConfigError as error:
            problems.append(str(error))
    if as_json:
        give_json(described)
    else:
        for name, about in described.items():
            _give_entry(name, about)
    for problem in dict.fromkeys(problems):
        say(f"popnet: {problem}")
    if problems:
        raise typer.Exit(WRONG)


def _give_entry(name: str, about: dict[str, Any]) -> None:
    square = "; error: mean square" if about.get("error") == "squared" else ""
    of = f"; of {about['needs']}" if "needs" in about else ""
    package = f"  (package {about['package']})" if "package" in about else ""
    give(f"{name}: {about['summary']}{square}{of}  [{about['reference']}]{package}")
    declared = about["declares"].items()
    words = (f"{k} {'none' if v is None else _words(v)}" for k, v in declared)
    give(f"    {'; '.join(words)}")
    if "limit" in about:
        give(f"    graded up to {about['limit']:g}: {about['limit_reason']}")
    for setting in about["settings"]:
        notes = "; ".join(x for x in (setting["kind"], setting["about"]) if x)
        given = f"{setting['name']} = {setting['default']}"
        give(f"    {given:34} {notes}")


def _described(registry: Registry[Any], name: str) -> dict[str, Any]:
    model = registry[name].settings
    settings: list[dict[str, Any]] = []
    _walk(model, None, "", settings)
    about = {"summary": model.summary, "reference": model.reference}
    unit = getattr(model, "unit", "")
    if unit:
        about["unit" if registry.kind == "measures" else "unit_of_level"] = unit
    if registry.kind == "measures":
        about["needs"] = model.needs
    if (limit := getattr(model, "limit", None)) is not None:
        about |= {"limit": limit, "limit_reason": model.limit_reason}
    if error := getattr(model, "error", ""):
        about["error"] = error
    if package := registry.package(name):
        about["package"] = package
    entry = _at_defaults(model)
    declares = {key: _plain(getattr(entry, key)) for key in DECLARED[registry.kind]}
    return {**about, "declares": declares, "settings": settings}


def _at_defaults(model: type[Named]) -> Named:
    """The settings of an entry, none of them given, for what it then declares.

    They are not checked: what a file or a package fills in is not looked up.
    """
    filled = {k: f.get_default() for k, f in model.model_fields.items()}
    return model.model_construct(**filled)


def _plain(value: Any) -> Any:
    """Return a declaration for JSON: sets in alphabetical order, null for no bound."""
    if isinstance(value, (frozenset, tuple)):
        items = sorted(value) if isinstance(value, frozenset) else value
        return [_plain(item) for item in items]
    return None if isinstance(value, float) and math.isinf(value) else value


def _words(value: Any) -> str:
    """Return a declaration in words."""
    if isinstance(value, list):
        return ", ".join(map(_words, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "no bound"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _walk(model: Any, filled: Any, prefix: str, into: list[dict[str, Any]]) -> None:
    """Append the settings of a class, nested ones too, to ``into``.

    ``filled`` is an instance that holds their defaults, where there is one.
    """
    from pydantic import BaseModel
    from pydantic_core import PydanticUndefined

    from popnet.config import marked

    units = {"s": "seconds", "hz": "hertz"}
    for name, per_network, info in marked(model):
        if name == "name":
            continue
        default = info.default if filled is None else getattr(filled, name)
        if isinstance(default, BaseModel):
            _walk(type(default), default, f"{prefix}{name}.", into)
            continue
        unit = units.get(name.rsplit("_", 1)[-1], "")
        text = ", ".join(x for x in (unit, info.description or "") if x)
        into.append(
            {
                "name": prefix + name,
                "default": "required" if default is PydanticUndefined else default,
                "kind": "per network" if per_network else "shared",
                "about": text,
            }
        )
