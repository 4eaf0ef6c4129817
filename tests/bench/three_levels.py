"""Times a study's whole comparison of 50 networks: dynamics, weights, behaviour.

python tests/bench/three_levels.py          with any of these:
    --networks N                            another number of networks
    --scale quick                           the small size of the study
    --readme                                write the part of bench/README.md
    --check                                 ends with 1 when the limit is missed

The networks are those of the second condition of `popnet study degeneracy` (flip-flop
of 3 bits), trained for one step of 64 trials.  Timed is `popnet compare`, a command of
its own, with every metric that the study asks for, each of its nulls counted as one;
it uses all cores.  Wall time, Ray and the preparing of networks included.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import yaml
from table import load, number, processor, replaced

ROOT = Path(__file__).resolve().parents[2]
STUDY = ROOT / "popnet" / "studies" / "degeneracy"
POPNET = str(Path(sys.executable).with_name("popnet"))
PAGE = Path(__file__).resolve().with_name("README.md")
MARKS = (
    "<!-- three levels: made by `python tests/bench/three_levels.py --readme` -->",
    "<!-- end of three levels -->",
)
NAME = "three-levels"
CONDITION = 1
"""Its place in the study's list: 3 bits, the standard weights."""
NETWORKS, LIMIT_S = 50, 15 * 60


class Took(NamedTuple):
    """One comparison, timed."""

    networks: int
    units: int
    seconds: float
    values: dict[str, int]
    """Finite values that were computed, by metric."""
    loads: tuple[str, str]

    @property
    def missed(self) -> bool:
        """Whether it took longer than 50 networks may."""
        return self.networks >= NETWORKS and not self.seconds < LIMIT_S


def sweep_of(study: Mapping[str, Any], networks: int) -> dict[str, Any]:
    """One condition of the study, with a step of training and without what follows."""
    varied = {path: [v[CONDITION]] for path, v in study["grid"]["zip"][0].items()}
    varied.pop("train.until.error")
    after = {key: study["after"][key] for key in ("trials", "dynamics", "pairs")}
    return {
        **study, "name": NAME, "networks": networks,
        "train": {"trials": 64, "until": None},
        "grid": {"zip": [varied]}, "after": {**after, "sample": networks},
    }  # fmt: skip


def texts_of(study: Mapping[str, Any]) -> list[str]:
    """What the study compares, as --metric takes it: ``NAME:SETTING=VALUE,...``."""
    made = []
    for asked in study["after"]["compare"]:
        name, given = (
            (asked, {}) if isinstance(asked, str) else (asked["name"], dict(asked))
        )
        given.pop("name", None)
        settings = ",".join(f"{k}={yaml_text(v)}" for k, v in given.items())
        made.append(f"{name}:{settings}" if settings else name)
    return made


def yaml_text(value: object) -> str:
    """A value as YAML has it: true, 20, relative."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def timed(networks: int, scale: str, folder: Path) -> Took:
    """Trains the networks, then times their comparison."""
    study = yaml.safe_load((STUDY / f"{scale}.yaml").read_text())
    sweep = sweep_of(study, networks)
    config, out = folder / "sweep.yaml", folder / NAME
    config.write_text(yaml.safe_dump(sweep))
    _ran("launch", str(config), "--out", str(folder))
    texts = texts_of(study)
    metrics = [word for text in texts for word in ("--metric", text)]
    before, began = load(), time.monotonic()
    _ran("compare", str(out), "--no-nulls", *metrics)
    seconds, loads = time.monotonic() - began, (before, load())
    (network,) = sweep["grid"]["zip"][0]["network"]
    return Took(networks, network["units"], seconds, counted(out, texts), loads)


def _ran(*words: str) -> None:
    done = subprocess.run([POPNET, *words], check=False, stdout=sys.stderr)
    if done.returncode not in (0, 1):
        raise SystemExit(f"popnet {words[0]} ended with exit code {done.returncode}")


def counted(out: Path, metrics: Sequence[str]) -> dict[str, int]:
    """Finite values that the run has, by metric; raises where one has none at all."""
    from popnet.catalogue import metric_of_text
    from popnet.runs import open_run
    from popnet.runs.tables import comparison_rows

    found = {}
    for text in metrics:
        rows = comparison_rows(open_run(out), [metric_of_text(text, "--metric")])
        found[text] = int(np.isfinite(rows["value"].astype(float)).sum())
    if empty := [text for text, count in found.items() if not count]:
        raise SystemExit(f"no value at all of {', '.join(empty)}; nothing was timed")
    return found


def report(took: Took) -> str:
    """The table of one comparison, with its limit and verdict."""
    verdict = "**over the limit**" if took.missed else "within the limit"
    limit = f"{LIMIT_S // 60} min" if took.networks >= NETWORKS else "none of so few"
    rows = {
        "networks, all compared in pairs": f"{took.networks} of {took.units} units",
        "metrics, nulls counted": f"{len(took.values)}",
        "values": f"{sum(took.values.values()):,}",
        "the whole comparison, wall time": f"{number(took.seconds / 60)} min",
        "limit": limit if took.networks < NETWORKS else f"{limit}: {verdict}",
        "machine": f"{processor()}; load {took.loads[0]}, at the end {took.loads[1]}",
    }
    lines = ["| | |", "|---|---|", *(f"| {k} | {v} |" for k, v in rows.items())]
    return "\n".join([*lines, "", f"Metrics: {', '.join(took.values)}."])


def main() -> int:
    """The command."""
    ask = argparse.ArgumentParser(description="a study's whole comparison, timed")
    ask.add_argument("--networks", type=int, default=NETWORKS)
    ask.add_argument("--scale", choices=("paper", "quick"), default="paper")
    ask.add_argument("--readme", action="store_true", help="write bench/README.md")
    ask.add_argument("--check", action="store_true", help="1 if it took too long")
    given = ask.parse_args()
    if given.readme and (given.networks, given.scale) != (NETWORKS, "paper"):
        ask.error(f"--readme is of {NETWORKS} networks at the paper's scale")
    with tempfile.TemporaryDirectory() as folder:
        took = timed(given.networks, given.scale, Path(folder))
    text = report(took)
    print(text)
    if given.readme:
        PAGE.write_text(replaced(PAGE.read_text(), text, *MARKS))
    return int(given.check and took.missed)


if __name__ == "__main__":
    sys.exit(main())
