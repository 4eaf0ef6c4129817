"""The house rules that no other tool checks: circles, sizes, annotations, names."""

import ast
from collections import defaultdict
from functools import cache
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted([*ROOT.glob("popnet/**/*.py"), *ROOT.glob("cli/*.py")])
MOST_LINES, MOST_LINES_OF_A_FUNCTION = 300, 40
LONGER = {
    "popnet/core/backward.py:gradients": 53,
    "popnet/kernels/bptt.py:_backward": 46,
    "popnet/kernels/tiles.py:_emit_shape": 54,
}
"""Functions that are longer, and how long: a list that only shrinks."""
SHARED_NAMES = {"State"}
"""Each rule keeps a ``State`` of its own."""


@cache
def tree(path):
    return ast.parse(path.read_text(), str(path))


def named(path):
    return str(path.relative_to(ROOT))


def test_no_modules_import_each_other_in_a_circle():
    """TYPE_CHECKING included: a circle that only tools see is one too."""
    graph = grimp.build_graph("popnet", exclude_type_checking_imports=False)
    imports = {m: graph.find_modules_directly_imported_by(m) for m in graph.modules}
    assert len(imports) > 200
    assert not circle(imports)


def circle(imports):
    """One circle of modules, [] where there is none (depth first, three colours)."""
    done, path = set(), []

    def visit(module):
        if module in path:
            return [*path[path.index(module) :], module]
        if module in done:
            return []
        path.append(module)
        for other in sorted(imports.get(module, ())):
            if found := visit(other):
                return found
        path.pop()
        done.add(module)
        return []

    return next((found for m in sorted(imports) if (found := visit(m))), [])


def test_a_circle_would_be_found():
    imports = {"a": {"b"}, "b": {"c"}, "c": {"d", "b"}, "d": set()}
    assert circle(imports) == ["b", "c", "b"]
    assert circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


@pytest.mark.parametrize("path", FILES, ids=named)
def test_a_file_is_one_idea(path):
    lines = path.read_text().count("\n")
    assert lines <= MOST_LINES, f"{named(path)} has {lines} lines"


def test_functions_are_short():
    """Docstrings count: a function is read whole."""
    found = {}
    for path in FILES:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = node.end_lineno - node.lineno + 1
                if lines > MOST_LINES_OF_A_FUNCTION:
                    found[f"{named(path)}:{node.name}"] = lines
    longer = {name: n for name, n in found.items() if n > LONGER.get(name, 0)}
    assert not longer, longer
    shorter = {name for name, n in LONGER.items() if found.get(name, 0) < n}
    assert not shorter, f"take these off the list, or lower them: {shorter}"


@pytest.mark.parametrize("path", FILES, ids=named)
def test_public_arguments_are_annotated(path):
    bare = []
    for node in ast.walk(tree(path)):
        if not isinstance(node, ast.FunctionDef) or node.name.startswith("_"):
            continue
        spec = node.args
        given = [*spec.posonlyargs, *spec.args, *spec.kwonlyargs]
        given += [a for a in (spec.vararg, spec.kwarg) if a is not None]
        bare += [
            f"{node.name}({a.arg})"
            for a in given
            if a.annotation is None and a.arg not in ("self", "cls")
        ]
    assert not bare


def test_no_two_classes_have_one_name():
    """One word has one meaning; what is private to a file may repeat."""
    homes = defaultdict(list)
    for path in FILES:
        for node in tree(path).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].append(named(path))
    twice = {n: p for n, p in homes.items() if len(p) > 1 and n not in SHARED_NAMES}
    assert not twice
