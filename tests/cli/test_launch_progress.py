"""What a launch shows while it runs."""

import io
import re

import pytest
from popnet.cli import launch_progress
from popnet.cli.launch_progress import (
    ProgressBars,
    ProgressLines,
    duration,
    shown_progress,
)
from rich.console import Console

from popnet.sweep.progress import LaunchProgress, lost


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def status(stage="train", counts=None, trials=0, done=0, jobs=0, behind=0, waiting=""):
    return LaunchProgress(stage, 10, counts or {}, trials, done, jobs, behind, waiting)


# five networks took 1,100 trials, 1,000 of them in 20 s; five more are to come
BEGUN = status(trials=100)
LATER = status(counts={"trained": 2, "diverged": 3}, trials=1100)


# --- lines ---------------------------------------------------------------------------


def test_progress_in_words(clock):
    lines = ProgressLines("x", clock)
    for given, expected in [
        (status("start"), "starting Ray"),
        (status("compile"), "compiling kernels for this CPU, once"),
        (status("test", done=2, jobs=5), "testing 2/5"),
        (status("compare", done=0, jobs=3), "comparing pairs 0/3"),
        (status("record"), "writing tables"),
        (status("report"), "drawing the report"),
        (status("mlflow"), "filling MLflow"),
        (status("done"), "done"),
        (status("a new one"), "a new one"),
        (status("test", done=2, jobs=5, behind=12), "testing 2/5, MLflow 12 behind"),
        (status("test", waiting="the disk is full"), "waiting, the disk is full"),
    ]:
        assert lines.words(given) == expected


def test_speed_and_time_left_are_those_of_this_launch(clock, capsys):
    lines = ProgressLines("x", clock)
    lines.show(BEGUN)
    assert lines.words(BEGUN) == "0/10 networks"
    clock.now += 20
    lines.show(LATER)
    assert lines.words(LATER) == (
        "5/10 networks, 3 diverged, 2 trained, 50 trials/s, about 0 min left"
    )
    assert lines.training_speed.seconds_left(LATER) == 22
    assert lines.training_speed.seconds_left(status(trials=5)) is None
    assert capsys.readouterr().err.splitlines()[-1] == f"x: {lines.words(LATER)}"


def test_elsewhere_than_on_a_terminal_a_line_now_and_then(clock, capsys):
    lines = ProgressLines("x", clock)
    for seconds, stage in [
        (0, "start"), (1, "train"), (2, "train"), (3, "compile"), (4, "train"),
        (5, "compile"), (6, "train"), (12, "train"), (14, "train"),
    ]:  # fmt: skip
        clock.now = 100.0 + seconds
        lines.show(status(stage))
    lines.close()
    out, err = capsys.readouterr()
    assert out == "" and err.splitlines() == [
        "x: starting Ray", "x: 0/10 networks",
        "x: compiling kernels for this CPU, once", "x: 0/10 networks",
    ]  # fmt: skip


