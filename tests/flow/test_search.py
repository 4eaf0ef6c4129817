"""Searches with the real command: what is stopped, found, killed, continued."""

import json
import sqlite3
import time

import psutil
import pytest
from helpers.pace import PATIENCE_S

from popnet import open_run
from popnet.catalogue import load_sweep
from popnet.plan import networks
from popnet.work.shard import Shard

pytestmark = pytest.mark.slow

GOOD, BAD = [1e-2, 3e-3], [1e-7, 1e-8, 1e-9, 1e-10]
RATE = "rule.learning_rate"
SMALL = {
    "networks": 2,
    "network": {"units": 30, "dt_s": 0.01, "tau_s": {"mean": 0.05}},
    "task": {"name": "dnms"},
    "rule": {"name": "bptt", "batch_trials": 10},
    "train": {"trials": 1500, "until": {"accuracy": 0.98}},
    "grid": {RATE: [*GOOD, *BAD]},
    "after": {"trials": 2, "compare": [{"name": "weights", "align": False}]},
}
ASHA = {"metric": "accuracy", "every": 250, "scheduler": {"name": "asha"}}
SPACE = {RATE: {"law": "log_uniform", "low": 1e-10, "high": 1e-2}}


def sections(name, **changes):
    return {**SMALL, "name": name, **changes}


def searcher(conditions):
    return {"name": "optuna", "conditions": conditions, "random": 4, "space": SPACE}


def tensors(store, keys):
    return {k: {n: a.tobytes() for n, a in store.tensors(k).items()} for k in keys}


def alone(popnet, name, keys):
    """The same networks as a shard trains them: no search, no Ray."""
    plan, _ = load_sweep(popnet.folder / f"{name}.yaml")
    some = tuple(n for n in networks(plan) if n.key in keys)
    worker = Shard(str(popnet.folder / "alone"), "cpu", 3600)
    worker.work(3600, some)
    return tensors(worker.store, keys)


def conditions(run):
    entries = json.loads((run.folder / "search.json").read_text())["conditions"]
    return sorted(entries.values(), key=lambda entry: entry["number"])


def recorded(run):
    """Keys, each as often as it was recorded."""
    return [k for b in run.store.batches("networks") for k in b.keys]


def status(popnet, run):
    return json.loads(popnet("status", run.folder, "--json").stdout)


def mlflow_status(popnet):
    with sqlite3.connect(popnet.out / "mlflow.db") as database:
        return dict(
            database.execute(
                "select t.value, r.status from tags t join runs r "
                "on t.run_uuid = r.run_uuid join tags k on k.run_uuid = r.run_uuid "
                "where t.key = 'popnet.key' and k.key = 'popnet.kind' "
                "and k.value = 'network' and r.lifecycle_stage = 'active'"
            ).fetchall()
        )


@pytest.fixture(scope="module")
def searched(popnet_in, tmp_path_factory):
    """The command and its run of a search, and what was told."""
    popnet = popnet_in(tmp_path_factory.mktemp("searched"))
    done = popnet.launch(**sections("asha", search=ASHA))
    return popnet, open_run(popnet.out / "asha"), done


@pytest.mark.flow
def test_asha_stops_what_does_not_learn(searched):
    popnet, run, done = searched
    states = {entry["values"][RATE]: entry["state"] for entry in conditions(run)}
    # who is stopped depends on who came first; of what learns something is left
    assert "done" in {states[rate] for rate in GOOD}
    assert list(states.values()).count("stopped") >= 2
    assert "stopped" in done.stdout and "search.json" in done.stdout

    table = run.table()
    assert list(table["key"]) == [n.key for n in run.networks]
    stopped = table[table["status"] == "stopped"]
    halted = {rate for rate, state in states.items() if state == "stopped"}
    assert set(stopped[RATE]) == halted and (stopped["stopped_by"] == "asha").all()
    assert stopped["accuracy"].isna().all() and stopped["final_accuracy"].notna().all()
    assert (stopped["trials"] % 250 == 0).all() and (stopped["trials"] < 1500).all()
    keys = set(table["key"]) - set(stopped["key"])
    assert set(recorded(run)) == set(run.evaluations()["key"]) == keys
    compared = run.comparisons()
    assert set(compared["key_a"]) | set(compared["key_b"]) == keys
    assert set(run.curves()["key"]) == set(table["key"])
    said = status(popnet, run)
    assert said["stopped"] == len(stopped) and said["missing"] == 0
    assert said["conditions_stopped"] == len(halted)
    fates = mlflow_status(popnet)
    assert {k for k, fate in fates.items() if fate == "KILLED"} == set(stopped["key"])
    page = (run.folder / "report" / "index.html").read_text()
    assert "stopped by the search" in page


