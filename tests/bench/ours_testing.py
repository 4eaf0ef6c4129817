"""popnet's side of testing a frozen network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from ours import DNMS, HEBBIAN, plan_of
from side import Made, give

from popnet.core.draw import cell_of
from popnet.engine.episodes import initial_states
from popnet.engine.evaluate import common_trials, evaluate
from popnet.engine.population import untrained
from popnet.engine.test_plan import planned_tests
from popnet.kernels import forward, reproducible
from popnet.plan import networks

LEVELS = [0.0, 0.05, 0.1, 0.2, 0.3, 0.5]
PER_TYPE = 25


class Frozen:
    """One network of 200 units, and the trials it is tested on."""

    def __init__(self, per_type: int = PER_TYPE) -> None:
        self.per_type = per_type
        perturb = [{"name": "synaptic_jitter", "levels": LEVELS}]
        after = {"trials": per_type, "perturb": perturb}
        plan = plan_of(1, task=DNMS, rule=HEBBIAN, after=after)
        member = networks(plan)[0]
        self.config, self.seed = member.config, member.seed
        tests = planned_tests(plan.sweep.after, self.config)
        self.graded = [test for test in tests if test.kind == "perturbation"]
        self.params = untrained([member], torch.device("cpu"))
        net = self.config.network
        self.cell = cell_of(net)
        seed = self.seed.sweep
        trials, types = common_trials(self.config.task, per_type, net.dt_s, seed)
        numbers = range(len(types))
        start = initial_states(net, self.seed, "evaluation/initial_state", numbers)
        self.inputs = torch.from_numpy(trials.input_BTI).float()
        self.start = torch.from_numpy(start).float()
        self.target_B = np.array(trials.target_BTO[:, -1, 0])
        random = torch.Generator().manual_seed(0)
        shape = (len(LEVELS), net.units, net.units)
        noise_LNN = torch.randn(shape, generator=random)
        level_L11 = torch.tensor(LEVELS)[:, None, None]
        self.w_LNN = self.params.w_PNN * (1 + level_L11 * noise_LNN)

    def tested(self) -> None:
        """All levels of the perturbation; drawing, impulses and scoring included."""
        evaluate(self.params, self.config, self.seed, self.graded, self.per_type)

    def outputs(self, level: int) -> torch.Tensor:
        """[B, T] of trials drawn beforehand, no impulses, weights of a level."""
        params = self.params._replace(w_PNN=self.w_LNN[level : level + 1])
        drawn = (self.inputs[None], None, None, self.start[None])
        with reproducible():
            return forward.outputs(params, self.cell, *drawn)[0, ..., 0]


def testing(folder: Path, drawing: bool, per_type: int = PER_TYPE) -> Made:
    """A network at all levels; ``drawing``: with impulses, all drawn and scored."""
    own = Frozen(per_type)
    give(
        folder, w_LNN=own.w_LNN.numpy(), win=own.params.win_PNI[0].numpy(),
        a=own.cell.dt_s / own.params.tau_PN[0].numpy(), levels=np.array(LEVELS),
        clamped=np.array(own.cell.clamped), input_BTI=own.inputs.numpy(),
        target_B=own.target_B, start_BN=own.start.numpy(),
    )  # fmt: skip
    every = range(len(LEVELS))
    run = own.tested if drawing else lambda: [own.outputs(level) for level in every]
    computed = {"outputs": torch.stack([own.outputs(0), own.outputs(every[-1])])}
    return Made(run, len(LEVELS) * len(own.target_B), computed)
