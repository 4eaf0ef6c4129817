"""Everything a sweep file may name, gathered from the registries."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from popnet.config import (
    Catalogue,
    ConfigError,
    LoadedSweep,
    MetricSettings,
    Named,
    Source,
    load,
    nearest,
    read_file,
    read_text,
    with_overrides,
)
from popnet.config.explaining import Builder
from popnet.config.reading import Place, shown
from popnet.measures import MEASURES
from popnet.metrics import METRICS
from popnet.perturbations import PERTURBATIONS
from popnet.registry import SESSION, Registry, package_of
from popnet.rules import RULES
from popnet.tasks import TASKS

S = TypeVar("S")


class SettingsByName(Mapping[str, type[S]]):
    """The settings classes of a registry's entries, each looked up when asked for."""

    def __init__(self, registry: Registry[Any]) -> None:
        self._registry = registry

    def __getitem__(self, name: str) -> type[S]:
        return self._registry[name].settings

    def __iter__(self) -> Iterator[str]:
        return iter(self._registry)

    def __len__(self) -> int:
        return len(self._registry)


REGISTRIES: dict[str, Registry[Any]] = {
    registry.kind: registry
    for registry in (TASKS, RULES, PERTURBATIONS, MEASURES, METRICS)
}
"""The registries whose entries a sweep file names, by kind."""

CATALOGUE = Catalogue(
    **{kind: SettingsByName(registry) for kind, registry in REGISTRIES.items()}
)


def load_sweep(
    path: Path, overrides: list[str] | None = None
) -> tuple[LoadedSweep, Source]:
    """Read and validate a sweep file.  Raises ConfigError."""
    source = with_overrides(read_file(path), overrides or [])
    loaded = load(source, CATALOGUE)
    refuse_session(loaded, source)
    return loaded, source


def register(kind: str, name: str, entry: object) -> None:
    """Add an entry to a registry for this session, as from a notebook.

    ``kind``: "task", "rule", "perturbation", "measure" or "metric".  The entry can be
    drawn, trained, tested and perturbed here; a launch refuses it, for its workers are
    other processes.  Raises ConfigError saying what is wrong with it.
    """
    ones = {registry.one: registry for registry in REGISTRIES.values()}
    registry = {**REGISTRIES, **ones}.get(kind)
    if registry is None:
        raise ConfigError(
            f"popnet.register: unknown kind {shown(kind)}."
            f"{nearest(kind, list(ones))} Known: {', '.join(ones)}."
        )
    registry.register(name, entry)


def entries_of(loaded: LoadedSweep) -> Iterator[tuple[Place, Named]]:
    """Each entry that a sweep names, with where it stands in the file."""
    for condition in (*loaded.conditions, *loaded.corners):
        yield ("task",), condition.config.task
        yield ("rule",), condition.config.rule
    after = loaded.sweep.after
    for key in type(after).model_fields:
        several = getattr(after, key)
        for i, item in enumerate(several if isinstance(several, tuple) else ()):
            if isinstance(item, Named):
                yield ("after", key, i), item


def packages_of(loaded: LoadedSweep, more: Sequence[Named] = ()) -> tuple[str, ...]:
    """The packages, "NAME VERSION", whose entries a sweep names, in order.

    ``more``: entries beyond those of the sweep.
    """
    named = [*(settings for _, settings in entries_of(loaded)), *more]
    classes = {type(settings) for settings in named}
    return tuple(sorted({package_of(c) for c in classes} - {"", SESSION}))


def refuse_session(loaded: LoadedSweep, source: Source) -> None:
    """Refuse a sweep for workers that names an entry which only this process has."""
    for place, settings in entries_of(loaded):
        if package_of(type(settings)) == SESSION:
            kind = next(k for k, r in REGISTRIES.items() if _has(r, settings))
            raise source.error(
                place,
                f"{settings.name!r} was registered for this session, and a launch "
                "trains in other processes; put it into a package whose pyproject.toml "
                f'says [project.entry-points."popnet.{kind}"] {settings.name} = '
                '"MODULE:ENTRY"',
            )


def _has(registry: Registry[Any], settings: Named) -> bool:
    entry = registry.get(settings.name)
    return entry is not None and entry.settings is type(settings)


def metric_settings(section: str | Mapping[str, Any], origin: str) -> MetricSettings:
    """Build a metric from its name, or from ``{name: ..., settings}``.

    ``origin`` takes the place of a file in errors.  Raises ConfigError when there is no
    such metric or a setting is wrong.
    """
    builder = Builder(Source(origin, {}, {}), {})
    return builder.named((), section, CATALOGUE.metrics, "metric")


def metric_of_text(text: str, origin: str) -> MetricSettings:
    """Build a metric from ``NAME`` or ``NAME:setting=value,setting=value``.

    Values are YAML, and a setting without one is true: ``weights:untrained``.  Raises
    ConfigError as ``metric_settings`` does.
    """
    name, colon, rest = text.partition(":")
    if not colon:
        return metric_settings(name.strip(), origin)
    flow = re.sub(r"([A-Za-z_]\w*)\s*=", r"\1: ", rest)
    given = read_text(f"{{{flow}}}", f"{origin} {text}").raw
    settings = {str(k): True if v is None else v for k, v in given.items()}
    return metric_settings({"name": name.strip(), **settings}, f"{origin} {text}")
