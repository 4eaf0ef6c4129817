"""A measure is one file and one line: the name of any stands nowhere else in popnet.

But for the files listed here.
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
JUDGED = {
    "answers.py": {"moving_attractors"},
    "effects.py": {"weight_change_rank"},
    "measure_figures.py": {
        "moving_attractors", "largest_exponent", "attractor_dimension",
        "participation_ratio",
    },
    "topology_figures.py": {"fixed_points", "stable_fixed_points"},
    "variance_shares.py": {
        "fixed_points", "stable_fixed_points", "line_attractors", "slowest_s",
        "moving_attractors", "largest_exponent", "attractor_dimension",
        "weight_change_rank", "participation_ratio", "psychometric_slope",
        "choice_bias",
    },
}  # fmt: skip
"""Measures of which the study of learning rules has a statement or a figure: a paper's
statement is about one measure, and no other stands in for it."""
CODE = [*PACKAGE.rglob("*.py"), *(PACKAGE.parent / "cli").rglob("*.py")]


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
        | {f"popnet/studies/rules/{file}" for file in JUDGED if name in JUDGED[file]}
        for name in MEASURES.own
    }
    assert files == expected
