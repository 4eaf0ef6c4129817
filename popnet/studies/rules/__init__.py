"""McMahan, Kleinman & Kao 2021: what of a network depends on its learning rule.

`tables.py` derives tables from a run, `design.py` finds what it varies; `estimates.py`,
`distances.py`, `effects.py` and `variance_shares.py` make numbers of them, with seeds
as units; `claims.py` judges these and the other modules show them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from popnet.studies.rules.claims import JUDGED
from popnet.studies.rules.tables import RulesTables, read, refuse
from popnet.studies.study import Study

if TYPE_CHECKING:
    from popnet.report.sections import Section

HERE = Path(__file__).parent


def _sections() -> Mapping[str, Callable[[RulesTables], Section]]:
    from popnet.studies.rules import (
        geometry_figures,
        learning_figures,
        measure_figures,
        topology_figures,
        variance_figure,
        verdict_table,
    )

    return {
        "learning": learning_figures.learning,
        "topology": topology_figures.topology,
        "geometry": geometry_figures.geometry,
        "motion": measure_figures.motion,
        "weights": measure_figures.weights,
        "explained": variance_figure.explained,
        "versions": verdict_table.versions,
    }


def _lead(tables: RulesTables) -> str:
    found = tables.design
    return (
        f"{len(tables.networks):,} networks: {len(found.rules)} rules, "
        f"{len(found.tasks)} tasks, {len(found.places)} conditions, "
        f"{len(tables.seeds)} seeds in each."
    )


STUDY = Study(
    reference="McMahan, Kleinman & Kao 2021, NeurIPS 34",
    summary="what of a trained network depends on its learning rule?",
    scales={"quick": HERE / "quick.yaml", "paper": HERE / "paper.yaml"},
    refuse=refuse,
    tables=read,
    claims=JUDGED,
    sections=_sections,
    lead=_lead,
)
