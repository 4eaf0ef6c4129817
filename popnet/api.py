"""popnet from Python: draw, train, test and perturb a population, without files.

P networks, B trials, T time steps, N units, O outputs, L levels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import yaml
from numpy.typing import NDArray

from popnet.catalogue import CATALOGUE, load_sweep
from popnet.config import load, read_text
from popnet.core.cell import Params, pick, stack
from popnet.core.draw import cell_of
from popnet.core.rollout import drive, readout, rollout
from popnet.engine.battery import Test, battery
from popnet.engine.checking import check
from popnet.engine.episodes import initial_states
from popnet.engine.evaluate import common_trials
from popnet.engine.evaluate import evaluate as run_tests
from popnet.engine.population import untrained
from popnet.engine.train import Trained, advance, begin
from popnet.kernels import reproducible
from popnet.plan import PlannedNetwork, networks
from popnet.records import Run

Section = str | Mapping[str, Any]
Array = NDArray[np.float64]
STEPS = 1000


class Nets(NamedTuple):
    """A population in memory: its networks, their parameters, how they trained."""

    members: tuple[PlannedNetwork, ...]
    params: Params
    log: tuple[Trained, ...]
    """One entry per network once trained: status, trials_to_criterion, curves."""

    @property
    def status_P(self) -> list[str]:
        """How each network's training ended; empty before it."""
        return [t.status for t in self.log]

    @property
    def trials_to_criterion_P(self) -> Array:
        """Trials each network needed; NaN where it never met its criterion."""
        found = [t.trials_to_criterion for t in self.log]
        return np.array([np.nan if n is None else n for n in found], dtype=np.float64)


class Tested(NamedTuple):
    """Scores of frozen networks."""

    accuracy_P: Array
    flipped_accuracy_P: Array
    error_P: Array


class Recorded(NamedTuple):
    """Activity of frozen networks on the same trials."""

    input_PBTI: NDArray[np.float32]
    rates_PBTN: NDArray[np.float32]
    output_PBTO: NDArray[np.float32]
    target_BTO: Array


def draw(
    task: Section,
    *,
    rule: Section = "reward_hebbian",
    networks: int = 1,
    seed: int = 0,
    network: Mapping[str, Any] | None = None,
    train: Mapping[str, Any] | None = None,
    grid: Mapping[str, Any] | None = None,
) -> Nets:
    """Untrained networks; arguments are the sections of a sweep file.

    Raises ConfigError for what a sweep file may not say either.
    """
    sections: dict[str, Any] = {
        "name": "notebook", "seed": seed, "networks": networks, "task": task,
        "rule": rule, "network": dict(network or {}), "train": dict(train or {}),
    }  # fmt: skip
    if grid:
        sections["grid"] = dict(grid)
    return _drawn(sections)


def _drawn(sections: dict[str, Any]) -> Nets:
    text = yaml.safe_dump(sections, sort_keys=False)
    members = tuple(networks(load(read_text(text, "popnet.draw"), CATALOGUE)))
    groups = [untrained([m], torch.device("cpu")) for m in members]
    return Nets(members, stack(groups), ())


def train(nets: Nets, trials: int | None = None, device: str = "cpu") -> Nets:
    """Train every network from the start, until its criterion or ``trials``."""
    members = nets.members
    if trials is not None:
        members = tuple(_with_cap(m, trials) for m in members)
    done: list[Trained] = []
    for population in begin(members, torch.device(device)):
        going = population
        while going is not None:
            going, ended = advance(going, STEPS)
            done += ended
    order = {m.key: i for i, m in enumerate(members)}
    done.sort(key=lambda t: order[t.network.key])
    return Nets(members, stack([t.final for t in done]), tuple(done))


def _with_cap(member: PlannedNetwork, trials: int) -> PlannedNetwork:
    capped = member.config.train.model_copy(update={"trials": trials})
    config = member.config.model_copy(update={"train": capped})
    return member._replace(config=config)


