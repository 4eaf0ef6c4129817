"""MLflow stores to fill."""

import shutil
from collections import Counter

import pytest

from popnet.config.address import Address
from popnet.tracking import client as tracking_client


@pytest.fixture(scope="session")
def empty_mlflow(tmp_path_factory):
    """An MLflow store with tables and no runs; making one takes seconds."""
    out = tmp_path_factory.mktemp("empty")
    uri = tracking_client.embedded_uri(out)
    with tracking_client.quiet_mlflow(Address(uri)):
        tracking_client.prepare(Address(uri), out / "artifacts")
    return out / "mlflow.db"


@pytest.fixture
def mlflow_of(empty_mlflow):
    """Puts an empty MLflow store beside a run; then says what it holds of it."""

    def prepared(run):
        shutil.copy(empty_mlflow, run.out / "mlflow.db")
        return lambda kind="network": in_mlflow(run, kind)

    return prepared


def in_mlflow(run, kind="network"):
    """Active MLflow runs of a kind by key; none may be there twice."""
    from mlflow import MlflowClient

    client = MlflowClient(tracking_client.embedded_uri(run.out))
    experiment = client.get_experiment_by_name(run.name)
    if experiment is None:
        return {}
    wanted = f"tags.`popnet.kind` = '{kind}'"
    found = client.search_runs([experiment.experiment_id], wanted, max_results=1000)
    count = Counter(r.data.tags["popnet.key"] for r in found)
    assert not count or max(count.values()) == 1, count
    return {r.data.tags["popnet.key"]: r for r in found}
