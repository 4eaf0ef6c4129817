"""The fingerprint changes with whatever changes tables, report or MLflow."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers.made_up_store import fill, planned_run, sweep_of, train

from popnet.runs import Run, fingerprint

recorded_fingerprint = fingerprint.recorded_fingerprint


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Run]:
    """A sweep of four made-up networks, and its folder again with changes."""

    def made(**changes: Any) -> Run:
        return planned_run(tmp_path / "runs", {**sweep_of(4), **changes})

    fill(made())
    return made


def test_the_same_again_has_the_same(make: Callable[..., Run]) -> None:
    assert fingerprint.fingerprint(make()) == fingerprint.fingerprint(make())


def test_each_change_gives_another(
    make: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = [fingerprint.fingerprint(make())]
    for changes in (
        {"networks": 5},
        {"grid": {"network.tau_s.spread": [0.0, 0.3]}},
        {"after": {"trials": 2}},
    ):
        seen.append(fingerprint.fingerprint(make(**changes)))
    grown = make(networks=6)
    seen.append(fingerprint.fingerprint(grown))
    train(grown.store, grown.networks[4:], 1.8e9)
    seen.append(fingerprint.fingerprint(grown))
    with monkeypatch.context() as patched:
        patched.setattr(fingerprint, "PHYSICS", -1)
        seen.append(fingerprint.fingerprint(grown))
    with monkeypatch.context() as patched:
        patched.setattr(fingerprint, "_code", lambda: "another popnet")
        seen.append(fingerprint.fingerprint(grown))
    assert len(set(seen)) == len(seen) == 8


@pytest.mark.parametrize("changed", ["core/cell.py", "report/templates/style.css"])
def test_another_code_or_template_gives_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: str
) -> None:
    path = tmp_path / "popnet" / changed
    path.parent.mkdir(parents=True)
    there = tmp_path / "popnet" / "runs" / "fingerprint.py"
    monkeypatch.setattr(fingerprint, "__file__", str(there))
    seen = set()
    for text in ("one", "another"):
        path.write_text(text)
        seen.add(fingerprint._code.__wrapped__())
    assert len(seen) == 2


def test_other_sweeps_of_the_store_do_not_matter(make: Callable[..., Run]) -> None:
    before = fingerprint.fingerprint(make())
    other = make(name="other", seed=8)
    fill(other)
    assert fingerprint.fingerprint(make()) == before
    assert fingerprint.fingerprint(other) != before


def test_the_note_holds_while_the_files_lie_there(make: Callable[..., Run]) -> None:
    run = make()
    (run.folder / "report" / "figures").mkdir(parents=True)
    files = [run.folder / "networks.parquet", run.folder / "report" / "index.html"]
    files += [run.folder / "report" / "figures" / "a.png"]
    assert recorded_fingerprint(run) == ""
    for path in files:
        path.write_text("made")
    fingerprint.record_fingerprint(run, "abc")
    assert recorded_fingerprint(run) == "abc"
    for path in files:
        path.unlink()
        assert recorded_fingerprint(run) == ""
        path.write_text("longer")
        assert recorded_fingerprint(run) == ""
        path.write_text("made")
        assert recorded_fingerprint(run) == "abc"
    note = run.folder / fingerprint.NOTE
    for torn in ("", "{", "[]", json.dumps({"from": "abc"})):
        note.write_text(torn)
        assert recorded_fingerprint(run) == ""
    fingerprint.record_fingerprint(run, "abc")
    fingerprint.clear_fingerprint(run)
    assert recorded_fingerprint(run) == ""
