"""How fast MLflow takes made-up networks, and what memory that needs.

    python tests/bench/mlflow_filling.py [NETWORKS]

fills an embedded store with them and prints one row: networks per second, processor
time per network, and by how much the process grew between a tenth of the way and the
end.
"""

import sys
import tempfile
import time
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))

from helpers.made_up_store import whole_run

from popnet import tracking
from popnet.runs.tables import write_tables
from popnet.tracking import client


def main(count: int, out: Path) -> None:
    run = whole_run(out, count)
    write_tables(run)
    uri = client.embedded_uri(out)
    with client.quiet_mlflow(uri):  # MLflow makes its tables: seconds, once
        client.prepare(uri, out / "artifacts")
    sizes = {}

    def measure(done: int, of: int) -> None:
        if done in (of // 10, of):
            sizes[done] = psutil.Process().memory_info().rss / 2**20

    began, used = time.perf_counter(), time.process_time()
    tracking.sync(run, None, measure)
    seconds, processor = time.perf_counter() - began, time.process_time() - used
    print(
        "| networks | networks/s | processor time each, ms | growth, MiB | store, MB |"
    )
    print("|---|---|---|---|---|")
    grown = sizes[count] - sizes[count // 10]
    size = (out / "mlflow.db").stat().st_size / 1e6
    each = 1000 * processor / count
    rate = count / seconds
    print(f"| {count} | {rate:.1f} | {each:.0f} | {grown:.0f} | {size:.0f} |")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        main(int((sys.argv[1:] or [300])[0]), Path(folder))
