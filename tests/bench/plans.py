"""Times `popnet plan` of 100,000 networks, as whole commands.  Prints a table.

    python tests/bench/plans.py [--quick]

Each sweep is planned on an empty store, and again where all its networks are recorded
(in batches of 100).  Wall seconds, CPU seconds of user and system, peak memory.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from popnet.catalogue import load_sweep
from popnet.plan import PHYSICS, digest, networks

SWEEP = """\
name: plans
seed: 7
networks: {seeds}
network: {{units: 20}}
task: dnms
rule: reward_hebbian
train: {{trials: 100}}
grid:
  network.tau_s.spread: {{sample: {a}, low: 0.0, high: 0.5}}
  rule.learning_rate: {{sample: {b}, low: 0.01, high: 0.1}}
  network.gain: {{sample: {c}, low: 0.5, high: 1.5}}
"""
SHAPES = {
    "100 conditions x 1,000": (1000, 10, 10, 1),
    "10,000 conditions x 10": (10, 100, 100, 1),
    "100,000 conditions x 1": (1, 100, 100, 10),
    "100,000 of one section": (1, 1, 100_000, 1),
}
POPNET = str(Path(sys.executable).with_name("popnet"))


class Timed(NamedTuple):
    """One command."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    new: int


def planned(folder: Path) -> Timed:
    """The command, as a user gives it."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    command = subprocess.Popen(
        [POPNET, "plan", "plans.yaml", "--json"], cwd=folder, stdout=subprocess.PIPE
    )
    assert command.stdout is not None
    said = command.stdout.read()
    command.stdout.close()
    _, status, used = os.wait4(command.pid, 0)
    command.returncode = status
    assert status == 0
    wall = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Timed(wall, cpu, used.ru_maxrss / 1024, json.loads(said)["new"])


def record(folder: Path, each: int = 100) -> None:
    """Entries of an index that holds all of the sweep's networks."""
    plan, _ = load_sweep(folder / "plans.yaml")
    keys = [network.key for network in networks(plan)]
    index = folder / "runs" / "store" / "index"
    index.mkdir(parents=True)
    for start in range(0, len(keys), each):
        some = sorted(keys[start : start + each])
        name = digest("networks", "", *some, size=12)
        files = {f"weights/{name}.safetensors": {"sha256": "0" * 64, "bytes": 1}}
        entry = {"kind": "networks", "keys": some, "files": files, "physics": PHYSICS}
        (index / f"{name}.json").write_text(json.dumps(entry))


def main() -> None:
    """Print the table."""
    shapes = list(SHAPES.items())[2:3] if "--quick" in sys.argv else SHAPES.items()
    print("| sweep | recorded | wall s | CPU s | peak MB |\n|---|---|---|---|---|")
    for name, (seeds, a, b, c) in shapes:
        with tempfile.TemporaryDirectory() as made:
            folder = Path(made)
            text = SWEEP.format(seeds=seeds, a=a, b=b, c=c)
            (folder / "plans.yaml").write_text(text)
            for recorded in (0, 100_000):
                if recorded:
                    record(folder)
                timed = planned(folder)
                assert timed.new == 100_000 - recorded
                cells = f"{timed.wall_s:.1f} | {timed.cpu_s:.1f} | {timed.peak_mb:.0f}"
                print(f"| {name} | {recorded:,} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
