"""What a search has tried: read back, begun anew, planned from, and shown."""

import json

import pytest
from helpers.resigned import put_text

from popnet.catalogue import CATALOGUE
from popnet.config import ConfigError, check, conditions_of
from popnet.plan import condition_name, networks
from popnet.runs import open_run
from popnet.runs.search_ledger import DONE, STOPPED, Ledger, asked_for
from popnet.runs.tables import write_tables
from popnet.sweep.search import MODES, scheduler
from popnet.work import pending
from popnet.work.condition import ConditionInTraining, record_stopped

SEARCH = {"metric": "accuracy", "every": 20, "scheduler": {"name": "asha"}}
SPACE = {"network.gain": {"law": "uniform", "low": 1.0, "high": 2.0}}
OPTUNA = {"name": "optuna", "conditions": 3, "space": SPACE}
SPACED = {**SEARCH, "searcher": OPTUNA}


def look(ledger, condition, values, trials, state="running"):
    entry = ledger.begin(condition, values)
    entry["reports"].append({"trials": trials, "score": 0.5, "low": 0.4, "high": 0.6})
    entry["state"] = state
    return entry


def test_a_ledger_is_read_back_in_the_order_of_its_conditions(tmp_path, tiny):
    sweep = tiny(search=SEARCH)[0].sweep
    ledger = Ledger(tmp_path, sweep)
    assert not ledger.conditions and not (tmp_path / "search.json").exists()
    for number, name in enumerate(("c", "a", "b")):
        look(ledger, name, {"network.gain": number}, 20 + number)
    look(ledger, "a", {"network.gain": 9}, 40, STOPPED)
    ledger.finished = 3
    ledger.write()
    again = Ledger(tmp_path, sweep)
    assert list(again.conditions) == ["c", "a", "b"] and again.finished == 3
    assert again.conditions == ledger.conditions and again.stopped() == {"a": 40}
    assert again.conditions["a"]["values"] == {"network.gain": 1}


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({"name": "other", "after": {"trials": 3}}, True),
        ({"search": {**SPACED, "searcher": {**OPTUNA, "conditions": 9}}}, True),
        ({"search": {**SPACED, "every": 40}, "train": {"trials": 99}}, False),
        ({"search": {**SPACED, "searcher": {**OPTUNA, "random": 2}}}, False),
        ({"search": {**SPACED, "metric": "error"}}, False),
        ({"networks": 3}, False),
        ({"seed": 4}, False),
    ],
)
def test_another_search_begins_anew(tmp_path, tiny, changes, same):
    given = {"grid": None, "search": SPACED, "train": {"trials": 99}}
    ledger = Ledger(tmp_path, tiny(**given)[0].sweep)
    look(ledger, "a", {}, 20)
    ledger.write()
    other = Ledger(tmp_path, tiny(**{**given, **changes})[0].sweep)
    assert list(other.conditions) == ["a"] * same
    assert other.replaced == (not same)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"search": 1}', "{", "null"])
def test_a_damaged_ledger_is_named(tmp_path, tiny, text):
    (tmp_path / "search.json").write_text(text)
    with pytest.raises(ConfigError, match=r"search\.json cannot be read; delete it"):
        Ledger(tmp_path, tiny(search=SEARCH)[0].sweep)


# --- a run with a search --------------------------------------------------------------


def condition_of(source, values):
    return condition_name(conditions_of(source, CATALOGUE, [values])[0].config)


def test_a_run_knows_the_conditions_its_search_tried(make_run, tiny, tmp_path):
    given = {"grid": None, "search": SPACED, "train": {"trials": 60, "until": None}}
    run = make_run(tmp_path, "planned", **given)
    assert run.networks == [] and run.planned() == 6 and run.varied == ["network.gain"]
    todo = pending.to_train(run)  # the bounds of the space stand for what will come
    assert {n.config.network.gain for n in todo} == {1.0, 2.0}
    plan, source = tiny(**given)
    ledger = Ledger(run.folder, plan.sweep)
    for gain in (1.7, 1.2):
        values = {"network.gain": gain}
        look(ledger, condition_of(source, values), values, 60, DONE)
    look(ledger, "0123", {"network.gain": 1.5}, 60)  # of the file as it was before
    ledger.write()
    run = open_run(run.folder)
    gains = [n.config.network.gain for n in run.networks]
    assert gains == [1.7, 1.7, 1.2, 1.2] and run.planned() == 6
    assert [n.label for n in run.networks][::2] == ["gain=1.7", "gain=1.2"]
    ledger.finished = 3
    ledger.write()
    run = open_run(run.folder)
    assert run.planned() == asked_for(run.plan, run.ledger) * 2 == 4
    assert pending.to_train(run)  # done, and yet not recorded: lost, to be made again
    ConditionInTraining(str(run.store.folder), "cpu", 3600).work(
        3600, tuple(run.networks)
    )
    assert pending.to_train(open_run(run.folder)) == []


