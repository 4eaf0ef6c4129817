"""``popnet study``: repeats a paper's experiments and tests its claims one by one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from popnet.status import Status

from .launching import launched
from .shell import (
    DONE,
    SOME_FAILED,
    WRONG,
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
    from popnet.config import LoadedSweep, Source
    from popnet.runs.findings import Finding
    from popnet.studies import Study

Name = Annotated[
    str | None,
    typer.Argument(help="a study; without one all are listed", metavar="[NAME]"),
]
Scale = Annotated[
    str | None,
    typer.Option("--scale", help="its sweep file; default: its smallest"),
]


@guarded
def study(
    name: Name = None,
    scale: Scale = None,
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
    from popnet.report import write_report
    from popnet.runs import writing
    from popnet.runs.findings import rows_of
    from popnet.runs.fingerprint import record_fingerprint, recorded_fingerprint
    from popnet.studies.conclude import conclude

    if name is None:
        _list(as_json)
        return
    settings = overrides(set_, device, workers)
    chosen, loaded, source = _study_and_sweep(name, scale, settings)
    done = launched(loaded, source, out, address, tracking_uri, storage)
    for note in done.notes:
        say(f"note: {note}")
    with writing(done.run.folder):
        current = recorded_fingerprint(done.run)
        findings, page = conclude(chosen, done.run)
        write_report(done.run)  # it shows the table too
        record_fingerprint(done.run, current)
    if as_json:
        give_json(rows_of(findings))
    else:
        _table(findings)
        give(f"{chosen.reference}\npage      {page}")
        give(f"networks  popnet show {done.run.folder}")
    failed = done.by_status.get(Status.DIVERGED, 0)
    raise typer.Exit(SOME_FAILED if failed else DONE)


def _study_and_sweep(
    name: str, scale: str | None, settings: list[str]
) -> tuple[Study[Any], LoadedSweep, Source]:
    """Return the study of this name and its sweep at this scale.

    Raises ConfigError when there is no such study or scale, or when the study refuses
    the sweep with these settings.
    """
    from popnet.catalogue import load_sweep
    from popnet.config import ConfigError
    from popnet.studies import STUDIES

    if name not in STUDIES:
        raise ConfigError(f"no study {name!r}; there is: {', '.join(STUDIES)}.")
    study = STUDIES[name]
    scale = scale or next(iter(study.scales))
    if scale not in study.scales:
        known = ", ".join(study.scales)
        raise ConfigError(f"--scale {scale!r}: {name} has the scales {known}.")
    loaded, source = load_sweep(study.scales[scale], settings)
    if (why := study.refuse(loaded)) is not None:
        raise ConfigError(f"popnet study {name}: {why}.")
    return study, loaded, source


def _list(as_json: bool) -> None:
    """List the studies, those of installed packages after popnet's own."""
    from popnet.config import ConfigError
    from popnet.studies import STUDIES

    described: list[dict[str, Any]] = []
    problems = STUDIES.problems()
    for name in STUDIES:
        try:
            study, package = STUDIES[name], STUDIES.package(name)
        except ConfigError as error:
            problems.append(str(error))
            continue
        about = {"summary": study.summary, "reference": study.reference}
        about |= {"package": package} if package else {}
        described.append({"name": name, **about, "scales": list(study.scales)})
    if as_json:
        give_json(described)
    for about in [] if as_json else described:
        package = f"  (package {about['package']})" if "package" in about else ""
        give(f"{about['name']}: {about['summary']}  [{about['reference']}]{package}")
        give(f"    --scale {'|'.join(about['scales'])}")
    for problem in dict.fromkeys(problems):
        say(f"popnet: {problem}")
    if problems:
        raise typer.Exit(WRONG)


def _table(findings: list[Finding]) -> None:
    """Print one claim after the other, its verdict first."""
    for finding in findings:
        give(f"{finding.verdict:14} {finding.says}")
        give(f"{'':14} {finding.measured}")
        give(f"{'':14} {finding.statistic}")
        if finding.smallest:
            give(f"{'':14} smallest effect of interest: {finding.smallest}")
        if finding.note:
            give(f"{'':14} {finding.note}")
        give("")
