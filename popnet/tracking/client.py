"""Where MLflow keeps its tables: the embedded store, a server, and their failures.

MLflow is imported inside functions only: `import popnet.tracking` stays light.
"""

import importlib
import logging
import os
import re
import shlex
import socket
import sqlite3
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from popnet.store.atomic_files import locked

if TYPE_CHECKING:
    from popnet.runs import Run

STORE_TAG = "popnet.store"
NOISY = ("mlflow", "alembic", "sqlalchemy", "urllib3")
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ASYNC_LOGGING": "false",
}
# MLflow's own patience is minutes. That a server is away must be said in seconds; one
# that has answered once is given longer.
HTTP = "MLFLOW_HTTP_REQUEST"
FIRST_CONTACT = {f"{HTTP}_MAX_RETRIES": "1", f"{HTTP}_TIMEOUT": "4"}
AFTERWARDS = {f"{HTTP}_MAX_RETRIES": "1", f"{HTTP}_TIMEOUT": "20"}


class TrackingError(RuntimeError):
    """MLflow could not be filled; the message is one sentence for the user."""


class Client:
    """An MlflowClient whose failures are TrackingErrors of one sentence."""

    def __init__(self, uri: str, run_folder: str, embedded: bool) -> None:
        """`embedded`: the user gave no address."""
        self.sqlite = uri.startswith("sqlite")
        self._told = (uri, run_folder, embedded)
        with plain_errors(*self._told):
            mlflow = _import_mlflow("mlflow")
            self._inner = mlflow.MlflowClient(tracking_uri=uri, registry_uri=uri)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """The method of MlflowClient with this name."""
        method = getattr(self._inner, name)

        def call(*args: object, **settings: object) -> object:
            with plain_errors(*self._told):
                return method(*args, **settings)

        return call


@contextmanager
def plain_errors(uri: str, run_folder: str, embedded: bool) -> Iterator[None]:
    """Turn what MLflow and its libraries raise into one TrackingError."""
    try:
        yield
    except TrackingError:
        raise
    except Exception as error:
        shown = re.sub(r"//[^/@]*@", "//***@", uri)
        folder = shlex.quote(run_folder)
        option = "" if embedded else f" --tracking-uri {shown}"
        raise TrackingError(
            f"MLflow at {shown} could not be filled: {_reason(error)}. Nothing "
            f"recorded is lost: `popnet sync {folder}{option}` fills it in later."
        ) from error


def _reason(error: BaseException) -> str:
    text = str(error)
    short = {
        r"Connection refused": "nothing answers there (connection refused)",
        r"timed out|Timeout": "it does not answer in time",
        r"too many 5\d\d error|error code 5\d\d": (
            "it answers with errors of its own (status 500 or above)"
        ),
        r"Name or service not known|NameResolutionError|Temporary failure in name": (
            "its name cannot be resolved"
        ),
        r"out-of-date database schema": (
            "its tables were made by another MLflow version; delete the file and sync, "
            "or run `mlflow db upgrade`"
        ),
        r"in maintenance mode": (
            "a folder cannot hold an MLflow store any more; give a server (http://...) "
            "or a database (sqlite:////absolute/path.db)"
        ),
    }
    for pattern, reason in short.items():
        if re.search(pattern, text):
            return reason
    line = re.sub(r"//[^/@\s]*@", "//***@", text.strip().split("\n")[0]).rstrip(".")
    return f"{line[:200] or type(error).__name__}"


def _import_mlflow(module: str) -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(module)


@contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for a while; MLflow reads them at every call."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def quiet_mlflow(uri: str) -> Iterator[None]:
    """No telemetry, no log lines, no printed links; everything as before afterwards."""
    patience = {k: os.environ.get(k, v) for k, v in AFTERWARDS.items()}
    with environment({**QUIET, **patience}), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its libraries' deprecations
        _import_mlflow("mlflow")  # sets its own log levels on import
        loggers = [logging.getLogger(name) for name in NOISY]
        levels = [logger.level for logger in loggers]
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        try:
            with _pooled(uri):
                yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


