"""Every setting of every task and rule, each with a second valid value."""

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple, get_args, get_origin

import pytest
from pydantic import BaseModel

from popnet.catalogue import CATALOGUE
from popnet.config import LoadedSweep, Spread, load, marked, read_text, with_overrides

BASE = """\
name: walk
seed: 7
networks: 1
network:
  units: 16
  tau_s: {mean: 0.03, law: normal, spread: 0.1, low: 0.01, high: 0.1}
  slope: {mean: 1.0, law: normal, spread: 0.1, low: 0.5, high: 2.0}
  threshold: {mean: 0.1, law: normal, spread: 0.1, low: -1.0, high: 1.0}
  bias: {mean: 0.1, law: normal, spread: 0.1, low: -1.0, high: 1.0}
  dale: {excitatory: 0.8}
  density: 0.9
  noise: {input: 0.1, recurrent: 0.1}
train: {trials: 40, until: {accuracy: 0.9, error: 0.2, window: 10}}
"""
PAIRS = [
    *((task, "bptt") for task in CATALOGUE.tasks if task != "neurogym"),
    *(("dnms", rule) for rule in CATALOGUE.rules),
]
"""(task, rule): each task, but neurogym, and each rule at least once."""
OF_A_FILE = {"targets", "digest", "channels"}
"""Settings of task reaching that only mean something together with a file."""
LARGEST = {"strongest", "farthest_hz", "highest_hz"}
"""The larger ones of two settings in order, which may be equal."""


class Setting(NamedTuple):
    """A leaf of the configuration."""

    path: str
    per_network: bool
    numeric: bool
    other: Any
    """A value that differs from the one it has."""


def plan_of_text(task: str, rule: str, *overrides: str) -> LoadedSweep:
    """The base sweep with this task and rule, changed."""
    text = f"{BASE}task: {task}\nrule: {rule}\n"
    return load(with_overrides(read_text(text), list(overrides)), CATALOGUE)


def settings_of(config: BaseModel, prefix: str = "") -> Iterator[Setting]:
    """Every setting under a configuration, whatever sections it has."""
    for name, per_network, info in marked(type(config)):
        path, value = f"{prefix}{name}", getattr(config, name)
        if isinstance(value, BaseModel):
            yield from settings_of(value, f"{path}.")
        elif getattr(config, "name", "") == "reaching" and name in OF_A_FILE:
            continue
        elif not (name == "name" and len(_choices(info.annotation)) == 1):
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            yield Setting(path, per_network, number, _other(config, name, value))


def _choices(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) is Literal else ()


def _other(config: BaseModel, name: str, value: Any) -> Any:
    """A second valid value, by the type of the first."""
    if isinstance(value, bool):
        return not value
    if name == "law" and isinstance(config, Spread):
        return "lognormal"  # it may have bounds, as the base's laws do
    if isinstance(value, str):
        choices = _choices(type(config).model_fields[name].annotation)
        return next(choice for choice in choices if choice != value)
    if isinstance(value, int):
        return value + 1
    if name == "pulse_s" and value is None:
        return 0.02
    if name == "tau_min_s" and value is None:
        return 0.012
    if isinstance(value, float):
        if name == "dt_s":
            return value / 2
        if name in LARGEST:
            return value * 1.03
        return round(value + 0.2, 6) if name.endswith("_s") else value * 0.97 + 0.0011
    if isinstance(value, tuple):
        return list(value[:-1])
    if isinstance(value, dict):
        return {**value, 5: 0.25}
    raise AssertionError(f"{name} = {value!r}: no second value is known")


@pytest.fixture(scope="session")
def walk():
    """``walk(task, rule)``: the plan and every setting of its configuration."""

    def make(
        task: str, rule: str, *overrides: str
    ) -> tuple[LoadedSweep, list[Setting]]:
        plan = plan_of_text(task, rule, *overrides)
        return plan, list(settings_of(plan.conditions[0].config))

    return make


@pytest.fixture(scope="session")
def changed():
    """``changed(task, rule, *overrides)``: the plan with settings changed."""
    return plan_of_text


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "task_and_rule" in metafunc.fixturenames:
        names = [f"{task}-{rule}" for task, rule in PAIRS]
        metafunc.parametrize("task_and_rule", PAIRS, ids=names)
