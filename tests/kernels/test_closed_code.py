"""A kernel computes the same bits where it was compiled, loaded or compiled again."""

import os
import subprocess
import sys

import pytest

from popnet.rules import RULES

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
            **os.environ, "NUMBA_CACHE_DIR": str(folder), "PYTHONPATH": str(folder),
            "PYTHONHASHSEED": "0", **more,
        },
    )  # fmt: skip
    return done.stdout.split()


def test_what_a_kernel_calls_is_its_own_whatever_else_is_loaded(tmp_path):
    """The name of the called function is then that of another one of the process."""
    (tmp_path / "kernels_to_close.py").write_text(MODULE.replace("LONG\n", LONG))
    (right,) = said(COMPILED, tmp_path, FACTOR="2")
    for path in tmp_path.glob("popnet/kernels-*/scale-*"):
        path.unlink()
    assert said(LOADED, tmp_path, FACTOR="-3") == [right, "1"]


TRAINING = """
import sys
from hashlib import sha256
import popnet as pn
from popnet.rules import RULES

for rule in sorted(RULES, reverse="reversed" in sys.argv):
    nets = pn.draw(task="dnms", networks=2, network={"units": 60}, rule=rule, seed=7)
    nets = pn.train(nets, trials=20, progress=False)
    leaves = [v for v in (*nets.params, *pn.evaluate(nets, trials=2)) if v is not None]
    bits = b"".join(v.tobytes() for v in map(pn.api.np.asarray, leaves))
    print(f"{rule}={sha256(bits).hexdigest()}")
"""


def trained(folder, *order, seed):
    said = subprocess.run(
        [sys.executable, "-c", TRAINING, *order], capture_output=True, text=True,
        env={**os.environ, "NUMBA_CACHE_DIR": str(folder), "PYTHONHASHSEED": seed},
        check=True,
    )  # fmt: skip
    return sorted(said.stdout.split()), "compiling kernels" in said.stderr


@pytest.mark.slow
def test_networks_of_every_rule_do_not_depend_on_who_compiled_the_kernels(tmp_path):
    """Empty cache; from that cache, in another order; another empty cache, so too."""
    first, compiled = trained(tmp_path / "one", seed="1")
    assert compiled and len(first) == len(RULES)
    assert trained(tmp_path / "one", "reversed", seed="2") == (first, False)
    assert trained(tmp_path / "two", "reversed", seed="3") == (first, True)