def test_after_a_search_a_plain_launch_goes_on(searched):
    popnet, run, _ = searched
    stopped = run.table().query("status == 'stopped'")
    keys = set(run.table()["key"]) - set(stopped["key"])
    assert tensors(run.store, keys) == alone(popnet, "asha", keys)

    before = (run.folder / "search.json").read_bytes()
    assert "nothing to train" in popnet.launch(**sections("asha", search=ASHA)).stdout
    assert (run.folder / "search.json").read_bytes() == before

    # without the search all are trained, from where they were stopped
    after = popnet.launch(**sections("plain"))
    assert f"{len(stopped)} trained now" in after.stdout
    plain = open_run(popnet.out / "plain")
    everything = {n.key for n in plain.networks}
    assert sorted(recorded(plain)) == sorted(everything)
    assert "stopped" not in set(plain.table()["status"])
    assert tensors(plain.store, everything) == alone(popnet, "plain", everything)


def test_median_stopping_and_optuna_find_the_rates_that_learn(popnet):
    def search(count):
        stopping = {"name": "median_stopping", "conditions": 2}
        asked = {"metric": "error", "every": 250, "scheduler": stopping}
        given = {**asked, "searcher": searcher(count)}
        return popnet.launch(**sections("best", search=given, grid=None))

    search(8)
    run = open_run(popnet.out / "best")
    tried = conditions(run)
    rates = [entry["values"][RATE] for entry in tried]
    assert len(set(rates)) == 8 and all(1e-10 <= rate <= 1e-2 for rate in rates)
    # once it is asked, the searcher leaves the eight decades less than evenly drawn
    assert sorted(rates[4:])[2] > 1e-5
    best = min(tried, key=lambda entry: entry["reports"][-1]["score"])
    assert best["state"] == "done" and best["values"][RATE] > 1e-4
    assert any(entry["state"] == "stopped" for entry in tried)
    assert run.planned() == 16 == len(run.table())

    search(10)  # two more; the eight are neither trained nor chosen again
    run = open_run(popnet.out / "best")
    assert [entry["values"][RATE] for entry in conditions(run)[:8]] == rates
    assert len(conditions(run)) == 10 and run.planned() == 20
    assert len(set(recorded(run))) == len(recorded(run))


@pytest.mark.nightly
def test_a_condition_that_dies_is_started_again(popnet):
    search = {**ASHA, "every": 50}
    process = popnet.start(**sections("died", search=search, machine={"workers": 2}))
    popnet.wait_for_training(process)
    popnet.workers(process, "ResourceTrainable")[0].kill()  # so Ray Tune calls it
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, out + err
    assert "1 time a process or machine was lost" in err
    run = open_run(popnet.out / "died")
    assert {e["state"] for e in conditions(run)} == {"done", "stopped"}
    keys = set(recorded(run))
    assert len(recorded(run)) == len(keys) and len(run.table()) == 12
    assert tensors(run.store, keys) == alone(popnet, "died", keys)


@pytest.mark.nightly
def test_a_search_that_was_killed_goes_on(popnet):
    given = {**ASHA, "every": 50, "searcher": searcher(7)}
    sweep = sections("killed", search=given, grid=None, machine={"workers": 2})
    process = popnet.start(**sweep)
    ledger = popnet.out / "killed" / "search.json"
    for _ in range(1800):
        assert process.poll() is None, process.communicate()
        tried = json.loads(ledger.read_text())["conditions"] if ledger.exists() else {}
        if len(tried) >= 3:
            break
        time.sleep(0.1)
    family = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.communicate()
    psutil.wait_procs(family, timeout=PATIENCE_S)
    run = open_run(popnet.out / "killed")
    before = conditions(run)
    assert 3 <= len(before) < 7
    said = status(popnet, run)
    assert said["missing"] > 0 and said["networks"] == 14

    popnet.launch(**sweep)
    run = open_run(popnet.out / "killed")
    after = conditions(run)
    assert [e["values"] for e in after[: len(before)]] == [e["values"] for e in before]
    for old, new in zip(before, after[: len(before)], strict=True):
        assert new["reports"][: len(old["reports"])] == old["reports"]
        assert old["state"] in ("running", new["state"])
    assert len({e["values"][RATE] for e in after}) == 7
    assert {e["state"] for e in after} == {"done", "stopped"}
    keys = set(recorded(run))
    assert len(recorded(run)) == len(keys) and keys <= set(run.table()["key"])
    assert len(run.table()) == 14
    settings = [e["values"][RATE] for e in after]
    popnet.write(**sections("killed", grid={RATE: settings}))
    assert tensors(run.store, keys) == alone(popnet, "killed", keys)
