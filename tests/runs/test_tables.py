"""A run's tables: its networks in the plan's order, and nothing of other sweeps."""

import json

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from popnet.runs import open_run
from popnet.runs.tables import EMPTY, OWN_SCORES, flattened, write_tables

TAU = "network.tau_s.spread"


def leaves(value, path=""):
    """Dotted paths of what is not a section, from the model itself."""
    if hasattr(value, "model_fields_set"):
        for name in type(value).model_fields:
            yield from leaves(getattr(value, name), f"{path}.{name}" if path else name)
    else:
        yield path, value


def test_networks_stand_in_the_plans_order(tiny_run):
    table = tiny_run.table()
    assert list(table["key"]) == [n.key for n in tiny_run.networks]
    assert list(table["index"]) == [0, 1, 0, 1] and set(table["seed"]) == {3}
    assert list(table[TAU]) == [0.0, 0.0, 0.4, 0.4]
    assert list(table["label"]) == ["spread=0"] * 2 + ["spread=0.4"] * 2
    assert table["condition"].nunique() == 2
    for frame in (tiny_run.curves(), tiny_run.evaluations()):
        assert list(frame["key"].drop_duplicates()) == list(table["key"])
    a = tiny_run.comparisons()["key_a"]
    place = {key: i for i, key in enumerate(table["key"])}
    assert a.map(place).is_monotonic_increasing


def test_every_column_is_there_with_its_type(tiny_run):
    table = tiny_run.table()
    first = EMPTY["networks"]
    assert list(table.columns)[: len(first)] == first
    for name in ("curves", "evaluations", "comparisons"):
        assert list(getattr(tiny_run, name)().columns) == EMPTY[name]
    assert str(table["trials_to_criterion"].dtype) == "Int64"
    assert table["trials_to_criterion"].isna().all()  # no criterion was set
    numbers = ["final_error", "final_accuracy", *OWN_SCORES, "weight_change"]
    assert all(table[n].dtype == float and table[n].notna().all() for n in numbers)
    assert (table["weight_change"] > 0).all() and (table["trials"] == 40).all()
    assert set(table["status"]) == {"trained"}


def test_curves_end_at_the_trials_seen(tiny_run):
    curves = tiny_run.curves()
    assert list(curves["trial"]) == [20, 40] * 4
    means = curves.groupby("key")[["error", "accuracy"]].mean()
    table = tiny_run.table().set_index("key")
    np.testing.assert_allclose(means["error"], table["final_error"][means.index])
    np.testing.assert_allclose(means["accuracy"], table["final_accuracy"][means.index])


def test_the_scores_are_those_on_the_own_task(tiny_run):
    table = tiny_run.table().set_index("key")
    evaluations = tiny_run.evaluations()
    asked = ["task", "quiet", "task", "perturbation", "perturbation"]
    for key, rows in evaluations.groupby("key"):
        assert list(rows["kind"]) == asked
        assert list(rows["name"])[:3] == ["dnms", "dnms", "dms"]
        assert list(rows["level"]) == [0, 0, 0, 0, 0.5]
        own, level_0, jittered = rows.iloc[0], rows.iloc[3], rows.iloc[4]
        assert table.at[key, "error"] == own["error"] == level_0["error"]
        assert table.at[key, "accuracy"] == own["accuracy"] == level_0["accuracy"]
        for score in ("accuracy_se", "observer_accuracy"):
            assert table.at[key, score] == own[score] == level_0[score]
        assert own["observer_accuracy"] == 1
        assert np.mean(own["accuracy_by_type"]) == pytest.approx(own["accuracy"])
        assert jittered["error"] != own["error"]
        assert (rows["trials"] == 4).all() and len(own["error_by_type"]) == 4
        assert np.mean(own["error_by_type"]) == pytest.approx(own["error"], rel=1e-12)


def test_each_pair_is_compared_once_by_each_metric(tiny_run):
    comparisons = tiny_run.comparisons()
    entries = comparisons[["metric", "settings"]].drop_duplicates()
    assert list(entries.itertuples(index=False, name=None)) == [
        ("behaviour", "{}"), ("weights", '{"align": false}')
    ]  # fmt: skip
    for _, rows in comparisons.groupby("metric"):
        pairs = set(zip(rows["key_a"], rows["key_b"], strict=True))
        assert len(rows) == len(pairs) == 6
        assert all(a < b for a, b in pairs)


def test_the_settings_are_exactly_the_configs_leaves(tiny_run):
    table = tiny_run.table().set_index("key")
    every = set()
    for network in tiny_run.networks:
        flat, expected = flattened(network.config), dict(leaves(network.config))
        assert set(flat) == set(expected)
        every |= set(flat)
        for path, value in expected.items():
            if isinstance(value, (dict, tuple)):
                assert json.loads(flat[path]) == json.loads(json.dumps(value))
            else:
                assert flat[path] == value
            held = table.at[network.key, path]
            assert (held == flat[path]) or (flat[path] is None and pd.isna(held))
    assert set(table.columns) == {*EMPTY["networks"], *every} - {"key"}


def test_sections_that_only_some_conditions_have(plan_of):
    grid = {"train.until": [None, {"accuracy": 0.9}], "rule": ["bptt"]}
    one, other = (c.config for c in plan_of(grid=grid).conditions)
    assert flattened(one)["train.until"] is None
    assert flattened(other)["train.until.accuracy"] == 0.9
    assert "train.until" not in flattened(other)
    assert json.loads(flattened(one)["rule.trains"])[0] == "recurrent"
    assert flattened(one)["network.clamped"] == "{}"


