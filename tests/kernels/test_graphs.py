"""Recording and replaying a step: a recorder for the CPU; CUDA where there is one."""

from typing import Any, NamedTuple

import pytest
import torch

from popnet.engine import train
from popnet.kernels import graphs


class Pair(NamedTuple):
    a: torch.Tensor
    b: torch.Tensor | None


class Recorder:
    """Replays on the CPU as a graph does: the same places are read and written."""

    def __init__(self):
        self.recorded = 0

    def __call__(self, function):
        self.recorded += 1
        results = graphs.mapped(torch.clone, function())

        def replay():
            fresh = graphs.tensors_in(function())
            for place, value in zip(graphs.tensors_in(results), fresh, strict=True):
                place.copy_(value)

        return replay, results


def add(pair: Pair, more: dict[str, torch.Tensor], factor: float) -> Any:
    return Pair(factor * pair.a + more["x"], None), (more["x"] + 1,)


def test_a_tree_keeps_its_shape():
    tree = (Pair(torch.ones(2), None), {"x": torch.zeros(1), "y": (torch.ones(3),)}, 7)
    doubled = graphs.mapped(lambda t: 2 * t, tree)
    assert isinstance(doubled[0], Pair) and doubled[0].b is None and doubled[2] == 7
    assert [t.tolist() for t in graphs.tensors_in(doubled)] == [[2, 2], [0], [2, 2, 2]]


def test_replaying_gives_the_step_and_leaves_its_arguments():
    record = Recorder()
    results = []
    for value in (1.0, 2.0, 3.0):
        given = (Pair(torch.full((3,), value), None), {"x": torch.full((3,), 10.0)})
        results.append(graphs.replayed(add, given, (2.0,), record))
        assert given[0].a.tolist() == [value] * 3
    assert record.recorded == 1
    # results of earlier steps are not overwritten by later ones
    assert [r[0].a[0].item() for r in results] == [12, 14, 16]
    assert results[0][1][0].tolist() == [11] * 3


@pytest.mark.parametrize("change", ["shape", "fixed", "type"])
def test_it_is_recorded_anew_when_something_else_is_asked(change):
    record = Recorder()
    x = torch.ones(3)
    graphs.replayed(add, (Pair(x, None), {"x": x}), (2.0,), record)
    if change == "shape":
        x = torch.ones(4)
    if change == "type":
        x = x.double()
    factor = 5.0 if change == "fixed" else 2.0
    made = graphs.replayed(add, (Pair(x, None), {"x": x}), (factor,), record)
    assert record.recorded == 2
    assert torch.equal(made[0].a, factor * x + x)


@pytest.mark.parametrize("rule", ["reward_hebbian", "bptt", "force"])
def test_training_by_replaying_is_training(planned, rule, monkeypatch):
    task = {"name": "dnms", "stimulus_s": 0.03, "delay_s": 0.02, "wait_s": 0.01,
            "response_s": 0.03}  # fmt: skip
    members = planned(
        task=task, rule={"name": rule}, count=3, train={"trials": 400},
        network={"units": 14, "dt_s": 0.005, "dtype": "float64"},
    )  # fmt: skip
    [plain] = [train.joined(train.begin(members, torch.device("cpu")))]
    record = Recorder()
    expected = train.advance(plain, 6)[0]
    direct = train._step

    def replayed(*arguments):
        return graphs.replayed(direct, arguments[:4], arguments[4:], record)

    monkeypatch.setattr(train, "_step", replayed)
    got = train.advance(plain, 6)[0]
    assert record.recorded == 1
    for a, b in zip(got.params, expected.params, strict=True):
        assert (a is None and b is None) or torch.equal(a, b)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("rule", ["reward_hebbian", "bptt", "force"])
def test_a_graph_on_the_gpu_is_the_plain_step(planned, rule):
    members = planned(rule={"name": rule}, count=3, network={"units": 14})
    [population] = train.begin(members, torch.device("cuda"))
    plain = train.training_batch(
        members, population.progress.trial_P, population.params.tau_PN
    )
    tensors = (population.params, population.state, plain, population.hyper)
    fixed = (members[0].config.rule, population.cell, members[0].config.task.name)
    expected = train._step(*tensors, *fixed)
    for _ in range(2):
        got = graphs.replayed(train._step, tensors, fixed)
        pairs = (graphs.tensors_in(got), graphs.tensors_in(expected))
        for a, b in zip(*pairs, strict=True):
            torch.testing.assert_close(a, b)
