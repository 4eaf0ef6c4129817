"""Packs and shards hold each network once; labels and memory."""

import math
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from helpers.pace import in_digests
from hypothesis import given, settings
from hypothesis import strategies as st

from popnet.config import shared_part
from popnet.engine import population
from popnet.plan import (
    Pack,
    memory_of,
    networks,
    packs,
    shard_bytes,
    shard_capacity,
    shards,
    short_names,
)

CPU = torch.device("cpu")
GRID = [
    "networks=3",
    "grid.network.units=[16, 20]",
    "grid.network.gain=[1.2, 1.5]",
    "grid.task.delay_s=[0.1, 0.2]",
]
DERANDOMIZED = settings(derandomize=True, database=None, deadline=None)


def test_packs_are_the_networks_of_one_shared_part(changed):
    planned = networks(changed("dnms", "bptt", *GRID))
    found = packs(planned)
    assert sorted(n.key for p in found for n in p.networks) == sorted(
        n.key for n in planned
    )
    shared = [[shared_part(n.config) for n in p.networks] for p in found]
    for parts in shared:
        assert all(part == parts[0] for part in parts)
    distinct = [parts[0] for parts in shared]
    assert all(distinct.count(part) == 1 for part in distinct)
    assert [len(p.networks) for p in found] == [6, 6, 6, 6]
    assert len({p.name for p in found}) == 4


@DERANDOMIZED
@given(order=st.permutations(range(24)))
def test_packs_do_not_depend_on_the_order(changed, order):
    planned = _planned(changed)
    found = {p.name: {n.key for n in p.networks} for p in packs(planned)}
    mixed = packs([planned[i] for i in order])
    assert {p.name: {n.key for n in p.networks} for p in mixed} == found


_CACHE = {}


def _planned(changed):
    if not _CACHE:
        _CACHE["networks"] = networks(changed("dnms", "bptt", *GRID))
    return _CACHE["networks"]


@DERANDOMIZED
@given(count=st.integers(1, 300), workers=st.integers(1, 64), most=st.integers(1, 400))
def test_shards_cover_each_network_once(count, workers, most):
    pack = Pack("pack", tuple(range(count)))
    found = shards(pack, workers, most)
    assert [member for shard in found for member in shard] == list(range(count))
    assert all(1 <= len(shard) <= most for shard in found)
    size = min(most, math.ceil(count / (4 * workers)))
    assert {len(shard) for shard in found[:-1]} <= {size}


def test_a_label_says_what_varies_and_no_more(changed):
    plan = changed(
        "dnms", "reward_hebbian", "grid.network.tau_s.spread=[0.1, 0.2]",
        "grid.rule.learning_rate=[0.05, 0.1]",
    )  # fmt: skip
    assert [n.label for n in networks(plan)] == [
        "spread=0.1, learning_rate=0.05", "spread=0.1, learning_rate=0.1",
        "spread=0.2, learning_rate=0.05", "spread=0.2, learning_rate=0.1",
    ]  # fmt: skip
    assert {n.label for n in networks(changed("dnms", "bptt"))} == {""}
    whole = changed("dnms", "bptt", "grid.task=[dnms, {name: dms, delay_s: 0.4}]")
    labels = [n.label for n in networks(whole)]
    assert labels == ["task=dnms", "task=dms(delay_s=0.4)"]
    rules = "{name: bptt, clip: 2.0}, {name: genetic, candidates: 7}"
    by_name = changed("dnms", "bptt", f"grid.rule=[{rules}]")
    assert [n.label for n in networks(by_name)] == ["rule=bptt", "rule=genetic"]
    twice = changed("dnms", "bptt", f"grid.rule=[{rules}, {{name: bptt, clip: 3.0}}]")
    assert [n.label for n in networks(twice)] == [
        "rule=bptt(clip=2)", "rule=genetic(candidates=7)", "rule=bptt(clip=3)",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["network.gain"], ["gain"]),
        (
            ["network.tau_s.spread", "network.bias.spread"],
            ["tau_s.spread", "bias.spread"],
        ),
        (["task.name", "rule.name"], ["task", "rule"]),
        (["task", "rule.name"], ["task", "rule"]),
        (["network.tau_s", "network.bias.mean"], ["tau_s", "mean"]),
    ],
)
def test_short_names_tell_paths_apart(paths, names):
    assert list(short_names(paths).values()) == names


