"""popnet compare and popnet sensitivity on a folder of other people's networks."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from helpers.foreign import driven, kinds

from popnet.canonical import label
from popnet.catalogue import metric_settings
from popnet.formats import read_folder
from popnet.metrics import METRICS


@pytest.fixture
def folder(tmp_path):
    return driven(tmp_path / "lab", kinds(spread=0.02))


def rows(popnet, *args):
    done = popnet("compare", *args, "--json")
    assert done.code == 0, done
    return {row["metric"]: row for row in json.loads(done.out)}


def test_two_planted_kinds_are_told_apart_by_every_metric(popnet, folder):
    found = rows(popnet, folder)
    assert {"behaviour", "trajectories", "weights"} <= set(found)
    for name in ("behaviour", "trajectories", "weights"):
        assert found[name]["within"]["value"] < 0.3 * found[name]["between"]["value"]
        assert found[name]["untrained"]["value"] is None  # no file says how it began
    assert found["weights"]["shuffled"]["value"] == pytest.approx(1, abs=0.15)
    assert found["weights"]["between"]["n"] == 6
    table = pd.read_parquet(folder / "comparison" / "comparison.parquet")
    own = table[(table["metric"] == "weights") & (table["settings"] == "{}")]
    assert len(own) == 15 and own["value"].notna().all()


def test_intervals_stay_in_the_range_of_their_metric(popnet, folder):
    """Over six networks of two kinds they would pass it."""
    found = rows(popnet, folder, "--metric", "cka", "--metric", "rsa")
    at_a_limit = 0
    for name, row in found.items():
        smallest, largest = METRICS[name].settings.range
        for mean in ("within", "between", "again", "untrained", "shuffled"):
            low, high = row[mean]["low"], row[mean]["high"]
            if low is not None:
                assert smallest <= low <= row[mean]["value"] <= high <= largest
                at_a_limit += low == smallest or high == largest
    assert at_a_limit > 0


def test_how_well_the_linear_models_fit_is_shown(popnet, folder):
    given = ("--metric", "dsa:delays=2,rank=6", "--metric", "weights", "--no-nulls")
    found = rows(popnet, folder, *given)
    assert found["weights"]["fits"] == {"heldout_error": None, "n": 0}
    metric = metric_settings({"name": "dsa", "delays": 2, "rank": 6}, "here")
    fits = found[label(metric)]["fits"]
    prepare = METRICS["dsa"].prepare
    errors = [
        prepare(metric, network.subject)["heldout_error"]
        for network in read_folder(folder).networks
    ]
    assert 0 < min(errors) < max(errors)
    expected = {"heldout_error": pytest.approx(np.median(errors)), "n": 6}
    assert fits == expected
    # read from the table, since nothing is prepared the second time
    again = popnet("compare", folder, *given)
    shown = f"{label(metric)} {np.median(errors):.2g} (6 networks)."
    line = again.out.splitlines()[-2]
    assert line.startswith("Held-out error of the linear models") and shown in line
    page = (folder / "comparison" / "index.html").read_text()
    assert shown in page
    alone = popnet("compare", folder, "--metric", "weights", "--no-nulls")
    assert "Held-out" not in alone.out


def test_relabelled_copies_have_no_weight_distance(popnet, tmp_path):
    folder = driven(tmp_path / "lab", kinds())
    found = rows(popnet, folder, "--metric", "weights", "--no-nulls")["weights"]
    assert found["within"]["value"] < 1e-6 < 0.5 < found["between"]["value"]


def test_what_did_not_change_is_not_compared_again(popnet, folder, monkeypatch):
    entry, seen = METRICS["weights"], []

    def counted(settings, a, b):
        seen.append(len(a))
        return entry.compare(settings, a, b)

    counting = entry._replace(compare=counted)
    monkeypatch.setitem(METRICS.own, "weights", counting)
    once = ("--metric", "weights:align=false", "--no-nulls")
    first = rows(popnet, folder, *once)
    assert sum(seen) == 15
    assert rows(popnet, folder, *once) == first and sum(seen) == 15
    np.savez(folder / "b3.npz", **kinds(seed=5)["b0"])
    rows(popnet, folder, *once)
    assert sum(seen) == 15 + 6  # the new network's own pairs
    changed = {**kinds()["a0"], "b_rec": np.ones(10)}  # its weights are others too
    np.savez(folder / "a0.npz", **changed)
    rows(popnet, folder, *once)
    assert sum(seen) == 15 + 6 + 6


def test_the_page_shows_the_table_and_a_figure_per_metric(popnet, folder):
    done = popnet("compare", folder, "--metric", "weights", "--metric", "trajectories")
    assert done.code == 0 and done.out.splitlines()[-1].endswith(
        "comparison/index.html"
    )
    page = (folder / "comparison" / "index.html").read_text()
    assert "<h1>lab</h1>" in page and "of 2 conditions" in page
    assert page.count("<figure") == 2 and page.count("<svg") == 2
    shown = re.findall(r"\d\.\d+ \[[\d.]+, [\d.]+\]", done.out)
    assert shown and all(text in page for text in shown)
    assert "http" not in re.sub(r"http://www\.w3\.org\S*", "", page)
    names = {p.name for p in (folder / "comparison" / "figures").iterdir()}
    assert names == {f"comparison_{m}.{e}" for m in ("weights", "trajectories")
                     for e in ("svg", "png")}  # fmt: skip


def test_recordings_alone_are_compared_by_their_activity(popnet, tmp_path):
    folder = tmp_path / "mice"
    rng = np.random.default_rng(2)
    one, other = rng.standard_normal((2, 3, 8, 5))
    for name, base in (("m1", one), ("m2", one), ("m3", other)):
        turn = np.linalg.qr(rng.standard_normal((5, 5)))[0]
        (folder / name).mkdir(parents=True)
        for trial, rates_TN in enumerate(base @ turn):
            np.save(folder / name / f"t{trial}.npy", rates_TN)
    found = rows(popnet, folder)
    assert "weights" not in found and "behaviour" not in found
    table = pd.read_parquet(folder / "comparison" / "comparison.parquet")
    own = table[(table["metric"] == "trajectories") & (table["settings"] == "{}")]
    value = own.set_index(["key_a", "key_b"])["value"]
    assert value["m1", "m2"] < 1e-5 < 0.3 < value["m1", "m3"]


def test_what_cannot_be_compared_is_refused_in_one_line(refused, folder, tmp_path):
    assert "neither a run nor a folder" in refused("compare", tmp_path / "none")
    assert "Did you mean 'weights'" in refused("compare", folder, "--metric", "weight")
    assert "have what it compares" in refused(
        "compare", folder, "--metric", "weights:of=change"
    )
    assert "--address: " in refused("compare", folder, "--address", "127.0.0.1:1")
    text = refused("sensitivity", folder, "--metric", "weights", "--vary", "align")
    assert "--vary align: expected SETTING=VALUE,VALUE" in text
    text = refused("sensitivity", folder, "--metric", "weights", "--vary", "rank=1,2")
    assert "rank: unknown key" in text
    (folder / "bad.npz").write_bytes(b"no archive")
    assert "bad.npz: not a npz file" in refused("compare", folder)
    assert not (folder / "comparison").exists()


def test_sensitivity_shows_each_setting_and_the_order_of_conditions(popnet, folder):
    given = ("sensitivity", folder, "--metric", "weights", "--vary",
             "align=true,false", "--vary", "shuffled=false,true")  # fmt: skip
    done = popnet(*given, "--json")
    assert done.code == 0, done
    found = json.loads(done.out)
    assert [list(row["settings"].values()) for row in found] == [
        [True, False], [True, True], [False, False], [False, True],
    ]  # fmt: skip
    assert found[0]["agreement"] == 1.0 and set(found[0]["by_condition"]) == {
        "first", "second",
    }  # fmt: skip
    for row in found:
        means = list(row["by_condition"].values())
        assert means == sorted(means)
        same = list(row["by_condition"]) == list(found[0]["by_condition"])
        assert row["agreement"] == (1.0 if same else -1.0)
    lines = popnet(*given).out.splitlines()
    assert lines[0].split()[:3] == ["align", "shuffled", "mean"] and len(lines) == 5
