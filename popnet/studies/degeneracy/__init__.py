"""Huang, Singh, Martinelli & Rajan 2025: what controls solution degeneracy.

`tables.py` derives tables from a run, `factors.py` finds what it varies alone,
`quantities.py` and `trends.py` make numbers of them; `claims.py` judges these and
`*_figures.py` and `controls.py` show them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from popnet.studies.degeneracy.claims import STATEMENTS
from popnet.studies.degeneracy.tables import DegeneracyTables, read, refuse
from popnet.studies.study import Study

if TYPE_CHECKING:
    from popnet.report.sections import Section

HERE = Path(__file__).parent


def _sections() -> Mapping[str, Callable[[DegeneracyTables], Section]]:
    from popnet.studies.degeneracy import (
        controls,
        factor_figures,
        map_figures,
        mechanism_figure,
    )

    return {
        "controls": controls.controls,
        "factors": factor_figures.factors,
        "learning": factor_figures.learning,
        "solutions": map_figures.solutions,
        "mechanism": mechanism_figure.mechanism,
        "numbers": controls.numbers,
    }


def _lead(tables: DegeneracyTables) -> str:
    networks, factors = tables.networks, {f.factor.name for f in tables.families}
    return (
        f"{len(networks):,} networks: {len(tables.tasks)} tasks, "
        f"{len(tables.conditions)} conditions, {networks['seed'].nunique()} seeds in "
        f"each; {len(factors)} factors are varied one at a time."
    )


STUDY = Study(
    reference="Huang, Singh, Martinelli & Rajan 2025, arXiv 2410.03972 (NeurIPS 2025)",
    summary="what controls how different the solutions of trained networks are?",
    scales={"quick": HERE / "quick.yaml", "paper": HERE / "paper.yaml"},
    refuse=refuse,
    tables=read,
    claims=STATEMENTS,
    sections=_sections,
    lead=_lead,
)
