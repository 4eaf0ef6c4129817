"""Does any study again and writes the README page of its folder: ``make study``.

    python tests/papers/study.py NAME SCALE

``popnet study`` into runs/studies (what is there is not trained again), then
popnet/studies/NAME/README.md with the table of claims and the page's figures.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import popnet as pn
from popnet.studies import STUDIES
from popnet.studies.readme import write_readme

ROOT = Path(__file__).resolve().parents[2]
RUNS = ROOT / "runs" / "studies"


def done(name: str, scale: str) -> tuple[pn.Run, float]:
    """The study's run, and the seconds all its launches took."""
    took = RUNS / f"{name}-{scale}.seconds.json"
    before = json.loads(took.read_text()) if took.exists() else 0.0
    begin = time.monotonic()
    popnet = Path(sys.executable).with_name("popnet")
    command = [popnet, "study", name, "--scale", scale, "--out", RUNS]
    subprocess.run(command, check=True)
    seconds = time.monotonic() - begin
    if before == 0.0 or seconds > 300:  # else nothing was trained or tested
        took.write_text(json.dumps(before + seconds))
    return pn.open_run(RUNS / f"{name}-{scale}"), json.loads(took.read_text())


def main(name: str, scale: str) -> None:
    """Do it, then write the page."""
    run, seconds = done(name, scale)
    study = STUDIES[name]
    write_readme(name, study, scale, run, seconds, study.scales[scale].parent)


if __name__ == "__main__":
    main(*sys.argv[1:])
