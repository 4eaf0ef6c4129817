"""What the store costs: python tests/bench/store.py [FOLDER]   (some minutes)

3,400 networks of 32 units as launches leave them, 425 batches of eight and 850 of tests
of four: reading before and after merging; then the index of 100,000 networks; then
commits by one and by two processes.  Prints a Markdown table.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from popnet.plan import digest
from popnet.store import Store
from popnet.store.audit import audit
from popnet.store.compaction import BOUNDS, compact
from popnet.store.index import Batch, write_entry

N, NETWORKS, EACH, TESTED, POINTS = 32, 3400, 8, 4, 20


def key_of(number):
    return digest(str(number))


def network_batch(store, numbers, rng):
    keys = [key_of(n) for n in numbers]
    rows = [
        {"key": k, "status": "trained", "trials": 100, "final_error": rng.random(),
         "settings": "x" * 1500}
        for k in keys
    ]  # fmt: skip
    curves = [
        {"key": k, "trial": t, "error": rng.random(), "accuracy": rng.random()}
        for k in keys
        for t in range(POINTS)
    ]
    weights = {}
    for k in keys:
        for stage in ("initial", "final"):
            prefix = f"{k}/{stage}"
            weights[f"{prefix}.recurrent"] = rng.random((N, N), np.float32)
            weights[f"{prefix}.input"] = rng.random((N, 4), np.float32)
            weights[f"{prefix}.readout"] = rng.random((2, N), np.float32)
            for name in ("tau_s", "bias", "gain"):
                weights[f"{prefix}.{name}"] = rng.random(N, np.float32)
    tables = {"networks": rows, "curves": curves}
    store.commit("networks", keys, tables, {"weights": weights})


def test_batch(store, numbers, rng):
    keys = [key_of(n) for n in numbers]
    rows = [
        {"key": k, "identity": str(i), "accuracy": rng.random(), "error": rng.random()}
        for k in keys
        for i in range(6)
    ]
    responses = {f"{k}/response": rng.random((8, 50), np.float32) for k in keys}
    tensors = {"responses": responses}
    store.commit("evaluations", keys, {"evaluations": rows}, tensors)


def timed(do):
    best = float("inf")
    for _ in range(3):
        began = time.perf_counter()
        do()
        best = min(best, time.perf_counter() - began)
    return best


def reading(folder):
    """Seconds of each way to read, each time by a store just opened."""
    keys = [key_of(n) for n in range(NETWORKS)]
    every, opened = set(keys), Store(folder)
    opened.batches()

    found = {
        "open, recorded()": timed(lambda: Store(folder).recorded()),
        "table of networks": timed(
            lambda: Store(folder).table("networks", "networks", "key", every)
        ),
        "curves": timed(
            lambda: Store(folder).table("networks", "curves", "key", every)
        ),
        "table of tests": timed(
            lambda: Store(folder).table("evaluations", "evaluations", "key", every)
        ),
        "weights of all": timed(lambda: Store(folder).many_tensors(keys)),
        "weights of one": timed(lambda: opened.tensors(keys[1700])),
        "audit": timed(lambda: audit(opened, every)),
    }
    again = audit(opened, every)
    assert again.problems == []
    found["audit, MB/s"] = again.bytes / 1e6 / again.seconds
    return found


def shown(title, before, after):
    print(f"| {title} | 1,275 batches | merged |\n|---|---|---|")
    for name, value in before.items():
        unit = "" if "MB/s" in name else " s"
        print(f"| {name} | {value:.3g}{unit} | {after[name]:.3g}{unit} |")


def large_index(folder, count=100_000):
    """Only the entries of a store of this many networks, in batches of eight."""
    store = Store(folder)
    for n in range(0, count, EACH):
        keys = tuple(sorted(key_of(i) for i in range(n, n + EACH)))
        name = digest("networks", "", *keys, size=12)
        sums = {"sha256": "0" * 64, "bytes": 60_000}
        files = {
            f"{folder}/{name}01234567.{ending}": {**sums, "head": "0" * 64}
            for folder, ending in (
                ("networks", "parquet"), ("curves", "parquet"),
                ("weights", "safetensors"),
            )
        }  # fmt: skip
        batch = Batch(name, "networks", keys, files)
        write_entry(store.backend, batch)
    began = time.perf_counter()
    opened = Store(folder)
    assert len(opened.recorded()) == count
    first = time.perf_counter() - began
    again = timed(opened.recorded)
    print(
        f"\n{count} networks, {count // EACH} batches: opened in {first:.2f} s, "
        f"recorded() again {again:.2f} s"
    )


def commits(folder, processes, count=150):
    """Batches of eight networks per second, by some processes at once."""
    command = [sys.executable, __file__, "--commit", str(folder), str(count)]
    own = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    some = [subprocess.Popen([*command, str(i)], **own) for i in range(processes)]
    for process in some:
        assert process.stdout.readline() == "ready\n"
    began = time.perf_counter()
    for process in some:
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [p.wait() for p in some] == [0] * processes
    rate = processes * count / (time.perf_counter() - began)
    print(f"{processes} process(es): {rate:.0f} commits/s of {EACH} networks each")


def commit_some(folder, count, me):
    store, rng = Store(folder), np.random.default_rng(me)
    print("ready", flush=True)
    sys.stdin.readline()
    for n in range(count):
        begin = (1 + me) * 10_000_000 + n * EACH
        network_batch(store, range(begin, begin + EACH), rng)


def main():
    if sys.argv[1:2] == ["--commit"]:
        commit_some(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
        return
    given = sys.argv[1] if len(sys.argv) > 1 else None
    with tempfile.TemporaryDirectory(dir=given) as made:
        folder, rng = Path(made), np.random.default_rng(1)
        store = Store(folder / "store")
        for n in range(0, NETWORKS, EACH):
            network_batch(store, range(n, n + EACH), rng)
        for n in range(0, NETWORKS, TESTED):
            test_batch(store, range(n, n + TESTED), rng)
        before = reading(store.folder)
        began = time.perf_counter()
        count = compact(store, BOUNDS)
        seconds = time.perf_counter() - began
        shown(f"{NETWORKS} networks", before, reading(store.folder))
        left = len(store.batches())
        print(f"\n{count} batches merged into {left} in {seconds:.1f} s")
        large_index(folder / "large")
        for processes in (1, 2):
            commits(folder / f"commits{processes}", processes)


if __name__ == "__main__":
    main()
