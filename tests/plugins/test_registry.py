"""Looking up entries: ours first, then those of installed packages, in one line."""

import importlib.metadata
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from popnet import registry
from popnet.catalogue import load_sweep
from popnet.config import ConfigError
from popnet.plan import networks
from popnet.registry import lacking
from popnet.rules import RULES
from popnet.tasks import TASKS

ROOT = Path(__file__).parents[2]
TASK = """
from typing import Literal
from popnet.tasks import TASKS
class Nap(TASKS["xor"].settings):
    name: Literal["nap"] = "nap"
NAP = TASKS["xor"]._replace(settings=Nap)
"""
OFFER = "[popnet.tasks]\nnap = MODULE:NAP\n"


def refused(name="nap", tasks=TASKS):
    with pytest.raises(ConfigError) as error:
        tasks[name]
    text = str(error.value)
    assert "\n" not in text and text.endswith(".")
    return text


def test_an_entry_of_another_package_is_found_and_listed_after_ours(installed):
    ours = list(TASKS)
    assert "nap" not in TASKS
    name, _ = installed(OFFER, TASK)
    assert TASKS["nap"].settings().name == "nap"
    assert list(TASKS) == [*ours, "nap"] and len(TASKS) == len(ours) + 1
    assert TASKS.package("nap") == f"{name} 1.0" and TASKS.package("xor") == ""
    assert isinstance(TASKS, Mapping) and TASKS["nap"] is TASKS["nap"]


def test_a_package_that_is_gone_offers_nothing(installed, monkeypatch):
    installed(OFFER, TASK)
    assert "nap" in TASKS
    monkeypatch.undo()
    assert "nap" not in TASKS


def test_names_of_ours_ask_no_package(installed, monkeypatch):
    installed(OFFER, TASK)
    asked = []
    real = importlib.metadata.entry_points
    monkeypatch.setattr(
        registry, "entry_points", lambda **g: asked.append(g["group"]) or real(**g)
    )
    assert TASKS["dnms"] and "xor" in TASKS and TASKS.get("dms") and not asked
    assert TASKS.get("nap") is not None
    assert asked == ["popnet.tasks"]
    assert "nap" in TASKS and len(asked) == 1


def test_a_sweep_of_ours_asks_no_package(monkeypatch):
    asked = []
    monkeypatch.setattr(registry, "_found", lambda group, _: asked.append(group) or {})
    plan, _ = load_sweep(ROOT / "configs" / "quickstart.yaml")
    assert len(networks(plan)) == 24 and asked == []
    with pytest.raises(ConfigError, match="unknown task"):
        load_sweep(ROOT / "configs" / "quickstart.yaml", ["task.name=nap"])
    assert set(asked) == {"popnet.tasks"}


def test_importing_popnet_asks_no_package():
    code = """
import importlib.metadata as metadata
real = metadata.entry_points
def entry_points(**given):  # other libraries ask too
    assert not given.get("group", "").startswith("popnet."), given
    return real(**given)
metadata.entry_points = entry_points
import popnet.catalogue, popnet.studies, popnet.api
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("import not_there", "MODULE:NAP fails to load (ModuleNotFoundError: No modu"),
        ("1 / 0", "MODULE:NAP fails to load (ZeroDivisionError: division by zero)"),
        ("", "MODULE:NAP fails to load (AttributeError: module 'MODULE' has no attr"),
        ("NAP = print", "MODULE:NAP is a builtin_function_or_method, not a popnet.ta"),
        (
            "from popnet.rules import RULES\nNAP = RULES['bptt']",
            "MODULE:NAP is a Rule, not a popnet.tasks.Task.",
        ),
        (
            "from popnet.tasks import TASKS\nNAP = TASKS['xor']",
            "MODULE:NAP has settings whose name is 'xor'.",
        ),
        (
            "from popnet.tasks import TASKS\nNAP = TASKS['xor']._replace(settings=int)",
            "MODULE:NAP has settings that are no subclass of popnet.config.TaskSet",
        ),
        (
            TASK.replace("    name:", "    package: str = ''\n    name:"),
            "a setting call",
        ),
    ],
)
def test_an_entry_that_cannot_be_used_names_its_package(installed, source, why):
    name, module = installed(OFFER, source, version="2.1")
    text = refused()
    assert text.startswith(f"task 'nap' of the package {name} 2.1 cannot be used: ")
    assert why.replace("MODULE", module) in text
    assert "nap" in list(TASKS)  # it is listed all the same


def test_two_packages_with_one_name_are_both_named(installed):
    first, _ = installed(OFFER, TASK)
    second, _ = installed(OFFER, TASK, version="0.3")
    text = refused()
    assert f"{first} 1.0" in text and f"{second} 0.3" in text
    assert "uninstall one of them" in text
    assert TASKS.problems() == [text]
    assert list(TASKS).count("nap") == 1


def test_ours_stay_ours_and_the_clash_is_told(installed):
    mine = TASK.replace('"nap"', '"dnms"')
    name, _ = installed("[popnet.tasks]\ndnms = MODULE:NAP\n", mine)
    assert TASKS["dnms"] is TASKS.own["dnms"] and TASKS.package("dnms") == ""
    assert list(TASKS).count("dnms") == 1
    (line,) = TASKS.problems()
    assert f"task 'dnms' of the package {name} 1.0 is not used" in line
    assert RULES.problems() == []


def test_the_same_package_however_its_name_is_spelled(installed):
    installed(OFFER, TASK, name="Some_Body.Else")
    assert TASKS.package("nap") == "some-body-else 1.0"


def test_packages_that_are_lacking_or_of_another_version(installed):
    name, _ = installed(OFFER, version="2.0")
    assert lacking((f"{name} 2.0",)) == []
    assert lacking((f"{name} 1.0", "no-such-thing 3.1")) == [
        f"has the package {name} 2.0, not 1.0",
        "lacks the package no-such-thing 3.1",
    ]
