"""The package of an entry is in the key of a network, and in what is asked of it."""

import json
import os
import pickle
import subprocess
import sys

import pytest
import yaml

from popnet import registry
from popnet.canonical import canonical
from popnet.catalogue import CATALOGUE, packages_of
from popnet.config import load, read_text
from popnet.engine.test_plan import planned_tests
from popnet.perturbations import PERTURBATIONS
from popnet.plan import networks
from popnet.tasks import TASKS

SWEEP = {
    "name": "keys", "seed": 3, "networks": 1, "network": {"units": 12, "dt_s": 0.01},
    "task": "antisaccade", "rule": "delta",
    "after": {"trials": 1, "perturb": ["input_loss"], "other_tasks": ["go_nogo"]},
}  # fmt: skip
TASK = """
from typing import Literal
from popnet.tasks import TASKS
class Nap(TASKS["xor"].settings):
    name: Literal["nap"] = "nap"
NAP = TASKS["xor"]._replace(settings=Nap)
"""
OFFER = "[popnet.tasks]\nnap = MODULE:NAP\n"


def loaded(**changes):
    return load(read_text(yaml.safe_dump({**SWEEP, **changes})), CATALOGUE)


@pytest.mark.usefixtures("reflex")
def test_name_and_version_of_a_package_are_in_the_text_that_is_hashed():
    task = TASKS["antisaccade"].settings(stimulus_s=0.4)
    assert json.loads(canonical(task)) == {
        "name": "antisaccade", "package": "popnet-reflex 1.0", "stimulus_s": 0.4,
    }  # fmt: skip
    config = networks(loaded())[0].config
    text = json.loads(canonical(config))
    assert text["rule"]["package"] == text["task"]["package"] == "popnet-reflex 1.0"
    assert "package" not in canonical(TASKS["xor"].settings(strength=0.5))


@pytest.mark.usefixtures("reflex")
def test_a_sweep_says_which_packages_it_needs():
    assert packages_of(loaded()) == ("popnet-reflex 1.0",)
    assert packages_of(loaded(task="xor", rule="bptt", after={})) == ()
    only_after = loaded(task="xor", rule="bptt", after={"perturb": ["input_loss"]})
    assert packages_of(only_after) == ("popnet-reflex 1.0",)


@pytest.mark.parametrize("name", [None, "another-one"])
def test_another_version_or_package_is_another_network(installed, monkeypatch, name):
    def key(version, package):
        installed(OFFER, TASK, version=version, name=package)
        (network,) = networks(loaded(task="nap", rule="bptt", after={}))
        monkeypatch.undo()
        return network.key

    first, second = key("1.0", "some-one"), key("1.1", name or "some-one-newer")
    assert first != second


def test_the_same_wherever_the_settings_come_from(reflex):
    """A worker unpickles them and asks no registry; the identities are the same."""
    plan = loaded()
    config, after = networks(plan)[0].config, plan.sweep.after
    code = """
import pickle, sys
config, after = pickle.loads(sys.stdin.buffer.read())
from popnet.canonical import canonical
from popnet.engine.test_plan import planned_tests
print(canonical(config), *(t.identity for t in planned_tests(after, config)), sep="\\n")
"""
    there = subprocess.run(
        [sys.executable, "-c", code], input=pickle.dumps((config, after)),
        capture_output=True, check=True, env={**os.environ, "PYTHONPATH": str(reflex)},
    ).stdout.decode()  # fmt: skip
    here = [canonical(config), *(t.identity for t in planned_tests(after, config))]
    assert there.splitlines() == here


@pytest.mark.usefixtures("reflex")
def test_a_version_of_a_perturbation_is_another_test(monkeypatch):
    plan = loaded(task="xor", rule="bptt")
    config, after = networks(plan)[0].config, plan.sweep.after

    def identities():
        asked = planned_tests(after, config)
        return {t.identity for t in asked if t.name == "input_loss"}

    before = identities()
    settings = PERTURBATIONS["input_loss"].settings
    monkeypatch.setitem(registry._packages, settings, "popnet-reflex 1.1")
    now = identities()
    assert len(before) == len(now) == 3 and not before & now
