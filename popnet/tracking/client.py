"""The connection to MLflow: the embedded store or a server, and their failures.

MLflow is imported inside functions only, so ``import popnet.tracking`` stays fast.
"""

import importlib
import logging
import os
import re
import shlex
import socket
import sqlite3
import threading
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from popnet.config.address import Address
from popnet.environment import environment
from popnet.runs.store_identity import store_identity
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
# MLflow itself retries for minutes. popnet reports within seconds that a server does
# not answer; a server that has answered once gets a longer timeout.
HTTP = "MLFLOW_HTTP_REQUEST"
FIRST_CONTACT = {f"{HTTP}_MAX_RETRIES": "1", f"{HTTP}_TIMEOUT": "4"}
AFTERWARDS = {f"{HTTP}_MAX_RETRIES": "1", f"{HTTP}_TIMEOUT": "20"}
# MLflow makes its tables by Alembic, whose migrations reach the database through one
# variable of the process: two stores made in two threads alter each other's tables.
ALEMBIC = threading.Lock()


class TrackingError(RuntimeError):
    """MLflow could not be filled; the message is one sentence for the user."""


class Client:
    """An MlflowClient whose failures are TrackingErrors of one sentence."""

    def __init__(self, address: Address, run_folder: str, embedded: bool) -> None:
        """Connect to a server; ``embedded`` is True when the user gave no address."""
        uri = address.whole
        self.sqlite = uri.startswith("sqlite")
        self._error_context = (address, run_folder, embedded)
        with plain_errors(*self._error_context):
            mlflow = _import_mlflow("mlflow")
            self._inner = mlflow.MlflowClient(tracking_uri=uri, registry_uri=uri)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Return a method of MlflowClient, changed to raise TrackingError."""
        method = getattr(self._inner, name)

        def call(*args: object, **settings: object) -> object:
            with plain_errors(*self._error_context):
                return method(*args, **settings)

        return call


@contextmanager
def plain_errors(address: Address, run_folder: str, embedded: bool) -> Iterator[None]:
    """Turn any exception of MLflow and its libraries into one TrackingError.

    What they quote of the address is shown without its secrets.
    """
    try:
        yield
    except TrackingError:
        raise
    except Exception as error:
        folder = shlex.quote(run_folder)
        option = "" if embedded else f" --tracking-uri {shlex.quote(str(address))}"
        reason = _reason(error, address)
        raise TrackingError(
            f"MLflow at {address} could not be filled: {reason}. Nothing "
            f"recorded is lost: `popnet sync {folder}{option}` fills it in later."
        ) from error


def _reason(error: BaseException, address: Address) -> str:
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
    line = address.hide(text.strip().split("\n")[0]).rstrip(".")
    return f"{line[:200] or type(error).__name__}"


def _import_mlflow(module: str) -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(module)


@contextmanager
def quiet_mlflow(address: Address) -> Iterator[None]:
    """Switch off MLflow's telemetry, log lines and printed links while this lasts."""
    patience = {k: os.environ.get(k, v) for k, v in AFTERWARDS.items()}
    with environment({**QUIET, **patience}), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its libraries' deprecations
        _import_mlflow("mlflow")  # sets its own log levels on import
        loggers = [logging.getLogger(name) for name in NOISY]
        levels = [logger.level for logger in loggers]
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        try:
            with _pooled(address):
                yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


@contextmanager
def _pooled(address: Address) -> Iterator[None]:
    """Reuse database connections while this lasts, and close them at the end.

    A connection that is kept longer could outlive an mlflow.db that the user deletes,
    and later rows would go to the deleted file.  A new connection per transaction
    would make SQLite read MLflow's whole schema each time.
    """
    from sqlalchemy import Connection, Engine, event

    engines: set[Engine] = set()

    def note_engine(connection: Connection) -> None:
        url = connection.engine.url.render_as_string(hide_password=False)
        if url == address.whole:
            engines.add(connection.engine)

    event.listen(Engine, "engine_connect", note_engine)
    try:
        yield
    finally:
        event.remove(Engine, "engine_connect", note_engine)
        for engine in engines:
            engine.dispose()


def embedded_uri(out: Path) -> str:
    """Return the address of a folder's embedded store.  Raises TrackingError."""
    path = str(out.resolve() / "mlflow.db")
    if "%" in path or "?" in path:
        # the version of the database library decides whether these are decoded
        raise TrackingError(
            f"MLflow cannot keep a store under a path with % or ?: {path}"
        )
    return f"sqlite:///{path}"


def prepare(address: Address, artifacts: Path) -> None:
    """Create a missing SQLite store; raise when a database server does not answer."""
    uri = address.whole
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
            with ALEMBIC:
                module.SqlAlchemyStore(f"sqlite:///{part}", artifacts.as_uri())
            part.replace(path)
        with closing(sqlite3.connect(path, timeout=20)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master")


def analyse(address: Address) -> None:
    """Let a SQLite store count its rows, so that it plans MLflow's searches well.

    Without these counts it joins networks and metrics row by row.  Ordering 3,400
    networks by accuracy then takes a hundred times longer, and the time grows with the
    square of the number of networks.
    """
    uri = address.whole
    if uri.startswith("sqlite"):
        path = Path(uri.partition(":///")[2])
        with closing(sqlite3.connect(path, timeout=20)) as connection:
            connection.execute("ANALYZE")


def open_experiment(client: Client, run: "Run", address: Address) -> tuple[str, str]:
    """Return the id and name of the sweep's experiment; create it if it is missing.

    Several folders of runs may fill one server.  When another folder or program owns
    an experiment of this name, it is left alone and the new name gets a suffix.
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
    served = urlsplit(address.whole).scheme in ("http", "https", "databricks")
    artifacts = None if served else (run.out.resolve() / "artifacts" / name).as_uri()
    if found is not None and artifacts not in (None, found.artifact_location):
        # The folder of runs was moved: MLflow's absolute paths point to the old one.
        client.rename_experiment(found.experiment_id, f"{name}-{uuid.uuid4().hex[:8]}")
        client.delete_experiment(found.experiment_id)
        found = None
    if found is not None:
        return found.experiment_id, name
    tags = {STORE_TAG: identity, "popnet.sweep": run.name}
    return client.create_experiment(name, artifacts, tags=tags), name
