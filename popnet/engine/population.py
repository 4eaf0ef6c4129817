"""A population in training: P networks, the state of their rule, their progress."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from pydantic import BaseModel
from torch import Tensor

from popnet.config import ConfigError, NetworkConfig, marked
from popnet.core.cell import Cell, Params, moved, pick, stack
from popnet.core.draw import cell_of, draw
from popnet.engine.training_progress import Progress, no_progress
from popnet.plan import PlannedNetwork
from popnet.rules import RULES


@dataclass(frozen=True)
class Population:
    """P networks that train together."""

    members: tuple[PlannedNetwork, ...]
    cell: Cell
    hyper: Mapping[str, Tensor]
    params: Params
    state: Any
    progress: Progress

    @property
    def config(self) -> NetworkConfig:
        """The first network's configuration; read from it only what all share."""
        return self.members[0].config


def start(members: Sequence[PlannedNetwork], device: torch.device) -> Population:
    """Return untrained networks at trial 0."""
    config = members[0].config
    params = untrained(members, device)
    first = in_force(members, [0] * len(members))
    hyper = hyper_of(first, device, params.tau_PN.dtype)
    rule = RULES[config.rule.name]
    seeds = [m.seed for m in members]
    state = rule.init(params, config.rule, hyper, config.task.types, seeds)
    cell = cell_of(config.network)
    return Population(tuple(members), cell, hyper, params, state, no_progress(members))


def started_from(member: PlannedNetwork, params: Params) -> Population:
    """Return one network at trial 0 with these parameters (P = 1) as its first ones.

    Raises ConfigError when they have other shapes than a network drawn.
    """
    drawn = start([member], params.w_PNN.device)
    given: dict[str, Tensor | None] = {}
    for name, leaf, like in zip(params._fields, params, drawn.params, strict=True):
        shapes = [None if t is None else tuple(t.shape[1:]) for t in (leaf, like)]
        if shapes[0] != shapes[1]:
            raise ConfigError(
                f"popnet.train: parameters set by hand: {name} has the shape "
                f"{shapes[0]} in a network; expected {shapes[1]}."
            )
        given[name] = None if leaf is None or like is None else leaf.to(like)
    own = Params(**given)  # type: ignore[arg-type]
    rule = RULES[member.config.rule.name]
    task, settings = member.config.task, member.config.rule
    state = rule.init(own, settings, drawn.hyper, task.types, [member.seed])
    return replace(drawn, params=own, state=state)


def untrained(members: Sequence[PlannedNetwork], device: torch.device) -> Params:
    """Draw the networks, and change them as their rule does before it begins."""
    configs = [m.config for m in members]
    params = draw(
        [c.network for c in configs],
        [c.task for c in configs],
        [m.seed for m in members],
    )
    params = moved(params, device)
    begin = RULES[configs[0].rule.name].begin
    if begin is None:
        return params
    first = in_force(members, [0] * len(members))
    hyper = hyper_of(first, device, params.tau_PN.dtype)
    return begin(params, configs[0].rule, hyper)


def in_force(
    members: Sequence[PlannedNetwork], trials: Sequence[int]
) -> tuple[PlannedNetwork, ...]:
    """Return the networks with the configurations in force after these trials."""
    return tuple(
        next((m._replace(config=c) for until, c in m.earlier if trial < until), m)
        for m, trial in zip(members, trials, strict=True)
    )


def hyper_of(
    members: Sequence[PlannedNetwork], device: torch.device, dtype: torch.dtype
) -> dict[str, Tensor]:
    """Return each per-network number of the rule's settings as a [P] tensor."""
    rules = [m.config.rule for m in members]
    columns: dict[str, Tensor] = {}
    for name, per_network, _ in marked(type(rules[0])):
        values = [getattr(rule, name) for rule in rules]
        number = all(isinstance(v, (int, float)) for v in values)
        if per_network and number and not isinstance(values[0], BaseModel):
            columns[name] = torch.tensor(values, dtype=dtype, device=device)
    return columns


def part(population: Population, which: Tensor) -> Population:
    """Return some of the networks; ``which`` holds their indices."""
    members = tuple(population.members[i] for i in which.tolist())
    device = population.params.tau_PN.device
    there = which.to(device)
    return Population(
        members,
        population.cell,
        {k: v[there] for k, v in population.hyper.items()},
        pick(population.params, which),
        pick(population.state, which),
        pick(population.progress, which),
    )


def joined(parts: Sequence[Population]) -> Population:
    """Join populations to one; what its networks share must agree."""
    points = max(p.progress.curve_error_PC.shape[1] for p in parts)
    state = stack([p.state for p in parts])
    progress: list[Progress] = [
        p.progress._replace(
            curve_error_PC=_cut_or_padded(p.progress.curve_error_PC, points),
            curve_correct_PC=_cut_or_padded(p.progress.curve_correct_PC, points),
        )
        for p in parts
    ]
    return Population(
        tuple(m for p in parts for m in p.members),
        parts[0].cell,
        {k: torch.cat([p.hyper[k] for p in parts]) for k in parts[0].hyper},
        stack([p.params for p in parts]),
        state,
        stack(progress),
    )


def _cut_or_padded(curve_PC: Tensor, points: int) -> Tensor:
    """Cut or pad a curve to so many points: networks may differ in their caps."""
    missing = max(0, points - curve_PC.shape[1])
    return torch.nn.functional.pad(curve_PC, (0, missing))[:, :points]


def leaves(population: Population) -> dict[str, Tensor]:
    """Return everything a network needs to go on, as named P-first tensors."""
    groups = {
        "params": population.params,
        "state": population.state,
        "progress": population.progress,
    }
    return {
        f"{group}.{name}": leaf
        for group, leaves in groups.items()
        for name, leaf in zip(leaves._fields, leaves, strict=True)
        if leaf is not None
    }


def resumed(population: Population, saved: Mapping[str, Tensor]) -> Population:
    """Set a freshly started population to the state that ``leaves`` returned.

    Raises ValueError when the saved tensors are not those of these networks.
    """

    def restore(group: str, fresh: Any) -> Any:
        values = {}
        for name, leaf in zip(fresh._fields, fresh, strict=True):
            if leaf is None:
                values[name] = None
                continue
            given = saved.get(f"{group}.{name}")
            if given is not None and name.startswith("curve_"):
                given = _cut_or_padded(given, leaf.shape[1])
            if given is None or given.shape != leaf.shape or given.dtype != leaf.dtype:
                raise ValueError(f"the checkpoint does not hold {group}.{name} rightly")
            values[name] = given.to(leaf.device)
        return type(fresh)(**values)

    return Population(
        population.members,
        population.cell,
        population.hyper,
        restore("params", population.params),
        restore("state", population.state),
        restore("progress", population.progress),
    )
