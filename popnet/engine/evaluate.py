"""Tests frozen networks: many trials at once, the same trials for every network.

P networks, B trials, T time steps, N units, O outputs, S scored steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import zip_longest
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from popnet import kernels
from popnet.config import Impulses, NetworkConfig, TaskSettings
from popnet.core.cell import Cell, Params, closed
from popnet.core.draw import cell_of
from popnet.core.impulses import (
    NO_IMPULSES,
    ImpulseList,
    currents,
    one_each,
    together,
)
from popnet.core.rollout import Pulses, drive, outputs
from popnet.core.scoring import Scores
from popnet.engine.episodes import (
    any_impulses,
    exploratory_impulses,
    graded_impulses,
    initial_states,
    noisy_input,
    recurrent_noise,
)
from popnet.engine.test_plan import Test
from popnet.kernels import reproducible
from popnet.perturbations import Situation, resting
from popnet.seeding import Seed, stream
from popnet.tasks import TASKS, Trials

CHUNK = 100
"""Trials run at once, to spread the cost of each step.  Fixed, as it may change last
bits."""


class Evaluated(NamedTuple):
    """The scores of one network in one test."""

    identity: str
    kind: str
    name: str
    settings: str
    level: float
    accuracy: float
    accuracy_se: float
    """Binomial standard error of the accuracy, sqrt(p (1 - p) / trials)."""
    flipped_accuracy: float
    """Share correct if the output's sign were flipped."""
    observer_accuracy: float | None
    """Accuracy of the task's ideal observer on the same trials; None without one."""
    error: float
    trials: int
    error_by_type: list[float]
    accuracy_by_type: list[float]


class Ran(NamedTuple):
    """Outputs of one network (P = 1), with the targets and types of its trials."""

    output_PBTO: Tensor
    target_PBTO: Tensor
    mask_PBTO: Tensor
    types_B: NDArray[np.int64]


def common_trials(
    task: TaskSettings, per_type: int, dt_s: float, sweep_seed: int
) -> tuple[Trials, NDArray[np.int64]]:
    """Draw the trials that every network of a sweep is tested on, and their types [B].

    They are named by the sweep's seed: another seed draws other trials, so that what
    the draw does to a score is a part of the spread over seeds.
    """
    types_B = np.tile(np.arange(task.types), per_type)
    random = stream("evaluation", task.name, sweep_seed)
    return TASKS[task.name].draw(task, types_B, dt_s, random), types_B


@lru_cache(maxsize=256)
def observer_accuracy(
    task: TaskSettings, per_type: int, dt_s: float, sweep_seed: int
) -> float | None:
    """Return the ideal observer's accuracy on ``common_trials``; None without one."""
    about = TASKS[task.name]
    if about.observe is None:
        return None
    trials, _ = common_trials(task, per_type, dt_s, sweep_seed)
    answer = torch.from_numpy(about.observe(task, trials.input_BTI, dt_s))
    target = torch.from_numpy(np.array(trials.target_BTO))
    mask = torch.from_numpy(trials.mask_BTO)
    scores = about.score(answer[None], target[None], mask[None])
    return float(scores.correct_PB.double().mean())


def run(situation: Situation, seed: Seed, per_type: int, again: bool = False) -> Ran:
    """Run one frozen network on ``per_type`` trials of each type.

    Each trial has streams of its own and a longer trial only adds draws, so that all
    levels of a perturbation use common random numbers.  ``again``: the same trials
    under other noise.
    """
    net, params = situation.config.network, situation.params
    trials, types_B = common_trials(situation.task, per_type, net.dt_s, seed.sweep)
    number = len(types_B) if again else 0
    numbers = range(number, number + len(types_B))
    dtype, device = params.w_PNN.dtype, params.w_PNN.device
    input_BTI = noisy_input(trials.input_BTI, net, seed, "evaluation/noise", numbers)
    start_BN = initial_states(net, seed, "evaluation/initial_state", numbers)
    if situation.added_start > 0:
        random = seed.stream("perturb/initial_state")
        unit_BN = random.uniform(-1, 1, start_BN.shape)
        start_BN = start_BN + situation.added_start * unit_BN
    cell = cell_of(net)
    made: list[Tensor] = []
    with reproducible():
        for first in range(0, len(types_B), CHUNK):
            some = slice(first, first + CHUNK)
            inputs = torch.from_numpy(input_BTI[some]).to(device, dtype)[None]
            start = torch.from_numpy(start_BN[some]).to(device, dtype)[None]
            given = _arriving(situation, seed, numbers[some], inputs.shape[2])
            made.append(_answers(params, cell, inputs, given, start))
    target = torch.from_numpy(np.array(trials.target_BTO)).to(device, dtype)[None]
    mask = torch.from_numpy(trials.mask_BTO).to(device)[None]
    return Ran(torch.cat(made, 1), target, mask, types_B)


class _Arriving(NamedTuple):
    """Noise and impulses that arrive in some trials of one network."""

    noise_BTN: NDArray[np.float64] | None
    impulses: list[ImpulseList] | None
    """Impulses that are currents."""
    pushes: list[ImpulseList] | None
    """Impulses into the state of the rate form, which do not pass through phi."""
    pulses: list[tuple[list[ImpulseList], float]]
    """Impulses into the drive of the rate form, and how many steps they last."""


