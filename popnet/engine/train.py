"""Trains P networks on one device, each until its own criterion.

On the CPU every network is a population of its own: batched products are not bit
stable in P, and one network at a time keeps its weights in the cache.  On a GPU all
of them are one population, which shrinks as networks finish.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from popnet.config import Until
from popnet.core.cell import Params
from popnet.engine.episodes import training_batch
from popnet.engine.population import (
    Population,
    Progress,
    joined,
    part,
    resumed,
    start,
)
from popnet.engine.results import (
    CONVERGED,
    DIVERGED,
    TRAINED,
    UNCONVERGED,
    Array,
    Trained,
    results,
)
from popnet.kernels import reproducible
from popnet.plan import PlannedNetwork
from popnet.rules import RULES, Outcome
from popnet.tasks import TASKS


def begin(
    members: Sequence[PlannedNetwork],
    device: torch.device,
    saved: Mapping[str, Mapping[str, Tensor]] | None = None,
) -> list[Population]:
    """The populations to advance: one per network on the CPU, one on a GPU.

    ``saved``: checkpoints of some of the networks (``leaves`` of each, by key); one
    that does not fit is as good as none.
    """
    saved = saved or {}
    if device.type != "cpu" and not any(m.key in saved for m in members):
        return [start(members, device)]
    singles = []
    for member in members:
        one = start([member], device)
        with suppress(ValueError):
            one = resumed(one, saved[member.key]) if member.key in saved else one
        singles.append(one)
    return singles if device.type == "cpu" else [joined(singles)]


BLOCK = 10
"""Trials a sequential rule is given at once, to spread the cost of a step.  No result
depends on it."""


def advance(
    population: Population, steps: int
) -> tuple[Population | None, list[Trained]]:
    """Up to ``steps`` learning steps; what still trains, and what has finished.

    A network that meets its criterion, its cap of trials, or diverges leaves the
    population at once, with the weights it had before it diverged.  A step is a batch,
    or one trial of a sequential rule.
    """
    finished: list[Trained] = []
    with reproducible():
        while steps > 0:
            population, ended, taken = _learn_some(population, steps)
            steps -= taken
            if not ended:
                continue
            finished += results(population, ended)
            left = [i for i in range(len(population.members)) if i not in ended]
            if not left:
                return None, finished
            population = part(population, torch.tensor(left))
    return population, finished


def _learn_some(
    population: Population, most: int
) -> tuple[Population, dict[int, str], int]:
    """A block of trials where the rule and the population allow it, else one step.

    A block in which the network ended is taken back and learned again trial by trial,
    so that the network ends exactly where it would have alone.
    """
    config = population.config
    block = 1
    if config.rule.sequential and len(population.members) == 1:
        left = config.train.trials - int(population.progress.trial_P[0])
        block = max(1, min(BLOCK, most, left))
    later, ended = _learn(population, block)
    if not ended or block == 1:
        return later, ended, block
    for taken in range(1, block + 1):
        population, ended = _learn(population, 1)
        if ended:
            return population, ended, taken
    return population, ended, block


def _learn(population: Population, trials: int) -> tuple[Population, dict[int, str]]:
    """One learning step; which networks ended with it, and how.

    ``trials``: how many trials a sequential rule gets in it.
    """
    over = _already_over(population)
    if over:
        return population, over
    config, params = population.config, population.params
    episode = training_batch(
        population.members, population.progress.trial_P, params.tau_PN, trials
    )
    episode = episode._replace(trial_P=episode.trial_P.to(params.tau_PN.device))
    new_params, new_state, outcome = RULES[config.rule.name].step(
        params, population.state, episode, config.rule, population.hyper,
        population.cell, TASKS[config.task.name].score,
    )  # fmt: skip
    alive_P = _alive(new_params, outcome)
    progress = _noted(population, outcome)
    if not bool(alive_P.all()):
        dead = (~alive_P).nonzero()[:, 0].tolist()
        new_params = _kept(new_params, params, alive_P)
        ended = dict.fromkeys(dead, DIVERGED)
    else:
        ended = {}
    population = replace(
        population, params=new_params, state=new_state, progress=progress
    )
    for index, status in _ended(population).items():
        ended.setdefault(index, status)
    return population, ended


def _already_over(population: Population) -> dict[int, str]:
    """Networks that may not take a single step: a cap of 0 trials."""
    caps = [m.config.train.trials for m in population.members]
    seen = population.progress.trial_P.tolist()
    return {
        i: _capped_status(population, i)
        for i, (trial, cap) in enumerate(zip(seen, caps, strict=True))
        if trial >= cap
    }


def _alive(params: Params, outcome: Outcome) -> Tensor:
    """Which networks are finite, in their outputs and in what they learned."""
    alive_P = outcome.error_PB.isfinite().all(1)
    for leaf in (
        params.w_PNN, params.win_PNI, params.wout_PON, params.bias_PN, params.tau_PN
    ):  # fmt: skip
        if leaf is not None:
            alive_P = alive_P & leaf.flatten(1).isfinite().all(1)
    return alive_P


def _kept(new: Params, old: Params, alive_P: Tensor) -> Params:
    """The new parameters of living networks, the last finite ones of the others."""
    return Params(
        *(
            None
            if a is None or b is None
            else torch.where(alive_P.reshape(-1, *[1] * (a.ndim - 1)), a, b)
            for a, b in zip(new, old, strict=True)
        )  # type: ignore[arg-type]
    )


def _noted(population: Population, outcome: Outcome) -> Progress:
    """Progress after a batch: the ring of recent trials and the curve."""
    old = population.progress
    error_PB = outcome.error_PB.detach().to("cpu", torch.float64)
    correct_PB = outcome.correct_PB.detach().to("cpu", torch.float64)
    batch = error_PB.shape[1]
    window = old.recent_error_PW.shape[1]
    number_PB = old.trial_P[:, None] + torch.arange(batch)
    recent = slice(max(0, batch - window), batch)
    ring = number_PB[:, recent] % window
    point = number_PB // population.config.train.curve_every
    trial_P = old.trial_P + batch
    recent_correct = old.recent_correct_PW.scatter(1, ring, correct_PB[:, recent])
    recent_error = old.recent_error_PW.scatter(1, ring, error_PB[:, recent])
    met_P = _met_at(population, error_PB, correct_PB)
    first_P = (met_P >= 0) & (old.reached_P < 0)
    return Progress(
        trial_P,
        torch.where(first_P, met_P, old.reached_P),
        recent_error,
        recent_correct,
        old.curve_error_PC.scatter_add(1, point, error_PB),
        old.curve_correct_PC.scatter_add(1, point, correct_PB),
    )


def _met_at(population: Population, error_PB: Tensor, correct_PB: Tensor) -> Tensor:
    """The number of trials after which each network first met its criterion; or -1.

    A sequential rule is judged after every trial, another one after its batch.
    """
    old, met = population.progress, []
    for i, member in enumerate(population.members):
        until, seen = member.config.train.until, int(old.trial_P[i])
        if until is None:
            met.append(-1)
            continue
        correct = _in_order(old.recent_correct_PW[i], seen, correct_PB[i])
        error = _in_order(old.recent_error_PW[i], seen, error_PB[i])
        batch = error_PB.shape[1]
        ends = range(1, batch + 1) if member.config.rule.sequential else (batch,)
        found = (
            seen + end
            for end in ends
            if seen + end >= until.window
            and _meets(until, correct, error, slice(end, end + until.window))
        )
        met.append(next(found, -1))
    return torch.tensor(met)


def _in_order(ring_W: Tensor, seen: int, new_B: Tensor) -> Array:
    """The last W trials, the oldest first, and the new ones after them."""
    ring = ring_W.numpy()
    return np.concatenate([np.roll(ring, -(seen % len(ring))), new_B.numpy()])


def _meets(until: Until, correct: Array, error: Array, last: slice) -> bool:
    need = math.ceil((until.accuracy or 0.0) * until.window - 1e-9)
    right = until.accuracy is None or float(correct[last].sum()) >= need
    return right and (until.error is None or float(error[last].mean()) <= until.error)


def _ended(population: Population) -> dict[int, str]:
    progress, ended = population.progress, {}
    for i, member in enumerate(population.members):
        train = member.config.train
        until = train.until
        reached = int(progress.reached_P[i]) >= 0
        if until is not None and until.stop and reached:
            ended[i] = CONVERGED
        elif int(progress.trial_P[i]) >= train.trials:
            ended[i] = _capped_status(population, i)
    return ended


def _capped_status(population: Population, index: int) -> str:
    if population.members[index].config.train.until is None:
        return TRAINED
    reached = int(population.progress.reached_P[index]) >= 0
    return CONVERGED if reached else UNCONVERGED
