"""The pages of the documentation: their size, links, paths, commands and marks."""

import re
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest
import typer
from popnet.cli.main import app

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
LONGEST = 14_000
FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)


def _tracked(pattern):
    command = ["git", "-C", str(ROOT), "ls-files", "-z", pattern]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return [ROOT / name for name in done.stdout.split("\0") if name]


PAGES = _tracked("*.md")
SCRIPTS = [p for folder in ("bench", "soak", "papers")
           for p in sorted((ROOT / "tests" / folder).glob("*.py"))]  # fmt: skip


def name_of(page):
    return str(page.relative_to(ROOT))


each_page = pytest.mark.parametrize("page", PAGES, ids=name_of)


def links(text):
    """The targets of all links and images, without those that only code shows."""
    prose = re.sub(r"`[^`\n]+`", "code", FENCE.sub("", text))
    return re.findall(r"\]\(<?([^)\s>]+)>?\)", prose)


def anchors(text):
    """The anchors that GitHub gives to the headings of a page."""
    made = []
    for title in re.findall(r"(?m)^#+ (.+)$", FENCE.sub("", text)):
        slug = re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")
        again = sum(re.fullmatch(rf"{re.escape(slug)}(-\d+)?", a) is not None
                    for a in made)  # fmt: skip
        made.append(f"{slug}-{again}" if again else slug)
    return made


def code(text):
    """Every line of a block of code, and every piece of code in a sentence."""
    blocks = [line for block in FENCE.findall(text) for line in block.splitlines()]
    rest = FENCE.sub("", text)
    indented = re.findall(r"(?m)^ {4}(.+)$", rest)
    return [*blocks, *indented, *re.findall(r"`([^`\n]+)`", rest)]


def dead_links(page):
    """The links of a page that lead nowhere."""
    dead = []
    for link in links(page.read_text()):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        there = target.exists() and target.resolve().is_relative_to(ROOT)
        if not there or (anchor and anchor not in anchors(target.read_text())):
            dead.append(link)
    return dead


def commands(text):
    """The words of each `popnet ...` that a page shows, options left out."""
    shown = (c.removeprefix("$ ").split() for c in code(text))
    return [words[1:3] for words in shown if words[:1] == ["popnet"] and words[1:]]


def known(words):
    """Whether the command, and its second word where it has commands, exists."""
    group = typer.main.get_command(app)
    for word in words:
        if not hasattr(group, "commands") or not re.fullmatch(r"[a-z0-9]+", word):
            return True
        if word not in group.commands:
            return False
        group = group.commands[word]
    return True


def test_the_readme_is_short():
    assert len(README.read_text()) <= LONGEST


@each_page
def test_no_relative_link_is_dead(page):
    assert dead_links(page) == []


def test_the_map_leads_to_every_other_readme():
    _, _, described = README.read_text().partition("\n## Map\n")
    there = {(README.parent / link).resolve() for link in links(described)}
    assert there == {p.resolve() for p in PAGES if p.name == "README.md"} - {README}


@pytest.mark.parametrize("folder", ["popnet", "tests"])
def test_the_page_of_a_folder_names_every_room(folder):
    files = [p.relative_to(ROOT / folder) for p in _tracked(f"{folder}/*.py")]
    rooms = {file.parts[0] for file in files} - {"conftest.py"}
    named = {c.rstrip("/") for c in code((ROOT / folder / "README.md").read_text())}
    assert rooms - named == set()


@each_page
def test_every_command_shown_exists(page):
    assert [words for words in commands(page.read_text()) if not known(words)] == []


def test_the_readme_names_every_command():
    shown = {words[0] for words in commands(README.read_text())}
    assert set(typer.main.get_command(app).commands) <= shown


@each_page
def test_every_make_target_shown_exists(page):
    targets = set(re.findall(r"(?m)^([a-z]+):", (ROOT / "Makefile").read_text()))
    shown = [c.split() for c in code(page.read_text())]
    asked = {b for words in shown for a, b in pairwise(words[:2]) if a == "make"}
    assert asked - targets == set()


@each_page
def test_every_path_shown_exists(page):
    rooms = r"(cli|configs|k8s|popnet|tests)/[\w./-]+"
    paths = [c for c in code(page.read_text()) if re.fullmatch(rooms, c)]
    assert [p for p in paths if not (ROOT / p).exists()] == []


@pytest.mark.parametrize("script", SCRIPTS, ids=name_of)
def test_a_part_that_a_script_writes_has_its_marks_on_one_page(script):
    for mark in re.findall(r'"(<!-- .+? -->)"', script.read_text()):
        assert sum(page.read_text().count(mark) for page in PAGES) == 1, mark
