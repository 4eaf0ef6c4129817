"""No contract suite asks for an entry by its name: what an entry is, it declares."""

import ast
import tokenize
from pathlib import Path

import pytest

import popnet.testing
from popnet.measures import MEASURES
from popnet.metrics import METRICS
from popnet.perturbations import PERTURBATIONS
from popnet.rules import RULES
from popnet.studies import STUDIES
from popnet.tasks import TASKS

SHIPPED = Path(popnet.testing.__file__).parent
SUITES = [*SHIPPED.glob("*.py"), *Path(__file__).parent.glob("test_*.py")]
NAMES = {*TASKS, *RULES, *PERTURBATIONS, *METRICS, *MEASURES, *STUDIES}


def words(path):
    """Identifiers and whole strings of a file, with their lines; no prose.

    Not the names of fields and modules, which stand behind a dot or before "=".
    """
    with open(path, "rb") as file:
        tokens = [*tokenize.tokenize(file.readline)]
        for before, token, after in zip(
            [None, *tokens], tokens, [*tokens[1:], None], strict=False
        ):
            if token.type == tokenize.NAME:
                if (before and before.string == ".") or (after and after.string == "="):
                    continue
                yield token.string, token.start[0]
            elif token.type == tokenize.STRING:
                text = token.string
                formatted = text.lower().startswith(("f", "rf", "fr"))
                yield text if formatted else ast.literal_eval(text), token.start[0]


@pytest.mark.parametrize("path", SUITES, ids=lambda path: path.name)
def test_no_suite_holds_the_name_of_an_entry(path):
    found = [f"line {line}: {word}" for word, line in words(path) if word in NAMES]
    assert not found


def test_the_suites_and_the_entries_are_found(tmp_path):
    assert len(SUITES) > len(NAMES) / 10
    for name in NAMES:
        text = f'"""{name}."""\nif entry == "{name}":\n    {name}()  # {name}\n'
        (tmp_path / "suite.py").write_text(text)
        assert [w for w, _ in words(tmp_path / "suite.py") if w == name] == [name] * 2
