"""A measure is one file and one line: the name of any stands nowhere else in popnet.

But for studies, which ask for measures by name, as their sweep files do.
"""

import ast
import tokenize
from collections import defaultdict
from pathlib import Path

import popnet
from popnet.measures import MEASURES

PACKAGE = Path(popnet.__file__).parent
PUBLIC = {"fixed_points": {"popnet/__init__.py", "popnet/api.py", "popnet/resting.py"}}
"""Files of a public function that has the name of a measure, because it gives what the
measure counts."""
STUDIES = PACKAGE / "studies"
CODE = [
    path
    for path in (*PACKAGE.rglob("*.py"), *(PACKAGE.parent / "cli").rglob("*.py"))
    if not path.is_relative_to(STUDIES) or path.parent == STUDIES
]


def words(path):
    """The identifiers and whole strings of a file; no prose."""
    with open(path, "rb") as file:
        for token in tokenize.tokenize(file.readline):
            if token.type == tokenize.NAME:
                yield token.string
            elif token.type == tokenize.STRING:
                text, begin = token.string, token.string.partition(token.string[-1])[0]
                yield text if "f" in begin.lower() else ast.literal_eval(text)


def test_the_name_of_a_measure_stands_in_its_own_file_and_the_registry():
    files = defaultdict(set)
    for path in CODE:
        for word in MEASURES.own.keys() & set(words(path)):
            files[word].add(str(path.relative_to(PACKAGE.parent)))
    assert set(files) == set(MEASURES.own) and len(CODE) > 200
    expected = {
        name: {f"popnet/measures/{name}.py", "popnet/measures/__init__.py"}
        | PUBLIC.get(name, set())
        for name in MEASURES.own
    }
    assert files == expected
