"""How long MLflow's page waits for its networks: the requests it makes, timed.

    python tests/helpers/made_up_store.py OUT 3400
    popnet launch OUT/many.yaml --out OUT/runs
    python tests/bench/mlflow_search.py OUT/runs many

starts the server that ``popnet ui`` starts and prints a row per request: the first
answer of a server just started, then the median of the next ones.
"""

import json
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from popnet.tracking import serve_command

NETWORKS = "tags.`popnet.kind` = 'network'"
BEST = ["metrics.`accuracy` DESC"]
ASKED = {
    "best 20 by accuracy": {"filter": NETWORKS, "order_by": BEST, "max_results": 20},
    "best 100 by accuracy": {"filter": NETWORKS, "order_by": BEST, "max_results": 100},
    "the 100 quickest to learn": {
        "filter": NETWORKS,
        "order_by": ["metrics.`trials` ASC"],
        "max_results": 100,
    },
    "conditions": {"filter": "tags.`popnet.kind` = 'condition'", "max_results": 100},
    "accuracy above 0.99": {
        "filter": f"{NETWORKS} and metrics.`accuracy` > 0.99",
        "max_results": 100,
    },
}
TIMES = 5


@contextmanager
def served(out: Path) -> Iterator[str]:
    """The real server on the embedded store of a folder of runs; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command, environment = serve_command(out, port=port)
    quiet = subprocess.DEVNULL
    server = subprocess.Popen(command, env=environment, stdout=quiet, stderr=quiet)
    try:
        until = time.monotonic() + 120
        while not _answers(f"http://127.0.0.1:{port}/health"):
            assert server.poll() is None, "the server ended"
            assert time.monotonic() < until, "the server does not start"
            time.sleep(0.3)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(30)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except (urllib.error.URLError, OSError):
        return False


def asked(server: str, what: str, given: dict[str, Any]) -> dict[str, Any]:
    """One request as MLflow's page makes it."""
    request = urllib.request.Request(
        f"{server}/ajax-api/2.0/mlflow/{what}",
        json.dumps(given).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=120) as answer:
        return json.load(answer)


def timed(server: str, given: dict[str, Any]) -> tuple[float, list[Any]]:
    """Seconds that a search takes, and the runs it gives."""
    began = time.perf_counter()
    found = asked(server, "runs/search", given)
    return time.perf_counter() - began, found.get("runs", [])


def main(out: Path, name: str) -> None:
    with served(out) as server:
        url = f"{server}/ajax-api/2.0/mlflow/experiments/get-by-name"
        with urllib.request.urlopen(f"{url}?experiment_name={name}") as answer:
            experiment = json.load(answer)["experiment"]["experiment_id"]
        print("| request | runs | first, s | then, s (median of 5) |")
        print("|---|---|---|---|")
        for words, given in ASKED.items():
            given = {**given, "experiment_ids": [experiment]}
            given["run_view_type"] = "ACTIVE_ONLY"
            first, found = timed(server, given)
            later = statistics.median(timed(server, given)[0] for _ in range(TIMES))
            print(f"| {words} | {len(found)} | {first:.2f} | {later:.2f} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
