"""The sweeps of the study of learning rules, and those that it refuses."""

import pandas as pd
import pytest

from popnet.catalogue import load_sweep
from popnet.runs.columns import flattened
from popnet.studies import STUDIES
from popnet.studies.rules.design import design

STUDY = STUDIES["rules"]
HEAD = "name: a\nseed: 1\nnetworks: 2\ntrain: {trials: 500}\n"
TWO = "task: random_dots\nrule: bptt\ngrid:\n  rule: [bptt, genetic]\n"
REFUSED = {
    "no condition has random_dots or n_context": "task: flipflop\nrule: bptt\n",
    "no task is learned by two rules": (
        "task: random_dots\nrule: bptt\ngrid: {task.sigma: [0.1, 0.5]}\n"
    ),
    "differ in something else": (
        "task: random_dots\nrule: bptt\ngrid: {rule.learning_rate: [0.001, 0.002]}\n"
    ),
    "no networks are compared by what": TWO,
    "after.pairs has to be all": (
        TWO + "after: {compare: [svcca], dynamics: [], sample: 2, pairs: condition}\n"
    ),
}


@pytest.mark.parametrize("says", REFUSED)
def test_a_sweep_that_the_study_cannot_use_is_refused_in_words(says, tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text(HEAD + REFUSED[says])
    why = STUDY.refuse(load_sweep(path)[0])
    assert why is not None and says in why and "\n" not in why


@pytest.mark.parametrize("scale", ["quick", "paper"])
def test_the_sweeps_can_be_used(scale):
    assert STUDY.refuse(load_sweep(STUDY.scales[scale])[0]) is None


SIZES = {"quick": (114, 10, 4), "paper": (504, 50, 6)}


@pytest.mark.parametrize("scale", SIZES)
def test_the_sweeps_have_what_the_claims_need(scale):
    plan, _ = load_sweep(STUDY.scales[scale])
    conditions, networks, contexts = SIZES[scale]
    assert (len(plan.conditions), plan.sweep.networks) == (conditions, networks)
    rows = [
        {"condition": str(i), **flattened(condition.config)}
        for i, condition in enumerate(plan.conditions)
    ]
    found = design(pd.DataFrame(rows))
    complex_tasks = [f"n_context_{n}" for n in range(1, contexts + 1)]
    assert found.tasks == ["random_dots", *complex_tasks]
    for version, tasks in (
        ("matched", found.tasks), ("published", ["random_dots", "n_context_2"])
    ):  # fmt: skip
        for task in tasks:
            assert len(found.by_rule(version, task)) == 6
    for task in ("random_dots", "n_context_2", "n_context_4"):
        assert {len(levels) for levels in found.by_noise(task).values()} == {3}
        assert len(found.by_noise(task)) == 6
    scales = found.by_scale("n_context_2")
    assert len(scales) == 6 and {tuple(v) for v in scales.values()} == {(0.5, 1, 1.5)}
