"""The files here import each other by name; stores to fill."""

import shutil
import sys
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from popnet.records import Store, tracking_store
from popnet.records.places import Place, place_of

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def place(kind_of_place: str, tmp_path: Path, request: pytest.FixtureRequest) -> Place:
    """An empty place of each kind."""
    if kind_of_place == "folder":
        return place_of(tmp_path / "place")
    if kind_of_place == "memory":
        return place_of(f"fsspec+memory:///{uuid.uuid4().hex}")
    query = request.getfixturevalue("s3")
    return place_of(f"s3://bucket/{uuid.uuid4().hex}/my%20lab{query}")


@pytest.fixture(params=["folder", "s3", "memory"])
def kind_of_place(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow store with tables and no runs; making one takes seconds."""
    out = tmp_path_factory.mktemp("empty")
    uri = tracking_store.embedded_uri(out)
    with tracking_store.quiet_mlflow(uri):
        tracking_store.prepare(uri, out / "artifacts")
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
