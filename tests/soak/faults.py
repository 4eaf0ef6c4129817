"""What can happen over a weekend.  Each fault acts on a Lab and says what it did.

A fault returns None where there is nothing to act on at the moment (no test is under
way, no checkpoint lies there): it is tried again later.
"""

from __future__ import annotations

import signal
import time
from contextlib import suppress
from pathlib import Path
from random import Random

import psutil
from lab import Lab

WAIT_S = 20.0


def _kill_one(lab: Lab, dice: Random, title: str) -> str | None:
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        found = lab.processes(title)
        if found:
            number, process = dice.choice(found)
            with suppress(psutil.Error):
                process.kill()
                return f"kill -9 of {title} on machine {number}"
        time.sleep(0.05)
    return None


def shard_actor(lab: Lab, dice: Random) -> str | None:
    return _kill_one(lab, dice, "ray::Shard")


def pack(lab: Lab, dice: Random) -> str | None:
    return _kill_one(lab, dice, "ray::ResourceTrainable")


def evaluation(lab: Lab, dice: Random) -> str | None:
    return _kill_one(lab, dice, "ray::_test")


def recorder(lab: Lab, dice: Random) -> str | None:
    return _kill_one(lab, dice, "ray::Recorder")


def machine(lab: Lab, dice: Random) -> str | None:
    """A power cut; the machine is back after some seconds."""
    number = dice.choice(lab.workers)
    lab.machines.kill(number)
    time.sleep(dice.uniform(1, 8))
    lab.machines.start(number)
    return f"power cut of machine {number}"


def spot_machine(lab: Lab, dice: Random) -> str | None:
    """The cloud takes a machine back: SIGTERM, 5 s of grace, then the power is cut."""
    number = dice.choice(lab.workers)
    lab.machines.terminate(number)
    time.sleep(5)
    lab.machines.kill(number)
    lab.machines.start(number)
    return f"SIGTERM to machine {number}, cut after 5 s"


def head(lab: Lab, dice: Random) -> str | None:
    """The head and the launch on it; everything is started again."""
    for number in [0, *lab.workers]:
        lab.machines.kill(number)
    lab.boot()
    return "power cut of the head; cluster and launch started again"


def driver(lab: Lab, dice: Random) -> str | None:
    if lab.driver() is None:
        return None
    lab.stop_launch(signal.SIGKILL)
    return "kill -9 of popnet launch; launched again"


def driver_told(lab: Lab, dice: Random) -> str | None:
    if lab.driver() is None:
        return None
    code = lab.stop_launch(signal.SIGTERM)
    return f"SIGTERM to popnet launch (exit code {code}); launched again"


def mlflow(lab: Lab, dice: Random) -> str | None:
    away = dice.uniform(5, 40)
    lab.kill_mlflow()
    time.sleep(away)
    lab.start_mlflow()
    return f"kill -9 of the MLflow server, away for {away:.0f} s"


def full_disk(lab: Lab, dice: Random) -> str | None:
    filler, seconds = lab.disk / "filler", dice.uniform(3, 10)
    with suppress(OSError), filler.open("wb", buffering=0) as handle:
        while True:
            handle.write(b"\0" * 2**20)
    time.sleep(seconds)
    filler.unlink()
    return f"disk full for {seconds:.0f} s"


def _damage(path: Path, dice: Random) -> str:
    data = bytearray(path.read_bytes())
    if dice.random() < 0.5:
        path.write_bytes(bytes(data[: len(data) // 2]))
        return "cut in half"
    data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    path.write_bytes(bytes(data))
    return "one bit flipped"


def _some_file(lab: Lab, dice: Random, pattern: str) -> Path | None:
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        found = sorted((lab.out / "store").glob(pattern))
        if found:
            return dice.choice(found)
        time.sleep(0.1)
    return None


def damaged_checkpoint(lab: Lab, dice: Random) -> str | None:
    """A checkpoint is damaged, and the actor that wrote it dies."""
    path = _some_file(lab, dice, "checkpoints/*.safetensors")
    if path is None or lab.driver() is None:
        return None
    lab.stop_launch(signal.SIGKILL)
    if not path.is_file():
        return None
    return f"checkpoint {_damage(path, dice)}; launched again"


def damaged_record(lab: Lab, dice: Random) -> str | None:
    """A recorded file is damaged; the next launch finds it."""
    kinds = ["weights/*.safetensors", "networks/*.parquet", "evaluations/*.parquet"]
    pattern = dice.choice(kinds)
    if lab.driver() is None:
        return None
    lab.stop_launch(signal.SIGKILL)
    path = _some_file(lab, dice, pattern)
    if path is None:
        return None
    return f"{pattern.split('/')[0]} file {_damage(path, dice)}; launched again"


def no_kernel_cache(lab: Lab, dice: Random) -> str | None:
    """A new machine that has never compiled a kernel takes an old one's place."""
    number = dice.choice(lab.workers)
    lab.machines.kill(number)
    fresh = lab.folder / f"kernels{time.time_ns()}"
    fresh.mkdir()
    lab.machines.extra[number]["NUMBA_CACHE_DIR"] = str(fresh)
    lab.machines.start(number)
    return f"machine {number} replaced by one without compiled kernels"


def clock_jump(lab: Lab, dice: Random) -> str | None:
    number, hours = dice.choice(lab.workers), dice.choice([-26, -1, 1, 26])
    (lab.folder / f"clock{number}").write_text(f"{hours * 3600:+d}\n")
    return f"clock of machine {number} jumps to {hours:+d} h"


FAULTS = {
    "shard actor": shard_actor,
    "pack": pack,
    "evaluation": evaluation,
    "recorder": recorder,
    "machine": machine,
    "spot machine": spot_machine,
    "head": head,
    "driver": driver,
    "driver told": driver_told,
    "MLflow": mlflow,
    "full disk": full_disk,
    "damaged checkpoint": damaged_checkpoint,
    "damaged record": damaged_record,
    "no kernel cache": no_kernel_cache,
    "clock jump": clock_jump,
}
