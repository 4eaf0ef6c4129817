"""Networks are the same bits where kernels were compiled, loaded or compiled again."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import popnet
from popnet.rules import RULES

ROOT = Path(popnet.__file__).parents[1]
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
        env={
            **os.environ, "NUMBA_CACHE_DIR": str(folder), "PYTHONHASHSEED": seed,
            "PYTHONPATH": str(ROOT),
        },
        check=True,
    )  # fmt: skip
    return sorted(said.stdout.split()), "compiling kernels" in said.stderr


@pytest.mark.slow
def test_networks_of_every_rule_do_not_depend_on_who_compiled_the_kernels(tmp_path):
    """Empty cache; from that cache, in another order; another empty cache, so too."""
    with ThreadPoolExecutor(1) as beside:
        elsewhere = beside.submit(trained, tmp_path / "two", "reversed", seed="3")
        first, compiled = trained(tmp_path / "one", seed="1")
        assert compiled and len(first) == len(RULES)
        assert trained(tmp_path / "one", "reversed", seed="2") == (first, False)
        assert elsewhere.result() == (first, True)
