"""Large plans are made quickly, and say what a slow and plain way says."""

import json

import pytest
from helpers.pace import in_digests
from pydantic import BaseModel

from popnet.canonical import canonical_texts, digests, shape_texts
from popnet.catalogue import CATALOGUE
from popnet.config import NetworkConfig, dump, load, read_text, shared_part, whereabouts
from popnet.config.reading import write_text
from popnet.engine.test_plan import TestPlan, dynamics, planned_tests
from popnet.plan import canonical, digest, networks, packs

GRID = """\
name: grid
seed: 7
networks: 2
task: dnms
rule: reward_hebbian
train: {trials: 100}
grid:
  network.tau_s.spread: [0.0, 0.2]
  zip: [{network.units: [12, 20, 20], network.gain: [1, 1.5, 1.5]}]
  rule: [reward_hebbian, {name: bptt, learning_rate: 0.1}, bptt]
  task: [dms, {name: dnms, delay_s: 0.1}]
  train.until: [null, {accuracy: 0.9}]
after:
  perturb: [{name: synaptic_jitter, levels: [0, 0.1]}]
  other_tasks: [dms, {name: dnms, delay_s: 0.2}]
  dynamics: [{name: synaptic_jitter, levels: [0.3]}]
"""


@pytest.fixture(scope="module")
def plan():
    # the last two of the zipped rows are the same: 48 conditions of 72 are different
    with pytest.raises(Exception, match="twice"):
        load(read_text(GRID), CATALOGUE)
    return load(read_text(GRID.replace("1.5, 1.5", "1.5, 2")), CATALOGUE)


def plainly(settings: BaseModel) -> dict:
    """What ``canonical`` writes, setting by setting, nothing remembered."""
    out = {}
    for field, info in type(settings).model_fields.items():
        value, default = getattr(settings, field), info.get_default()
        if field in whereabouts(settings):
            continue
        if field == "name":
            out[field] = value
        elif isinstance(value, BaseModel):
            if value != default:
                out[field] = plainly(value)
        elif value != default:
            out[field] = settings.model_dump(mode="json", include={field})[field]
    return out


def test_texts_put_together_from_sections_are_the_plain_ones(plan):
    text_of, shape_of = canonical_texts(), shape_texts()
    for condition in plan.conditions:
        config = condition.config
        text = json.dumps(plainly(config), sort_keys=True, separators=(",", ":"))
        assert text_of(config) == canonical(config) == text
        shared = json.dumps(shared_part(config), sort_keys=True, default=list)
        assert shape_of(config) == shared
    names = {digest(shape_of(c.config), size=8) for c in plan.conditions}
    assert {pack.name for pack in packs(networks(plan))} == names


def test_sections_validated_once_are_those_of_each_condition_by_itself(plan):
    for condition in plan.conditions:
        raw = {s: v.model_dump() for s, v in condition.config}
        text = {k: raw[k] for k in ("network", "task", "rule", "train")}
        one = read_text(write_text({"name": "x", "seed": 7, "networks": 1, **text}))
        assert load(one, CATALOGUE).conditions[0].config == condition.config
        again = {name: getattr(condition.config, name) for name in raw}
        assert NetworkConfig.model_validate(again) == condition.config


def test_equal_sections_are_one_object_and_equal_conditions_one(plan):
    assert len(plan.conditions) == 72
    for section, count in (("network", 12), ("task", 2), ("train", 2), ("rule", 3)):
        every = [getattr(c.config, section) for c in plan.conditions]
        different = {s.model_dump_json() for s in every}
        assert len({id(s) for s in every}) == len(different) <= count
    twice = "grid: {network.gain: {sample: 40, law: integer, low: 1, high: 3}}"
    short = GRID.partition("grid:")[0] + twice
    assert len(load(read_text(short), CATALOGUE).conditions) == 3


def test_a_plan_reads_back_from_its_dump(plan):
    source = read_text(GRID.replace("1.5, 1.5", "1.5, 2"))
    again = load(read_text(dump(plan, source)), CATALOGUE)
    assert [n.key for n in networks(again)] == [n.key for n in networks(plan)]


def test_identities_of_many_are_those_of_each(plan):
    after = plan.sweep.after
    asked = TestPlan(after)
    for condition in plan.conditions:
        config = condition.config
        one = [
            t.identity for t in planned_tests(after, config) + dynamics(after, config)
        ]
        assert asked.identities(config) == one and len(set(one)) == len(one)


def test_digests_are_the_digest_of_all_parts():
    assert digests("a", "b", size=8)("c", "d") == digest("a", "b", "c", "d", size=8)


@pytest.mark.slow
@pytest.mark.parametrize("axes", [(1000, 10, 10), (10, 100, 100), (1, 1000, 100)])
def test_a_hundred_thousand_networks_are_planned_in_seconds(axes):
    seeds, a, b = axes
    text = read_text(
        f"name: large\nseed: 7\nnetworks: {seeds}\ntask: dnms\n"
        "rule: reward_hebbian\ngrid:\n"
        f"  network.gain: {{sample: {a}, low: 0.5, high: 1.5}}\n"
        f"  rule.learning_rate: {{sample: {b}, low: 0.01, high: 0.1}}\n"
    )

    def planned() -> None:
        found = networks(load(text, CATALOGUE))
        assert [len(p.networks) for p in packs(found)] == [100_000]
        assert len({n.key for n in found}) == 100_000

    assert in_digests(planned) < 40, "measured: 1 to 20, by the number of conditions"


def test_a_rule_brings_its_own_network_into_a_grid_of_rules(plan):
    text = GRID.replace("1.5, 1.5", "1.5, 2")
    start, _, rest = text.partition("  rule: [")
    alone = start + "  rule: [bptt]\n" + rest.partition("\n")[2]
    keys = {n.key for n in networks(load(read_text(alone), CATALOGUE))}
    assert keys < {n.key for n in networks(plan)} and len(keys) == 48
