"""The sweeps of every study and scale: whole, and within what they promise."""

from types import SimpleNamespace

import pandas as pd
import pytest

from popnet.catalogue import CATALOGUE, load_sweep
from popnet.plan import networks
from popnet.runs.findings import Finding, read_findings, write_findings
from popnet.studies import STUDIES
from popnet.studies.heterogeneity.robustness_claims import COMPARED, ON_ONE_SCALE
from popnet.studies.heterogeneity.tables import REDRAWN, graded
from popnet.studies.heterogeneity.tasks import RELATED, VERSIONS


def test_what_is_graded_is_the_spread_with_most_values():
    columns = {
        "network.tau_s.spread": [0.0, 0.0, 0.5, 0.5],
        "network.slope.spread": [0.0, 0.1, 0.2, 0.3],
        "network.gain": [1.0, 1.1, 1.2, 1.3],
    }
    run = SimpleNamespace(name="r", varied=list(columns), table=lambda: table)
    table = pd.DataFrame(columns)
    assert graded(run) == "network.slope.spread"


@pytest.mark.parametrize("scale", ["quick", "paper"])
def test_heterogeneity_has_what_its_claims_need(scale):
    study = STUDIES["heterogeneity"]
    plan, _ = load_sweep(study.scales[scale])
    configs = [condition.config for condition in plan.conditions]
    tasks = {config.task.name for config in configs}
    levels = {config.network.tau_s.degree for config in configs}
    demand = {config.task.name: config.task.memory_demand_s for config in configs}
    memory = {task for task, silence_s in demand.items() if silence_s > 0}
    assert len(memory) >= 4 and len(tasks - memory) >= 4
    # versions of a task that differ in nothing but the silence
    pairs = [pair for pair in VERSIONS.items() if set(pair) <= tasks]
    assert len(pairs) >= 3
    assert all(demand[a] > 0 and demand[b] == 0 for a, b in pairs)
    assert len(levels) >= 3 and min(levels) == 0
    assert plan.sweep.networks >= 12
    assert len(networks(plan)) == len(configs) * plan.sweep.networks
    replicates = [c.train.replicate for c in configs]
    assert replicates.count(1) >= len(tasks)
    after = plan.sweep.after
    assert {p.name for p in after.perturb} == {*COMPARED, REDRAWN}
    redrawn = [p for p in after.perturb if p.name == REDRAWN]
    assert {p.degree for p in redrawn} == levels  # the matrix is whole
    assert tasks <= {task.name for task in after.other_tasks}
    # the change of activity is measured where accuracy is
    graded = {p.name: p.levels for p in after.perturb if p.name in ON_ONE_SCALE}
    moved = {p.name: p.levels for p in after.dynamics}
    for name, grades in graded.items():
        assert set(grades) - {0} == set(moved[name]) - {0}, name


def test_tasks_named_by_claims_are_popnets():
    named = {task for pair in (*RELATED, *VERSIONS.items()) for task in pair}
    assert named <= set(CATALOGUE.tasks)


def test_findings_come_back_as_written(tmp_path):
    row = Finding(
        "learning", "says", "measured", 1.5, 1.0, 2.0, "doublings", 12, None, "holds",
        "learning", "a note",
    )  # fmt: skip
    count = row._replace(low=float("nan"), high=float("nan"), p=0.01)
    assert read_findings(tmp_path) == []
    write_findings(tmp_path, [row, count])
    back = read_findings(tmp_path)
    assert back[0] == row
    assert str(back[1]) == str(count)  # NaN is not equal to itself
    assert "NaN" not in (tmp_path / "findings.json").read_text()  # no JSON knows it
