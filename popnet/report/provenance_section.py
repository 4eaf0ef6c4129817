"""The section that tells how a run was made and how to retrain one network."""

import json
import shlex
from collections.abc import Iterator
from typing import Any

from popnet.report.markup import fill_template, monospaced, table
from popnet.report.population import RunTables
from popnet.report.sections import Section


def making(population: RunTables) -> Section:
    """The section on provenance, the sweep file and retraining."""
    run = population.run
    key = "KEY"
    if not population.networks.empty:
        key = str(population.networks["key"].iloc[0])
    rows = [[name, monospaced(value)] for name, value in flat(run.provenance())]
    sweep = run.folder / "sweep.yaml"
    text = sweep.read_text(encoding="utf-8") if sweep.exists() else "not recorded"
    body = fill_template(
        "provenance.html.j2",
        folder=shlex.quote(str(run.folder)),
        key=key,
        provenance=table(["what", "value"], rows, wrapped=[1]),
        sweep=text,
    )
    return Section("making", "How it was made", body=body)


def flat(values: dict[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Nested provenance as (dotted name, text) pairs, in the order recorded."""
    for name, value in values.items():
        path = f"{above}{name}"
        if isinstance(value, dict):
            yield from flat(value, f"{path}.")
        elif isinstance(value, list | tuple) and any(
            isinstance(item, dict) for item in value
        ):
            numbered = {str(i): item for i, item in enumerate(value, start=1)}
            yield from flat(numbered, f"{path}.")
        elif isinstance(value, list | tuple):
            yield path, " ".join(str(item) for item in value)
        elif value is None or isinstance(value, bool):
            yield path, json.dumps(value)
        else:
            yield path, str(value)
