"""Trains P networks on one device, each until its own criterion.

On the CPU every network is a population of its own: batched products are not bit
stable in P, and one network at a time keeps its weights in the cache.  On a GPU all
of them are one population, which shrinks as networks finish.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from popnet.config import RuleSettings
from popnet.core.cell import Cell, Params
from popnet.engine.episodes import training_batch
from popnet.engine.population import (
    Population,
    hyper_of,
    in_force,
    joined,
    part,
    resumed,
    start,
)
from popnet.engine.trained import (
    Trained,
    results,
)
from popnet.engine.training_progress import noted
from popnet.kernels import reproducible
from popnet.kernels.graphs import replayed
from popnet.plan import TRIALS_AT_ONCE, PlannedNetwork
from popnet.rules import RULES, Episode, Outcome
from popnet.rules._rule import Hyper
from popnet.status import Status
from popnet.tasks import TASKS


def begin(
    members: Sequence[PlannedNetwork],
    device: torch.device,
    saved: Mapping[str, Mapping[str, Tensor]] | None = None,
) -> list[Population]:
    """Return the populations to advance: one per network on the CPU, one on a GPU.

    ``saved``: checkpoints of some of the networks (``leaves`` of each, by key).  A
    checkpoint that does not fit is ignored.
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


def advance(
    population: Population, steps: int, keep: bool = False
) -> tuple[Population | None, list[Trained]]:
    """Take up to ``steps`` learning steps; returns what still trains and what ended.

    With ``keep`` a result holds what the network needs to train on.  A network that
    meets its criterion, its cap of trials, or diverges leaves the
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
            finished += results(population, ended, keep)
            left = [i for i in range(len(population.members)) if i not in ended]
            if not left:
                return None, finished
            population = part(population, torch.tensor(left))
    return population, finished


def _learn_some(
    population: Population, most: int
) -> tuple[Population, dict[int, Status], int]:
    """Learn a block of trials where rule and population allow it, else one step.

    Returns the population, the statuses of networks that ended, by index, and the steps
    taken.  A block in which the network ended is taken back and learned again trial by
    trial, so that the network ends exactly where it would have alone.
    """
    config = population.config
    block = 1
    if config.rule.sequential and len(population.members) == 1:
        trial = int(population.progress.trial_P[0])
        ends = [until for until, _ in population.members[0].earlier if until > trial]
        left = min([config.train.trials, *ends]) - trial
        block = max(1, min(TRIALS_AT_ONCE, most, left))
    later, ended = _learn(population, block)
    # at the end of the block
    capped = ended.get(0) in (Status.TRAINED, Status.UNCONVERGED)
    if not ended or capped or block == 1:
        return later, ended, block
    for taken in range(1, block + 1):
        population, ended = _learn(population, 1)
        if ended:
            return population, ended, taken
    return population, ended, block


def _learn(population: Population, trials: int) -> tuple[Population, dict[int, Status]]:
    """Take one learning step; returns the statuses of networks that ended with it.

    ``trials``: the trials that a sequential rule gets in it.
    """
    over = _ended(population)  # one that goes on may need nothing more
    if over:
        return population, over
    config, params = population.config, population.params
    members, hyper = population.members, population.hyper
    if any(member.earlier for member in members):
        members = in_force(members, population.progress.trial_P.tolist())
        hyper = hyper_of(members, params.tau_PN.device, params.tau_PN.dtype)
    episode = training_batch(
        members, population.progress.trial_P, params.tau_PN, trials
    )
    episode = episode._replace(trial_P=episode.trial_P.to(params.tau_PN.device))
    tensors = (params, population.state, episode, hyper)
    fixed = (config.rule, population.cell, config.task.name)
    recorded = params.tau_PN.device.type == "cuda" and all(
        member.config.rule.recordable for member in population.members
    )
    step = replayed(_step, tensors, fixed) if recorded else _step(*tensors, *fixed)
    new_params, new_state, outcome = step
    alive_P = _alive(new_params, outcome)
    progress = noted(population.progress, population.members, outcome)
    if not bool(alive_P.all()):
        dead = (~alive_P).nonzero()[:, 0].tolist()
        new_params = _kept(new_params, params, alive_P)
        ended = dict.fromkeys(dead, Status.DIVERGED)
    else:
        ended = {}
    population = replace(
        population, params=new_params, state=new_state, progress=progress
    )
    for index, status in _ended(population).items():
        ended.setdefault(index, status)
    return population, ended


def _step(
    params: Params, state: Any, episode: Episode, hyper: Hyper, settings: RuleSettings,
    cell: Cell, task: str,
) -> tuple[Params, Any, Outcome]:  # fmt: skip
    """Take the rule's step; a GPU records the tensors that come first."""
    rule, score = RULES[settings.name], TASKS[task].score
    return rule.step(params, state, episode, settings, hyper, cell, score)


def _alive(params: Params, outcome: Outcome) -> Tensor:
    """Return which networks [P] have finite outputs and finite parameters."""
    alive_P = outcome.error_PB.isfinite().all(1)
    for leaf in (
        params.w_PNN, params.win_PNI, params.wout_PON, params.bias_PN, params.tau_PN
    ):  # fmt: skip
        if leaf is not None:
            # 0 x is NaN where x is not finite
            alive_P = alive_P & (0 * leaf).flatten(1).sum(1).isfinite()
    return alive_P


def _kept(new: Params, old: Params, alive_P: Tensor) -> Params:
    """Return new parameters of finite networks, the previous ones of the others."""
    return Params(
        *(
            None
            if a is None or b is None
            else torch.where(alive_P.reshape(-1, *[1] * (a.ndim - 1)), a, b)
            for a, b in zip(new, old, strict=True)
        )  # type: ignore[arg-type]
    )


def _ended(population: Population) -> dict[int, Status]:
    """Return the statuses of networks that met their criterion or cap, by index."""
    progress, ended = population.progress, {}
    for i, member in enumerate(population.members):
        train = member.config.train
        until = train.until
        reached = int(progress.reached_P[i]) >= 0
        if until is not None and until.stop and reached:
            ended[i] = Status.CONVERGED
        elif int(progress.trial_P[i]) >= train.trials:
            ended[i] = _capped_status(population, i)
    return ended


def _capped_status(population: Population, index: int) -> Status:
    if population.members[index].config.train.until is None:
        return Status.TRAINED
    reached = int(population.progress.reached_P[index]) >= 0
    return Status.CONVERGED if reached else Status.UNCONVERGED
