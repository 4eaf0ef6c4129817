"""Bars of the Python API: where somebody looks on, and nowhere else."""

import io
import sys
from contextlib import redirect_stderr
from types import ModuleType

import pytest

from popnet import progress_bars
from popnet.progress_bars import bar


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Notebook:
    """What IPython offers: a display that may be changed."""

    def __init__(self):
        self.shown = []

    def display(self, content, *, raw, display_id):
        assert raw and display_id
        self.shown.append(content)
        return self

    def update(self, content, *, raw):
        assert raw
        self.shown.append(content)


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    return Terminal()


@pytest.fixture
def notebook(monkeypatch):
    page, module = Notebook(), ModuleType("IPython.display")
    module.display = page.display
    monkeypatch.setitem(sys.modules, "ipykernel", ModuleType("ipykernel"))
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    monkeypatch.setattr(progress_bars, "EVERY_S", -1.0)
    return page


def run(shown=True, total=4, stream=None):
    with redirect_stderr(stream or sys.stderr), bar(total, "training", shown) as told:
        told.advance(1)
        told.advance(2)
    return told.done


def test_a_terminal_has_a_bar_that_goes_when_it_is_done(terminal):
    assert run(stream=terminal) == 3
    written = terminal.getvalue()
    assert "training" in written and "75%" in written
    assert written.index("\x1b[?25l") < written.index("\x1b[?25h")
    assert written.endswith("\x1b[2K"), "its line is wiped"


@pytest.mark.parametrize(("shown", "total"), [(False, 4), (True, 0)])
def test_nothing_is_shown_that_is_not_wanted_or_has_no_pieces(
    terminal, notebook, shown, total
):
    assert run(shown, total, terminal) == 3
    assert terminal.getvalue() == "" and notebook.shown == []


def test_nothing_is_shown_where_nobody_looks_on(capsys):
    assert run() == 3
    assert capsys.readouterr() == ("", "")


def test_a_notebook_has_a_bar_of_its_browser(notebook, capsys):
    run()
    first, *_, late, last = notebook.shown
    assert first["text/plain"] == "training 0/4"
    assert late["text/plain"].startswith("training 3/4, 0 s left")
    assert '<progress value="3" max="4"></progress> training 3/4' in late["text/html"]
    assert set(last.values()) == {""}
    assert capsys.readouterr() == ("", "")


def test_a_notebook_is_not_drawn_more_often_than_one_can_see(notebook, monkeypatch):
    monkeypatch.setattr(progress_bars, "EVERY_S", 3600.0)
    run()
    assert len(notebook.shown) == 2, "the first and the last"


def test_a_bar_goes_though_the_calculation_fails(terminal, notebook, monkeypatch):
    for _ in range(2):
        with (
            pytest.raises(ZeroDivisionError),
            redirect_stderr(terminal),
            bar(4, "training"),
        ):
            raise ZeroDivisionError
        monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    assert set(notebook.shown[-1].values()) == {""}
    assert terminal.getvalue().rindex("\x1b[?25h") > 0
