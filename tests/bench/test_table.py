"""The table: verdicts, numbers, and its place on its page."""

import argparse

import pytest
import run
from case import Case
from table import BEGIN, END, Row, allocator, markdown, number, replaced, speed
from timing import Ratio, Speed


def row(median, floor=40.0, aim=60.0):
    found = None if median is None else Ratio(median, median - 1, median + 1)
    return Row("learning", "352 trials/s", "NumPy", "8.00 trials/s", found, floor, aim)


@pytest.mark.parametrize(
    ("median", "verdict", "missed"),
    [
        (39.9, "**below the floor**", True),
        (40.0, "floor held", False),
        (60.0, "aim reached", False),
        (float("nan"), "**below the floor**", True),
        (None, "", False),
    ],
)
def test_verdicts(median, verdict, missed):
    assert (row(median).verdict, row(median).missed) == (verdict, missed)


def test_a_row_without_a_floor_is_only_reported():
    assert (row(1.0, None, None).verdict, row(1.0, None, None).missed) == ("", False)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.4123, "0.41"), (9.999, "10.00"), (41.23, "41.2"), (1409.6, "1,410")],
)
def test_numbers_have_about_three_digits(value, text):
    assert number(value) == text


def test_a_speed_says_what_part_was_the_systems():
    assert speed(Speed([3.0, 1.0, 2.0], 0.09), "trials") == "2.00 trials/s"
    text = "2.00 trials/s, 46% in the system"
    assert speed(Speed([3.0, 1.0, 2.0], 0.46), "trials") == text


def test_the_caption_says_how_memory_is_kept():
    assert allocator({"HOME": "/"}) == "MALLOC settings untouched"
    assert allocator({"MALLOC_ARENA_MAX": "1"}) == "with MALLOC_ARENA_MAX=1"


def test_every_line_of_the_table_has_all_columns():
    lines = markdown([row(44.0), row(None), row(1.0, None, None)]).splitlines()
    assert {line.count("|") for line in lines} == {8}
    assert "**44.0** (43.0 to 45.0) | 40.0, 60.0 | floor held |" in lines[2]


PAGE = f"# How fast\n\n{BEGIN}\nold\n{END}\n\n## Limits\n"


def test_the_page_changes_between_its_marks_alone():
    once = replaced(PAGE, "| new |\n")
    assert once == PAGE.replace("\nold\n", "\n\n| new |\n\n")
    assert replaced(once, "| new |") == once


def test_another_part_has_marks_of_its_own():
    page = PAGE + "<one>old<two>"
    assert replaced(page, "new", "<one>", "<two>") == PAGE + "<one>\n\nnew\n\n<two>"


@pytest.mark.parametrize("page", ["# popnet\n", PAGE + PAGE, BEGIN])
def test_a_page_without_both_marks_is_left_alone(page):
    with pytest.raises(SystemExit, match=r"README.md: expected one"):
        replaced(page, "| new |")


def run_with(tmp_path, **asked):
    """Two cases: one below its floor, one slow."""
    done = []

    def case(title, median, slow=False):
        def measure(effort, _):
            done.append((title, effort.rounds))
            return [row(median)]

        return Case(title, measure, slow)

    page = tmp_path / "README.md"
    page.write_text(PAGE)
    given = {"quick": False, "only": [], "check": False} | asked
    cases = [case("Rule one", 10.0), case("Rule two", 50.0, slow=True)]
    code = run.measure(argparse.Namespace(**given), cases, [], page)
    return code, [title for title, _ in done], page.read_text() != PAGE


def test_a_whole_run_writes_and_a_look_does_not(tmp_path, capsys):
    assert run_with(tmp_path) == (0, ["Rule one", "Rule two"], True)
    assert "352 trials/s" in capsys.readouterr().out
    assert run_with(tmp_path, quick=True) == (0, ["Rule one"], False)
    assert run_with(tmp_path, only=["RULE", "two"]) == (0, ["Rule two"], False)


def test_check_ends_with_1_when_a_floor_is_missed(tmp_path, capsys):
    assert run_with(tmp_path, check=True)[0] == 1
    assert "below the floor: learning (NumPy)" in capsys.readouterr().err
    assert run_with(tmp_path, check=True, only=["two"])[0] == 0
