"""Reward-modulated Hebbian learning against a loop in NumPy, on the same trials."""

from __future__ import annotations

from typing import Any

import numpy as np
import today_numpy
from case import Case, timed
from ours import DNMS, HEBBIAN, WATCHED, Learners
from same import same
from timing import SGEMM, Side

from popnet.core.kicks import dense
from popnet.plan import TRIALS_AT_ONCE

NUMPY = "NumPy float64, outer product at each step"
PRODUCT = "NumPy float64, one matrix product a trial"
FEW = 4
"""Of so many networks the NumPy loop is timed: it takes them one by one anyway."""


def numpy_network(learners: Learners, p: int, trace: str) -> Any:
    """Network p as it stands, for the loop in NumPy."""
    population = learners.populations[p]
    params, cell = population.params, population.cell
    w, win, tau = (
        leaf[0].double().numpy()
        for leaf in (params.w_PNN, params.win_PNI, params.tau_PN)
    )
    clamped = dict(cell.clamped)
    return today_numpy.HebbianNetwork(w, win, cell.dt_s / tau, clamped, trace)


def hebbian(networks: int, trace: str, *claims: Any) -> Case:
    """Trials drawn beforehand, 10 a step as the engine gives them."""
    preset = "published_code" if trace == "cube" else trace
    rule = {**HEBBIAN, "preset": preset}

    def make() -> list[Side]:
        learners = Learners(networks, TRIALS_AT_ONCE, task=DNMS, rule=rule)
        few = min(networks, FEW)
        loops = (
            {NUMPY: trace, PRODUCT: "product"} if trace == "cube" else {NUMPY: trace}
        )
        today = {
            name: [numpy_network(learners, p, way) for p in range(few)]
            for name, way in loops.items()
        }
        trials = [today_numpy.as_trials(e, dense) for e in learners.episodes[:few]]
        before = learners.populations[0].params.w_PNN[0]
        learners.step()
        for name, own in today.items():
            for trial in trials[0]:
                own[0].learn(trial)
            after = learners.populations[0].params.w_PNN[0]
            same(f"reward_hebbian, {name}", after, own[0].w, before)
        sides = [Side("popnet", learners.step, networks * TRIALS_AT_ONCE)]
        for name, own in today.items():
            sides.append(Side(name, lambda own=own: _each(own, trials), few))
        return sides

    what = "" if trace == "cube" else f", {trace}"
    title = f"reward_hebbian{what}: N = 200, T = 1,000, P = {networks}"
    # 80 MFLOP of matrix times vector and, of the cubes, 80 of trace
    work = 0.160 if trace == "cube" else 0.080
    return timed(title, "trials", make, claims, work)


def _each(networks: Any, trials: Any) -> None:
    for network, own in zip(networks, trials, strict=True):
        network.learn(own[0])


def hebbian_with_everything(networks: int, *claims: Any) -> Case:
    """Drawing, scoring, criterion and progress too."""

    def make() -> list[Side]:
        learners = Learners(networks, task=DNMS, rule=HEBBIAN, train=WATCHED)
        today = [numpy_network(learners, p, "cube") for p in range(min(networks, FEW))]
        random = np.random.default_rng(1)
        counter = iter(range(10**9))

        def loop() -> None:
            number = next(counter)
            for network in today:
                network.learn(today_numpy.dnms_trial(random, number, 200))

        own = Side(
            "popnet",
            lambda: learners.advance(TRIALS_AT_ONCE),
            networks * TRIALS_AT_ONCE,
        )
        return [own, Side(NUMPY, loop, len(today))]

    title = f"reward_hebbian with drawing and criterion: N = 200, P = {networks}"
    return timed(title, "trials", make, claims)


HEBBIAN_CASES = [
    hebbian(1, "cube", (NUMPY, 40, 60), (SGEMM, 0.35, 0.5)),
    hebbian(16, "cube", (NUMPY, 40, 60), (PRODUCT, None, None), (SGEMM, 0.35, 0.5)),
    hebbian(128, "cube", (NUMPY, 40, 60), (SGEMM, 0.35, 0.5))._replace(slow=True),
    hebbian(16, "node_perturbation", (NUMPY, None, None)),
    hebbian_with_everything(16, (NUMPY, None, None)),
]
