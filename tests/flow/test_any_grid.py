"""Every kind of grid axis gets from file to report; other physics is told apart."""

import json

import pytest
from helpers.resigned import put_text

from popnet import ConfigError, open_run

pytestmark = pytest.mark.slow
TINY = {"train": {"trials": 60, "until": None}, "networks": 1}
AXES = {
    "task": ["dnms", {"name": "dms", "delay_s": 0.3}],
    "rule": ["reward_hebbian", {"name": "reward_hebbian", "learning_rate": 0.2}],
    "network.tau_s": [0.03, {"mean": 0.05, "spread": 0.2}],
    "network.clamped": [{1: 1.0}, {1: 0.5}],
}


def test_grids_over_whole_sections(popnet):
    after = {"trials": 1, "compare": ["behaviour", {"name": "weights", "align": False}]}
    popnet.launch(**TINY, grid=AXES, after=after)
    run = open_run(popnet.out / "flow")
    assert len(run.table()) == 16 and set(run.varied) <= set(run.table().columns)
    assert {"task.name", "rule.learning_rate", "network.tau_s.mean"} <= set(run.varied)
    page = (run.folder / "report" / "index.html").read_text()
    assert "dms" in page
    # weights of all pairs, behaviour only on the same trials
    counts = run.comparisons().groupby(["metric", "settings"]).size().to_dict()
    expected = {("weights", '{"align": false}'): 120, ("behaviour", "{}"): 2 * 28}
    assert counts == expected


def test_a_run_of_another_physics_is_told_apart(popnet):
    popnet.launch(**TINY, grid={"rule.learning_rate": [0.1]})
    folder = popnet.out / "flow"
    about = json.loads((folder / "provenance.json").read_text())
    put_text(folder / "provenance.json", json.dumps({**about, "physics": 1}))
    before = (folder / "networks.parquet").read_bytes()
    done = popnet("retrain", folder, "a", code=2)
    assert "physics 1" in done.stderr and "another --out" in done.stderr
    assert (folder / "networks.parquet").read_bytes() == before
    assert popnet("show", folder).stdout.count("trained") == 1
    with pytest.raises(ConfigError, match="physics 1"):
        _ = open_run(folder).networks
