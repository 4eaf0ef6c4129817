"""What after.measures asks: measured with the tests, nothing twice, in its columns."""

from typing import ClassVar, Literal

import numpy as np
import pytest
import torch
from popnet.cli.inspection import listed

from popnet.config import MeasureSettings, Observed
from popnet.engine.activity import activity
from popnet.measures import MEASURES, ActivitySeen, CurveSeen, Measure
from popnet.perturbations import resting
from popnet.runs.tables import rows_of, write_tables
from popnet.store.compaction import FOLDERS, Bounds, compact
from popnet.store.parameters import params_of
from popnet.tracking.entries import condition_entries, network_entries
from popnet.work import pending

DYNAMICS = [{"name": "synaptic_jitter", "levels": [0.5], "mode": "absolute"}]
PCA = {"name": "pca_dimension", "share": 0.5}
GROWN = {"name": "grown", "by": -0.001}
AFTER = {
    "trials": 1,
    "dynamics": DYNAMICS,
    "measures": ["area", {"name": "residual", "last": 20}, PCA],
}


class Loudest(MeasureSettings):
    """The largest rate at each time."""

    summary: ClassVar[str] = "the largest rate at each time"
    needs: ClassVar[Observed] = "activity"
    over_time: ClassVar[bool] = True
    name: Literal["loudest_t"] = "loudest_t"


class Density(MeasureSettings):
    """The share of weights that grew."""

    summary: ClassVar[str] = "the share of weights that grew"
    needs: ClassVar[Observed] = "weights"
    listed: ClassVar[bool] = True
    form: ClassVar[str] = ".4f"
    name: Literal["grown"] = "grown"
    by: float = 0.0


def grown(settings, seen):
    return float((seen.final_NN > seen.initial_NN + settings.by).mean())


def loudest(_, seen):
    return np.max(seen.rates_KTN, axis=(0, 2))


