"""The list of defects keeps up with the code."""

import importlib.util
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SPEC = importlib.util.spec_from_file_location("mutants", HERE / "mutants.py")
assert SPEC is not None and SPEC.loader is not None
MUTANTS = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(MUTANTS)


@pytest.mark.parametrize("mutant", MUTANTS.MUTANTS, ids=lambda m: f"{m.file} {m.old}")
def test_each_defect_has_its_line_and_its_tests(mutant):
    text = (HERE.parent / "popnet" / mutant.file).read_text()
    assert mutant.old in text and mutant.old != mutant.new
    assert (HERE / mutant.tests.partition("::")[0]).exists()
