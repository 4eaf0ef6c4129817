"""The command: in this process where it can be, as a process where it must."""

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from helpers.pace import PATIENCE_S
from popnet.cli.main import app
from typer.testing import CliRunner


class Answer(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def popnet():
    """``popnet("show", folder, ...)`` in this process."""

    def call(*args):
        done = CliRunner().invoke(app, [str(a) for a in args])
        return Answer(done.exit_code, done.stdout, done.stderr)

    return call


@pytest.fixture
def refused(popnet):
    """The same; it must be refused as every wrong command is: one line, exit 2."""

    def call(*args):
        done = popnet(*args)
        assert done.code == 2, done
        assert done.out == "" and done.err.startswith("popnet: "), done
        assert done.err.endswith("\n") and done.err.count("\n") == 1, done
        assert "Traceback" not in done.err
        return done.err

    return call


@pytest.fixture(scope="session")
def process():
    """The command as a process of its own."""
    command = str(Path(sys.executable).with_name("popnet"))

    def call(*args, **options):
        given = {"capture_output": True, "text": True, "timeout": PATIENCE_S, **options}
        environment = {**os.environ, "COLUMNS": "80"}
        return subprocess.run([command, *args], env=environment, check=False, **given)

    return call
