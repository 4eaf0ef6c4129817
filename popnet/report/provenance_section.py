"""How the run was made, and how to make one network of it again."""

import json
import shlex
from collections.abc import Iterator
from html import escape
from typing import Any

from popnet.report.markup import table
from popnet.report.population import RunTables
from popnet.report.sections import Section


def making(population: RunTables) -> Section:
    """The section on provenance, the sweep file and retraining."""
    run = population.run
    folder = shlex.quote(str(run.folder))
    key = "KEY"
    if not population.networks.empty:
        key = str(population.networks["key"].iloc[0])
    retrain = escape(f"popnet retrain {folder} {key}")
    rows = [
        [escape(name), f'<span class="mono">{escape(value)}</span>']
        for name, value in flat(run.provenance())
    ]
    provenance = table(["what", "value"], rows).replace(
        "<td><span", '<td class="wrap"><span'
    )
    sweep = run.folder / "sweep.yaml"
    text = sweep.read_text(encoding="utf-8") if sweep.exists() else "not recorded"
    body = (
        "<h3>One network again</h3>\n<p>Any key of the table above trains that network "
        "alone, from its own configuration and seed, and says whether its weights are "
        f"the same.</p>\n<pre><code>{retrain}</code></pre>\n"
        f"<h3>Provenance</h3>\n{provenance}\n"
        f"<h3>The sweep file as launched</h3>\n<pre><code>{escape(text)}</code></pre>"
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
