"""popnet study: a paper done again, claim by claim."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from popnet.status import Status

from .launching import launched
from .shell import (
    DONE,
    SOME_FAILED,
    Address,
    AsJson,
    Device,
    Out,
    Overrides,
    Storage,
    TrackingUri,
    Workers,
    give,
    give_json,
    guarded,
    overrides,
    say,
)

if TYPE_CHECKING:
    from popnet.runs.findings import Finding


@guarded
def study(
    name: Annotated[str, typer.Argument(help="heterogeneity", metavar="NAME")],
    scale: Annotated[str, typer.Option("--scale", help="quick or paper")] = "quick",
    out: Out = Path("runs"),
    storage: Storage = None,
    address: Address = None,
    tracking_uri: TrackingUri = None,
    set_: Overrides = None,
    device: Device = None,
    workers: Workers = None,
    as_json: AsJson = False,
) -> None:
    """Do a paper again: its sweep, then the table of its claims.  Continues."""
    from popnet.catalogue import load_sweep
    from popnet.config import ConfigError
    from popnet.report import write_report
    from popnet.runs.findings import rows_of, write_findings
    from popnet.studies import STUDIES, conclude
    from popnet.studies.heterogeneity.evidence import graded
    from popnet.studies.page import write_study

    if name not in STUDIES:
        raise ConfigError(f"no study {name!r}; there is: {', '.join(STUDIES)}.")
    chosen = STUDIES[name]
    if scale not in chosen.scales:
        known = ", ".join(chosen.scales)
        raise ConfigError(f"--scale {scale!r}: {name} has the scales {known}.")
    made, source = load_sweep(chosen.scales[scale], overrides(set_, device, workers))
    if not any(path.endswith(".spread") for path in made.varied):
        raise ConfigError(
            f"popnet study {name}: nothing is graded; its grid needs a spread, such as "
            "network.tau_s.spread."
        )
    done = launched(made, source, out, address, tracking_uri, storage)
    for note in done.notes:
        say(f"note: {note}")
    findings = conclude(chosen, done.run)
    write_findings(done.run.folder, findings)
    page = write_study(
        done.run, findings, level=graded(done.run), memory=chosen.memory,
        related=chosen.related,
    )  # fmt: skip
    write_report(done.run)  # which shows the table too
    if as_json:
        give_json(rows_of(findings))
    else:
        _table(findings)
        give(f"{chosen.reference}")
        give(f"page      {page}")
        give(f"networks  popnet show {done.run.folder}")
    failed = done.by_status.get(Status.DIVERGED, 0)
    raise typer.Exit(SOME_FAILED if failed else DONE)


def _table(findings: list[Finding]) -> None:
    """One claim after the other, its verdict first."""
    for finding in findings:
        give(f"{finding.verdict:14} {finding.says}")
        give(f"{'':14} {finding.measured}")
        give(f"{'':14} {finding.statistic}")
        if finding.note:
            give(f"{'':14} {finding.note}")
        give("")
