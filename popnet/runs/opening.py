"""Opens the folder of a run for reading."""

from __future__ import annotations

from pathlib import Path

from popnet.config import ConfigError
from popnet.runs.earlier_run import EarlierRun
from popnet.runs.physics import is_earlier, physics_of
from popnet.runs.run import Run
from popnet.runs.untrusted import refuse_links


def open_run(folder: str | Path) -> Run:
    """Open a run's folder; nothing is written.

    Raises ConfigError when it is not the folder of a run, or has links in it.
    """
    path = Path(folder)
    if not (path / "sweep.yaml").is_file():
        near = sorted(p.parent.name for p in path.parent.glob("*/sweep.yaml"))
        known = f" Runs there: {', '.join(near[:8])}." if near else ""
        raise ConfigError(f"{path}: not a run (no sweep.yaml in it).{known}")
    run = Run(path)
    refuse_links(run.out, run.name, run.store.backend)
    if is_earlier(physics_of(run.provenance())):
        return EarlierRun(path)
    return run
