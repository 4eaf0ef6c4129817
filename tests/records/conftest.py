"""The files here import each other by name; stores to fill."""

import shutil
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from popnet.records import Store, tracking_store
from popnet.records.places import Place, place_of

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """An S3 server on loopback with a bucket: what follows a folder's URI."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        at = f"127.0.0.1:{probe.getsockname()[1]}"
    host, port = at.split(":")
    command = [sys.executable, "-m", "moto.server", "-H", host, "-p", port]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen(command, **quiet)
    own = {"AWS_ACCESS_KEY_ID": "lab", "AWS_SECRET_ACCESS_KEY": "secret"}
    with pytest.MonkeyPatch.context() as patched:
        for name, value in own.items():
            patched.setenv(name, value)
        try:
            bucket = urllib.request.Request(f"http://{at}/bucket", method="PUT")
            for _ in range(300):
                try:
                    urllib.request.urlopen(bucket).close()
                    break
                except OSError:
                    time.sleep(0.1)
            yield f"?endpoint_override={at}&scheme=http&region=us-east-1"
        finally:
            server.kill()
            server.wait()


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
