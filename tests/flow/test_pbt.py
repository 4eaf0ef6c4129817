"""Population-based training with the real command: taken over, replayed, killed."""

import json
import time

import psutil
import pytest
import torch
from helpers.pace import PATIENCE_S

from popnet import open_run
from popnet.engine.train import advance, begin
from popnet.runs import Run
from popnet.store.parameters import tensors_of

pytestmark = pytest.mark.slow

RATE = "rule.learning_rate"
BAD = 1e-6
"""A rate below it learns nothing."""
PBT = {
    "name": "pbt",
    "conditions": 4,
    "space": {RATE: {"law": "log_uniform", "low": 1e-10, "high": 1e-2}},
    "resample": 0.0,
}
SWEEP = {
    "name": "pbt",
    "seed": 1,
    "networks": 2,
    "network": {"units": 30, "dt_s": 0.01, "tau_s": {"mean": 0.05}},
    "task": {"name": "dnms"},
    "rule": {"name": "bptt", "batch_trials": 10},
    "train": {"trials": 600, "until": None},
    "search": {"metric": "error", "every": 50, "scheduler": PBT},
    "grid": None,
    "after": {"trials": 2, "compare": [{"name": "weights", "align": False}]},
}


def members(run):
    path = run.folder / "search.json"
    entries = json.loads(path.read_text())["conditions"] if path.exists() else {}
    return sorted(entries.values(), key=lambda entry: entry["number"])


def check_each_is_its_replay(run):
    """Every network trained alone, from its schedule, has the recorded bits."""
    networks = run.networks
    # members that came the same way to the same settings are the same
    names = {entry["condition"] for entry in members(run)}
    assert len({n.key for n in networks}) == len(networks) == 2 * len(names)
    assert run.store.recorded() == {n.key for n in networks}
    for network in networks:
        going, ended = begin([network], torch.device("cpu"))[0], []
        while going is not None:
            going, ended = advance(going, 7)
        again, known = tensors_of(ended[0].final), run.network(network.key).final
        assert ended[0].trials == 600 and set(again) == set(known)
        for name, array in known.items():
            assert array.tobytes() == again[name].tobytes(), (network.label, name)


def test_bad_rates_are_left_for_networks_of_good_ones(popnet):
    popnet.launch(**SWEEP)
    run = open_run(popnet.out / "pbt")
    tried = members(run)
    assert [e["number"] for e in tried] == [1, 2, 3, 4]
    assert {e["state"] for e in tried} == {"done"}
    changed = [e for e in tried if e["earlier"]]
    assert changed
    for one in tried:  # what was taken over had learned
        assert all(values[RATE] > BAD for _, values in one["earlier"])
        starts = [until for until, _ in one["earlier"]]
        assert starts == sorted(starts) and all(0 < t < 600 for t in starts)
        assert {r["trials"] for r in one["reports"]} == set(range(50, 601, 50))
    check_each_is_its_replay(run)
    assert not list((run.store.folder / "checkpoints").glob("*"))

    table = run.table()
    assert list(table["key"]) == [n.key for n in run.networks]
    assert table["schedule"].notna().sum() == 2 * len({e["condition"] for e in changed})
    assert (table["status"] == "trained").all() and table["accuracy"].notna().all()
    told = table[table["schedule"].notna()].iloc[0]
    last = json.loads(told["schedule"])[-1]
    assert last[RATE] == told[RATE] and last["from"] > 0
    said = popnet("retrain", run.folder, told["key"]).stdout
    assert "identical (600 trials" in said

    before = (run.folder / "search.json").read_bytes()
    again = popnet.launch(**SWEEP)
    assert "nothing to train" in again.stdout and "another sweep" not in again.stderr
    assert (run.folder / "search.json").read_bytes() == before


def wait_for_a_takeover(process, run):
    for _ in range(1800):
        assert process.poll() is None, process.communicate()
        if any(entry["earlier"] for entry in members(run)):
            return
        time.sleep(0.1)
    raise AssertionError("nothing was taken over")


@pytest.mark.parametrize("whom", ["launch", "member"])
@pytest.mark.nightly
def test_what_was_killed_goes_on(popnet, whom):
    process = popnet.start(**SWEEP)
    run = Run(popnet.out / "pbt")
    wait_for_a_takeover(process, run)
    family = psutil.Process(process.pid).children(recursive=True)
    if whom == "member":
        # one trains, one may wait for its next member
        victims = popnet.workers(process, "ResourceTrainable")
        assert victims
        for victim in victims:
            victim.kill()
        out, err = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, out + err
        assert "was lost in training" in err
    else:
        process.kill()
        process.communicate()
        psutil.wait_procs(family, timeout=PATIENCE_S)
        before = members(run)
        popnet.launch(**SWEEP)
        for old, new in zip(before, members(run), strict=False):
            assert new["reports"][: len(old["reports"])] == old["reports"]
    check_each_is_its_replay(open_run(run.folder))
    assert {e["state"] for e in members(run)} == {"done"}