def test_per_network_settings_start_together_as_they_do_alone(walk, changed):
    """What is marked per network stacks: a pair equals its two networks alone."""
    refused = {
        ("dnms", "reward_hebbian"): {"readout.scale", "readout.law", "feedback"},
        ("flipflop", "bptt"): {
            "output_tau",
            "feedback",
            "rule.gamma",
            "rule.tau_learning_rate",
            "rule.tau_min_s",
            "rule.tau_max_s",
        },
        ("dnms", "force"): {"output_tau"},
    }
    for (task, rule), wrong in refused.items():
        plain, found = walk(task, rule)
        for setting in found:
            path = setting.path.removeprefix("network.")
            if not setting.per_network or path in wrong:
                continue
            section, _, name = setting.path.rpartition(".")
            law = {"half_width": "uniform", "degree": "mittal_narayanan"}.get(name)
            mean = 0.03 if "tau" in section else 1.0
            given = [f"{section}={{mean: {mean}, law: {law}}}"] if law else []
            value = f"{setting.path}={str(setting.other).lower()}"
            other = changed(task, rule, *given, value)
            pair = [*networks(plain), *networks(other)]
            together = population.start(pair, CPU)
            for i, member in enumerate(pair):
                alone = population.leaves(population.start([member], CPU))
                both = population.leaves(population.part(together, torch.tensor([i])))
                assert set(alone) == set(both), setting.path
                for name, leaf in alone.items():
                    width = leaf.shape[-1]  # a longer training has a longer curve
                    assert torch.equal(both[name][..., :width], leaf), (
                        setting.path,
                        name,
                    )


def test_networks_with_and_without_feedback_stack(changed):
    options = ("network={units: 30}", "grid.network.feedback=[0.0, 2.0]")
    planned = networks(changed("dnms", "force", *options))
    assert len(packs(planned)) == 1
    together = population.start(planned, CPU).params
    assert not together.wfb_PNO[0].any() and together.wfb_PNO[1].all()
    assert population.start(planned[:1], CPU).params.wfb_PNO is None


def test_a_full_and_a_sparse_network_stack(changed):
    """Alone, a network with all its weights has no mask; beside a sparse one it may."""
    density = "grid.network.density=[1.0, 0.5]"
    planned = networks(changed("dnms", "bptt", "network={units: 30}", density))
    assert len(packs(planned)) == 1
    together = population.start(planned, CPU).params
    for i, member in enumerate(planned):
        alone = population.start([member], CPU).params
        assert torch.equal(together.w_PNN[i], alone.w_PNN[0])
    missing = (together.w_PNN == 0).float().mean(dim=(1, 2))
    assert missing[0] == 0
    assert 0.4 < missing[1] < 0.6
    assert together.mask_PNN is not None
    assert torch.equal(together.mask_PNN[0], torch.ones(30, 30))


@pytest.mark.parametrize(
    "options",
    [
        ("dnms", "reward_hebbian", "network={units: 300}"),
        ("dnms", "force", "network={units: 300}"),
        ("dnms", "bptt", "network={units: 300}", "rule.batch_trials=1"),
        ("dnms", "genetic", "network={units: 300}"),
        ("dnms", "evolution_strategies", "network={units: 300}"),
        ("dnms", "bptt", "network={units: 300, density: 0.5, dale: {excitatory: 0.8}}"),
        ("flipflop", "bptt", "network={units: 300, dtype: float64}"),
        ("dnms", "bptt", "network={units: 16}", "train.trials=2000000"),
        (
            "dnms",
            "reward_hebbian",
            "network={units: 16}",
            "train.trials=90000",
            "train.until.window=90000",
        ),
    ],
    ids=lambda o: " ".join(o),
)
def test_the_memory_plan_covers_what_a_network_keeps(changed, options):
    plan = changed(*options)
    [network] = networks(plan)
    started = population.start([network], CPU)
    held = sum(t.nbytes for t in population.leaves(started).values())
    assert held <= memory_of(network.config).each <= 3.5 * held