@pytest.fixture
def stopped_run(make_run, tmp_path):
    """The first condition trained to its end, the second stopped at 40 trials."""
    train = {"trials": 60, "until": None}
    run = make_run(tmp_path, "planned", search=SEARCH, train=train)
    members = tuple(run.networks)
    worker = ConditionInTraining(str(run.store.folder), "cpu", 3600)
    for some, trials in ((members[:2], 60), (members[2:], 40)):
        worker.take(some)
        worker.to(trials)
    record_stopped(run.store, members[2:], "asha")
    ledger = Ledger(run.folder, run.sweep)
    values = [c.values for c in run.plan.conditions]
    look(ledger, members[0].condition, values[0], 60, DONE)
    look(ledger, members[2].condition, values[1], 40, STOPPED)
    ledger.finished = 2
    ledger.write()
    return open_run(run.folder)


def test_stopped_networks_stand_in_the_table_untested(stopped_run):
    run = stopped_run
    write_tables(run)
    table = run.table()
    assert list(table["key"]) == [n.key for n in run.networks]
    assert list(table["status"]) == ["trained"] * 2 + ["stopped"] * 2
    assert list(table["trials"]) == [60, 60, 40, 40]
    assert list(table["stopped_by"].isna()) == [True, True, False, False]
    assert list(table["weights_file"].isna()) == [False, False, True, True]
    ends = run.curves().groupby("key", sort=False)["trial"].max()
    assert list(ends) == [60, 60, 40, 40]
    known = pending.statuses(run)
    assert set(known.values()) == {"trained"} and len(known) == 2
    jobs = pending.test_jobs(run, [n.key for n in run.networks], known)
    assert {n.key for job in jobs for n in job.networks} == set(known)
    assert pending.to_train(run) == []


def test_networks_stopped_again_stand_at_the_last_trial(stopped_run):
    run = stopped_run
    members = tuple(run.networks)[2:]
    worker = ConditionInTraining(str(run.store.folder), "cpu", 3600)
    for trials in (50, 55):
        worker.take(members)
        worker.to(trials)
        record_stopped(run.store, members, "median_stopping")
    write_tables(run)
    table, curves = run.table(), run.curves()
    assert list(table["trials"]) == [60, 60, 55, 55]
    assert list(table["stopped_by"][2:]) == ["median_stopping"] * 2
    own = curves[curves["key"] == members[0].key]
    assert list(own["trial"]) == [20, 40, 55]


def test_a_sweep_without_the_search_has_them_to_train(stopped_run, make_run):
    run = stopped_run
    train = {"trials": 60, "until": None}
    plain = make_run(run.out, "planned", name="plain", train=train)
    assert plain.ledger is None and plain.stopped() == set()
    left = pending.to_train(plain)
    assert left == plain.networks[2:]
    write_tables(plain)
    assert list(plain.table()["status"]) == ["trained"] * 2
    worker = ConditionInTraining(str(run.store.folder), "cpu", 3600)
    assert worker.work(3600, tuple(left)).trials == 2 * 20
    write_tables(open_run(run.folder))  # trained by now, so stopped no more
    assert set(run.table()["status"]) == {"trained"}


def test_damage_and_new_conditions_wake_a_finished_search(stopped_run):
    run = stopped_run
    assert pending.to_train(run) == []
    entries = json.loads((run.folder / "search.json").read_text())
    gone = {**entries, "conditions": dict(list(entries["conditions"].items())[:1])}
    put_text(run.folder / "search.json", json.dumps(gone))
    assert len(pending.to_train(open_run(run.folder))) == 4
    put_text(run.folder / "search.json", json.dumps(entries))
    for path in (run.store.folder / "index").glob("*.json"):
        if json.loads(path.read_text())["kind"] == "networks":
            path.unlink()
    assert len(pending.to_train(open_run(run.folder))) == 4


def test_a_missing_optuna_is_said_before_anything_is_written(tiny, monkeypatch):
    plan, source = tiny(grid=None, search=SPACED, train={"trials": 60})
    check(plan, source)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"searcher: optuna is not installed; pip"):
        check(plan, source)


def test_schedulers_get_what_the_file_says(tiny):
    """Ray Tune's own rules; their settings are read back from them."""

    def made(**given):
        search = {**SEARCH, **given}
        return scheduler(tiny(search=search)[0].sweep.search, 320)

    asha = made(scheduler={"name": "asha", "reduction": 2})
    assert [m for m, _ in asha._brackets[0]._rungs] == [320, 160, 80, 40, 20]
    later = made(scheduler={"name": "asha", "reduction": 2, "grace": 39})
    assert min(m for m, _ in later._brackets[0]._rungs) == 39
    stopping = {"name": "median_stopping", "conditions": 1, "grace": 30}
    rule = made(scheduler=stopping)
    assert (rule._grace_period, rule._min_samples_required) == (30, 1)
    assert MODES == {"accuracy": "max", "error": "min"}


def test_networks_of_a_search_are_those_of_its_grid(tiny):
    plain, searched = tiny()[0], tiny(search={**SEARCH, "every": 20})[0]
    assert networks(plain) == networks(searched)
