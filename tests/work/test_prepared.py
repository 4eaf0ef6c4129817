"""Metrics that prepare at some cost: each network once, recorded, pairs afterwards."""

from typing import ClassVar, Literal

import numpy as np
import pytest

from popnet.config import Compared, MetricSettings
from popnet.metrics import METRICS, Metric, metric_identity
from popnet.runs.tables import write_tables
from popnet.store import StoreError
from popnet.store.compaction import FOLDERS, Bounds, compact
from popnet.work import comparison, pending, serial

AFTER = {"trials": 1, "compare": ["costly", {"name": "costly", "shift": 1.0}]}
PREPARED: list[str] = []


class Costly(MetricSettings):
    """A made-up metric on sums of the weights."""

    summary: ClassVar[str] = "a made-up metric"
    reference: ClassVar[str] = "this test"
    needs: ClassVar[Compared] = ("weights",)
    stored: ClassVar[bool] = True
    name: Literal["costly"] = "costly"
    shift: float = 0.0


def prepare(settings, subject):
    assert subject.response is None  # only what it needs is read
    PREPARED.append(settings.shift)
    return {"sum": np.array([subject.final_NN.sum() + settings.shift], np.float64)}


def compare(_, a, b):
    one, other = (np.array([p["sum"][0] for p in side]) for side in (a, b))
    return np.abs(one - other)


@pytest.fixture(autouse=True)
def costly(monkeypatch):
    made = Metric(Costly, prepare, compare, lambda _: None)
    monkeypatch.setitem(METRICS.own, "costly", made)
    PREPARED.clear()


def wanted(run):
    """Networks to prepare and pairs to compare, by the metric's shift."""
    known = pending.statuses(run)
    left = {0.0: (set(), set()), 1.0: (set(), set())}
    for settings, keys in pending.preparations(run, known):
        left[settings.shift][0].update(keys)
    for settings, pairs in pending.comparisons(run, known):
        left[settings.shift][1].update(pairs)
    return left


def test_each_network_is_prepared_once_by_each_metric(make_run, tmp_path):
    run = make_run(tmp_path, after=AFTER)
    assert sorted(PREPARED) == [0.0] * 4 + [1.0] * 4
    assert all(not keys and not pairs for keys, pairs in wanted(run).values())
    sums = {
        n.key: run.network(n.key).final["recurrent"].sum(dtype=np.float64)
        for n in run.networks
    }
    rows = run.comparisons()
    assert len(rows) == 2 * 6 and set(rows["metric"]) == {"costly"}
    assert set(rows["settings"]) == {"{}", '{"shift": 1.0}'}
    for row in rows.to_dict("records"):
        expected = abs(sums[row["key_a"]] - sums[row["key_b"]])
        assert row["value"] == pytest.approx(expected, abs=1e-5)
    serial.compare_missing(run)
    assert len(PREPARED) == 8


def test_a_new_network_alone_is_prepared_and_meets_the_others(make_run, tmp_path):
    first = make_run(tmp_path, after=AFTER)
    old = {n.key for n in first.networks}
    PREPARED.clear()
    run = make_run(tmp_path, "tested", name="grown", networks=3, after=AFTER)
    new = {n.key for n in run.networks} - old
    for keys, pairs in wanted(run).values():
        assert keys == new and len(pairs) == 2 * 4 + 1
        assert all(new & set(pair) for pair in pairs)
    serial.compare_missing(run)
    assert sorted(PREPARED) == [0.0] * 2 + [1.0] * 2
    write_tables(run)
    assert len(run.comparisons()) == 2 * 15


def test_what_is_prepared_outlives_a_merge_and_another_metric(make_run, tmp_path):
    """Two metrics' arrays of one network are never taken for each other's."""
    runs = [
        make_run(tmp_path, "tested", name=f"n{n}", networks=n, after=AFTER)
        for n in (1, 2)
    ]
    for run in runs:
        known = pending.statuses(run)
        networks = {n.key: n for n in run.networks}
        for settings, keys in pending.preparations(run, known):
            given = {key: networks[key] for key in keys}
            comparison.prepare_networks(run.store.address, given, settings)
    run, count = runs[1], len(PREPARED)
    store = run.store
    assert len([b for b in store.batches() if b.kind.startswith("prepared")]) == 4
    folders = {file.partition("/")[0] for b in store.batches() for file in b.files}
    assert {"prepared"} < folders <= set(FOLDERS)
    assert compact(store, Bounds(least=2)) > 0
    assert len([b for b in store.batches() if b.kind.startswith("prepared")]) == 2
    for plain, shifted in zip(*(
        [
            store.many_tensors(
                [n.key for n in run.networks], "prepared", comparison.prepared_kind(m)
            )[key.key]["sum"][0]
            for key in run.networks
        ]
        for m in run.sweep.after.compare
    ), strict=True):  # fmt: skip
        assert shifted == plain + 1
    assert all(not keys for keys, _ in wanted(run).values())
    serial.compare_missing(run)
    assert len(PREPARED) == count


def test_a_damaged_record_is_made_again(make_run, tmp_path):
    from popnet.store.audit import audit

    run = make_run(tmp_path, "tested", after=AFTER | {"compare": ["costly"]})
    (settings,) = run.sweep.after.compare
    keys = {n.key: n for n in run.networks}
    comparison.prepare_networks(run.store.address, keys, settings)
    kind = comparison.prepared_kind(settings)
    (batch,) = run.store.batches(kind)
    assert metric_identity(settings) in kind
    (file,) = batch.files
    path = run.store.folder / file
    path.write_bytes(path.read_bytes()[:-3])
    pairs = [comparison.Pair(*sorted(list(keys)[:2]))]
    with pytest.raises(StoreError):
        comparison.compare_networks(run.store.address, pairs, keys, settings)
    (problem,) = audit(run.store, set(keys)).problems
    assert problem.startswith(f"{file} is damaged; 4 records of prepared")
    assert wanted(run)[0.0][0] == set(keys)
    serial.compare_missing(run)
    write_tables(run)
    assert run.comparisons()["value"].notna().all() and len(run.comparisons()) == 6


def test_a_network_that_lacks_what_is_needed_has_no_value(make_run, tmp_path):
    """Such as activity that is not kept; the others have theirs."""
    after = {"trials": 1, "dynamics": [], "sample": 1, "compare": ["trajectories"]}
    run = make_run(tmp_path, after=after, grid={"network.gain": [1.0, 1.2, 1.5]})
    (settings,) = run.sweep.after.compare
    first, second, third = (n for n in run.networks if n.seed.number == 0)
    other = next(n for n in run.networks if n.seed.number == 1)
    networks = {n.key: n for n in (first, second, third, other)}
    pairs = [
        comparison.Pair(first.key, second.key), comparison.Pair(first.key, other.key),
        comparison.Pair(second.key, third.key),
    ]  # fmt: skip
    comparison.compare_networks(run.store.address, pairs, networks, settings)
    rows = run.store.table("comparisons", "comparisons", "key_a", set(networks))
    values = {
        (r["key_a"], r["key_b"]): r["value"]
        for r in rows.to_pylist()
        if r["key_b"] == other.key or r["key_a"] in (first.key, second.key)
    }
    assert np.isnan(values[first.key, other.key])
    assert values[first.key, second.key] > 0 and values[second.key, third.key] > 0
