"""make scale: 3,400 networks from the file to the report, memory and rates on the way.

Launches configs/scale.yaml in a folder of its own, watches the launching process and
its family, asks MLflow's server what its page asks, launches again, and draws.
    --readme     write the part of bench/README.md, and its figure
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import psutil
from mlflow_search import BEST, NETWORKS, served, timed
from table import replaced

ROOT = Path(__file__).resolve().parents[2]
POPNET = str(Path(sys.executable).with_name("popnet"))
PAGE = Path(__file__).resolve().with_name("README.md")
FIGURE = "scale.png"
MARKS = "<!-- scale: made by `make scale ARGS=--readme` -->", "<!-- end of scale -->"
MIB = 2**20


class Seen(NamedTuple):
    """One look at a launch."""

    at_s: float
    driver: float
    """Resident memory of the launching process, MiB."""
    family: float
    """Of it and all that it started; shared pages count once for each."""
    recorded: int
    """Networks on disk."""


def launch(config: Path, out: Path) -> tuple[list[Seen], dict[str, float]]:
    """Run ``popnet launch``; what was seen each second, and when each stage began."""
    command = [POPNET, "launch", str(config), "--out", str(out)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    began, stages = time.monotonic(), dict[str, float]()

    def read() -> None:
        assert process.stderr is not None
        for line in process.stderr:
            words = line.split(":", 1)[-1].strip()
            stage = "training" if words[:1].isdigit() else words.split(" ")[0]
            stages.setdefault(stage, time.monotonic() - began)
            sys.stderr.write(line)

    reader = threading.Thread(target=read)
    reader.start()
    seen, keys = [], set[str]()
    known = set[str]()
    while process.poll() is None:
        seen.append(_look(process.pid, time.monotonic() - began, out, keys, known))
        time.sleep(1.0)
    reader.join()
    if process.returncode not in (0, 1):
        raise SystemExit(f"popnet launch ended with exit code {process.returncode}")
    stages["end"] = time.monotonic() - began
    return seen, stages


def _look(pid: int, at_s: float, out: Path, keys: set[str], known: set[str]) -> Seen:
    driver, family = 0.0, 0.0
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        driver = family = process.memory_info().rss / MIB
        for child in process.children(recursive=True):
            with suppress(psutil.Error):
                family += child.memory_info().rss / MIB
    for path in (out / "store").glob("[im]*/*.json"):  # index and merged
        if path.name not in known:
            with suppress(OSError, ValueError):
                entry = json.loads(path.read_text())
                known.add(path.name)
                keys |= set(entry["keys"]) if entry["kind"] == "networks" else set()
    return Seen(at_s, driver, family, len(keys))


def search_s(out: Path, name: str) -> tuple[float, int]:
    """Seconds of "best 20 by accuracy" on the real server, and all MLflow networks."""
    import sqlite3

    with sqlite3.connect(out / "mlflow.db") as database:
        (experiment,) = database.execute(
            "SELECT experiment_id FROM experiments WHERE name = ?", (name,)
        ).fetchone()
        (count,) = database.execute(
            "SELECT count(*) FROM runs JOIN tags USING (run_uuid) WHERE key = "
            "'popnet.kind' AND value = 'network' AND lifecycle_stage = 'active'"
        ).fetchone()
    given: dict[str, Any] = {
        "experiment_ids": [str(experiment)], "filter": NETWORKS, "order_by": BEST,
        "max_results": 20, "run_view_type": "ACTIVE_ONLY",
    }  # fmt: skip
    with served(out) as server:
        seconds, found = timed(server, given)
        assert len(found) == 20
    return seconds, count


def draw(path: Path, seen: list[Seen], stages: dict[str, float]) -> None:
    """Memory and networks on disk over the minutes of the launch."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (above, below) = pyplot.subplots(
        2, 1, sharex=True, figsize=(9, 5), layout="constrained"
    )
    minutes = [s.at_s / 60 for s in seen]
    above.plot(minutes, [s.recorded for s in seen], color="k")
    above.set(ylabel="networks on disk", ylim=(0, None))
    below.plot(minutes, [s.family for s in seen], color="0.6", label="all processes")
    below.plot(minutes, [s.driver for s in seen], color="#0072B2", label="driver")
    below.set(ylabel="resident memory, MiB", xlabel="minutes", ylim=(0, None))
    below.legend(frameon=False)
    for stage, at_s in stages.items():
        above.axvline(at_s / 60, color="#D55E00", linewidth=0.6)
        above.text(at_s / 60, 0, f" {stage}", rotation=90, fontsize=7, va="bottom")
    for axes in (above, below):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def report(
    seen: list[Seen], stages: dict[str, float], again_s: float, found_s: float,
    in_mlflow: int,
) -> str:  # fmt: skip
    """The table of the page."""
    networks = seen[-1].recorded
    first = next(s for s in seen if s.recorded)
    last = next(s for s in seen if s.recorded == networks)
    rate = (networks - first.recorded) / max(1.0, last.at_s - first.at_s)
    training = [s.driver for s in seen if 0 < s.recorded < networks]
    tenth = max(1, len(training) // 10)
    early, late = max(training[tenth : 2 * tenth]), max(training[-tenth:])
    rows = {
        "networks, from the file to the report": f"{networks:,} in "
        f"{stages['end'] / 60:.1f} min",
        "recorded while they train": f"{rate:.1f} networks/s",
        "memory of the driver, early / late in training": f"{early:.0f} / "
        f"{late:.0f} MiB",
        "memory of the driver at most": f"{max(s.driver for s in seen):.0f} MiB",
        "after the last network: tests, tables, report, MLflow": ""
        f"{(stages['end'] - last.at_s) / 60:.1f} min",
        "networks in MLflow": f"{in_mlflow:,}",
        "its page's search for the best 20 by accuracy": f"{found_s:.2f} s",
        "launched again: all done": f"{again_s:.1f} s",
    }
    lines = ["| | |", "|---|---|", *(f"| {k} | {v} |" for k, v in rows.items())]
    return "\n".join(lines)


def main() -> int:
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--config", type=Path, default=ROOT / "configs" / "scale.yaml")
    ask.add_argument("--out", type=Path, default=Path("runs/scale"))
    ask.add_argument("--readme", action="store_true", help="write bench/README.md")
    given = ask.parse_args()
    out = given.out.resolve()
    shutil.rmtree(out, ignore_errors=True)
    seen, stages = launch(given.config, out)
    began = time.monotonic()
    command = [POPNET, "launch", str(given.config), "--out", str(out)]
    subprocess.run(command, check=False, stderr=subprocess.DEVNULL)
    again_s = time.monotonic() - began
    name = next(p.parent.name for p in out.glob("*/networks.parquet"))
    found_s, count = search_s(out, name)
    text = report(seen, stages, again_s, found_s, count)
    draw(out / FIGURE, seen, stages)
    (out / "scale.json").write_text(json.dumps([s._asdict() for s in seen]))
    print(text)
    if given.readme:
        shutil.copy(out / FIGURE, PAGE.with_name(FIGURE))
        part = f"{text}\n\n![memory over the launch]({FIGURE})"
        PAGE.write_text(replaced(PAGE.read_text(), part, *MARKS))
    return 0


if __name__ == "__main__":
    sys.exit(main())
