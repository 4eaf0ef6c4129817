"""The embedded MLflow database as a file: whether it is one."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from popnet.config import ConfigError

_REMADE = "move it away, and `popnet sync` fills a new one."


def check_mlflow(path: Path) -> None:
    """Refuse an ``mlflow.db`` that is none: MLflow would begin to change it.

    None at all, or an empty one, is filled.  Raises ConfigError.
    """
    if not path.is_file():
        return
    try:
        address = f"{path.resolve().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True)) as database:
            asked = "select name from sqlite_master where type = 'table'"
            found = database.execute(asked)
            names = {name for (name,) in found}
    except sqlite3.Error as error:
        raise ConfigError(f"{path}: {error}; {_REMADE}") from None
    if names and not {"alembic_version", "experiments"} <= names:
        raise ConfigError(f"{path}: not a database of MLflow's; {_REMADE}")
