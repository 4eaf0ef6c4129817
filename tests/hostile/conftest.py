"""One way to ask: refused in a line or two with exit code 2, and nothing changed."""

import hashlib
import os
import shutil
import stat
from pathlib import Path

import pytest
from helpers.harmless import SWEEP
from popnet.cli.main import app
from typer.testing import CliRunner

from popnet.runs.writing import LOCK


def snapshot(folder: Path) -> dict[str, str]:
    """Everything under a folder: kind, mode, and what it holds.

    A lock is nothing that was recorded.
    """
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.name == LOCK and path.stat().st_size == 0:
            continue
        about = path.lstat()
        kind = stat.S_IFMT(about.st_mode)
        if stat.S_ISLNK(about.st_mode):
            holds = os.readlink(path)
        elif stat.S_ISREG(about.st_mode) and about.st_size < 10_000_000:
            holds = hashlib.sha256(path.read_bytes()).hexdigest()
        else:
            holds = str(about.st_size if stat.S_ISREG(about.st_mode) else "")
        name = str(path.relative_to(folder))
        found[name] = f"{kind:o} {about.st_mode:o} {holds}"
    return found


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder, in which the command is given."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def sweep(here):
    """Writes a sweep file from text or bytes; more lines may follow a valid one."""

    def write(more="", text=SWEEP):
        path = here / "sweep.yaml"
        data = text if isinstance(text, bytes) else (text + more).encode()
        path.write_bytes(data)
        return path

    return write


@pytest.fixture
def refused(here):
    """``refused("plan", file)``: the message; checks all that makes a refusal one."""

    def call(*args):
        before = snapshot(here)
        done = CliRunner().invoke(app, [str(a) for a in args])
        assert done.exit_code == 2, (done.exit_code, done.stdout, done.stderr)
        assert done.stdout == "", done.stdout
        lines = done.stderr.splitlines()
        assert 1 <= len(lines) <= 2 and lines[0].startswith("popnet: "), done.stderr
        assert "Traceback" not in done.stderr and len(done.stderr) < 4000, done.stderr
        assert all(line.isprintable() for line in lines), done.stderr
        assert snapshot(here) == before
        return done.stderr

    return call


@pytest.fixture
def run(own_run, here):  # noqa: ARG001  (the command is given there)
    """A finished run in the folder, which a test may harm."""
    return own_run


@pytest.fixture
def asked(run, refused):
    """Gives a command about the run, which must be refused."""

    def call(command, *more):
        return refused(command, run.folder, *more)

    return call


@pytest.fixture
def outside(here):
    """A folder beside the runs that nobody may write to or read from."""
    folder = here / "outside"
    folder.mkdir()
    (folder / "secret").write_text("do not touch")
    return folder


@pytest.fixture
def again(run, here):
    """The run's sweep as a file of its own, to be launched again."""
    path = here / "again.yaml"
    shutil.copy(run.folder / "sweep.yaml", path)
    return path