def test_the_weights_file_is_the_one_that_holds_the_weights(tiny_run):
    for row in tiny_run.table().to_dict("records"):
        tensors = load_file(tiny_run.out / "store" / row["weights_file"])
        final = tiny_run.network(row["key"]).final["recurrent"]
        np.testing.assert_array_equal(tensors[f"{row['key']}/final.recurrent"], final)


def test_empty_tables_have_their_columns(make_run, tmp_path):
    run = make_run(tmp_path, "planned")
    for _ in range(2):  # before any table was written, and after
        for name in EMPTY:
            frame = run.table() if name == "networks" else getattr(run, name)()
            assert list(frame.columns) == EMPTY[name] and frame.empty
        write_tables(run)
    assert (run.folder / "networks.parquet").is_file()


def test_trained_but_not_tested(make_run, tmp_path):
    run = make_run(tmp_path, "trained")
    write_tables(run)
    table = run.table()
    assert len(table) == 4 and table[["accuracy", "error"]].isna().all(axis=None)
    assert table["accuracy"].dtype == float
    assert run.evaluations().empty and run.comparisons().empty
    assert list(run.evaluations().columns) == EMPTY["evaluations"]
    assert len(run.curves()) == 8


def test_trials_to_criterion_are_whole_numbers_or_missing(make_run, tmp_path):
    """One condition meets its criterion with the first window, the other never."""
    until = [{"error": 100.0, "window": 10}, {"error": 1e-9, "window": 10}]
    run = make_run(tmp_path, "trained", grid={"train.until": until}, networks=1)
    write_tables(run)
    table = run.table()
    assert str(table["trials_to_criterion"].dtype) == "Int64"
    assert table["trials_to_criterion"].tolist() == [10, pd.NA]
    assert list(table["status"]) == ["converged", "unconverged"]
    assert list(table["trials"]) == [10, 40]


def asking(run, **changes):
    """The run as if its sweep had asked other things afterwards."""
    after = run.sweep.after.model_copy(update=changes)
    run.__dict__["plan"] = run.plan._replace(
        sweep=run.sweep.model_copy(update={"after": after})
    )
    return run


def test_only_asked_tests_and_metrics_are_shown(own_run):
    """The store holds more than this sweep asks."""
    after = own_run.sweep.after
    (jitter,) = after.perturb
    jitter = jitter.model_copy(update={"levels": (0.5, 0.0)})
    write_tables(asking(own_run, perturb=(jitter,), other_tasks=(), compare=()))
    assert own_run.comparisons().empty
    rows = own_run.evaluations()
    assert list(rows["key"]) == [n.key for n in own_run.networks for _ in range(4)]
    assert list(rows["level"])[2:4] == [0.5, 0.0]  # in the order asked
    write_tables(asking(own_run, trials=7, compare=after.compare[1:]))
    assert own_run.evaluations().empty
    assert own_run.table()["accuracy"].isna().all()
    assert set(own_run.comparisons()["metric"]) == {after.compare[1].name}


def test_a_network_of_two_sweeps_appears_in_both(make_run, tmp_path):
    one = make_run(tmp_path)
    batches = len(one.store.batches("networks"))
    grid = {TAU: [0.4, 0.2]}
    other = make_run(tmp_path, name="other", grid=grid, networks=3)
    first, second = one.table().set_index("key"), other.table().set_index("key")
    shared = set(first.index) & set(second.index)
    assert len(first) == 4 and len(second) == 6 and len(shared) == 2
    assert list(second[TAU]) == [0.4] * 3 + [0.2] * 3
    for key in shared:
        for column in ("recorded_at", "error", "final_error", TAU, "weights_file"):
            assert first.at[key, column] == second.at[key, column]
    assert len(one.store.batches("networks")) == batches + 1
    assert len(other.comparisons()) == 2 * 15
    write_tables(one)  # what the other added is not the one's
    pd.testing.assert_frame_equal(one.table().set_index("key"), first)
    assert len(one.comparisons()) == 2 * 6 and len(one.evaluations()) == 20


def test_a_network_recorded_twice_counts_once(own_run):
    """Two launches at once may have trained it: once in every table."""
    store = own_run.store
    before = {n: pd.read_parquet(own_run.folder / f"{n}.parquet") for n in EMPTY}
    for kind, column in (
        ("networks", "key"), ("evaluations", "key"), ("comparisons", "key_a")
    ):  # fmt: skip
        keys = {n.key for n in own_run.networks}
        tables = {"networks": ["networks", "curves"]}.get(kind, [kind])
        rows = {t: store.table(kind, t, column, keys).to_pylist() for t in tables}
        store.commit(kind, keys, rows, {}, "again")
    write_tables(own_run)
    for name, frame in before.items():
        after = pd.read_parquet(own_run.folder / f"{name}.parquet")
        pd.testing.assert_frame_equal(after, frame)


def test_a_view_that_fails_leaves_the_former_tables(own_run, monkeypatch):
    def fail(_, path, **__):
        path.write_bytes(b"half")
        raise OSError("the disk is full")

    with monkeypatch.context() as patched, pytest.raises(OSError, match="full"):
        patched.setattr(pd.DataFrame, "to_parquet", fail)
        write_tables(own_run)
    assert len(open_run(own_run.folder).table()) == 4
    assert not [p for p in own_run.folder.iterdir() if p.name.startswith(".")]


def test_the_tables_are_read_without_popnet(tiny_run):
    import pyarrow.parquet as pq

    for name, rows in zip(EMPTY, (4, 8, 20, 0, 12), strict=True):
        assert pq.read_table(tiny_run.folder / f"{name}.parquet").num_rows == rows
