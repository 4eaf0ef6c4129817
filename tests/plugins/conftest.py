"""Packages of other people, shown to importlib.metadata by a folder on sys.path."""

import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.other_package import PACKAGE
from helpers.pace import PATIENCE_S
from popnet.cli.main import app
from typer.testing import CliRunner

_numbers = itertools.count()


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Install a package of one module; returns its name and the module's.

    ``offers``: lines of entry_points.txt, in which MODULE stands for the module.
    """

    def install(offers, source="", version="1.0", name=None):
        number = next(_numbers)  # modules and loaded entries outlive a test
        module = f"somebody_{number}"
        name = name or f"some-body-{number}"
        folder = tmp_path / name
        about = folder / f"{name.replace('-', '_')}-{version}.dist-info"
        about.mkdir(parents=True)
        (folder / f"{module}.py").write_text(source)
        (about / "METADATA").write_text(f"Name: {name}\nVersion: {version}\n")
        (about / "entry_points.txt").write_text(offers.replace("MODULE", module))
        monkeypatch.syspath_prepend(folder)
        return name, module

    return install


@pytest.fixture
def reflex(monkeypatch):
    """The package popnet-reflex is installed; returns where it lies."""
    monkeypatch.syspath_prepend(PACKAGE)
    return PACKAGE


@pytest.fixture
def refused_command():
    """``popnet ...`` in this process; it must be refused in one line, with exit 2."""

    def call(*args):
        done = CliRunner().invoke(app, [str(a) for a in args])
        assert done.exit_code == 2 and done.stdout == "", done.stdout
        assert done.stderr.startswith("popnet: ") and done.stderr.count("\n") == 1
        return done.stderr

    return call


@pytest.fixture(scope="session")
def with_reflex():
    """``popnet ...`` as a process, in an environment that has popnet-reflex."""
    command = str(Path(sys.executable).with_name("popnet"))

    def call(*args, code=0, path=PACKAGE):
        done = subprocess.run(
            [command, *map(str, args)], capture_output=True, text=True, check=False,
            env={**os.environ, "PYTHONPATH": str(path)}, timeout=PATIENCE_S,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done

    return call
