"""A network's key says what it is: all of that, and nothing else."""

import json

import pytest

from popnet.catalogue import CATALOGUE
from popnet.config import load, read_text, shared_part
from popnet.plan import PHYSICS, canonical, network_key, networks, packs
from popnet.seeding import Seed

TRAINED_TAU = ['rule.trains=["time_constants"]', "network.noise.recurrent=0.0"]
COMPANY = {
    "network.readout.scale": ["network.readout={kind: linear}"],
    "network.readout.law": ["network.readout={kind: linear}"],
    "rule.tau_learning_rate": TRAINED_TAU,
    "rule.tau_min_s": TRAINED_TAU,
    "rule.tau_max_s": TRAINED_TAU,
    "rule.gamma": ["rule.parametrisation=mean_field"],
    "rule.feedback_scale": ["rule.feedback=random"],
    "rule.feedback_decay": ["rule.feedback=adaptive"],
    "network.readout.unit": ["network.readout={kind: unit}", "network.clamped={}"],
    "network.output_tau": ["network.readout={kind: unit}"],
}
"""What some settings need beside them; a unit and a linear readout have their own."""
SKIPPED = {"flipflop", "path_integration", "reaching"}
"""Tasks of several outputs: a unit readout has one.  Rules force and full_force have
no use for it."""


def option(path, value):
    return f"{path}={json.dumps(value)}"


def needed(path, task, rule):
    """What else must be said before this setting means anything; None: it cannot."""
    if path == "network.feedback" and rule != "force":
        return None  # the other rules refuse it
    if path == "network.form" and (
        "force" in rule or rule in ("reward_hebbian", "eprop")
    ):
        return None  # so do these
    if path == "network.form" and (
        "force" in rule or rule in ("reward_hebbian", "eprop")
    ):
        return None  # so do these
    of_law = {"half_width": "uniform", "degree": "mittal_narayanan"}
    section, _, name = path.rpartition(".")
    if name in of_law:
        mean = 0.03 if section.endswith("tau_s") else 1.0
        return [f"{section}={{mean: {mean}, law: {of_law[name]}}}"]
    always = path == "rule.feedback_scale" and rule == "rflo"
    given = [] if always else COMPANY.get(path, [])
    unit = path == "network.readout.kind" or "kind: unit" in " ".join(given)
    fixed = "force" in rule or rule in ("eprop", "rflo")
    return None if unit and (task in SKIPPED or fixed) else given


def keys(plan):
    return [network.key for network in networks(plan)]


def pairs_of(walk, changed, task, rule):
    """(setting, plan without it, plan with it) for every setting there is."""
    _, settings = walk(task, rule)
    for setting in settings:
        given = needed(setting.path, task, rule)
        if given is None:
            continue
        plain = changed(task, rule, *given)
        value = setting.other
        if setting.path == "network.readout.kind":
            plain = changed(task, rule, "network.readout={kind: linear}")
            value = "unit"
        options = [option(setting.path, value)]
        if setting.path == "network.clamped":
            options = ["network.clamped={5: 0.25}"]
        yield setting, plain, changed(task, rule, *given, *options)


def test_every_setting_is_in_the_key(walk, changed, task_and_rule):
    seen = {}
    for setting, plain, other in pairs_of(walk, changed, *task_and_rule):
        key = keys(other)[0]
        assert key != keys(plain)[0], setting.path
        # nor do two different changes come to the same network
        assert key not in seen, (setting.path, seen.get(key))
        seen[key] = setting.path
    assert {"network.units", "task.target", "rule.learning_rate"} & set(seen.values())


def test_the_walk_meets_every_setting_there_is(walk):
    _, settings = walk("dnms", "reward_hebbian")
    paths = {setting.path for setting in settings}
    assert {path.split(".")[0] for path in paths} == {
        "network",
        "task",
        "rule",
        "train",
    }
    assert {
        "network.tau_s.high", "network.dale.excitatory", "network.noise.recurrent",
        "network.readout.unit", "network.clamped", "network.dtype", "task.wait_s",
        "rule.preset", "rule.exploration.quiet_s", "rule.trace", "train.until.stop",
        "train.curve_every",
    } <= paths  # fmt: skip


@pytest.mark.parametrize("value", [None, {"excitatory": 0.5}])
def test_a_section_left_out_is_in_the_key(changed, value):
    with_dale = changed("dnms", "bptt")
    assert keys(changed("dnms", "bptt", option("network.dale", value))) != keys(
        with_dale
    )


def test_no_criterion_and_the_default_one_differ(changed):
    given = changed("dnms", "bptt", "train={trials: 40}")
    none = changed("dnms", "bptt", "train={trials: 40, until: null}")
    assert keys(given) != keys(none)


def test_tasks_and_rules_that_share_their_settings_differ(changed):
    tasks = {keys(changed(task, "bptt"))[0] for task in ("dnms", "dms", "dnms_long")}
    assert len(tasks) == 3


