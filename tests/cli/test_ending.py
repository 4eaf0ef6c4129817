"""A command ends with its own exit code, whatever its libraries do as they end."""

import subprocess
import sys

import pytest

# what a library of C++ does now and then: abort while Python takes itself apart
ABORTS = """
import os, sys
from popnet.cli import main

class Library:
    def __del__(self):
        os.abort()

main.library = Library()  # deleted with the modules, after every atexit function
{more}
main.main()
"""
EARLIER = """
import atexit
atexit.register(print, "said by an atexit function")
"""


def ended(more, *args):
    """Run a command in a process whose library aborts as it ends."""
    source = f"import sys; sys.argv[1:] = {list(args)!r}" + ABORTS.format(more=more)
    return subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, check=False
    )


def test_the_abort_is_real():
    """The double would be seen: without the command's own end the process dies."""
    source = ABORTS.replace("main.main()", "").format(more="")
    done = subprocess.run([sys.executable, "-c", source], check=False)
    assert done.returncode < 0


@pytest.mark.parametrize(
    ("args", "code"), [(["tasks"], 0), (["tasks", "--nope"], 2), (["show", "no"], 2)]
)
def test_an_abort_at_the_end_changes_neither_output_nor_code(args, code):
    done = ended("", *args)
    assert done.returncode == code, done.stderr
    assert (done.stdout if code == 0 else done.stderr).endswith("\n")


def test_a_crash_of_a_command_is_code_1_with_its_traceback():
    done = ended("main.run = lambda: 1 / 0", "tasks")
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr


def test_what_others_registered_is_done_first():
    """Ray and MLflow end by such functions, registered as they are imported."""
    more = "main.app = lambda **_: exec(" + repr(EARLIER) + ")"
    done = ended(more, "tasks")
    assert (done.returncode, done.stdout) == (0, "said by an atexit function\n")


@pytest.mark.parametrize("asked", ["tasks", "--help"])
def test_a_reader_that_is_gone_is_no_error(asked):
    done = subprocess.run(
        f"{sys.executable} -m popnet.cli.main {asked} | true; echo ${{PIPESTATUS[0]}}",
        shell=True, executable="/bin/bash", capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("0\n", "")


def test_a_full_disk_is_said():
    done = subprocess.run(
        f"{sys.executable} -m popnet.cli.main --help > /dev/full",
        shell=True, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 120  # as Python's own
    assert done.stderr == (
        "popnet: the output cannot be written: No space left on device.\n"
    )
