"""Everything a sweep file may name, gathered from the registries."""

from __future__ import annotations

from pathlib import Path

from popnet.config import (
    Catalogue,
    LoadedSweep,
    Source,
    load,
    read_file,
    with_overrides,
)
from popnet.metrics import METRICS
from popnet.perturbations import PERTURBATIONS
from popnet.rules import RULES
from popnet.tasks import TASKS

CATALOGUE = Catalogue(
    {name: task.settings for name, task in TASKS.items()},
    {name: rule.settings for name, rule in RULES.items()},
    {name: perturbation.settings for name, perturbation in PERTURBATIONS.items()},
    {name: metric.settings for name, metric in METRICS.items()},
)


def load_sweep(
    path: Path, overrides: list[str] | None = None
) -> tuple[LoadedSweep, Source]:
    """Read and validate a sweep file.  Raises ConfigError."""
    source = with_overrides(read_file(path), overrides or [])
    return load(source, CATALOGUE), source
