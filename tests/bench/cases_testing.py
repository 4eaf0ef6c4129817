"""Testing frozen networks, and networks that have fallen silent."""

from __future__ import annotations

from typing import Any

import numpy as np
import today_torch
import torch
from case import timed
from ours import DNMS, HEBBIAN, Learners, plan_of
from same import same
from timing import Side

from popnet.core.draw import cell_of
from popnet.engine.battery import battery
from popnet.engine.episodes import initial_states
from popnet.engine.evaluate import common_trials, evaluate
from popnet.engine.population import untrained
from popnet.kernels import forward, reproducible
from popnet.plan import networks

EAGER = "torch eager, 100 trials at once"
LEVELS = [0.0, 0.05, 0.1, 0.2, 0.3, 0.5]
PER_TYPE = 25
IMPULSES = (0.003, 16.0)


class Frozen:
    """One network of 200 units, and the trials it is tested on."""

    def __init__(self, per_type: int = PER_TYPE) -> None:
        self.per_type = per_type
        perturb = [{"name": "synaptic_jitter", "levels": LEVELS}]
        after = {"trials": per_type, "perturb": perturb}
        plan = plan_of(1, task=DNMS, rule=HEBBIAN, after=after)
        member = networks(plan)[0]
        self.config, self.seed = member.config, member.seed
        tests = battery(plan.sweep.after, self.config)
        self.graded = [test for test in tests if test.kind == "perturbation"]
        self.params = untrained([member], torch.device("cpu"))
        net = self.config.network
        self.cell = cell_of(net)
        trials, types = common_trials(self.config.task, per_type, net.dt_s)
        numbers = range(len(types))
        start = initial_states(net, self.seed, "evaluation/initial_state", numbers)
        self.inputs = torch.from_numpy(trials.input_BTI).float()
        self.start = torch.from_numpy(start).float()
        self.target_B = torch.from_numpy(np.array(trials.target_BTO[:, -1, 0])).float()

    def popnet(self) -> None:
        """All levels, drawing and scoring included."""
        evaluate(self.params, self.config, self.seed, self.graded, self.per_type)

    def popnet_alone(self, w_PNN: torch.Tensor) -> torch.Tensor:
        """Outputs [B, T] of trials drawn beforehand, no impulses."""
        params = self.params._replace(w_PNN=w_PNN)
        given = (self.inputs[None], None, None, self.start[None])
        with reproducible():
            return forward.outputs(params, self.cell, *given)[0, ..., 0]

    def eager(self, w_PNN: torch.Tensor, impulses: Any = None) -> torch.Tensor:
        """The same in torch, with or without impulses."""
        a = self.cell.dt_s / self.params.tau_PN[0]
        given = (self.params.win_PNI[0], a, dict(self.cell.clamped), self.inputs)
        with torch.inference_mode():
            return today_torch.tested(w_PNN[0], *given, self.start, impulses)

    def jittered(self, level: float) -> torch.Tensor:
        """Weights under a level of the perturbation."""
        w_PNN = self.params.w_PNN
        return w_PNN * (1 + level * torch.randn_like(w_PNN))

    def eager_all(self) -> list[float]:
        """All levels in torch: jitter, run, score."""
        scores = []
        for level in LEVELS:
            output = self.eager(self.jittered(level), IMPULSES)
            error_B = (output[:, -200:] - self.target_B[:, None]).abs().mean(1)
            scores.append(float((error_B < 1).float().mean()))
        return scores


def _sides(alone: bool) -> list[Side]:
    frozen = Frozen()
    given = [frozen.jittered(level) for level in LEVELS]
    for w_PNN in given[::5]:
        same("testing", frozen.popnet_alone(w_PNN), frozen.eager(w_PNN))
    ours, eager = frozen.popnet, frozen.eager_all
    if alone:
        ours = lambda: [frozen.popnet_alone(w) for w in given]  # noqa: E731
        eager = lambda: [frozen.eager(w) for w in given]  # noqa: E731
    units = len(LEVELS) * len(frozen.target_B)
    return [Side("popnet", ours, units), Side(EAGER, eager, units)]


def _silent() -> list[Side]:
    """The same network with and without activity that sustains itself."""
    quiet = {**HEBBIAN, "exploration": {"rate_hz": 0.0}}
    made = {}
    for name, gain in (("silent", 0.1), (ACTIVE, 1.5)):
        # tau of 5 ms: below the smallest normal number after half of the trial
        network = {"gain": gain, "input_scale": 0.0, "tau_s": {"mean": 0.005}}
        network["clamped"] = {}
        made[name] = Learners(1, 10, task=DNMS, rule=quiet, network=network)
    return [Side(name, own.step, 10) for name, own in made.items()]


ACTIVE = "the same network, active"
TESTING = [
    timed(
        "a frozen network: 6 levels of a perturbation, impulses on, N = 200, "
        "T = 1,000",
        "trials", lambda: _sides(False), [(EAGER, 4, 8)],
    ),
    timed(
        "the same without impulses, everything drawn beforehand", "trials",
        lambda: _sides(True), [(EAGER, None, None)],
    ),
    timed(
        "reward_hebbian, a network whose activity dies away", "trials", _silent,
        [(ACTIVE, 1 / 1.1, 1 / 1.05)],
    ),
]  # fmt: skip
