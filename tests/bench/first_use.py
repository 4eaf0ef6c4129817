"""What the first use on a machine costs: kernels are compiled once and kept on disk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from case import Case, Products
from processes import ONE_THREAD
from table import Row, number
from timing import Effort


def use() -> dict[str, float]:
    """Seconds of the first step of each rule and of the first test, in this process."""
    import ours_bptt
    import ours_force
    from ours import DNMS, HEBBIAN, Learners
    from ours_testing import Frozen

    made = {
        "reward_hebbian": lambda: Learners(1, 1, task=DNMS, rule=HEBBIAN).step,
        "bptt": lambda: Learners(1, **ours_bptt.sections(64, 32)).step,
        "force": lambda: Learners(1, **ours_force.sections(200)).step,
        "tests of a frozen network": lambda: Frozen(1).tested,
    }
    seconds = {}
    for name, make in made.items():
        run = make()
        start = time.perf_counter()
        run()
        first = time.perf_counter() - start
        start = time.perf_counter()
        run()
        seconds[name] = first - (time.perf_counter() - start)
    return seconds


def _in_a_new_process(cache: str) -> dict[str, float]:
    here = Path(__file__)
    found = subprocess.run(
        [sys.executable, here.name], cwd=here.parent, capture_output=True, text=True,
        check=True, env={**os.environ, **ONE_THREAD, "NUMBA_CACHE_DIR": cache},
    )  # fmt: skip
    return json.loads(found.stdout)


def measure(effort: Effort, products: Products) -> list[Row]:  # noqa: ARG001
    """Two processes one after the other, with one empty cache."""
    with tempfile.TemporaryDirectory() as cache:
        cold, warm = _in_a_new_process(cache), _in_a_new_process(cache)
    return [
        Row(
            f"first use of {name}: compiling, wall time", f"{number(seconds)} s",
            "a later process, from the cache", f"{number(max(0.0, warm[name]))} s",
        )
        for name, seconds in cold.items()
    ]  # fmt: skip


FIRST_USE = [Case("first use: compiling", measure, slow=True)]

if __name__ == "__main__":
    print(json.dumps(use()))
