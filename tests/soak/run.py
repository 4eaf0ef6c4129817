"""make soak: a sweep through a weekend of faults, in half an hour, beside a quiet one.

The same sweep is launched twice: on this machine, undisturbed, and on a cluster of
three workers and a head while a seeded schedule of faults goes on.  Then everything is
compared: no network lost, none double, no bit different, MLflow with as many runs.
Writes runs/soak/log.jsonl; with --readme also the table and the figure into
popnet/sweep/README.md.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import yaml

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from check import Verdict, compared  # noqa: E402
from faults import FAULTS  # noqa: E402
from helpers.machines import POPNET, why_not  # noqa: E402
from lab import Lab  # noqa: E402
from shown import into_page, publish  # noqa: E402

SWEEP = {
    "name": "soak",
    "seed": 60,
    "networks": 20,
    # 32 units at 10 ms: seconds a network, thousands of small writes
    "network": {"units": 32, "dt_s": 0.01, "tau_s": {"mean": 0.1}},
    "task": {"name": "dnms"},
    "rule": {"name": "reward_hebbian"},
    "train": {"trials": 12_000, "until": None, "curve_every": 500},
    "grid": {
        "network.tau_s.spread": [0.0, 0.2, 0.4],
        "rule.learning_rate": [0.02, 0.05, 0.1, 0.2],
    },
    "after": {
        "trials": 2,
        "perturb": [{"name": "synaptic_jitter", "levels": [0, 0.2]}],
        "other_tasks": ["dms"],
    },
    "machine": {"checkpoint_s": 2.0, "shard": 4},
}
LONGEST_S = 3600.0
GAP_S = 25.0
"""Between two faults, at most, however slowly the networks come."""


class Soak:
    """One run of the schedule."""

    def __init__(self, lab: Lab, networks: int, faults: int, seed: int):
        self.lab, self.networks, self.dice = lab, networks, Random(seed)
        self.log: list[dict] = []
        self.began = time.monotonic()
        names = list(FAULTS)
        todo = [names[i % len(names)] for i in range(faults)]
        self.dice.shuffle(todo)
        self.todo = todo
        self.codes: list[int] = []

    def note(self, kind: str, what: str) -> None:
        entry = {
            "at_s": round(time.monotonic() - self.began, 1), "kind": kind,
            "what": what, "recorded": self.lab.recorded(),
        }  # fmt: skip
        self.log.append(entry)
        with (self.lab.folder / "log.jsonl").open("a") as handle:
            handle.write(json.dumps(entry) + "\n")
        print(f"{entry['at_s']:7.1f} s  {entry['recorded']:4}  {what}", flush=True)

    def alive(self) -> bool:
        """Whether the launch still has something to do; one that ended is repeated."""
        process = self.lab.launch
        code = None if process is None else process.poll()
        if process is not None and code is None:
            return True
        if code is not None:
            self.codes.append(code)
            if code == 0 and not self.todo:
                return False
            if code not in (-9, 3):
                self.note("launch", f"popnet launch ended with exit code {code}")
        self.lab.start_launch()
        return True

    def run(self) -> None:
        """All faults in turn, spread over the sweep; then to its end."""
        total, last = len(self.todo), time.monotonic()
        while self.alive():
            if time.monotonic() - self.began > LONGEST_S:
                raise RuntimeError("the soak does not come to its end")
            time.sleep(0.5)
            if not self.todo:
                self.note_progress()
                continue
            struck = total - len(self.todo)
            due = self.lab.recorded() >= self.networks * struck / (total + 3)
            if not due and time.monotonic() - last < GAP_S:
                continue
            self.strike()
            last = time.monotonic()

    def strike(self) -> None:
        kind = self.todo.pop(0)
        what = FAULTS[kind](self.lab, self.dice)
        if what is None:  # nothing to act on: later
            self.todo.insert(self.dice.randint(0, len(self.todo)), kind)
            return
        self.note(kind, what)

    def note_progress(self) -> None:
        if not self.log or time.monotonic() - self.began - self.log[-1]["at_s"] > 15:
            self.note("progress", "no more faults")


def reference(folder: Path, sweep: Path) -> float:
    """The sweep on this machine alone; returns its seconds."""
    began = time.monotonic()
    command = [POPNET, "launch", str(sweep), "--out", str(folder / "quiet")]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    return time.monotonic() - began


def main() -> int:
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--faults", type=int, default=66)
    ask.add_argument("--seed", type=int, default=1)
    ask.add_argument("--networks", type=int, help="per condition (there are 12)")
    ask.add_argument("--out", type=Path, default=Path("runs/soak"))
    ask.add_argument("--readme", action="store_true", help="write sweep/README.md")
    given = ask.parse_args()
    if reason := why_not():
        print(f"the soak needs machines of its own: {reason}", file=sys.stderr)
        return 2
    folder = given.out.resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    settings = {**SWEEP, "networks": given.networks or SWEEP["networks"]}
    sweep = folder / "sweep.yaml"
    sweep.write_text(yaml.safe_dump(settings, sort_keys=False))
    quiet_s = reference(folder, sweep)
    print(f"undisturbed, without a cluster: {quiet_s:.0f} s", flush=True)
    lab = Lab(folder, sweep)
    try:
        lab.boot()
        lab.start_mlflow()
        lab.wait_for_mlflow()
        soak = Soak(lab, 12 * settings["networks"], given.faults, given.seed)
        soak.run()
        lab.wait_for_mlflow()
        verdict: Verdict = compared(folder / "quiet", lab.out, lab.folder / "mlflow")
        soak_s = time.monotonic() - soak.began
    finally:
        lab.close()
    text = publish(folder, soak.log, verdict, quiet_s, soak_s, lab.launches)
    print(text)
    if given.readme:
        into_page(text, folder)
    return 0 if verdict.whole else 1


if __name__ == "__main__":
    sys.exit(main())
