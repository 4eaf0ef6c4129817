"""Turns a sweep file that was read into a validated sweep with all its conditions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from popnet.config.checking import check
from popnet.config.conditions import NETWORK_SECTIONS, Condition, conditions
from popnet.config.explaining import Builder, describe
from popnet.config.garbage_collection import uncollected
from popnet.config.grid import Axis, axes
from popnet.config.loaded import LoadedSweep
from popnet.config.network import Network
from popnet.config.network_config import NetworkConfig
from popnet.config.reading import (
    ConfigError,
    Place,
    Source,
    nearest,
    read_text,
    write_text,
)
from popnet.config.schema import Catalogue, Sweep
from popnet.config.setting_paths import part_of, placed
from popnet.config.settings import Settings
from popnet.config.space import check_search, corners, read_search, space_axes
from popnet.config.spread import Spread


def load(source: Source, catalogue: Catalogue) -> LoadedSweep:
    """Validate a sweep, expand its grid and check the files and packages it needs.

    Call this before networks are planned, trained or tested.  Raises ConfigError naming
    file, line, key, what is allowed and the nearest right name.
    """
    loaded = expand(source, catalogue)
    check(loaded, source)
    return loaded


def expand(source: Source, catalogue: Catalogue) -> LoadedSweep:
    """Validate a sweep and each condition of its grid, but nothing outside the file.

    A recorded run is opened this way, since a file that its task needs may be gone by
    now.  Raises ConfigError as ``load`` does.
    """
    _check_keys(source)
    grid, space = axes(source), space_axes(source)
    _check_missing(source, [*grid, *space])
    with uncollected():
        expanded = conditions(source, catalogue, [corners(space)] if space else grid)
    _check_bounds(source, expanded)
    sweep = _sweep(source, catalogue, expanded[0].config)
    if sweep.search is not None:
        check_search(source, sweep.search, [c.config for c in expanded])
    return LoadedSweep(sweep, (), expanded) if space else LoadedSweep(sweep, expanded)


def conditions_of(
    source: Source, catalogue: Catalogue, choices: Iterable[dict[str, Any]]
) -> tuple[Condition, ...]:
    """Build the conditions with these values by path, each once.

    Raises ConfigError when one of them is invalid.
    """
    rows = list(choices)
    return conditions(source, catalogue, [rows]) if rows else ()


def with_overrides(source: Source, overrides: list[str]) -> Source:
    """Apply ``--set path=value`` options, whose values are YAML.

    Raises ConfigError when an option or its path is malformed.
    """
    origins = dict(source.overrides)
    changed = source._replace(raw=dict(source.raw), overrides=origins)
    for option in overrides:
        path, equals, text = (part.strip() for part in option.partition("="))
        origin = f"--set {' '.join(option.split())[:80]}"
        if not equals or not path:
            raise ConfigError(f"{origin}: expected path=value.")
        read = read_text(f"value: {text}", origin).raw
        if len(read) > 1:
            raise ConfigError(f"{origin}: expected one value.")
        in_grid = path.startswith("grid.")
        parts = tuple(part_of(part) for part in path.split("."))
        place: Place = ("grid", path[5:]) if in_grid else parts
        origins[place] = origin
        raw, value = changed.raw, read["value"]
        if in_grid:
            grid = {} if raw.get("grid") is None else raw["grid"]
            if not isinstance(grid, dict):
                axes(changed)  # says what is wrong with it
            raw["grid"] = {**grid, path[5:]: value}
        else:
            changed = changed._replace(raw=placed(changed, raw, path, value, place))
    return changed


def dump(plan: LoadedSweep, source: Source) -> str:
    """Write the sweep as YAML, with the defaults on which all conditions agree.

    A default that differs between conditions (it may depend on the rule) is left
    out, so that the text means exactly the same networks when it is read again.
    """
    named = plan.corners or plan.conditions
    agreed = {k: _agreed(_different(named, k)) for k in NETWORK_SECTIONS}
    top = _plain(plan.sweep.model_dump(exclude=set(NETWORK_SECTIONS)))
    filled: dict[str, Any] = {k: top[k] for k in ("name", "seed", "networks")}
    filled |= {k: same for k, same in agreed.items() if same}
    if source.raw.get("grid"):
        filled["grid"] = source.raw["grid"]
    if plan.sweep.search is not None:
        filled["search"] = top["search"]
    filled |= {k: top[k] for k in ("after", "machine")}
    return write_text(filled)


def _different(conditions: Sequence[Condition], section: str) -> list[Settings]:
    """Return the different settings of a section among these conditions, each once."""
    every = [getattr(condition.config, section) for condition in conditions]
    return list({id(settings): settings for settings in every}.values())


def _agreed(settings: list[Settings]) -> dict[str, Any]:
    """Return the part that all of these settings have in common."""
    same = _plain(settings[0].model_dump())
    for other in settings[1:]:
        same = _agreement(same, _plain(other.model_dump()))
        if same is _NOTHING:
            return {}
    return same


def _plain(value: Any) -> Any:
    """Replace tuples by lists, which YAML can represent."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, (list, tuple)) else value


def _agreement(one: Any, other: Any) -> Any:
    """Return the common part of two dumps; a dict with numbered keys is not divided."""
    if one == other:
        return one
    if not isinstance(one, dict) or not isinstance(other, dict):
        return _NOTHING
    if any(isinstance(key, int) for key in (*one, *other)):
        return _NOTHING
    both = {k: _agreement(one[k], other[k]) for k in one if k in other}
    return {k: v for k, v in both.items() if v is not _NOTHING} or _NOTHING


_NOTHING = object()


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


def _check_bounds(source: Source, conditions: tuple[Condition, ...]) -> None:
    """Refuse bounds of a law that no condition uses.

    One condition may leave them unused, since a grid of spreads may begin with 0.
    """
    networks = _different(conditions, "network")
    for name, info in Network.model_fields.items():
        if not isinstance(info.default, Spread):
            continue
        laws = [getattr(network, name) for network in networks]
        if any(law.heterogeneous for law in laws):
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
            "measures": (catalogue.measures, "measure"),
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