def _answers(
    params: Params, cell: Cell, input_PBTI: Tensor, given: _Arriving, x0_PBN: Tensor
) -> Tensor:
    """Return outputs of one network (P = 1), by the kernel where there is one."""
    noise = None
    if given.noise_BTN is not None:
        noise = torch.from_numpy(given.noise_BTN).to(x0_PBN)[None]
    every = None if given.impulses is None else [given.impulses]
    if kernels.fast(params.w_PNN, cell):
        return kernels.outputs(closed(params), cell, input_PBTI, noise, every, x0_PBN)
    steps = input_PBTI.shape[2]
    current = currents(noise, every, x0_PBN, steps)
    driven = drive(params, input_PBTI, current)
    pushes = None if given.pushes is None else [given.pushes]
    push = currents(None, pushes, x0_PBN, steps)
    return outputs(params, cell, driven, x0_PBN, push, _pulses(given, x0_PBN, steps))


def _pulses(given: _Arriving, x0_PBN: Tensor, steps: int) -> list[Pulses]:
    """Return pulses in the amplitude that they have while they last.

    Those of one unit in one step come one after the other.
    """
    made = []
    for impulses, duration in given.pulses:
        by_turn = zip_longest(*map(one_each, impulses), fillvalue=NO_IMPULSES)
        for turn in by_turn:
            areas_PBTN = currents(None, [turn], x0_PBN, steps)
            assert areas_PBTN is not None
            made.append(Pulses(areas_PBTN / duration, duration))
    return made


_Drawn = tuple[Callable[..., ImpulseList], Impulses, str]
"""Impulses of a kind: how they are drawn, and from which stream."""


def _arriving(
    situation: Situation, seed: Seed, numbers: Sequence[int], steps: int
) -> _Arriving:
    """Draw recurrent noise and impulses of some trials."""
    net = situation.config.network
    tau_N = situation.params.tau_PN[0].to("cpu", torch.float64).numpy()
    kinds: list[_Drawn] = [
        (draw, kind, purpose)
        for draw, kind, purpose in (
            (exploratory_impulses, situation.impulses, "evaluation/impulses"),
            (graded_impulses, situation.added_impulses, "perturb/impulses"),
        )
        if any_impulses(kind)
    ]

    def drawn(some: Sequence[_Drawn]) -> list[ImpulseList]:
        return [
            together(
                [draw(k, net, seed, where, n, steps, tau_N) for draw, k, where in some]
            )
            for n in numbers
        ]

    noise = recurrent_noise(net, seed, "evaluation/noise", numbers, steps, tau_N)
    if net.form == "current":
        return _Arriving(noise, drawn(kinds) if kinds else None, None, [])
    pushes = [one for one in kinds if one[1].into == "state"]
    pulses = [
        (drawn([one]), one[1].duration_s / net.dt_s)
        for one in kinds if one[1].into == "drive"
    ]  # fmt: skip
    return _Arriving(noise, None, drawn(pushes) if pushes else None, pulses)


def score(ran: Ran, task: TaskSettings, sign: float = 1.0) -> Scores:
    """Score outputs on the task they were made for; ``sign`` -1 flips them."""
    scorer = TASKS[task.name].score
    return scorer(sign * ran.output_PBTO, ran.target_PBTO, ran.mask_PBTO)


def evaluate(
    params: Params,
    config: NetworkConfig,
    seed: Seed,
    tests: Iterable[Test],
    per_type: int,
) -> list[Evaluated]:
    """Test one network (P = 1); returns its scores test by test."""
    results = []
    for test in tests:
        situation = test.situation(params, config, seed)
        ran, task = run(situation, seed, per_type), situation.task
        scores = score(ran, task)
        flipped = score(ran, task, -1.0).correct_PB[0].double()
        error_B, right_B = scores.error_PB[0].double(), scores.correct_PB[0].double()
        accuracy, trials = float(right_B.mean()), len(ran.types_B)
        dt_s = config.network.dt_s
        results.append(
            Evaluated(
                test.identity, test.kind, test.name, test.settings, test.level,
                accuracy,
                (accuracy * (1 - accuracy) / trials) ** 0.5,
                float(flipped.mean()),
                observer_accuracy(task, per_type, dt_s, seed.sweep),  # type: ignore[arg-type]
                float(error_B.mean()),
                trials,
                _by_type(error_B, ran, task),
                _by_type(right_B, ran, task),
            )
        )  # fmt: skip
    return results


def _by_type(values_B: Tensor, ran: Ran, task: TaskSettings) -> list[float]:
    """Return the mean over the trials of each type."""
    own = [torch.from_numpy(ran.types_B == kind) for kind in range(task.types)]
    return [float(values_B[which_B].mean()) for which_B in own]


RESPONSE_TRIALS = 5
"""Trials per type behind a network's response."""


def response(params: Params, config: NetworkConfig, seed: Seed) -> NDArray[np.float32]:
    """Return a network's outputs [B, S * O] in the scored windows of common trials.

    Exploratory impulses are off; noise that is part of the network stays on.  Two
    networks are compared by these outputs as behaviour.
    """
    situation = resting(params, config)._replace(impulses=Impulses())
    ran = run(situation, seed, RESPONSE_TRIALS)
    shape = (len(ran.types_B), -1)
    scored = ran.output_PBTO[0][ran.mask_PBTO[0]].reshape(shape)
    return scored.to("cpu", torch.float32).numpy()
