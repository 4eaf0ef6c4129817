"""popnet status and show on a small finished run; folders that are no run."""

import io
import json

import numpy as np
import pandas as pd
import pytest
from helpers.resigned import put_table
from popnet.cli.inspection import USUAL

from popnet.runs.tables import write_tables

TAU = "network.tau_s.spread"


@pytest.mark.parametrize(
    "command",
    [
        ["status"], ["show"], ["show", "--csv"], ["retrain", "KEY"],
        ["export", "KEY"], ["report"], ["sync"],
    ],
)  # fmt: skip
def test_a_folder_that_is_no_run_is_refused(refused, tiny_run, tmp_path, command):
    name, *more = command
    for folder in (tmp_path, tmp_path / "none", tiny_run.folder / "sweep.yaml"):
        text = refused(name, folder, *more)
        assert text.startswith(f"popnet: {folder}: not a run (no sweep.yaml in it).")
    assert list(tmp_path.iterdir()) == []
    assert "Runs there: tiny." in refused(name, tiny_run.out / "tny", *more)


# --- status --------------------------------------------------------------------------


def test_status_of_a_finished_run(popnet, tiny_run):
    done = popnet("status", tiny_run.folder, "--json")
    assert done.code == 0 and done.err == ""
    assert json.loads(done.out) == {
        "name": "tiny", "networks": 4, "recorded": 4, "trained": 4, "missing": 0,
        "networks_to_test": 0, "pairs_to_compare": 0,
    }  # fmt: skip
    text = popnet("status", tiny_run.folder).out.splitlines()
    assert text[0].split() == ["name", "tiny"]
    assert text[-1].split() == ["pairs", "to", "compare", "0"]


@pytest.mark.parametrize(
    ("stage", "counts"),
    [("planned", (0, 4, 0, 0)), ("trained", (4, 0, 4, 12)), ("tested", (4, 0, 0, 12))],
)
def test_status_of_an_unfinished_run(popnet, make_run, tmp_path, stage, counts):
    run = make_run(tmp_path, stage)
    found = json.loads(popnet("status", run.folder, "--json").out)
    names = ("recorded", "missing", "networks_to_test", "pairs_to_compare")
    assert tuple(found[n] for n in names) == counts


def test_status_from_within_the_run(popnet, tiny_run, monkeypatch):
    monkeypatch.chdir(tiny_run.folder)
    found = json.loads(popnet("status", ".", "--json").out)
    assert (found["name"], found["recorded"]) == ("tiny", 4)


# --- show ----------------------------------------------------------------------------


def shown(popnet, run, *args):
    """Rows of popnet show as data."""
    done = popnet("show", run.folder, *args, "--json")
    assert done.code == 0 and done.err == "", done
    return json.loads(done.out)


def test_show_gives_the_usual_columns(popnet, tiny_run):
    rows = shown(popnet, tiny_run)
    assert list(rows[0]) == [*USUAL, "weight_change", "spectral_radius", TAU]
    table = tiny_run.table()
    assert [r["key"] for r in rows] == list(table["key"])
    assert [r["accuracy"] for r in rows] == list(table["accuracy"])
    assert [r["trials_to_criterion"] for r in rows] == [None] * 4


def test_show_in_three_forms(popnet, tiny_run):
    rows = shown(popnet, tiny_run)
    done = popnet("show", tiny_run.folder, "--csv")
    assert done.code == 0 and done.err == ""
    csv = pd.read_csv(io.StringIO(done.out), dtype={"key": str})
    assert list(csv.columns) == list(rows[0]) and len(csv) == 4
    assert list(csv["key"]) == [r["key"] for r in rows]
    assert csv["accuracy"].tolist() == [r["accuracy"] for r in rows]
    text = popnet("show", tiny_run.folder).out.splitlines()
    assert text[0].split() == list(rows[0]) and len(text) == 5
    assert text[1].split()[0] == rows[0]["key"]


def test_show_columns(popnet, tiny_run):
    some = shown(popnet, tiny_run, "--columns", f"index,key,{TAU}")
    assert [list(r) for r in some] == [["index", "key", TAU]] * 4
    every = shown(popnet, tiny_run, "--columns", "all")
    assert list(every[0]) == list(tiny_run.table().columns)


WHERE = {
    f"{TAU}==0.4": [2, 3],
    f"{TAU}=0.4": [2, 3],
    f" {TAU} != 0.4 ": [0, 1],
    f"{TAU}>0": [2, 3],
    f"{TAU}>=0": [0, 1, 2, 3],
    f"{TAU}<0.4": [0, 1],
    f"{TAU}<=-1": [],
    "index==1": [1, 3],
    "status==trained": [0, 1, 2, 3],
    "status='trained'": [0, 1, 2, 3],
    'status!="trained"': [],
    "label==spread=0.4": [2, 3],
    "trials_to_criterion>0": [],  # never reached: a missing number is neither
    "trials_to_criterion<1e9": [],
    "network.autapses==true": [0, 1, 2, 3],
    "network.autapses==false": [],
    "network.autapses!=False": [0, 1, 2, 3],
    "network.dale>0.5": [],  # null everywhere
    "network.dale==none": [],
}