@contextmanager
def _pooled(uri: str) -> Iterator[None]:
    """Connections to a database are used again in here, and closed at the end.

    One kept for longer would outlive an mlflow.db that its user deletes meanwhile:
    later rows would go to the deleted file.  To connect anew for each transaction
    costs SQLite a reading of MLflow's whole schema.
    """
    from sqlalchemy import Connection, Engine, event

    engines: set[Engine] = set()

    def used(connection: Connection) -> None:
        if str(connection.engine.url) == uri:
            engines.add(connection.engine)

    event.listen(Engine, "engine_connect", used)
    try:
        yield
    finally:
        event.remove(Engine, "engine_connect", used)
        for engine in engines:
            engine.dispose()


def embedded_uri(out: Path) -> str:
    """The address of the embedded store of a folder of runs."""
    path = str(out.resolve() / "mlflow.db")
    if "%" in path or "?" in path:
        # Whether these are decoded depends on the version of the database library.
        raise TrackingError(
            f"MLflow cannot keep a store under a path with % or ?: {path}"
        )
    return f"sqlite:///{path}"


def prepare(uri: str, artifacts: Path) -> None:
    """Make a SQLite store whole or not at all; see that a database server answers."""
    parts = urlsplit(uri)
    if parts.scheme.startswith("sqlite"):
        _make_sqlite(Path(uri.partition(":///")[2]), artifacts)
    elif parts.hostname and parts.scheme not in ("http", "https", "databricks"):
        # MLflow would retry for minutes before it says that a database is away.
        port = 3306 if parts.scheme.startswith("mysql") else 5432
        socket.create_connection((parts.hostname, parts.port or port), 5).close()


def _make_sqlite(path: Path, artifacts: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with locked(path.parent / f".{path.name}.lock"):
        if not path.exists():
            # Creating the tables takes seconds; half a schema must never be found.
            part = path.parent / f".{path.name}.{os.getpid()}"
            part.unlink(missing_ok=True)
            module = _import_mlflow("mlflow.store.tracking.sqlalchemy_store")
            module.SqlAlchemyStore(f"sqlite:///{part}", artifacts.as_uri())
            part.replace(path)
        with closing(sqlite3.connect(path, timeout=20)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master")


def analyse(uri: str) -> None:
    """Let a SQLite store count its rows, so that it plans MLflow's searches by them.

    Without, it joins the networks with each metric row by row: ordering 3,400 networks
    by accuracy takes a hundred times longer, and four times longer for twice as many.
    """
    if uri.startswith("sqlite"):
        path = Path(uri.partition(":///")[2])
        with closing(sqlite3.connect(path, timeout=20)) as connection:
            connection.execute("ANALYZE")


def store_identity(out: Path) -> str:
    """The name of this folder of runs, made once, the same wherever it is moved."""
    path = out / ".store-id"
    with locked(out / ".store-id.lock"):
        if not path.exists():
            part = out / f".store-id.{os.getpid()}"
            part.write_text(uuid.uuid4().hex + "\n")
            part.replace(path)
    return path.read_text().strip()


def open_experiment(client: Client, run: "Run", uri: str) -> tuple[str, str]:
    """Id and name of the sweep's experiment; it is made when there is none.

    Two folders of runs may fill one server: an experiment of the same name that another
    folder (or another program) owns is left alone, and the name gets a suffix.
    """
    identity, name = store_identity(run.out), run.name
    with environment(FIRST_CONTACT):
        found = client.get_experiment_by_name(name)
    if found is not None and found.tags.get(STORE_TAG) != identity:
        name = f"{run.name}-{identity[:8]}"
        found = client.get_experiment_by_name(name)
    if found is not None and found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    # A server places artifacts itself; a bare database would place them in the working
    # directory.
    served = urlsplit(uri).scheme in ("http", "https", "databricks")
    place = None if served else (run.out.resolve() / "artifacts" / name).as_uri()
    if found is not None and place is not None and found.artifact_location != place:
        # The folder of runs was moved: MLflow's absolute paths point to the old place.
        client.rename_experiment(found.experiment_id, f"{name}-{uuid.uuid4().hex[:8]}")
        client.delete_experiment(found.experiment_id)
        found = None
    if found is not None:
        return found.experiment_id, name
    tags = {STORE_TAG: identity, "popnet.sweep": run.name}
    return client.create_experiment(name, place, tags=tags), name
