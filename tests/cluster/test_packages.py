"""Machines of a cluster that lack another package whose entries a sweep names."""

import pytest
import yaml
from helpers.machines import Machines, why_not
from helpers.other_package import PACKAGE

pytestmark = pytest.mark.cluster

SWEEP = {
    "name": "shared",
    "seed": 3,
    "networks": 6,
    "network": {"units": 60, "dt_s": 0.005},
    "task": {"name": "antisaccade"},
    "rule": {"name": "delta"},
    "train": {"trials": 1000, "until": None},
    "grid": {"rule.learning_rate": [0.05, 0.1]},
    "after": {
        "trials": 2,
        "perturb": [{"name": "input_loss", "levels": [0, 1]}],
        "compare": ["spectral_likeness"],
    },
}


@pytest.fixture
def reflexes(lab):
    lab.file.write_text(yaml.safe_dump(SWEEP, sort_keys=False))
    return lab


def test_machines_that_lack_the_package_are_told_before_anything_is_written(
    reflexes, monkeypatch
):
    monkeypatch.setenv("PYTHONPATH", str(PACKAGE))  # of the launch alone
    told = reflexes.ends(reflexes.launch(), code=2)
    assert "lacks the package popnet-reflex 1.0" in told
    assert "Traceback" not in told and "No module named" not in told
    assert not reflexes.out.exists()


@pytest.fixture
def grown(lab, tmp_path):
    """A cluster whose head and first machine have the package, and the second not."""
    if why_not():
        pytest.skip(f"a cluster of its own beside the other: {why_not()}")
    machines = Machines(workers=2)
    machines.extra = {number: {"PYTHONPATH": str(PACKAGE)} for number in (0, 1)}
    try:
        machines.start(0)
        machines.start(1)
        yield type(lab)(machines, tmp_path)
    finally:
        machines.close()


@pytest.mark.nightly
def test_a_machine_that_comes_later_without_it_does_no_harm(grown):
    grown.file.write_text(yaml.safe_dump(SWEEP, sort_keys=False))
    process = grown.launch()
    grown.training(process)
    grown.machines.start(2)
    told = grown.ends(process)
    assert "lacks the package popnet-reflex 1.0" in told
    assert "Traceback" not in told and "No module named" not in told
