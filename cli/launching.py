"""``popnet plan`` and ``popnet launch``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from popnet.status import Status

from .shell import (
    DONE,
    INTERRUPTED,
    SOME_FAILED,
    Address,
    AsJson,
    Device,
    Out,
    Overrides,
    Storage,
    SweepFile,
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
    from popnet.sweep.launch import Launched


@guarded
def plan(
    sweep: SweepFile,
    out: Out = Path("runs"),
    storage: Storage = None,
    set_: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """What launch would do: conditions, networks, packs, memory.  Starts nothing."""
    from popnet.catalogue import load_sweep
    from popnet.config.garbage_collection import uncollected

    with uncollected():
        loaded, source = load_sweep(sweep, set_)
        summary, labels = _planned(loaded, source, out, storage)
    if as_json:
        give_json(summary)
        return
    for key, value in summary.items():
        if key == "notes":
            continue
        shown = f"{value / 2**20:.1f} MiB" if key.startswith("bytes_") else value
        give(f"{key.replace('_', ' '):18} {shown}")
    for label in labels[:20]:
        give(f"  {label or 'one condition'}")
    if len(labels) > 20:
        give(f"  ... and {len(labels) - 20} more")
    for note in summary.get("notes", []):
        give(f"note: {note}")


def _planned(
    loaded: LoadedSweep, source: Source, out: Path, storage: str | None
) -> tuple[dict[str, Any], list[str]]:
    """Return counts and bytes of what a launch would do, and the conditions' labels."""
    from popnet.plan import cautions, memory_of, networks, packs
    from popnet.runs.checksums import refuse_damaged
    from popnet.runs.physics import refuse_earlier
    from popnet.runs.search_ledger import Ledger, asked_for, with_tried
    from popnet.store import Store
    from popnet.store.location import choose

    folder = out / loaded.sweep.name
    store = Store(choose(out, storage))
    refuse_damaged(Path(source.file))
    refuse_earlier(folder, store)
    ledger = Ledger(folder, loaded.sweep) if loaded.sweep.search else None
    loaded = with_tried(loaded, source, folder)
    stopped = ledger.stopped() if ledger else {}
    planned = {n.key: n for n in networks(loaded)}
    recorded = store.recorded()
    missing = [n for key, n in planned.items() if key not in recorded]
    new = [n for n in missing if n.condition not in stopped]
    conditions = asked_for(loaded, ledger)
    unknown = conditions - len(loaded.conditions)  # the search will choose them
    unknown_networks = unknown * loaded.sweep.networks
    memory = [memory_of(c.config) for c in loaded.corners or loaded.conditions]
    trials = len(packs(new)) if ledger is None else len({n.condition for n in new})
    summary: dict[str, Any] = {
        "name": loaded.sweep.name,
        "conditions": conditions,
        "networks": len(planned) + unknown_networks,
        "done": len(planned) - len(missing),
        **({"stopped": len(missing) - len(new)} if ledger else {}),
        "new": len(new) + unknown_networks,
        "packs": trials + unknown,
        "bytes_per_network": max(m.each for m in memory),
        "bytes_per_step": max(m.step for m in memory),
        **({"notes": notes} if (notes := cautions(loaded)) else {}),
    }
    return summary, list(dict.fromkeys(n.label for n in planned.values()))


@guarded
def launch(
    sweep: SweepFile,
    out: Out = Path("runs"),
    storage: Storage = None,
    address: Address = None,
    tracking_uri: TrackingUri = None,
    set_: Overrides = None,
    device: Device = None,
    workers: Workers = None,
) -> None:
    """Train, perturb, compare, record and report.  Run again: it continues."""
    from popnet.catalogue import load_sweep

    loaded, source = load_sweep(sweep, overrides(set_, device, workers))
    done = launched(loaded, source, out, address, tracking_uri, storage)
    _conclude(done)
    failed = done.by_status.get(Status.DIVERGED, 0)
    raise typer.Exit(SOME_FAILED if failed else DONE)


def launched(
    loaded: LoadedSweep,
    source: Source,
    out: Path,
    address: str | None,
    tracking_uri: str | None,
    storage: str | None = None,
) -> Launched:
    """Launch a sweep and show its progress.

    When the user interrupts it, it tells how to continue and raises typer.Exit.
    """
    from popnet.plan import cautions
    from popnet.sweep.launch import launch as launch_sweep

    from .launch_progress import shown_progress

    for note in cautions(loaded):
        say(f"note: {note}")
    try:
        with shown_progress(loaded.sweep.name) as listen:
            return launch_sweep(
                loaded, source, out, address=address, tracking_uri=tracking_uri,
                storage=storage, listen=listen,
            )  # fmt: skip
    except KeyboardInterrupt:
        from popnet.runs.provenance import command_line

        say(
            "interrupted; finished networks and the last checkpoints are on disk. "
            f"Continue with: {shlex.join(command_line())}"
        )
        raise typer.Exit(INTERRUPTED) from None


def _conclude(done: Launched) -> None:
    run = done.run
    counts = ", ".join(f"{n} {status}" for status, n in sorted(done.by_status.items()))
    new = f"{done.trained} trained now" if done.trained else "nothing to train"
    stopped = "or stopped " if done.by_status.get(Status.STOPPED) else ""
    give(f"{run.name}: all {run.planned()} networks done {stopped}({counts}); {new}.")
    if run.ledger is not None:
        give(f"search    {run.folder}/search.json (what was tried, stopped when)")
    for note in done.notes:
        say(f"note: {note}")
    diverged = [
        key
        for key, status in zip(run.table()["key"], run.table()["status"], strict=True)
        if status == Status.DIVERGED
    ]
    if diverged:
        first = ", ".join(diverged[:5]) + (" ..." if len(diverged) > 5 else "")
        say(f"{len(diverged)} networks diverged: {first}")
    give(f"report    {run.folder / 'report' / 'index.html'}")
    give(f"tables    {run.folder}/*.parquet   (popnet show {run.folder})")
    give(f"MLflow    popnet ui {run.folder}")
