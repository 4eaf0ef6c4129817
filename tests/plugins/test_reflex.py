"""A package of its own brings an entry of each kind; nothing in popnet/ names it.

All are listed, pass popnet's contract suites, are launched, and are in the report and
on the study's page.
"""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.other_package import PACKAGE

from popnet import open_run, testing
from popnet.config import ConfigError
from popnet.registry import WITH_SETTINGS
from popnet.runs import provenance

ENTRIES = {
    "task": "antisaccade", "rule": "delta", "perturbation": "input_loss",
    "measure": "asymmetry", "metric": "spectral_likeness", "study": "reflex",
}  # fmt: skip
ROOT = Path(__file__).parents[2]


def test_nothing_in_popnet_names_it():
    words = "|".join(["popnet.reflex", *set(ENTRIES.values()) - {"delta"}])
    for folder in ("popnet", "cli"):
        for path in (ROOT / folder).rglob("*.py"):
            code = re.sub(r'""".*?"""', "", path.read_text(), flags=re.S)
            assert not re.search(rf"\b({words})\b", code), path


@pytest.mark.usefixtures("reflex")
@pytest.mark.parametrize(
    "kind", [pytest.param(k, marks=[pytest.mark.slow] * (k == "rule")) for k in ENTRIES]
)
def test_it_passes_the_contract_suite(kind):
    getattr(testing, f"check_{kind}")(ENTRIES[kind])


@pytest.mark.slow
@pytest.mark.parametrize("kind", WITH_SETTINGS)
def test_it_is_listed_with_its_package(with_reflex, kind):
    name = {f"{one}s": name for one, name in ENTRIES.items()}[kind]
    heads = [
        line
        for line in with_reflex(kind).stdout.splitlines()
        if not line.startswith(" ")
    ]
    assert heads[-1].startswith(f"{name}: ")
    assert heads[-1].endswith("  (package popnet-reflex 1.0)")
    assert not any("(package" in line for line in heads[:-1])
    listed = json.loads(with_reflex(kind, "--json").stdout)
    assert listed[name]["package"] == "popnet-reflex 1.0"
    assert not any("package" in about for n, about in listed.items() if n != name)


@pytest.mark.slow
def test_its_study_is_listed(with_reflex):
    assert "reflex: " in with_reflex("study").stdout


def test_an_unfit_entry_does_not_hide_the_others(with_reflex, tmp_path):
    for part in PACKAGE.iterdir():
        shutil.copytree(part, tmp_path / part.name)
    (tmp_path / "popnet_reflex" / "delta.py").write_text("import nothing_such")
    done = with_reflex("rules", code=2, path=tmp_path)
    assert "bptt: " in done.stdout and "delta" not in done.stdout
    assert done.stderr == (
        "popnet: rule 'delta' of the package popnet-reflex 1.0 cannot be used: "
        "popnet_reflex.delta:DELTA fails to load (ModuleNotFoundError: No module named "
        "'nothing_such').\n"
    )
    told = with_reflex("rules", "delta", code=2, path=tmp_path)
    assert told.stdout == "" and told.stderr == done.stderr
    sweep = PACKAGE / "popnet_reflex" / "study" / "quick.yaml"
    told = with_reflex("plan", sweep, code=2, path=tmp_path).stderr
    line = sweep.read_text().splitlines().index("rule: {name: delta}") + 1
    assert told.startswith(f"popnet: {sweep}, line {line}: rule.name: rule 'delta' of")
    assert told.count("\n") == 1


# --- launched -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def concluded(with_reflex, tmp_path_factory):
    """The study, launched and concluded; its run's folder and what was told."""
    out = tmp_path_factory.mktemp("reflex") / "runs"
    done = with_reflex("study", "reflex", "--out", out)
    return out / "reflex-quick", done.stdout


@pytest.fixture
def run(concluded, reflex):
    assert reflex.is_dir()
    return open_run(concluded[0])


@pytest.mark.flow
@pytest.mark.slow
def test_every_table_has_its_entries(run):
    table = run.table()
    assert len(table) == 3 and table["asymmetry"].between(0.3, 0.9).all()
    assert (table["task.name"] == "antisaccade").all()
    assert (table["weight_change"] == 0).all()  # the rule trains the readout alone
    tests = run.evaluations()
    assert sorted(tests[tests["name"] == "input_loss"]["level"].unique()) == [0, 0.5, 1]
    assert "go_nogo" in set(tests["name"])
    pairs = run.comparisons()
    assert list(pairs["metric"]) == ["spectral_likeness"] * 3
    assert pairs["value"].between(0.5, 1).all()


@pytest.mark.slow
def test_provenance_names_the_package(run):
    about = run.provenance()
    assert about["packages"] == ["popnet-reflex 1.0"]
    assert about["versions"]["popnet-reflex"] == "1.0"


@pytest.mark.flow
@pytest.mark.slow
def test_the_report_and_the_page_show_them(concluded):
    folder, told = concluded
    report = (folder / "report" / "index.html").read_text()
    for name in ENTRIES.values():
        assert name in report, name
    assert "popnet-reflex" in report
    page = (folder / "report" / "study.html").read_text()
    assert "3 networks lose their input." in page and "Loss of input." in page
    for says in ("The answer needs the stimulus.", "Networks of one size have like"):
        assert says in page and says in report and says in told
    assert (folder / "report" / "study" / "loss.png").is_file()


@pytest.mark.slow
def test_again_there_is_nothing_to_do(concluded, with_reflex):
    folder, _ = concluded
    done = with_reflex("launch", folder / "sweep.yaml", "--out", folder.parent)
    assert "nothing to train" in done.stdout
    assert "testing" not in done.stderr and "comparing" not in done.stderr
    key = str(open_run(folder).table()["key"][0])
    assert "identical" in with_reflex("retrain", folder, key).stdout


@pytest.mark.slow
def test_without_the_package_the_run_says_what_it_needs(concluded):
    folder, _ = concluded
    assert len(open_run(folder).table()) == 3
    command = str(Path(sys.executable).with_name("popnet"))
    done = subprocess.run([command, "show", folder], capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.count("\n") == 1, done.stderr
    assert "this machine lacks the package popnet-reflex 1.0" in done.stderr


@pytest.mark.slow
def test_with_another_version_its_networks_are_others(concluded, with_reflex, tmp_path):
    folder, _ = concluded
    for part in PACKAGE.iterdir():
        name = part.name.replace("-1.0.", "-1.1.")
        shutil.copytree(part, tmp_path / name)
    about = tmp_path / "popnet_reflex-1.1.dist-info" / "METADATA"
    about.write_text(about.read_text().replace("Version: 1.0", "Version: 1.1"))
    told = with_reflex("status", folder, code=2, path=tmp_path).stderr
    assert "has the package popnet-reflex 1.1, not 1.0" in told
    plan = with_reflex(
        "plan", folder / "sweep.yaml", "--out", folder.parent, "--json", path=tmp_path
    )
    assert json.loads(plan.stdout)["new"] == 3


def test_what_a_provenance_says_of_packages_is_not_trusted(tmp_path):
    for told in (None, 3, "x", [3, None, "../x 1", "no", "x 1\n2", " 1", {"a": 1}]):
        provenance.refuse_packages(tmp_path, {"packages": told})
    with pytest.raises(ConfigError, match="lacks the package gone 1"):
        provenance.refuse_packages(tmp_path, {"packages": ["gone 1"]})
