"""popnet tasks, rules, perturbations, metrics: what there is."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from .shell import AsJson, give, give_json, guarded

Name = Annotated[str | None, typer.Argument(help="only this one")]


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
def metrics(name: Name = None, as_json: AsJson = False) -> None:
    """The comparisons between networks: reference, settings, defaults."""
    _show("metrics", name, as_json)


def _show(registry: str, only: str | None, as_json: bool) -> None:
    from popnet.catalogue import CATALOGUE
    from popnet.config import ConfigError, nearest

    entries = getattr(CATALOGUE, registry)
    if only is not None and only not in entries:
        hint = nearest(only, list(entries))
        known = ", ".join(entries)
        raise ConfigError(f"no {registry} entry {only!r}.{hint} Known: {known}.")
    chosen = {k: v for k, v in entries.items() if only in (None, k)}
    described = {name: _described(model) for name, model in chosen.items()}
    if as_json:
        give_json(described)
        return
    for name, about in described.items():
        square = "; error: mean square" if about.get("error") == "squared" else ""
        give(f"{name}: {about['summary']}{square}  [{about['reference']}]")
        for setting in about["settings"]:
            notes = "; ".join(x for x in (setting["kind"], setting["about"]) if x)
            given = f"{setting['name']} = {setting['default']}"
            give(f"    {given:34} {notes}")


def _described(model: Any) -> dict[str, Any]:
    settings: list[dict[str, Any]] = []
    _walk(model, None, "", settings)
    about = {"summary": model.summary, "reference": model.reference}
    unit = getattr(model, "unit", "")
    if unit:
        about["unit_of_level"] = unit
    if error := getattr(model, "error", ""):
        about["error"] = error
    return {**about, "settings": settings}


def _walk(model: Any, filled: Any, prefix: str, into: list[dict[str, Any]]) -> None:
    """Settings of a class; ``filled`` holds its values where it is a default."""
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
