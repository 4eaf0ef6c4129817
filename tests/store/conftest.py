"""Empty stores, and an empty backend of each kind to keep one in."""

import uuid
from pathlib import Path

import pytest

from popnet.store import Store
from popnet.store.backend import Backend
from popnet.store.location import backend_of


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def backend(
    kind_of_backend: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Backend:
    """An empty backend of each kind."""
    if kind_of_backend == "folder":
        return backend_of(tmp_path / "place")
    if kind_of_backend == "memory":
        return backend_of(f"fsspec+memory:///{uuid.uuid4().hex}")
    query = request.getfixturevalue("s3")
    return backend_of(f"s3://bucket/{uuid.uuid4().hex}/my%20lab{query}")


@pytest.fixture(params=["folder", "s3", "memory"])
def kind_of_backend(request: pytest.FixtureRequest) -> str:
    return request.param