@pytest.mark.parametrize(("condition", "expected"), WHERE.items())
def test_show_where(popnet, tiny_run, condition, expected):
    rows = shown(popnet, tiny_run, "--where", condition)
    keys = [n.key for n in tiny_run.networks]
    assert [r["key"] for r in rows] == [keys[i] for i in expected]


def test_conditions_join(popnet, tiny_run):
    where = ["--where", "index==1", "--where", f"{TAU}<0.2"]
    (row,) = shown(popnet, tiny_run, *where)
    assert row["key"] == tiny_run.networks[1].key
    done = popnet("show", tiny_run.folder, "--where", "index==7")
    assert done.code == 0 and done.out == "no networks\n"


def test_where_on_scores_that_are_not_there_yet(popnet, make_run, tmp_path):
    run = make_run(tmp_path, "trained")
    write_tables(run)
    assert shown(popnet, run, "--where", "accuracy>0.9") == []
    assert len(shown(popnet, run, "--where", "final_accuracy>=0")) == 4


def test_show_before_anything_is_recorded(popnet, make_run, tmp_path):
    run = make_run(tmp_path, "planned")
    assert popnet("show", run.folder).out == "no networks\n"
    assert shown(popnet, run, "--where", "accuracy>0.9") == []
    assert popnet("show", run.folder, "--by", "status").out == "no networks\n"
    assert popnet("show", run.folder, "--csv").out.startswith("key,label,")


def test_show_by(popnet, make_run, tmp_path):
    """Medians of each group; one condition never meets its criterion."""
    until = [{"error": 100.0, "window": 10}, {"error": 1e-9, "window": 10}]
    run = make_run(tmp_path, grid={"train.until": until}, networks=3)
    table = run.table()
    first, second = shown(popnet, run, "--by", "status")
    assert (first["status"], second["status"]) == ("converged", "unconverged")
    for row, other in ((first, second), (second, first)):
        assert row["networks"] == row[row["status"]] == 3
        assert row[other["status"]] == row["diverged"] == row["trained"] == 0
        mine = table[table["status"] == row["status"]]
        assert row["median_accuracy"] == mine["accuracy"].median()
        assert row["median_weight_change"] == mine["weight_change"].median()
    needed = "median_trials_to_criterion_or_cap"
    assert (first[needed], second[needed]) == (10, 40)  # who failed counts as the cap
    rows = shown(popnet, run, "--by", "index", "--where", "status==converged")
    assert [(r["index"], r["networks"]) for r in rows] == [(0, 1), (1, 1), (2, 1)]
    lines = popnet("show", run.folder, "--by", "status", "--csv").out.splitlines()
    assert lines[0].startswith("status,networks,converged") and len(lines) == 3
    some = shown(popnet, run, "--by", "status", "--columns", "status,networks")
    assert some[0] == {"status": "converged", "networks": 3}


def test_a_missing_value_is_a_group_too(popnet, tiny_run):
    (row,) = shown(popnet, tiny_run, "--by", "network.dale")
    assert row["network.dale"] is None and row["networks"] == 4


WRONG = {
    "no such column": (["--where", "acuracy>0.9"], "Did you mean 'accuracy'?"),
    "no operator": (["--where", "accuracy"], "expected COLUMN OP VALUE"),
    "no column": (["--where", ">3"], "expected COLUMN OP VALUE"),
    "no number": (["--where", "accuracy>high"], "accuracy holds numbers, got 'high'"),
    "empty": (["--where", "accuracy>"], "accuracy holds numbers, got ''"),
    "by": (["--by", "tau_s.spread"], "no column 'tau_s.spread'"),
    "columns": (["--columns", "key,labl"], "Did you mean 'label'?"),
    "columns empty": (["--columns", "key,"], "no column ''"),
    "columns of by": (["--by", "status", "--columns", "label"], "no column 'label'"),
}


@pytest.mark.parametrize(("args", "said"), WRONG.values(), ids=WRONG)
def test_what_show_cannot_do_is_said(refused, tiny_run, args, said):
    text = refused("show", tiny_run.folder, *args)
    assert said in text and args[-2] in text
    assert refused("show", tiny_run.folder, *args, "--json") == text


def test_numbers_keep_all_digits_and_what_is_none_is_null(popnet, own_run):
    table = own_run.table()
    table["accuracy"] = [1 / 3, 1e-20, np.inf, np.nan]
    put_table(own_run.folder, "networks", table)
    rows = shown(popnet, own_run, "--columns", "accuracy,trials_to_criterion,index")
    assert [r["accuracy"] for r in rows] == [1 / 3, 1e-20, None, None]
    assert [r["index"] for r in rows] == [0, 1, 0, 1]
