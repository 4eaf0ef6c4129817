"""Networks whose settings change on the way, and the members that train them."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from popnet.catalogue import CATALOGUE
from popnet.config import conditions_of
from popnet.engine.population import leaves, resumed, start
from popnet.engine.train import advance
from popnet.plan import PHYSICS, canonical, digest, name_of, network_key, networks
from popnet.runs.search_ledger import Ledger, member_of, with_tried
from popnet.store import Store, checkpoints
from popnet.store.parameters import tensors_of
from popnet.sweep.sealed import sealed
from popnet.sweep.search_pbt import Exploration, TrainMember, first_values
from popnet.sweep.search_trial import SearchContext, Start
from popnet.sweep.shard_actors import ActorSettings
from popnet.sweep.train_pack import PackSettings
from popnet.work.shard import Shard, shard_name

RATE = "rule.learning_rate"
SPACE = {RATE: {"law": "log_uniform", "low": 1e-4, "high": 1.0}}
PBT = {"name": "pbt", "conditions": 3, "space": SPACE}
SEARCH = {"metric": "error", "every": 20, "scheduler": PBT}
TRAIN = {"trials": 90, "until": None}
HEBBIAN = {"rule": {"name": "reward_hebbian", "wait_trials": 5}}
BPTT = {"rule": {"name": "bptt", "batch_trials": 7}}
MEAN_FIELD = {"rule": {"name": "bptt", "parametrisation": "mean_field"}}
GAMMA = "rule.gamma"
CPU = torch.device("cpu")


@pytest.fixture
def sweep(tiny):
    def make(**changes):
        given = {"grid": None, "search": SEARCH, "train": TRAIN, **changes}
        return tiny(**given)

    return make


def member(made, *pieces):
    """The networks of a member with these values, all but the last until a trial."""
    plan, source = made
    *earlier, values = pieces
    condition = member_of(source, 1, earlier, values)
    return networks(plan._replace(conditions=(condition,)))


def plain(made, values):
    """The networks of a plain condition."""
    plan, source = made
    conditions = conditions_of(source, CATALOGUE, [values])
    return networks(plan._replace(conditions=conditions))


def bits(tensors):
    return {name: t.numpy().tobytes() for name, t in tensors.items()}


def trained(network, step=1000):
    """Alone and at once, in blocks of ``step``."""
    population = start([network], CPU)
    while population is not None:
        population, ended = advance(population, step)
    return ended[0]


def weights(trained):
    """Its final weights, bit for bit."""
    return {n: a.tobytes() for n, a in tensors_of(trained.final).items()}


def recorded(store, key):
    """The same of a recorded network."""
    groups = ((n.partition("."), a) for n, a in store.tensors(key).items())
    return {n: a.tobytes() for (group, _, n), a in groups if group == "final"}


# --- what such a network is -----------------------------------------------------------


def test_a_network_that_never_changed_is_the_plain_one(sweep):
    made = sweep()
    mine, other = member(made, {RATE: 0.1}), plain(made, {RATE: 0.1})
    assert [n.key for n in mine] == [n.key for n in other]
    assert mine[0].condition == other[0].condition and not mine[0].earlier
    assert mine[0].label == "learning_rate=0.1, member 1"


def test_the_key_is_a_hash_of_every_piece_and_its_trial(sweep):
    made = sweep()
    first, second = (plain(made, {RATE: r})[1] for r in (0.1, 0.2))
    text = json.dumps(
        [[20, canonical(first.config)], canonical(second.config)],
        separators=(",", ":"),
    )
    changed = member(made, [20, {RATE: 0.1}], {RATE: 0.2})[1]
    assert changed.key == digest(str(PHYSICS), text, "3", "1")
    assert changed.config == second.config
    assert changed.earlier == ((20, first.config),)
    others = [
        member(made, [21, {RATE: 0.1}], {RATE: 0.2}),
        member(made, [20, {RATE: 0.2}], {RATE: 0.1}),
        member(made, [20, {RATE: 0.1}], [40, {RATE: 0.2}], {RATE: 0.1}),
    ]
    keys = [n[1].key for n in others]
    keys += [changed.key, first.key, second.key]
    assert len(set(keys)) == 6
    assert second.key == network_key(second.config, second.seed)


@pytest.mark.parametrize("rule", [HEBBIAN, BPTT], ids=["sequential", "batches"])
@pytest.mark.parametrize("step", [1000, 3])
def test_it_trains_as_its_pieces_do_one_after_the_other(sweep, rule, step):
    """By hand: stop at the trial, start the other configuration there, go on."""
    made, rates = sweep(**rule), (0.5, 0.05, 0.9)
    network = member(made, [33, {RATE: 0.5}], [40, {RATE: 0.05}], {RATE: 0.9})[0]
    population = None
    for rate, until in zip(rates, (33, 40, 90), strict=True):
        piece = start([plain(made, {RATE: rate})[0]], CPU)
        saved = None if population is None else leaves(population)
        population = piece if saved is None else resumed(piece, saved)
        while population and int(population.progress.trial_P[0]) < until:
            population, ended = advance(population, 1)
    again = trained(network, step)
    assert again.trials == ended[0].trials >= 90
    assert weights(again) == weights(ended[0])
    np.testing.assert_array_equal(again.curve_error_C, ended[0].curve_error_C)
    once = trained(plain(made, {RATE: 0.5})[0])
    assert weights(once) != weights(again)


def test_it_begins_as_its_first_configuration_does(sweep):
    """The readout of a mean-field network begins as small as its first gamma asks."""
    space = {GAMMA: {"law": "uniform", "low": 0.5, "high": 3.0}}
    search = {**SEARCH, "scheduler": {**PBT, "space": space}}
    made = sweep(**MEAN_FIELD, search=search)
    changed = start(member(made, [20, {GAMMA: 1.0}], {GAMMA: 2.0}), CPU)
    first, last = (start(plain(made, {GAMMA: s}), CPU) for s in (1.0, 2.0))
    assert bits(leaves(changed)) == bits(leaves(first)) != bits(leaves(last))


def test_its_row_says_what_changed_and_when(sweep, tmp_path):
    made = sweep()
    members = tuple(member(made, [20, {RATE: 0.1}], {RATE: 0.2}))
    worker = Shard(str(tmp_path), "cpu", 3600)
    worker.work(3600, members)
    keys = {n.key for n in members}
    row = worker.store.table("networks", "networks", "key", keys).to_pylist()[0]
    said = [{"from": 0, RATE: 0.1}, {"from": 20, RATE: 0.2}]
    assert json.loads(row["schedule"]) == said
    assert json.loads(row["settings"])["rule"]["learning_rate"] == 0.2
    Shard(str(tmp_path / "b"), "cpu", 3600).work(3600, tuple(plain(made, {RATE: 0.1})))
    other = Store(tmp_path / "b")
    keys = other.recorded()
    rows = other.table("networks", "networks", "key", keys).to_pylist()
    assert "schedule" not in rows[0]


# --- members --------------------------------------------------------------------------


@pytest.fixture
def make_member(tmp_path):
    def make(made, number, values, earlier=(), reached=0):
        plan, source = made
        settings = PackSettings(
            ActorSettings(str(tmp_path / "store"), "cpu", 3600.0), 1, None, 9
        )
        starts = {number: Start(values, list(earlier), reached)}
        context = SearchContext(source, plan.sweep, (), {}, settings, starts)
        one = TrainMember.__new__(TrainMember)
        config = {"values": {"member": number, **values}}
        one.setup(config, context=sealed(context, ()))
        return one

    return make


@pytest.mark.parametrize("rule", [HEBBIAN, BPTT], ids=["sequential", "batches"])
def test_a_member_takes_over_the_networks_of_another(
    sweep, make_member, tmp_path, rule
):
    made = sweep(**rule)
    better, worse = (
        make_member(made, number, {RATE: rate})
        for number, rate in ((1, 0.5), (2, 1e-4))
    )
    for one in (better, worse):
        assert [one.step()["reached"] for _ in range(2)] == [20, 40]
    better.save_checkpoint(str(tmp_path))
    better.step()  # it has gone on meanwhile
    assert worse.reset_config({"values": {"member": 2, RATE: 0.6}})
    worse.load_checkpoint(str(tmp_path))
    looks = []
    while not looks or not looks[-1]["over"]:
        looks.append(worse.step())
    assert [look["reached"] for look in looks] == [60, 80, 90]
    until = 42 if rule is BPTT else 40  # the batch that passes the look is finished
    assert looks[-1]["earlier"] == [[until, {RATE: 0.5}]]
    assert (looks[-1]["member"], looks[-1]["values"]) == (2, {RATE: 0.6})
    assert looks[0]["trials"] <= 2 * 21  # not from the start
    store = worse.training.store
    members = member(made, [until, {RATE: 0.5}], {RATE: 0.6})
    assert store.recorded() == {n.key for n in members}
    for network in members:
        assert recorded(store, network.key) == weights(trained(network))


def test_the_same_values_are_no_change(sweep, make_member, tmp_path):
    made = sweep()
    one = make_member(made, 1, {RATE: 0.5})
    one.step()
    one.save_checkpoint(str(tmp_path))
    one.reset_config({"values": {"member": 1, RATE: 0.5}})
    one.load_checkpoint(str(tmp_path))
    look = one.step()
    assert look["earlier"] == [] and look["reached"] == 40 and look["trials"] == 40
    assert look["condition"] == plain(made, {RATE: 0.5})[0].condition


def test_a_network_whose_checkpoint_is_lost_trains_from_its_start(
    sweep, make_member, tmp_path
):
    made = sweep()
    one = make_member(made, 1, {RATE: 0.5})
    one.step()
    one.save_checkpoint(str(tmp_path))
    checkpoints.drop(tmp_path, "networks")
    one.reset_config({"values": {"member": 1, RATE: 0.6}})
    one.load_checkpoint(str(tmp_path))
    assert one.step()["trials"] == 2 * 40
    while not one.step()["over"]:
        pass
    for network in member(made, [20, {RATE: 0.5}], {RATE: 0.6}):
        assert recorded(one.training.store, network.key) == weights(trained(network))


def test_a_member_goes_on_where_the_ledger_has_it(sweep, make_member):
    made, earlier = sweep(), [[20, {RATE: 0.5}]]
    one = make_member(made, 1, {RATE: 0.6}, earlier, reached=40)
    members = member(made, *earlier, {RATE: 0.6})
    one.training.take(tuple(members))
    one.training.to(40)
    look = one.step()
    assert look["reached"] == 60 and look["trials"] == 2 * 20
    assert look["shard"] == shard_name(n.key for n in members)


# --- what is explored -----------------------------------------------------------------


def test_members_begin_within_the_space_each_with_its_own(sweep):
    space = {
        **SPACE,
        "rule.wait_trials": {"law": "integer", "low": 3, "high": 5},
        "rule.baseline_decay": {"law": "uniform", "low": 0.2, "high": 0.3},
        "rule.max_update": {"law": "choice", "values": [1e-4, 1e-3]},
    }
    pbt = sweep(search={**SEARCH, "scheduler": {**PBT, "space": space}})[0].sweep
    pbt = pbt.search.scheduler
    drawn = [first_values(pbt, 3, number) for number in range(1, 200)]
    rates, waits, decays, updates = (
        np.array([d[path] for d in drawn]) for path in space
    )
    assert drawn == [first_values(pbt, 3, number) for number in range(1, 200)]
    assert drawn != [first_values(pbt, 4, number) for number in range(1, 200)]
    assert 1e-4 <= rates.min() < 2e-4 and 0.5 < rates.max() <= 1
    assert -2.6 < np.median(np.log10(rates)) < -1.4  # even in its logarithm
    assert set(waits) == {3, 4, 5} and set(updates) == {1e-4, 1e-3}
    assert all(type(d["rule.wait_trials"]) is int for d in drawn)
    assert 0.2 <= decays.min() < 0.21 and 0.29 < decays.max() <= 0.3


@pytest.mark.parametrize(
    ("value", "factors", "becomes"),
    [(0.5, (0.8, 0.8), 0.4), (0.5, (3.0, 3.0), 1.0), (2e-4, (0.1, 0.1), 1e-4)],
)
def test_explored_values_stay_in_bounds_and_with_their_member(
    sweep, value, factors, becomes
):
    pbt = sweep()[0].sweep.search.scheduler
    scheduler = Exploration(
        pbt, 2, hyperparam_mutations={"values": {RATE: lambda: 0.0}},
        perturbation_factors=factors, resample_probability=0.0,
    )  # fmt: skip
    worse, better = (
        SimpleNamespace(config={"values": {"member": number, RATE: rate}})
        for number, rate in ((2, 0.01), (1, value))
    )
    config, _ = scheduler._get_new_config(worse, better)
    assert config["values"] == {"member": 2, RATE: pytest.approx(becomes)}
    assert better.config["values"] == {"member": 1, RATE: value}


# --- what was tried -------------------------------------------------------------------


def entry(ledger, number, made, *pieces):
    *earlier, values = pieces
    one = ledger.begin(f"member {number}", values)
    name = name_of(member_of(made[1], number, earlier, values))
    one |= {"number": number, "earlier": earlier, "condition": name, "reached": 40}
    return one


def test_a_runs_networks_are_those_of_its_members_now(sweep, tmp_path):
    made = sweep()
    plan, source = made
    assert plan.conditions == () and with_tried(plan, source, tmp_path).conditions == ()
    ledger = Ledger(tmp_path, plan.sweep)
    entry(ledger, 1, made, [20, {RATE: 0.5}], {RATE: 0.4})
    entry(ledger, 2, made, {RATE: 0.5})
    entry(ledger, 3, made, [20, {RATE: 0.5}], {RATE: 0.4})  # the same as the first
    stale = entry(ledger, 4, made, {RATE: 0.3})
    stale["condition"] = "0123"  # of the file as it was then
    ledger.write()
    found = networks(with_tried(plan, source, tmp_path))
    expected = member(made, [20, {RATE: 0.5}], {RATE: 0.4}) + plain(made, {RATE: 0.5})
    assert [n.key for n in found] == [n.key for n in expected]
    assert found[2].label == "learning_rate=0.5, member 2"
    assert Ledger(tmp_path, plan.sweep).tried() == {n.condition for n in found} | {
        "0123"
    }
