"""A file beside a sweep hides no installed module; others are imported as always."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import popnet

ROOT = Path(popnet.__file__).parents[1]
NAMES = ("torch", "numba", "safetensors", "calendar")
CODE = """
import sys
import popnet as pn
import calendar, safetensors
pn.train, pn.draw
import numba, mine
print([sys.modules[name].__file__ for name in {names}], mine.__file__)
"""


def write(folder, *names):
    """Modules that leave a trace when they are imported."""
    for name in names:
        (folder / f"{name}.py").write_text(
            f"open({str(folder / 'imported')!r}, 'a').write({name!r})\n"
        )


def run(arguments, folder, beside=str(ROOT)):
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, text=True, capture_output=True,
        env={**os.environ, "PYTHONPATH": f"{beside}{os.pathsep}{ROOT}"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("how", ["-c", "script", "PYTHONPATH=.", "PYTHONPATH=:"])
def test_what_lies_beside_comes_last(tmp_path, how):
    write(tmp_path, *NAMES)
    (tmp_path / "mine.py").write_text("")
    code = CODE.format(names=NAMES)
    (tmp_path / "script.py").write_text(code)
    arguments = ["script.py"] if how == "script" else ["-c", code]
    if how.startswith("PYTHONPATH"):
        said = run(["-P", *arguments], tmp_path, how.partition("=")[2])
    else:
        said = run(arguments, tmp_path)
    files, _, mine = said.strip().rpartition(" ")
    assert os.path.samefile(mine, tmp_path / "mine.py")
    assert str(tmp_path) not in files and not (tmp_path / "imported").exists()


def test_a_package_that_is_nowhere_else_is_found_beside(tmp_path):
    (tmp_path / "popnet_beside").mkdir()
    (tmp_path / "popnet_beside" / "__init__.py").write_text("")
    code = "import popnet, popnet_beside; print(popnet_beside.__file__)"
    assert str(tmp_path) in run(["-c", code], tmp_path)


def test_a_deleted_working_directory_is_no_error(tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    code = "import os, popnet; os.rmdir(os.getcwd()); import calendar; print(1)"
    assert run(["-c", code], gone).strip() == "1"
