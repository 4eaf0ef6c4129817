"""``popnet report``, ``popnet sync``, ``popnet ui`` and ``popnet doctor``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from .shell import (
    DONE,
    WRONG,
    Address,
    Out,
    RunFolder,
    Storage,
    TrackingUri,
    give,
    guarded,
    say,
)


@guarded
def report(run: RunFolder) -> None:
    """Make the tables and the report of a run again; not while it is launched.

    The tables of a run of an earlier physics stay as they are.
    """
    from popnet.report import write_report
    from popnet.report.results import make_results
    from popnet.runs import open_run, writing
    from popnet.runs.earlier_run import EarlierRun
    from popnet.runs.findings import read_findings

    opened = open_run(run)
    # both raise on damaged files before anything is written
    _ = opened.sweep, read_findings(opened.folder)
    with writing(opened.folder):
        earlier = isinstance(opened, EarlierRun)
        give(str(write_report(opened) if earlier else make_results(opened)))


@guarded
def sync(run: RunFolder, tracking_uri: TrackingUri = None) -> None:
    """Fill MLflow from the run's folder; nothing is doubled.

    Tables and report are made first where they are not those of the store's records.
    """
    from popnet.config import ConfigError
    from popnet.report.results import make_results
    from popnet.runs import open_run, writing
    from popnet.runs.addresses import tracking_address
    from popnet.runs.fingerprint import fingerprint, recorded_fingerprint
    from popnet.runs.physics import refuse_run
    from popnet.tracking import TrackingError
    from popnet.tracking import sync as fill
    from popnet.tracking.database import check_mlflow

    address = tracking_address(tracking_uri)
    opened = open_run(run)
    refuse_run(opened.folder, opened.provenance())
    _ = opened.sweep  # raises on a damaged one before anything is written
    if address is None:
        check_mlflow(opened.out / "mlflow.db")
    with writing(opened.folder):
        # a launch that was killed has put networks into MLflow that no table has yet
        if recorded_fingerprint(opened) != fingerprint(opened):
            make_results(opened)
        try:
            done = fill(opened, address)
        except TrackingError as error:
            raise ConfigError(str(error)) from None
    give(
        f"experiment {done.experiment}: {done.created} runs made, {done.completed} "
        f"filled in, {done.unchanged} already complete"
    )


@guarded
def ui(
    run: Annotated[
        Path | None, typer.Argument(help="a run's folder, or the folder of runs")
    ] = None,
    port: Annotated[int, typer.Option("--port", help="on loopback")] = 5000,
) -> None:
    """The MLflow UI on a run's embedded store, on this machine only."""
    from popnet.config import ConfigError
    from popnet.runs import open_run
    from popnet.tracking import page, serve_command
    from popnet.tracking.database import check_mlflow

    folder = run or Path("runs")
    out = folder if (folder / "mlflow.db").is_file() else folder.resolve().parent
    if not (out / "mlflow.db").is_file():
        raise ConfigError(
            f"{folder}: no MLflow store (mlflow.db) there; `popnet sync RUN` makes one."
        )
    check_mlflow(out / "mlflow.db")
    command, environment = serve_command(out, port=port)
    say(f"MLflow on http://127.0.0.1:{port} (stop: Ctrl-C)")
    if out != folder:
        say(f"networks  {page(open_run(folder), port=port)}")
    os.execve(command[0], command, {**os.environ, **environment})


@guarded
def doctor(
    out: Out = Path("runs"), address: Address = None, storage: Storage = None
) -> None:
    """Is this machine, cluster and store fit to run?"""
    from popnet.runs.addresses import check_address
    from popnet.runs.provenance import machine, provenance

    check_address(address)
    about = provenance([])
    fine = True

    def line(what: str, good: bool | None, text: str) -> None:
        nonlocal fine
        fine = fine and good is not False
        mark = {True: "ok  ", False: "BAD ", None: "    "}[good]
        give(f"{mark} {what:10} {text}")

    versions: dict[str, Any] = about["versions"]
    missing = [name for name, v in versions.items() if v == "not installed"]
    listed = ", ".join(f"{name} {v}" for name, v in versions.items())
    line("versions", not missing, listed)
    here = machine()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
    line(
        "machine", None,
        f"{here['processor']}, {cores or here['cores']} cores, "
        f"{here['memory_gib']} GiB, {' '.join(here['instruction_sets'])}",
    )  # fmt: skip
    from popnet.sweep import diagnosis

    for what, good, text in diagnosis.check(out, address, storage):
        line(what, good, text)
    raise typer.Exit(DONE if fine else WRONG)
