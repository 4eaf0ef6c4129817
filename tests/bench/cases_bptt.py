"""Back-propagation through time against torch's own ways, on the same trials."""

from __future__ import annotations

from typing import Any

import numpy as np
import today_numpy
import today_torch
import torch
from case import Case, timed
from ours import WATCHED, Learners, Stacked
from same import same
from timing import SGEMM, Side

RNN = "nn.RNN, autograd, Adam, one by one"
LOOP = "a loop over time in torch, autograd, Adam, one by one"
VMAP = "torch.func: vmap over grad, all at once"
PLAIN = "popnet's plain torch, all at once"
STEPS = 10
"""Steps of one network between two looks at the clock, as in ``popnet launch``."""


def torch_network(learners: Learners, p: int, leaky: bool = False) -> Any:
    """Network p as it stands, as a module; ``leaky``: with time constants."""
    params = learners.populations[p].params
    assert params.wout_PON is not None
    leaves = (params.w_PNN, params.win_PNI, params.wout_PON, params.bias_PN)
    given = [leaf[0] for leaf in leaves]
    if not leaky:
        return today_torch.Network(*given)
    a_N = learners.populations[p].cell.dt_s / params.tau_PN[0]
    return today_torch.LeakyNetwork(*given, a_N)


def bptt_sections(n: int, batch: int) -> dict[str, Any]:
    """A sweep file's sections for the flip-flop; with tau = dt this is nn.RNN."""
    network = {"units": n, "dt_s": 0.001, "tau_s": {"mean": 0.001}}
    rule = {"name": "bptt", "batch_trials": batch}
    return {"task": {"name": "flipflop"}, "rule": rule, "network": network}


def bptt(n: int, batch: int, networks: int, *claims: Any) -> Case:
    """Batches drawn beforehand; all of them trained by Adam with a clip of 1."""
    wanted = {claim[0] for claim in claims}

    def make() -> list[Side]:
        learners = Learners(networks, **bptt_sections(n, batch))
        data = [
            (e.input_PBTI[0], e.target_PBTO[0], e.x0_PBN[0]) for e in learners.episodes
        ]
        known = _today(learners, data)
        runs = {name: known[name] for name in known if name in wanted}
        before = learners.populations[0].params.w_PNN[0]
        for _ in range(2):
            learners.step()
        for name, (run, weights) in runs.items():
            for _ in range(2):
                run()
            after = learners.populations[0].params.w_PNN[0]
            same(f"bptt, {name}", after, weights().detach(), before)
        sides = [Side("popnet", learners.step, networks)]
        return sides + [Side(name, run, networks) for name, (run, _) in runs.items()]

    title = f"bptt: N = {n}, B = {batch}, T = 100, P = {networks}"
    work = 6 * n * n * batch * 100 / 1e9
    return timed(title, "steps", make, claims, work)


def _today(learners: Learners, data: Any) -> dict[str, Any]:
    """By name: one step of all networks, and the weights of the first."""
    several = range(len(data))
    alone, leaky = (
        [today_torch.Learner(torch_network(learners, p, way)) for p in several]
        for way in (False, True)
    )
    ensemble = today_torch.Ensemble([torch_network(learners, p) for p in several])
    stacked = Stacked(learners)
    together = [torch.stack(column) for column in zip(*data, strict=True)]

    def in_turn(group: Any) -> None:
        for learner, own in zip(group, data, strict=True):
            learner.learn(*own)

    return {
        RNN: (lambda: in_turn(alone), lambda: alone[0].network.rnn.weight_hh_l0),
        LOOP: (lambda: in_turn(leaky), lambda: leaky[0].network.w),
        VMAP: (
            lambda: ensemble.learn(*together),
            lambda: ensemble.trained["rnn.weight_hh_l0"][0],
        ),
        PLAIN: (stacked.step, lambda: stacked.population.params.w_PNN[0]),
    }


def bptt_with_everything(n: int, batch: int, networks: int, *claims: Any) -> Case:
    """Drawing, scoring, criterion and progress too."""

    def make() -> list[Side]:
        learners = Learners(networks, train=WATCHED, **bptt_sections(n, batch))
        today = [
            today_torch.Learner(torch_network(learners, p)) for p in range(networks)
        ]
        random = np.random.default_rng(1)

        def loop() -> None:
            for learner in today:
                drawn = today_numpy.flipflop_trials(random, batch, 100, 3)
                start = 0.1 * random.uniform(-1, 1, (batch, n))
                made = [torch.from_numpy(a).float() for a in (*drawn, start)]
                learner.watch(learner.learn(*made), made[1])

        own = Side("popnet", lambda: learners.advance(STEPS), networks * STEPS)
        return [own, Side(RNN, loop, networks)]

    title = f"bptt with drawing and criterion: N = {n}, B = {batch}, P = {networks}"
    return timed(title, "steps", make, claims)


BPTT_CASES = [
    bptt(
        64, 32, 8,
        (RNN, 15, 25), (LOOP, None, None), (VMAP, None, None), (PLAIN, None, None),
        (SGEMM, None, None),
    ),
    bptt(64, 32, 32, (RNN, 15, 25)),
    bptt(128, 128, 4, (RNN, 3.5, 5), (SGEMM, None, None)),
    bptt_with_everything(64, 32, 8, (RNN, None, None)),
]  # fmt: skip
