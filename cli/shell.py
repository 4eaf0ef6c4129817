"""Options, output, errors in one or two lines and exit codes of every command."""

from __future__ import annotations

import functools
import json
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import typer

DONE, SOME_FAILED, WRONG, INTERRUPTED = 0, 1, 2, 3
NOT_WRITTEN = 120
"""Python's own exit code where the output could not be written at the end."""

Out = Annotated[Path, typer.Option("--out", help="folder that holds runs")]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="override a key of the file"),
]
Device = Annotated[
    str | None, typer.Option("--device", help="auto, cpu or cuda", show_default=False)
]
Workers = Annotated[
    int | None, typer.Option("--workers", help="shard actors", show_default=False)
]
Address = Annotated[
    str | None,
    typer.Option("--address", help="a Ray cluster; default: one on this machine"),
]
Storage = Annotated[
    str | None,
    typer.Option(
        "--storage",
        metavar="PATH|URI",
        help="where networks are kept: a folder all machines see, s3://BUCKET/FOLDER; "
        "default: OUT/store",
        show_default=False,
    ),
]
TrackingUri = Annotated[
    str | None,
    typer.Option("--tracking-uri", help="an MLflow server; default: embedded"),
]
AsJson = Annotated[bool, typer.Option("--json", help="data as JSON on stdout")]
SweepFile = Annotated[Path, typer.Argument(help="a sweep file", metavar="SWEEP.yaml")]
RunFolder = Annotated[Path, typer.Argument(help="a run's folder", metavar="RUN")]

debugging = False
"""True when ``--debug`` was given: errors are shown with their traceback."""

UNFIT = (
    PermissionError, FileExistsError, NotADirectoryError, IsADirectoryError,
    FileNotFoundError,
)  # fmt: skip
"""Errors of a given path that is not of the kind needed."""

F = TypeVar("F", bound=Callable[..., Any])


def say(text: str) -> None:
    """Print a line of progress or advice on stderr."""
    print(text, file=sys.stderr, flush=True)


def give(text: str) -> None:
    """Print data on stdout."""
    print(text, flush=True)


def give_json(value: Any) -> None:
    """Print data as JSON on stdout."""
    give(json.dumps(value, indent=1, default=str))


def leave(code: int) -> NoReturn:
    """End the process now with an exit code, its output written."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:  # as by `popnet show | head`: read as far as wanted
            pass
        except OSError:
            code = code or NOT_WRITTEN
    os._exit(code)


def guarded(command: F) -> F:
    """Make a command print its errors in one or two lines and exit with their code."""

    @functools.wraps(command)
    def run(*args: Any, **options: Any) -> Any:
        try:
            return command(*args, **options)
        except (typer.Exit, typer.Abort):
            raise
        except KeyboardInterrupt:
            say("interrupted; what was made is kept.")
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:
            raise typer.Exit(DONE) from None
        except Exception as error:
            from popnet.config.address import without_secrets

            if debugging:
                say(without_secrets(traceback.format_exc()))
            code, text = _code_and_message(error)
            say(without_secrets(text))
            raise typer.Exit(code) from None

    return run  # type: ignore[return-value]


def _code_and_message(error: Exception) -> tuple[int, str]:
    """Return the exit code of an error, and its message in one or two lines."""
    from popnet.config import ConfigError

    # StoreError exists only where the store has been imported
    store = sys.modules.get("popnet.store")
    damaged = (store.StoreError,) if store else ()
    if isinstance(error, (ConfigError, *damaged)):
        return WRONG, f"popnet: {error}"
    if isinstance(error, UNFIT) and error.filename is not None:
        path = error.filename2 or error.filename
        return WRONG, f"popnet: {path}: cannot be used: {error.strerror}."
    if isinstance(error, OSError):
        from popnet.store.atomic_files import is_full

        if is_full(error):
            return INTERRUPTED, (
                f"popnet: the disk is full ({error.strerror}); what is recorded is "
                "whole. Make room and give the same command again: it continues."
            )
    kind = type(error).__name__
    lines = str(error).strip().splitlines() or [""]
    return SOME_FAILED, f"popnet: {kind}: {lines[0][:300]} (--debug shows where)"


def overrides(
    given: list[str] | None, device: str | None, workers: int | None
) -> list[str]:
    """Return the overrides, with ``--device`` and ``--workers`` as further ones."""
    return [
        *(given or []),
        *([] if device is None else [f"machine.device={device}"]),
        *([] if workers is None else [f"machine.workers={workers}"]),
    ]
