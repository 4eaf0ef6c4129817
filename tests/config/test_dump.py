"""The sweep as launched means exactly the same networks when it is read again."""

from collections.abc import Callable

import pytest

from popnet.catalogue import CATALOGUE
from popnet.config import LoadedSweep, Source, dump, load, read_text
from popnet.plan import networks

SWEEPS = {  # name: lines of the file
    "plain": "",
    "one axis": "grid:\n  network.tau_s.spread: [0.0, 0.2]\n",
    "rule names": "grid:\n  rule.name: [reward_hebbian, bptt]\n",
    "whole rules": "grid:\n  rule: [reward_hebbian, {name: bptt, clip: 2.0}]\n",
    "task names": "grid:\n  task.name: [dnms, dms, dnms_long, delayed_response]\n",
    "whole tasks": "grid:\n  task: [dnms, {name: dms, delay_s: 0.4}]\n",
    "presets": "grid:\n  rule.preset: [published_code, paper]\n",
    "impulses": "grid:\n  rule.exploration.amplitude: [8.0, 16.0]\n",
    "zip": "grid:\n  zip: [{network.gain: [1.2, 1.5], train.trials: [10, 20]}]\n",
    "samples": "grid:\n  network.gain: {sample: 3, law: uniform, low: 1, high: 2}\n",
    "clamped": "grid:\n  network.clamped: [{}, {3: 0.5}]\n",
    "criteria": "grid:\n  train.until: [{accuracy: 0.9}, {error: 0.1}, null]\n",
    "dale": "grid:\n  network.dale: [null, {excitatory: 0.8}]\n",
    "readouts": "grid:\n  network.readout: [{unit: 3}, {kind: linear, scale: 2.0}]\n",
    "spreads": "grid:\n  network.tau_s: [0.02, {law: gamma, spread: 0.1, low: 0.01}]\n",
    "a search": (
        "grid: {network.gain: [1.2, 1.5]}\n"
        "search: {metric: accuracy, every: 20, scheduler: asha}\n"
    ),
    "a space": (
        "search: {metric: accuracy, every: 20, searcher: {name: optuna, conditions: 3,"
        " space: {network.gain: {law: choice, values: [1.2, 1.5]}}}}\n"
    ),
    "small numbers": "grid:\n  rule.max_update: [1e-12, 3e-5]\n",
}
BASES = {
    "as is": [],
    "no clamped units": ["network.clamped={}"],
    "a task's own duration": ["task.stimulus_s=0.3", "task.response_s=0.1"],
    "a rule's own rate": ["rule.learning_rate=0.05"],
    "much given": [
        "name='1e3'",
        "network.dale={excitatory: 0.6}",
        "network.noise={input: 0.1}",
        "train.until.window=10",
        "train.until.error=0.2",
        "after={perturb: [{name: impulses, levels: [0, 2]}], other_tasks: [dms]}",
        "machine={workers: 2}",
    ],
}


def keys(plan: LoadedSweep) -> list[tuple[str, str, str]]:
    return [(n.key, n.condition, n.label) for n in networks(plan)]


@pytest.mark.parametrize("grid", SWEEPS)
@pytest.mark.parametrize("given", BASES)
def test_a_dump_reads_back_as_the_same_plan(
    source: Callable[..., Source], grid: str, given: str
) -> None:
    read = source(SWEEPS[grid], *BASES[given])
    plan = load(read, CATALOGUE)
    written = read_text(dump(plan, read))
    again = load(written, CATALOGUE)
    assert keys(again) == keys(plan)
    assert again.sweep.after == plan.sweep.after
    assert again.sweep.search == plan.sweep.search
    assert again.corners == plan.corners
    assert again.sweep.machine == plan.sweep.machine
    assert again.varied == plan.varied
    assert dump(again, written) == dump(plan, read)


def test_a_dump_shows_the_defaults(source: Callable[..., Source]) -> None:
    read = source("grid:\n  network.gain: [1.2, 1.5]\n", "name=shown")
    raw = read_text(dump(load(read, CATALOGUE), read)).raw
    assert raw["network"]["tau_s"] == {
        "mean": 0.03, "law": "uniform", "spread": 0.0, "half_width": 0.0, "degree": 0.0,
        "low": None, "high": None,
    }  # fmt: skip
    assert raw["rule"]["max_update"] == 3e-4
    assert raw["task"]["delay_s"] == 0.2
    assert "gain" not in raw["network"]
    assert raw["grid"] == {"network.gain": [1.2, 1.5]}
    assert raw["after"]["trials"] == 20