@pytest.fixture(scope="module")
def measured(make_run, tmp_path_factory):
    """Two conditions of two networks, measured; not to be changed."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(MEASURES.own, "loudest_t", Measure(Loudest, loudest))
        patched.setitem(MEASURES.own, "grown", Measure(Density, grown))
        after = AFTER | {"measures": [*AFTER["measures"], "loudest_t", GROWN]}
        yield make_run(tmp_path_factory.mktemp("measured") / "runs", after=after)


def lacking(run):
    known = pending.statuses(run)
    jobs = pending.test_jobs(run, known, known)
    missing = [len(m) for job in jobs for m in job.missing]
    return missing


def of(name, seen, **given):
    return MEASURES[name].of(MEASURES[name].settings(**given), seen)


def test_a_network_has_a_number_of_its_weights_and_of_its_curve(measured):
    table = measured.table().set_index("key")
    curves = measured.curves()
    for network in measured.networks:
        row, mine = table.loc[network.key], curves[curves["key"] == network.key]
        seen = CurveSeen(*(mine[c] for c in ("trial", "error", "accuracy")), None)
        assert row["area"] == pytest.approx(of("area", seen))
        last = mine["error"].iloc[-1]  # blocks of 20 trials
        assert row["residual(last=20)"] == pytest.approx(last)
        stages = measured.network(network.key)
        share = stages.final["recurrent"] > stages.initial["recurrent"] - 0.001
        assert row["grown(by=-0.001)"] == share.mean()
    columns = list(measured.table().columns)
    place = columns.index("weights_file")
    assert columns[place + 1 : place + 4] == [
        "area", "residual(last=20)", "grown(by=-0.001)"
    ]  # fmt: skip


def test_an_activity_has_a_number_and_a_trace(measured):
    table = measured.dynamics()
    assert len(table) == 4 * 3
    for row in table.to_dict("records"):
        network = measured.find(row["key"])
        if row["name"]:
            continue
        stage = "final" if row["state"] == "trained" else "initial"
        params = params_of(getattr(measured.network(row["key"]), stage))
        with torch.no_grad():
            rates = activity(resting(params, network.config), network.seed)
        seen = ActivitySeen(rates, 0.01)
        found = row["pca_dimension(share=0.5)"]
        assert found == of("pca_dimension", seen, share=0.5) < row["pca_dimension"]
        whole = loudest(None, seen)
        bins = [whole[t : t + 3].mean() for t in range(0, 100, 3)]
        np.testing.assert_allclose(row["loudest_t"], bins, rtol=1e-4)
    jittered = table[table["name"] != ""]
    assert jittered["pca_dimension(share=0.5)"].notna().all()
    assert all(len(trace) == 34 for trace in jittered["loudest_t"])


def test_the_store_holds_them_long_with_what_they_are(measured):
    keys = {n.key for n in measured.networks}
    rows = measured.store.table("evaluations", "measures", "key", keys).to_pandas()
    assert len(rows) == 4 * (3 + 2 * 3)
    pca = rows[rows["measure"] == "pca_dimension"]
    assert set(pca["measure_settings"]) == {'{"share": 0.5}'}
    places = pca[["state", "name", "settings", "level"]].drop_duplicates()
    assert sorted(places.itertuples(index=False, name=None)) == [
        ("trained", "", "{}", 0.0),
        ("trained", "synaptic_jitter", '{"mode": "absolute"}', 0.5),
        ("untrained", "", "{}", 0.0),
    ]
    assert rows[rows["measure"] == "loudest_t"]["value"].isna().all()
    assert set(rows[rows["measure"] == "area"]["state"]) == {""}


def test_a_sweep_that_asks_none_has_the_identities_it_had(tiny_run):
    asked = pending.tests(tiny_run).asked
    for network in tiny_run.networks:
        # of the commit before there were measures to ask for
        assert len(asked[network.key]) == 5
    assert tiny_run.store.table("evaluations", "measures", "key", set(asked)) is None


def test_only_what_is_new_is_measured(make_run, tmp_path):
    bare = {k: v for k, v in AFTER.items() if k != "measures"}
    first = make_run(tmp_path, after=bare)
    assert lacking(first) == []
    more = make_run(tmp_path, "trained", name="more", after=AFTER)
    assert lacking(more) == [2 + 3] * 4
    whole = make_run(tmp_path, name="more", after=AFTER)
    assert lacking(whole) == [] and whole.table()["area"].notna().all()
    half = PCA | {"share": 0.75}
    other = AFTER | {"measures": [*AFTER["measures"], half]}
    assert lacking(make_run(tmp_path, "trained", name="other", after=other)) == [3] * 4
    before = first.table(), first.dynamics()
    write_tables(first)  # what the others ask is not the first one's
    assert "area" not in first.table()
    for was, now in zip(before, (first.table(), first.dynamics()), strict=True):
        assert list(was.columns) == list(now.columns)


def test_numbers_outlive_a_merge_of_the_store(make_run, tmp_path):
    runs = [make_run(tmp_path, name=f"n{n}", networks=n, after=AFTER) for n in (1, 2)]
    before = runs[1].table(), runs[1].dynamics()
    store = runs[1].store
    folders = {file.partition("/")[0] for b in store.batches() for file in b.files}
    assert {"measures"} < folders <= set(FOLDERS)
    assert compact(store, Bounds(least=2)) > 0
    write_tables(runs[1])
    for was, now in zip(before, (runs[1].table(), runs[1].dynamics()), strict=True):
        assert was.drop(columns="weights_file", errors="ignore").equals(
            now.drop(columns="weights_file", errors="ignore")
        )


def test_mlflow_has_them_as_scores(measured):
    keys = [n.key for n in measured.networks]
    rows = rows_of(measured, keys)
    table = measured.table().set_index("key")
    for entry in network_entries(measured, *rows):
        row = table.loc[entry.key]
        assert entry.scores["area"] == row["area"]
        assert entry.scores["residual_last_20"] == row["residual(last=20)"]
        assert not {"output_tau_s", "pca_dimension"} & set(entry.scores)
        assert "task.delay_s" in entry.params  # a setting, which a measure is not
        assert not [name for name in entry.params if name.startswith("grown")]
    condition = next(condition_entries(measured, measured.table(), measured.curves()))
    assert condition.scores["median.area"] == table["area"].iloc[:2].median()


def test_those_that_are_listed_are_shown(measured, capsys):
    from popnet.cli.main import app

    from popnet.report.networks import all_networks
    from popnet.report.population import load

    usual = ["weight_change", "spectral_radius", "grown(by=-0.001)"]
    assert listed(measured.sweep.after) == usual
    table = measured.table()
    values = [f"{value:.4f}" for value in table["grown(by=-0.001)"]]
    section = all_networks(load(measured))
    assert "the share of weights that grew." in section.words
    assert all(value in section.body for value in values)
    assert "residual" not in section.body
    least = table["residual(last=20)"].min()
    where = f"residual(last=20)<={least}"
    command = ["show", str(measured.folder), "--where", where, "--csv"]
    app(command, standalone_mode=False)
    head, row = capsys.readouterr().out.splitlines()
    assert head.split(",")[-2:] == ["grown(by=-0.001)", "network.tau_s.spread"]
    assert row.startswith(table["key"][table["residual(last=20)"].argmin()])


def test_a_diverged_network_has_none(make_run, tmp_path):
    after = {"trials": 1, "measures": ["area"]}
    rule = {"name": "reward_hebbian", "learning_rate": 1e38, "max_update": 1e38}
    run = make_run(tmp_path, after=after, rule=rule | {"wait_trials": 5}, networks=1)
    table = run.table()
    lost = table["status"] == "diverged"
    assert lost.any() and table[lost]["area"].isna().all()
    assert table["area"].dtype == float
