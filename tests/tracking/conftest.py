"""Folders of runs in which nothing is synced yet."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from popnet.config.address import Address
from popnet.tracking import client


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow store with tables and no runs; making one takes seconds."""
    out = tmp_path_factory.mktemp("empty")
    uri = client.embedded_uri(out)
    with client.quiet_mlflow(Address(uri)):
        client.prepare(Address(uri), out / "artifacts")
    return out / "mlflow.db"


@pytest.fixture(scope="session")
def fresh(empty_store: Path) -> Callable[[Path], Path]:
    """Makes a folder of runs, where nothing is synced yet."""

    def make(folder: Path) -> Path:
        folder.mkdir()
        shutil.copy(empty_store, folder / "mlflow.db")
        return folder

    return make


@pytest.fixture
def out(
    tmp_path: Path, fresh: Callable[[Path], Path], monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A folder of runs with an awkward name, and an empty working directory."""
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    return fresh(tmp_path / "my runs, é")
