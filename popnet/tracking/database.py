"""A check that the embedded ``mlflow.db`` is a database of MLflow's."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from popnet.config import ConfigError

_REMADE = "move it away, and `popnet sync` fills a new one."


def check_mlflow(path: Path) -> None:
    """Raise ConfigError when ``mlflow.db`` is another program's file.

    MLflow would begin to change such a file.  A missing or empty one is accepted.
    """
    if not path.is_file():
        return
    try:
        address = f"{path.resolve().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True)) as database:
            query = "select name from sqlite_master where type = 'table'"
            found = database.execute(query)
            names = {name for (name,) in found}
    except sqlite3.Error as error:
        raise ConfigError(f"{path}: {error}; {_REMADE}") from None
    if names and not {"alembic_version", "experiments"} <= names:
        raise ConfigError(f"{path}: not a database of MLflow's; {_REMADE}")