def evaluate(nets: Nets, task: Section | None = None, trials: int = 20) -> Tested:
    """Frozen networks on their own task, or on another one in its input layout.

    ``trials`` per trial type.  Raises ConfigError when the task does not fit.
    """
    after: dict[str, Any] = {"trials": trials}
    if task is not None:
        after["other_tasks"] = [task]
    rows = []
    for index, (member, tests) in enumerate(_tests(nets, after)):
        wanted = [t for t in tests if t.kind == "task"][-1 if task is not None else 0]
        rows.append(_test_one(nets, index, member, [wanted], trials)[0])
    return Tested(*(np.array(column) for column in zip(*rows, strict=True)))


def perturb(nets: Nets, perturbation: Section, trials: int = 20) -> tuple[Array, Array]:
    """Accuracy [P, L] under a perturbation, and its levels [L]."""
    after = {"trials": trials, "perturb": [perturbation]}
    table, levels = [], np.zeros(0)
    for index, (member, tests) in enumerate(_tests(nets, after)):
        graded = [t for t in tests if t.kind == "perturbation"]
        scores = _test_one(nets, index, member, graded, trials)
        table.append([accuracy for accuracy, _, _ in scores])
        levels = np.array([t.level for t in graded])
    return np.array(table), levels


def _tests(
    nets: Nets, after: Mapping[str, Any]
) -> list[tuple[PlannedNetwork, list[Test]]]:
    result, known = [], {}
    for member in nets.members:
        if id(member.config) not in known:
            config = member.config
            sections = {
                "name": "notebook", "seed": member.seed.sweep, "networks": 1,
                "task": config.task.model_dump(mode="json"),
                "rule": config.rule.model_dump(mode="json"),
                "network": config.network.model_dump(mode="python"),
                "train": config.train.model_dump(mode="json"), "after": dict(after),
            }  # fmt: skip
            text = yaml.safe_dump(sections, sort_keys=False)
            source = read_text(text, "popnet")
            plan = load(source, CATALOGUE)
            check(plan, source)
            known[id(config)] = battery(plan.sweep.after, config)
        result.append((member, known[id(member.config)]))
    return result


def _test_one(
    nets: Nets, index: int, member: PlannedNetwork, tests: Sequence[Test], trials: int
) -> list[tuple[float, float, float]]:
    one = pick(nets.params, torch.tensor([index]))
    found = run_tests(one, member.config, member.seed, tests, trials)
    return [(e.accuracy, e.flipped_accuracy, e.error) for e in found]


def record(nets: Nets, trials: int = 1) -> Recorded:
    """Activity of every network on the same trials, without impulses.

    ``trials`` per trial type; only where all networks have one task and step.
    """
    config = nets.members[0].config
    dt_s = config.network.dt_s
    shown, types_B = common_trials(config.task, trials, dt_s)
    cell, made = cell_of(config.network), []
    for index, member in enumerate(nets.members):
        one = pick(nets.params, torch.tensor([index]))
        inputs = torch.from_numpy(shown.input_BTI).to(one.w_PNN.dtype)[None]
        start = initial_states(
            member.config.network, member.seed, "evaluation/initial_state", 0,
            len(types_B),
        )  # fmt: skip
        x0 = torch.from_numpy(start).to(inputs.dtype)[None]
        with reproducible():
            r = rollout(one, cell, drive(one, inputs, None), x0).r_PBSN[:, :, 1:]
            made.append((inputs, r, readout(one, cell, r)))
    inputs, rates, made_outputs = (
        torch.cat(list(c)).float().numpy() for c in zip(*made, strict=True)
    )
    return Recorded(inputs, rates, made_outputs, shown.target_BTO)


def launch(
    sweep: str | Path,
    out: str | Path = "runs",
    *,
    address: str | None = None,
    tracking_uri: str | None = None,
    overrides: Sequence[str] = (),
) -> Run:
    """``popnet launch``: continues what is missing; returns the run."""
    from popnet.sweep.launch import launch as launch_sweep

    plan, source = load_sweep(Path(sweep), list(overrides))
    made = launch_sweep(
        plan, source, Path(out), address=address, tracking_uri=tracking_uri
    )
    return made.run