def test_a_default_written_out_is_the_same_network(changed, task_and_rule):
    task, rule = task_and_rule
    plan = changed(task, rule, "train={trials: 40}", "network={units: 16}")
    config = plan.conditions[0].config
    spelt = [
        option(section, getattr(config, section).model_dump(mode="json"))
        for section in ("network", "task", "rule", "train")
    ]
    # JSON makes unit numbers text, in the file they are numbers
    spelt[0] = spelt[0].replace('"1"', "1").replace('"10"', "10").replace('"11"', "11")
    again = changed(task, rule, *spelt)
    assert keys(again) == keys(plan)
    assert len(canonical(config)) < len(config.model_dump_json()) / 3


@pytest.mark.parametrize(
    "option",
    [
        "name=other",
        "networks=3",
        "after={trials: 3, perturb: [synaptic_jitter], other_tasks: [dms]}",
        "machine={device: cpu, workers: 3, shard: 2, checkpoint_s: 1.0}",
        "grid.network.gain=[1.5]",
        "grid.train.trials=[40, 80]",
    ],
)
def test_what_is_not_the_networks_own_is_not_in_its_key(changed, option):
    plain = changed("dnms", "reward_hebbian")
    assert keys(changed("dnms", "reward_hebbian", option))[0] == keys(plain)[0]


def test_the_order_of_the_grid_and_of_settings_does_not_matter(changed):
    gain, spread = (
        "grid.network.gain=[1.2, 1.5]",
        "grid.network.tau_s.spread=[0.1, 0.2]",
    )
    one = changed("dnms", "bptt", gain, spread)
    other = changed("dnms", "bptt", spread.replace("[0.1, 0.2]", "[0.2, 0.1]"), gain)
    assert sorted(keys(one)) == sorted(keys(other))
    assert keys(one) != keys(other)
    first = changed("dnms", "bptt", "network.clamped={1: 0.5, 3: 1.0}")
    second = changed("dnms", "bptt", "network.clamped={3: 1.0, 1: 0.5}")
    assert keys(first) == keys(second)


def test_growing_a_sweep_keeps_the_networks_it_had(changed):
    small = changed("dnms", "bptt", "networks=3", "grid.network.gain=[1.2, 1.5]")
    more_seeds = changed("dnms", "bptt", "networks=5", "grid.network.gain=[1.2, 1.5]")
    more_levels = changed(
        "dnms", "bptt", "networks=3", "grid.network.gain=[1, 1.2, 1.5]"
    )
    another_axis = changed(
        "dnms", "bptt", "networks=3", "grid.network.gain=[1.2, 1.5]",
        "grid.train.trials=[40, 50]",
    )  # fmt: skip
    for grown, count in ((more_seeds, 10), (more_levels, 9), (another_axis, 12)):
        assert set(keys(small)) < set(keys(grown))
        assert len(set(keys(grown))) == count


def test_seed_and_number_are_in_the_key(changed):
    plan = changed("dnms", "bptt", "networks=20")
    other = changed("dnms", "bptt", "networks=20", "seed=8")
    assert len(set(keys(plan) + keys(other))) == 40
    config = plan.conditions[0].config
    assert network_key(config, Seed(1, 23)) != network_key(config, Seed(12, 3))


def test_physics_is_in_the_key(changed):
    config = changed("dnms", "bptt").conditions[0].config
    seed = Seed(7, 0)
    assert network_key(config, seed) == network_key(config, seed, physics=PHYSICS)
    assert network_key(config, seed, physics=PHYSICS + 1) != network_key(config, seed)


def test_keys_are_hexadecimal_and_conditions_share_theirs(changed):
    plan = changed("dnms", "bptt", "networks=3", "grid.network.gain=[1.2, 1.5]")
    planned = networks(plan)
    assert {len(n.key) for n in planned} == {20}
    assert all(set(n.key + n.condition) <= set("0123456789abcdef") for n in planned)
    conditions = [n.condition for n in planned]
    assert conditions[:3] == [conditions[0]] * 3
    assert conditions[3:] == [conditions[3]] * 3
    assert conditions[0] != conditions[3]
    assert [n.seed for n in planned] == [Seed(7, i) for i in (0, 1, 2)] * 2


def test_shared_settings_split_packs_and_others_do_not(walk, changed, task_and_rule):
    kinds = set()
    for setting, plain, other in pairs_of(walk, changed, *task_and_rule):
        both = networks(plain) + networks(other)
        assert len(packs(both)) == (1 if setting.per_network else 2), setting.path
        same = shared_part(plain.conditions[0].config) == shared_part(
            other.conditions[0].config
        )
        assert same == setting.per_network
        kinds.add(setting.per_network)
    assert kinds == {True, False}


def test_tasks_and_rules_split_packs(changed):
    names = [("dnms", "bptt"), ("dms", "bptt"), ("dnms", "reward_hebbian")]
    found = packs([n for task, rule in names for n in networks(changed(task, rule))])
    assert len(found) == 3


def test_keys_never_change_by_themselves():
    """Networks are found by them on disk; a change of results raises PHYSICS."""
    text = "name: x\nseed: 7\nnetworks: 2\ntask: dnms\nrule: reward_hebbian\n"
    config = load(read_text(text), CATALOGUE).conditions[0].config
    assert [network_key(config, Seed(7, i), physics=1) for i in range(2)] == [
        "04e6f3daa9b6232284ec",
        "f8609628738da16c922f",
    ]
