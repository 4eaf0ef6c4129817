"""A small valid sweep, and reading one from text."""

from collections.abc import Callable

import pytest

from popnet.catalogue import CATALOGUE
from popnet.config import LoadedSweep, Source, load, read_text, with_overrides

BASE = """\
name: base
seed: 7
networks: 2
network: {units: 20}
task: dnms
rule: reward_hebbian
train: {trials: 100}
"""

Planner = Callable[..., LoadedSweep]


@pytest.fixture
def base() -> str:
    """The text of a small valid sweep; more lines may follow it."""
    return BASE


@pytest.fixture
def source() -> Callable[..., Source]:
    """``source(more_lines, "path=value", ...)``: the base sweep, changed."""

    def read(more: str = "", *overrides: str, text: str = BASE) -> Source:
        return with_overrides(read_text(text + more), list(overrides))

    return read


@pytest.fixture
def plan(source: Callable[..., Source]) -> Planner:
    """The same, loaded."""

    def loaded(more: str = "", *overrides: str, text: str = BASE) -> LoadedSweep:
        return load(source(more, *overrides, text=text), CATALOGUE)

    return loaded
