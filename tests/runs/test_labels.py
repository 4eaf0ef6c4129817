"""Tables of older runs, which hold name and settings in one label, are read as new."""

import json

import pandas as pd
import pyarrow as pa
import pytest

from popnet.canonical import label, label_of, settings_text
from popnet.perturbations import PERTURBATIONS
from popnet.runs import open_run
from popnet.runs.labels import labels, own_tasks
from popnet.runs.tables import write_tables

TASK = {"name": "dnms", "stimulus_s": 0.1, "delay_s": 0.25}
AFTER = {
    "trials": 1,
    "perturb": [
        {"name": "synaptic_jitter", "levels": [0.5]},
        {"name": "synaptic_jitter", "levels": [0.5], "mode": "absolute"},
        {"name": "impulses", "levels": [3.0], "amplitude": 4.0, "into": "state"},
    ],
    "other_tasks": ["dnms", "dms", {"name": "dms", "wait_s": 0.1, "delay_s": 0.3}],
    "dynamics": [{"name": "synaptic_jitter", "levels": [0.1], "mode": "absolute"}],
    "compare": ["behaviour", {"name": "weights", "align": False, "untrained": True}],
}
OLD = {
    "evaluations": [
        "dnms", "dnms", "dnms(defaults)", "dms", "dms(delay_s=0.3,wait_s=0.1)",
        "synaptic_jitter", "synaptic_jitter(mode=absolute)",
        "impulses(amplitude=4.0,into=state)",
    ],
    "dynamics": ["", "", "synaptic_jitter(mode=absolute)"],
}  # fmt: skip


@pytest.fixture(scope="module")
def labelled(make_run, tmp_path_factory):
    """A run whose task differs between conditions; not to be changed."""
    grid = {"task.wait_s": [0.1, 0.2], "network.gain": [1.5]}
    out = tmp_path_factory.mktemp("labelled") / "runs"
    return make_run(out, task=TASK, grid=grid, networks=2, after=AFTER)


@pytest.fixture
def copied(labelled, tmp_path):
    import shutil

    shutil.copytree(labelled.out, tmp_path / "runs")
    return open_run(tmp_path / "runs" / labelled.name)


def old(table, name):
    """A table as an older popnet wrote it."""
    if name == "comparisons":
        entries = zip(table["metric"], table["settings"], strict=True)
        made = table.assign(metric=[label_of(*entry) for entry in entries])
    elif name == "dynamics":
        entries = zip(table["name"], table["settings"], strict=True)
        made = table.assign(name=[label_of(*entry) for entry in entries])
    else:
        made = table.assign(name=labels(table))
    return made.drop(columns="settings")


def test_entries_are_shown_by_the_labels_they_had(labelled):
    for key, rows in labelled.evaluations().groupby("key"):
        assert list(labels(rows)) == OLD["evaluations"]
        task = labelled.find(key).config.task
        assert own_tasks(rows)[key] == ("dnms", settings_text(task))
    for _, rows in labelled.dynamics().groupby("key"):
        assert list(old(rows, "dynamics")["name"]) == OLD["dynamics"]
    found = old(labelled.comparisons(), "comparisons")["metric"]
    assert list(found.drop_duplicates()) == [
        "behaviour",
        "weights(align=false,untrained=true)",
    ]


def test_settings_are_columns_of_their_own(labelled):
    rows = labelled.evaluations()
    assert not rows["name"].str.contains("(", regex=False).any()
    jitter = rows[rows["name"] == "synaptic_jitter"]
    assert set(jitter["settings"]) == {"{}", '{"mode": "absolute"}'}
    own = rows[rows["kind"] == "quiet"]["settings"].map(json.loads)
    assert [given["wait_s"] for given in own if "wait_s" in given] == [0.1] * 2
    assert all(given["delay_s"] == 0.25 for given in own)  # wait_s's default is 0.2
    for scores in labelled.table().to_dict("records"):
        mine = rows[(rows["key"] == scores["key"]) & (rows["kind"] == "task")]
        assert scores["error"] == mine["error"].iloc[0]


def test_records_of_an_older_store_are_found_by_their_identity(copied):
    """Their ``name`` is a label, and they have no settings."""
    store = copied.store
    keys = {n.key for n in copied.networks}
    before = {
        n: getattr(copied, n)() for n in ("evaluations", "dynamics", "comparisons")
    }
    for kind, column in (("evaluations", "key"), ("comparisons", "key_a")):
        folders = {"evaluations": ["evaluations", "dynamics"]}.get(kind, [kind])
        tables = {f: store.table(kind, f, column, keys).to_pandas() for f in folders}
        for batch in store.batches(kind):
            (store.folder / batch.entry).unlink()
        store.index.clear()
        rows = {
            name: pa.Table.from_pandas(old(table, name)).to_pylist()
            for name, table in tables.items()
        }
        store.commit(kind, keys, rows, {})
    for name in before:
        (copied.folder / f"{name}.parquet").unlink()
    write_tables(copied)
    for name, frame in before.items():
        pd.testing.assert_frame_equal(getattr(copied, name)(), frame, check_dtype=False)


def test_a_label_is_its_name_and_settings():
    for name, entry in PERTURBATIONS.items():
        settings = entry.settings(**entry.settings.example)
        assert label_of(name, settings_text(settings)) == label(settings)
    # from a table that somebody else wrote
    assert label_of("odd", "no JSON") == "odd(no JSON)"
    assert label_of("odd", "[1]") == "odd([1])"
