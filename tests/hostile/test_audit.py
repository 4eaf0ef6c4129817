"""`make audit` looks at all that is installed, and is not part of `make test`."""

import re
import shutil
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text()
RULE = MAKEFILE.partition("\naudit: setup\n")[2].partition("\n\n")[0]


def test_what_cannot_be_looked_up_is_a_failure():
    assert "pip-audit --strict" in RULE and "exit $$status" in RULE


def test_it_needs_the_network_and_so_no_test_needs_it():
    found = dict(re.findall(r"^(\w+):(.*)$", MAKEFILE, re.MULTILINE))
    assert "audit" in found
    assert not any("audit" in needs for needs in found.values())


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_it_would_audit_every_package_installed(tmp_path):
    said = subprocess.run(
        ["make", "-n", "-o", "setup", "audit", "ARGS=--dry-run"], cwd=ROOT, check=True,
        capture_output=True, text=True,
    ).stdout  # fmt: skip
    bin_ = str(Path(sys.executable).parent)
    listed = tmp_path / "installed.txt"
    command = said.replace(".venv/bin", bin_).replace("build-audit.txt", str(listed))
    done = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (number,) = re.findall(r"would have audited (\d+) packages", done.stderr)
    installed = {d.metadata["Name"] for d in distributions()} - {"popnet", "pip"}
    assert int(number) >= 0.9 * len(installed)
