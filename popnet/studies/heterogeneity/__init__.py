"""Santhosh & Narayanan 2026: heterogeneous networks, reward-modulated Hebbian learning.

`tables.py` derives tables from a run; `*_claims.py` judge them and `*_figures.py` draw
them.  The page of its run is README.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from popnet.studies.heterogeneity.claims import CLAIMS
from popnet.studies.heterogeneity.tables import Tables, read, refuse
from popnet.studies.study import Study

if TYPE_CHECKING:
    from popnet.report.sections import Section

HERE = Path(__file__).parent


def _sections() -> Mapping[str, Callable[[Tables], Section]]:
    from popnet.studies.heterogeneity import (
        degeneracy_figure,
        dynamics_figures,
        learning_figures,
        matrix_figures,
        robustness_figures,
    )

    return {
        "learning": learning_figures.learning,
        "error_dynamics": learning_figures.learning_errors,
        "dynamics": dynamics_figures.dynamics,
        "distance_over_time": dynamics_figures.distance_over_time,
        "robustness": robustness_figures.robustness,
        "tau_matrix": matrix_figures.tau_matrix,
        "transfer": matrix_figures.transfer,
        "degeneracy": degeneracy_figure.degeneracy,
    }


def _lead(tables: Tables) -> str:
    networks, levels = tables.networks, tables.levels
    several = len(tables.configurations)
    named = ", ".join(f"{level:g}" for level in levels)
    return (
        f"{len(networks):,} networks: {len(tables.tasks)} tasks, "
        f"{several} configuration{'s' * (several != 1)}, {len(levels)} levels of "
        f"`{tables.level_name}` ({named}), "
        f"{networks['seed'].nunique()} seeds, the same at every level."
    )


STUDY = Study(
    reference="Santhosh & Narayanan 2026, bioRxiv 10.64898/2026.04.03.716300 "
    "(abstract)",
    summary="do graded time constants change how networks learn, move, break and "
    "transfer?",
    scales={"quick": HERE / "quick.yaml", "paper": HERE / "paper.yaml"},
    refuse=refuse,
    tables=read,
    claims=CLAIMS,
    sections=_sections,
    lead=_lead,
)
