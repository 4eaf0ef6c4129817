"""Reads the space of a search and refuses a search that could decide nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from popnet.config.explaining import Builder
from popnet.config.grid import Axis, check_paths, check_root
from popnet.config.reading import Place, Source
from popnet.config.searching import (
    SCHEDULERS,
    SEARCHERS,
    Law,
    MedianStopping,
    Pbt,
    Search,
)
from popnet.config.settings import marked

if TYPE_CHECKING:
    from popnet.config.network_config import NetworkConfig


def _place(source: Source) -> Place:
    """Return the place of the space in the file: in its searcher or in pbt."""
    search: Any = source.raw.get("search")
    given = search.get("scheduler") if isinstance(search, dict) else None
    pbt = isinstance(given, dict) and given.get("name") == "pbt"
    return ("search", "scheduler" if pbt else "searcher", "space")


def space_axes(source: Source) -> list[Axis]:
    """Return the corners of the searched space, one axis per path; [] without a space.

    A malformed space is left to the schema, which explains it.  Raises ConfigError when
    there is a grid too, or when a path or a law is wrong.
    """
    node: Any = source.raw
    place = _place(source)
    for part in place:
        node = node.get(part) if isinstance(node, dict) else None
    if not isinstance(node, dict) or not node:
        return []
    if source.raw.get("grid"):
        raise source.error(
            ("grid",),
            "a search chooses the conditions from its space, a grid asks for all of "
            f"its own; move the grid's paths into {'.'.join(map(str, place))} "
            "({law: choice, values: [...]})",
        )
    result: list[Axis] = []
    for path, law in node.items():
        check_root(source, (*place, path), str(path), of="space")
        read = Builder(source, {}).settings((*place, path), law, Law)
        result.append([{str(path): value} for value in read.corners])
    check_paths(source, result)
    return result


def corners(axes: Sequence[Axis]) -> list[dict[str, Any]]:
    """Combine the axes to conditions that hold each bound and choice at least once."""
    most = max((len(axis) for axis in axes), default=0)
    return [
        {path: v for axis in axes for path, v in axis[i % len(axis)].items()}
        for i in range(most)
    ]


def read_search(source: Source) -> Any:
    """Return the section ``search``, its scheduler and searcher looked up by name."""
    given = source.raw.get("search")
    if not isinstance(given, dict):
        return given
    build, section = Builder(source, {}), dict(given)
    for key, registry in (("scheduler", SCHEDULERS), ("searcher", SEARCHERS)):
        if section.get(key) is not None:
            section[key] = build.named(("search", key), section[key], registry, key)
    return section


def check_search(
    source: Source, search: Search, configs: Sequence[NetworkConfig]
) -> None:
    """Raise ConfigError when a search could decide nothing about these conditions."""
    _check_trials(source, search, configs)
    measures = {config.task.error for config in configs}
    if search.metric == "error" and len(measures) > 1:
        raise source.error(
            ("search", "metric"),
            "the tasks measure their errors in different ways "
            f"({', '.join(sorted(measures))}), which cannot be compared; give accuracy",
        )
    _check_number(source, search, configs)


def _check_trials(
    source: Source, search: Search, configs: Sequence[NetworkConfig]
) -> None:
    """Refuse scores at trials that no condition reaches, or closer than its curve."""
    cap = max(config.train.trials for config in configs)
    point = max(config.train.curve_every for config in configs)
    for key, given in (("every", search.every), ("scheduler.grace", search.grace)):
        if given > cap or (given == cap and search.scheduler):
            raise source.error(
                ("search", *key.split(".")),
                f"got {given:,}; no condition trains longer than {cap:,} trials; give "
                "fewer",
            )
    if search.every < point:
        raise source.error(
            ("search", "every"),
            f"got {search.every:,}; the curves that the score is read from have a "
            f"point every {point:,} trials (train.curve_every); give at least that",
        )


def _check_number(
    source: Source, search: Search, configs: Sequence[NetworkConfig]
) -> None:
    """Refuse a search with too few conditions to compare, or pbt's wrong settings."""
    chooser, scheduler = search.chooser, search.scheduler
    if isinstance(scheduler, Pbt):
        _check_pbt(source, scheduler, configs)
    count = chooser.conditions if chooser else len(configs)
    if chooser is None and count == 1:
        raise source.error(
            ("search", "scheduler"),
            "it compares conditions, and there is one; give a grid or a searcher",
        )
    if isinstance(scheduler, MedianStopping) and scheduler.conditions >= count:
        raise source.error(
            ("search", "scheduler", "conditions"),
            f"{scheduler.conditions} others must have come as far, and there are "
            f"{count} conditions in all; give fewer",
        )


def _check_pbt(source: Source, pbt: Pbt, configs: Sequence[NetworkConfig]) -> None:
    """Refuse what cannot change while a network trains."""
    for config in configs:
        until = config.train.until
        if until is not None and until.stop:
            raise source.error(
                ("search", "scheduler"),
                "under pbt every network trains to train.trials; give train.until "
                "{..., stop: false} or null",
            )
        rule = config.rule
        own = [n for n, own, _ in marked(type(rule)) if own and _number(rule, n)]
        able = [n for n in own if n not in rule.at_start]
        for path, law in pbt.space.items():
            section, _, name = path.partition(".")
            if section != "rule" or name not in able:
                raise source.error(
                    ("search", "scheduler", "space", path),
                    "pbt changes only numbers of the rule while networks train: "
                    f"{', '.join(f'rule.{n}' for n in able)}",
                )
            whole = isinstance(getattr(rule, name), int)
            if whole and law.law not in ("integer", "choice"):
                raise source.error(
                    ("search", "scheduler", "space", path, "law"),
                    f"got {law.law!r}; {path} is a whole number: law integer or choice",
                )


def _number(rule: Any, name: str) -> bool:
    value = getattr(rule, name)
    return isinstance(value, (int, float)) and not isinstance(value, bool)
