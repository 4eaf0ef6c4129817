"""Changes files of a run as popnet does, with their checksums."""

from pathlib import Path

import pandas as pd

from popnet.runs.checksums import write_checked_text, write_files


def put_table(folder: Path, name: str, table: pd.DataFrame) -> None:
    """Another table in the place of one."""
    file = f"{name}.parquet"
    write_files(folder, {file: lambda part: table.to_parquet(part, index=False)})


def put_text(path: Path, text: str) -> None:
    """Another text in the place of one."""
    write_checked_text(path.parent, path.name, text)
