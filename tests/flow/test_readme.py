"""The README's Python runs, and says what it says."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import popnet as pn

README = (Path(__file__).parents[2] / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_the_notebook_example_runs_without_ray_or_mlflow():
    check = (
        "\nimport sys\nassert not {'ray', 'mlflow', 'matplotlib'} & set(sys.modules)\n"
        "assert score_P.shape == other_P.shape == (6,)\n"
        "assert fall_PL.shape == (6, 3) and (fall_PL[:, 0] == score_P).all()\n"
        "assert rates_PBTN.shape == (6, 4, 200, 100)\n"
    )
    subprocess.run([sys.executable, "-c", BLOCKS[0] + check], check=True)


@pytest.mark.slow
def test_a_run_opens_as_arrays_and_as_a_module(finished, monkeypatch):
    monkeypatch.setattr(pn, "launch", lambda _: pn.open_run(finished.out / "flow"))
    names = {"pn": pn}
    exec(BLOCKS[1], names)  # the block itself, on a smaller sweep
    network, module = names["network"], names["module"]
    weights = module.w_PNN.detach().numpy()
    np.testing.assert_array_equal(weights, network.final["recurrent"])


def test_the_sweep_file_shown_is_valid(tmp_path):
    from popnet.catalogue import load_sweep

    text = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)[0]
    path = tmp_path / "sweep.yaml"
    path.write_text(text)
    plan, _ = load_sweep(path)
    assert len(plan.conditions) == 3


def test_every_registry_entry_is_named_in_the_readme():
    from popnet.catalogue import CATALOGUE

    for registry in CATALOGUE:
        for name in registry:
            assert f"`{name}`" in README, name


@pytest.mark.slow
def test_the_rule_shown_is_one_file_and_one_line(tmp_path):
    """Put where the README says, it passes the contract suite of rules."""
    root = Path(__file__).parents[2]
    shutil.copytree(root / "popnet", tmp_path / "popnet")
    rules = tmp_path / "popnet" / "rules"
    (rules / "delta.py").write_text(BLOCKS[2])
    (line,) = re.findall(r'`("delta": Rule\(.*?\),)`', README)
    registry = (rules / "__init__.py").read_text()
    registry = registry.replace("    bptt,\n", "    bptt,\n    delta,\n", 1)
    first = "RULES: dict[str, Rule] = {\n"
    assert first in registry
    (rules / "__init__.py").write_text(registry.replace(first, f"{first}    {line}\n"))
    suite = root / "tests" / "contracts" / "test_every_rule.py"
    asked = [sys.executable, "-m", "pytest", "-q", "-k", "[delta", str(suite)]
    done = subprocess.run(
        [*asked, "-c", str(root / "pyproject.toml"), "-p", "no:cacheprovider"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)}, cwd=tmp_path,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
    dots = done.stdout.splitlines()[0].split()[0]
    assert dots == "." * suite.read_text().count("\ndef test_"), done.stdout[-3000:]
