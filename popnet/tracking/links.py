"""MLflow's page of a sweep: its views, its address, and the server that shows it."""

import json
import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from popnet.status import Status
from popnet.tracking.client import QUIET, TrackingError, embedded_uri

if TYPE_CHECKING:
    from popnet.runs import Run


def view_tags(main_axis: str, columns: list[str], scores: list[str]) -> dict[str, str]:
    """Return experiment tags that give MLflow's page views of networks and conditions.

    Without a sort order other than time, MLflow hides the networks below their
    conditions.
    """
    medians = ["networks", Status.CONVERGED, Status.UNCONVERGED, Status.DIVERGED]
    medians += [f"median.{name}" for name in ("trials_to_criterion", "accuracy")]
    along = f"params.`{main_axis}`" if main_axis else "metrics.`median.trials`"
    views = {
        "network": ("metrics.`trials`", ["tags.`popnet.status`"], scores),
        "condition": (along, [], medians),
    }
    state = {}
    for kind, (order, tags, metrics) in views.items():
        shown = [f"params.`{name}`" for name in columns] + tags
        shown += [f"metrics.`{name}`" for name in metrics]
        state[kind] = {
            "searchFilter": f"tags.\"popnet.kind\" = '{kind}'",
            "orderByKey": order,
            "orderByAsc": True,
            "selectedColumns": shown,
            "columnOrder": shown,
        }
    shared = {f"mlflow.sharedViewState.{k}s": json.dumps(v) for k, v in state.items()}
    return {"mlflow.experimentKind": "custom_model_development", **shared}


def page(run: "Run", host: str = "127.0.0.1", port: int = 5000) -> str:
    """Return the address at which the served embedded store lists a run's networks."""
    query = (
        "SELECT experiment_id FROM experiments"
        " JOIN experiment_tags USING (experiment_id)"
        " WHERE key = 'popnet.sweep' AND value = ? AND lifecycle_stage = 'active'"
    )
    base, rows = f"http://{host}:{port}/#/experiments", []
    if (run.out / "mlflow.db").exists():
        path = run.out / "mlflow.db"
        with closing(sqlite3.connect(path, timeout=20)) as connection:
            rows = connection.execute(query, (run.name,)).fetchall()
    if not rows:
        return base
    view = "workflowType=machine_learning&viewStateShareKey=networks"
    return f"{base}/{rows[0][0]}/runs?{view}"


def serve_command(
    run_or_out: "Run | Path | str", host: str = "127.0.0.1", port: int = 5000
) -> tuple[list[str], dict[str, str]]:
    """Return the command and environment that serve the embedded store's MLflow page.

    Raises TrackingError when there is no embedded store.
    """
    given = run_or_out if isinstance(run_or_out, str | Path) else run_or_out.out
    out = Path(given).resolve()
    if not (out / "mlflow.db").exists():
        raise TrackingError(
            f"there is no MLflow store in {out}. `popnet sync RUN` makes it from a run."
        )
    command = [
        *(sys.executable, "-P", "-m", "mlflow", "server"),
        *("--backend-store-uri", embedded_uri(out)),
        *("--artifacts-destination", (out / "artifacts").as_uri()),
        *("--default-artifact-root", (out / "artifacts").as_uri()),
        *("--host", host, "--port", str(port), "--workers", "1"),
    ]
    # The job runner is for MLflow's language-model features: eight more processes, and
    # 40 s more to start.
    extra = {
        **QUIET,
        "PYTHONSAFEPATH": "1",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    return command, {**os.environ, **extra}
