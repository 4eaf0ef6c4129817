"""A kernel calls the copies that were compiled with it, whatever else is loaded."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import popnet

ROOT = Path(popnet.__file__).parents[1]

MODULE = """
import os
import numpy as np
from numba.core.bytecode import FunctionIdentity
from popnet.kernels.compiling import compiled

FACTOR = float(os.environ["FACTOR"])
x = np.arange(1.0, 4.0)

@compiled
def scale(x):
    for i in range(x.shape[0]):
        x[i] = FACTOR * x[i]
LONG

@compiled
def twice(x):
    scale(x)
    scale(x)
"""
# too long to be written out where it is called
LONG = "        x[i] = x[i] + np.sin(x[i]) * np.exp(-x[i] * x[i]) / (1 + x[i])\n" * 20
COMPILED = "from kernels_to_close import *; twice(x); print(x.tobytes().hex())"
HITS = COMPILED.replace("x.tobytes().hex()", "sum(twice.stats.cache_hits.values())")
LOADED = """
from kernels_to_close import *
next(FunctionIdentity._unique_ids)  # as for the one inside ``twice``
scale(np.ones(3))
twice(x)
print(x.tobytes().hex(), sum(twice.stats.cache_hits.values()))
"""


def said(script, folder, **more):
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True,
        env={
            **os.environ, "NUMBA_CACHE_DIR": str(folder), "PYTHONHASHSEED": "0",
            "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}", **more,
        },
    )  # fmt: skip
    return done.stdout.split()


@pytest.mark.slow
def test_what_a_kernel_calls_is_its_own_whatever_else_is_loaded(tmp_path):
    """The name of the called function is then that of another one of the process."""
    (tmp_path / "kernels_to_close.py").write_text(MODULE.replace("LONG\n", LONG))
    (right,) = said(COMPILED, tmp_path, FACTOR="2")
    for path in tmp_path.glob("popnet/kernels-*/scale-*"):
        path.unlink()
    assert said(LOADED, tmp_path, FACTOR="-3") == [right, "1"]


@pytest.mark.slow
def test_other_settings_of_numba_are_other_code(tmp_path):
    """Otherwise one process with NUMBA_OPT=0 would decide the bits of all others."""
    (tmp_path / "kernels_to_close.py").write_text(MODULE.replace("LONG\n", ""))
    for options, hits in [({}, "0"), ({}, "1"), ({"NUMBA_OPT": "0"}, "0")]:
        assert said(HITS, tmp_path, FACTOR="2", **options) == [hits]