MEASURED = """
import gc, psutil, torch
from popnet.catalogue import CATALOGUE
from popnet.config import loading, reading
from popnet.engine.train import advance, begin
from popnet.plan import networks, shard_bytes
torch.set_num_threads(1)
def plan(units, count):
    text = {text!r}.replace("UNITS", str(units)).replace("COUNT", str(count))
    return networks(loading.load(reading.read_text(text), CATALOGUE))
def train(members):
    populations = begin(members, torch.device("cpu"))
    for i in range(len(populations)):
        populations[i] = advance(populations[i], 12)[0]
    return populations
train(plan(20, 1))  # what is loaded and compiled
gc.collect()
before = psutil.Process().memory_info().rss
open("/proc/self/clear_refs", "w").write("5")
kept = train(plan(700, 6))
peak = [line for line in open("/proc/self/status") if line.startswith("VmHWM")][0]
print(int(peak.split()[1]) * 1024 - before, shard_bytes(kept[0].config, 6))
"""
SWEEP = """
name: memory
seed: 1
networks: COUNT
network: {units: UNITS, dt_s: 0.005, dtype: DTYPE}
task: {name: dnms}
rule: RULE
train: {trials: 10000, until: null}
"""
QUICK = [  # in float64 too
    "{name: reward_hebbian, wait_trials: 0}", "{name: force}",
]  # fmt: skip
OTHERS = [
    "{name: bptt, batch_trials: 16}", "{name: rflo, batch_trials: 16}",
    "{name: genetic, batch_trials: 2, candidates: 12}",
    "{name: evolution_strategies, batch_trials: 2, pairs: 6}",
]  # fmt: skip
RULES_MEASURED = [
    *((rule, dtype) for rule in QUICK for dtype in ("float32", "float64")),
    *((rule, "float32") for rule in OTHERS),
    *(pytest.param(r, "float64", marks=pytest.mark.nightly) for r in OTHERS),
]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux")
@pytest.mark.parametrize(("rule", "dtype"), RULES_MEASURED)
def test_a_shard_keeps_to_the_memory_planned_for_it(rule, dtype):
    """The process's own peak, against the plan: never more, nor a fifth of it."""
    text = SWEEP.replace("DTYPE", dtype).replace("RULE", rule)
    code = MEASURED.replace("{text!r}", repr(text))
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    used, planned = (int(number) for number in out.stdout.split())
    assert planned / 5 <= used <= planned


def test_the_rate_form_has_no_kernel_to_save_memory(changed):
    current, rate = (
        changed("dnms", "bptt", f"network.form={form}").conditions[0].config
        for form in ("current", "rate")
    )
    assert memory_of(rate) == memory_of(rate, "cuda") == memory_of(current, "cuda")
    assert memory_of(current) != memory_of(rate)


def test_the_memory_of_many_is_the_sum(changed):
    plan = changed("dnms", "reward_hebbian", "network={units: 50}", "networks=8")
    many = networks(plan)
    one = sum(
        t.nbytes for t in population.leaves(population.start(many[:1], CPU)).values()
    )
    all_of_them = population.leaves(population.start(many, CPU))
    assert sum(t.nbytes for t in all_of_them.values()) == 8 * one


@pytest.mark.parametrize("device", ["cpu", "cuda"])
@pytest.mark.parametrize("memory", [1, 10**8, 10**10])
def test_a_shard_fits_in_its_memory(changed, memory, device):
    config = changed("dnms", "reward_hebbian").conditions[0].config
    capacity = shard_capacity(config, memory, device)
    assert capacity == 1 or shard_bytes(config, capacity, device) <= 0.75 * memory
    assert shard_bytes(config, capacity + 1, device) > 0.75 * memory


def test_a_hundred_thousand_networks_are_planned_in_seconds(changed):
    gains = [round(0.5 + 0.01 * i, 4) for i in range(100)]

    def planned() -> None:
        plan = changed(
            "dnms", "reward_hebbian", "networks=100", f"grid.network.gain={gains}",
            "grid.rule.learning_rate=[.01, .02, .03, .04, .05, .06, .07, .08, .09, .1]",
        )  # fmt: skip
        found = networks(plan)
        assert len({n.key for n in found}) == 100_000
        assert [len(p.networks) for p in packs(found)] == [100_000]

    assert in_digests(planned) < 30, "measured: 3"
