"""The examples in the documentation run, and do what the text says."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

import popnet as pn

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
RULES_PAGE = (ROOT / "popnet" / "rules" / "README.md").read_text()
SWEEPS_PAGE = (ROOT / "configs" / "README.md").read_text()


def blocks(language, page):
    """The blocks of code of a page."""
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


IN_PYTHON = blocks("python", README)


@pytest.mark.slow
def test_the_notebook_example_runs_without_ray_or_mlflow():
    check = (
        "\nimport sys\nassert not {'ray', 'mlflow', 'matplotlib'} & set(sys.modules)\n"
        "assert score_P.shape == other_P.shape == (6,)\n"
        "assert fall_PL.shape == (6, 3) and (fall_PL[:, 0] == score_P).all()\n"
        "assert rates_PBTN.shape == (6, 4, 200, 100)\n"
        "assert distance_PP.shape == (6, 6)\n"
    )
    subprocess.run([sys.executable, "-c", IN_PYTHON[0] + check], check=True)


@pytest.mark.slow
def test_a_run_opens_as_arrays_and_as_a_module(finished, monkeypatch):
    monkeypatch.setattr(pn, "launch", lambda _: pn.open_run(finished.out / "flow"))
    names = {"pn": pn}
    exec(IN_PYTHON[1], names)  # the block itself, on a smaller sweep
    network, module = names["network"], names["module"]
    weights = module.w_PNN.detach().numpy()
    np.testing.assert_array_equal(weights, network.final["recurrent"])


def test_the_sweep_file_shown_is_valid(tmp_path):
    from popnet.catalogue import load_sweep

    (text,) = blocks("yaml", README)
    path = tmp_path / "sweep.yaml"
    path.write_text(text)
    plan, _ = load_sweep(path)
    assert len(plan.conditions) == 3


@pytest.mark.parametrize("shown", blocks("yaml", SWEEPS_PAGE))
def test_each_search_section_shown_is_valid(tmp_path, shown):
    """In a small sweep the section is accepted, and it searches what it says."""
    from popnet.catalogue import load_sweep

    sections = yaml.safe_load(shown)
    small = {"name": "shown", "seed": 1, "networks": 2, "train": {"trials": 4000}}
    sweep = {**small, "task": {"name": "dnms"}, "rule": {"name": "bptt"}, **sections}
    path = tmp_path / "sweep.yaml"
    path.write_text(yaml.safe_dump(sweep))
    plan, _ = load_sweep(path)
    assert plan.sweep.search is not None
    assert plan.sweep.search.every == sections["search"]["every"]
    searched = sections["search"].get("searcher") or sections["search"]["scheduler"]
    assert plan.varied == list(searched["space"])


def test_every_registry_entry_is_named_in_the_readme_or_its_page():
    from popnet.catalogue import CATALOGUE

    pages = [ROOT / "popnet" / kind / "README.md" for kind in ("measures", "metrics")]
    shown = README + "".join(page.read_text() for page in pages)
    for registry in CATALOGUE:
        for name in registry:
            base, _, ending = name.rpartition("_")  # "`xor`, also `_delayed`"
            relative = f"`{base}`" in shown and f"`_{ending}`" in shown
            assert f"`{name}`" in shown or relative, name


@pytest.mark.slow
def test_the_rule_shown_is_one_file_and_one_line(tmp_path):
    """In the place that the page names, it passes the contract suite of rules."""
    shutil.copytree(ROOT / "popnet", tmp_path / "popnet")
    rules = tmp_path / "popnet" / "rules"
    whole_rule, its_test = blocks("python", RULES_PAGE)
    (rules / "delta.py").write_text(whole_rule)
    (line,) = re.findall(r'`("delta": Rule\(.*?\),)`', RULES_PAGE)
    registry = (rules / "__init__.py").read_text()
    for first, added in [
        (r"from popnet\.rules import \(\n", "    delta,\n"),
        (r"\nRULES\b[^{]+\{\n", f"        {line}\n"),
    ]:
        registry, found = re.subn(first, rf"\g<0>{added}", registry)
        assert found == 1, first
    (rules / "__init__.py").write_text(registry)
    done = subprocess.run(
        [sys.executable, "-c", f"{its_test}\n\ntest_delta()"], cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, ""), done.stderr[-3000:]