def test_a_file_gets_lines_and_no_codes_of_a_terminal(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    with shown_progress("x") as listen:
        listen(status("report"))
    assert capsys.readouterr().err == "x: drawing the report\n"


# --- bars ----------------------------------------------------------------------------


class Terminal:
    """Bars of some width, and what stands on the screen."""

    def __init__(self, clock, width=80, name="x"):
        self.stream = io.StringIO()
        self.console = Console(
            file=self.stream, force_terminal=True, width=width, height=24,
            color_system=None,
        )  # fmt: skip
        self.bars = ProgressBars(name, self.console, clock)
        self.bars.live.auto_refresh = False

    def show(self, *told):
        for one in told:
            self.bars.show(one)
        lines = self.console.render_lines(self.bars.live.get_renderable())
        return ["".join(s.text for s in line).rstrip() for line in lines]


def words(line):
    return re.sub(r"[━╸╺]+", "|", line).split()


def test_a_bar_for_every_stage_that_has_begun(clock):
    terminal = Terminal(clock)
    assert words(terminal.show(status("start"))[1]) == ["start", "|", "0", "s"]
    clock.now += 3
    terminal.show(BEGUN)
    clock.now += 20
    title, start, train, below = terminal.show(LATER)
    assert title == "x"
    assert words(start) == ["start", "|", "3", "s"]
    assert words(train) == ["train", "|", "5/10", "22", "s", "left"]
    assert below == "3 diverged, 2 trained, 50 trials/s"
    clock.now += 20
    whole = {"trained": 7, "diverged": 3}
    tested = status("test", whole, 2000, done=1, jobs=4, behind=2)
    _, start, train, test, below = terminal.show(tested)
    assert words(start) == ["start", "|", "3", "s"], "its time stands still"
    assert words(train) == ["train", "|", "10/10", "40", "s"]
    assert words(test)[:3] == ["test", "|", "1/4"]
    assert below == "3 diverged, 7 trained, MLflow 2 behind"
    clock.now += 5
    told = [status(s, whole, 2000) for s in ("record", "report", "mlflow", "done")]
    *stages, below = terminal.show(*told)[1:]
    assert [words(line)[0] for line in stages] == [
        "start", "train", "test", "tables", "report", "MLflow",
    ]  # fmt: skip
    assert words(stages[2]) == ["test", "|", "4/4", "5", "s"]
    assert below == "3 diverged, 7 trained"
    assert all(task.finished for task in terminal.bars.progress.tasks)


def test_what_stops_the_launch_is_told_below_the_bars(clock):
    terminal = Terminal(clock)
    full = status(counts={"trained": 1}, waiting="[red]no room[/red]")
    assert terminal.show(full)[-1] == "waiting, [red]no room[/red]"
    assert terminal.show(status(counts={"trained": 1}))[-1] == "1 trained"


def test_kernels_that_are_compiled_between_tests_do_not_end_the_tests(clock):
    terminal = Terminal(clock)
    first = terminal.show(status("compile"))
    assert first[-1] == "compiling kernels for this CPU, once"
    terminal.show(status("test", done=1, jobs=4))
    compiling, tests = terminal.bars.progress.tasks
    assert compiling.finished and not tests.finished
    clock.now += 7
    terminal.show(status("compile"))
    assert not compiling.finished and not tests.finished
    terminal.show(status("test", done=2, jobs=4))
    assert compiling.finished and tests.completed == 2


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_bars_fit_the_window(clock, width):
    terminal = Terminal(clock, width, "a" * 64)
    counts = {"converged": 1234, "diverged": 321, "unconverged": 345}
    told = [status(s, counts, 10**9, 12345, 54321) for s in launch_progress.STAGES]
    for one in told:
        lines = terminal.show(one)
        assert max(len(line) for line in lines) <= width, lines
        if width >= 40:
            counted = [f"12345/{one.jobs}" in x.replace(" ", "") for x in lines]
            assert one.stage in ("train", "done") or any(counted), lines
            assert any("━" in line or "╺" in line for line in lines)
    assert len(lines) < 24


def test_the_terminal_is_given_back_whatever_happens(clock, monkeypatch):
    terminal = Terminal(clock)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setattr(launch_progress, "Console", lambda **_: terminal.console)
    hidden, shown = "\x1b[?25l", "\x1b[?25h"
    with pytest.raises(KeyboardInterrupt), shown_progress("x") as listen:
        listen(status())
        written = terminal.stream.getvalue()
        assert hidden in written and shown not in written
        raise KeyboardInterrupt
    written = terminal.stream.getvalue()
    assert written.rindex(shown) > written.rindex(hidden)


@pytest.mark.parametrize("terminal", [False, True])
def test_a_lost_cluster_ends_the_process_and_says_how_to_go_on(
    clock, capsys, monkeypatch, terminal
):
    class Ended(Exception):
        pass

    def end(code):
        raise Ended(code)

    monkeypatch.setattr("sys.argv", ["/x/popnet", "launch", "a b.yaml"])
    monkeypatch.setattr("os._exit", end)
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal)
    screen = Terminal(clock)
    monkeypatch.setattr(launch_progress, "Console", lambda **_: screen.console)
    with pytest.raises(Ended, match="3"), shown_progress("x") as listen:
        listen(status())
        listen(lost("10.0.0.1:6379"))
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("popnet: the Ray cluster at 10.0.0.1:6379 is gone; ")
    assert said.endswith("continue with: popnet launch 'a b.yaml'")
    assert not screen.bars.live.is_started


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (89, "89 s"), (90, "2 min"), (5399, "90 min"), (5400, "1.5 h")],
)
def test_times_are_short(seconds, text):
    assert duration(seconds) == text
