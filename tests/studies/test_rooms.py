"""Nothing of a study stands outside its own folder, but for one registry line."""

import ast
import importlib
import io
import pkgutil
import re
import tokenize
from pathlib import Path

import pytest

import popnet
from popnet.catalogue import REGISTRIES
from popnet.studies import STUDIES

HOUSE = Path(popnet.__file__).parent
COMMAND = HOUSE.parent / "cli"
LINE = HOUSE / "studies" / "__init__.py"
"""The registry, in which the study's name stands."""
ENTRIES = {name for registry in REGISTRIES.values() for name in registry.own}
LINE_ENDS = (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
MOST_BESIDE = 3
"""So many of the entries that a table of the study holds are no accident elsewhere."""


def folder_of(name):
    (folder,) = {path.parent for path in STUDIES[name].scales.values()}
    return folder


def modules_of(name):
    folder = folder_of(name)
    package = f"popnet.studies.{folder.name}"
    found = pkgutil.iter_modules([str(folder)])
    return [importlib.import_module(f"{package}.{module.name}") for module in found]


def members(value):
    """The texts in a constant, at any depth."""
    if isinstance(value, str):
        return {value}
    if isinstance(value, dict | list | tuple | set | frozenset):
        return {text for one in value for text in members(one)}
    return set()


def tables_of(name):
    """The study's constants that hold names of registry entries."""
    return {
        constant: members(value) & ENTRIES
        for module in modules_of(name)
        for constant, value in vars(module).items()
        if constant.isupper() and not hasattr(value, "_fields")
        if members(value) & ENTRIES
    }


def names_of(name):
    """What only this study names: no entries of registries, and no plain words."""
    study = STUDIES[name]
    given = {claim.name for claim in study.claims} | set(study.sections())
    return {n for n in given - ENTRIES if "_" in n} | set(tables_of(name))


def files_outside(name):
    folder = folder_of(name)
    python = [*HOUSE.rglob("*.py"), *COMMAND.rglob("*.py")]
    return [path for path in python if not path.is_relative_to(folder)]


def beside(name):
    """Files outside that belong to no other study: a word of the field may be both."""
    others = {folder_of(other) for other in STUDIES.own if other != name}
    outside = files_outside(name)
    return [path for path in outside if not others & set(path.parents)]


def words_of(path):
    """Identifiers and whole strings of a module, without its docstrings."""
    text, begins = path.read_text(encoding="utf-8"), True
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NAME:
            yield token.string
        elif token.type == tokenize.STRING and not begins:
            yield token.string.strip("rbfRBF").strip("\"'")
        if token.type not in (tokenize.NL, tokenize.COMMENT):
            begins = token.type in LINE_ENDS


def literals_of(path):
    """The texts of each collection that is written out in a module."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        parts = node.keys if isinstance(node, ast.Dict) else getattr(node, "elts", [])
        texts = [n.value for n in parts if isinstance(n, ast.Constant)]
        yield {text for text in texts if isinstance(text, str)}


@pytest.mark.parametrize("name", STUDIES.own)
def test_a_study_has_names_to_look_for(name):
    assert len(names_of(name)) > 5
    assert any(len(table) >= MOST_BESIDE for table in tables_of(name).values())


@pytest.mark.parametrize("name", STUDIES.own)
def test_only_its_registry_line_names_a_study(name):
    for path in beside(name):
        if name in REGISTRIES:  # a word of the whole house: its folder and its runs
            text = path.read_text(encoding="utf-8")
            own = rf"studies\.{name}|studies/{name}|studies import .*\b{name}\b|"
            words = re.findall(own + rf"\b{name}-(?:quick|paper)", text)
            allowed = {f"studies import degeneracy, heterogeneity, {name}"}
            assert set(words) <= (allowed if path == LINE else set()), path
            continue
        words = [word for word in words_of(path) if name in word]
        allowed = {name} if path == LINE else set()
        assert set(words) <= allowed, f"{path} names the study {name}: {words}"
    others = [*HOUSE.rglob("*.yaml"), *HOUSE.rglob("*.j2")]
    folders = {folder_of(study) for study in STUDIES.own}
    sought = f"studies/{name}" if name in REGISTRIES else name
    for path in [p for p in others if not folders & set(p.parents)]:
        assert sought not in path.read_text(encoding="utf-8"), path


@pytest.mark.parametrize("name", STUDIES.own)
def test_no_file_outside_has_a_name_of_a_study(name):
    names = names_of(name)
    for path in files_outside(name):
        found = names & set(words_of(path))
        assert not found, f"{path} has names of the study {name}: {sorted(found)}"


@pytest.mark.parametrize("name", STUDIES.own)
def test_no_table_of_a_study_stands_twice(name):
    registries = {HOUSE / kind / "__init__.py" for kind in REGISTRIES}
    tables = tables_of(name)
    for path in set(files_outside(name)) - registries:
        for literal in literals_of(path):
            for constant, table in tables.items():
                same = sorted(table & literal)
                assert len(same) < MOST_BESIDE, (
                    f"{path} lists {', '.join(same)}, as {constant} of {name} does"
                )
