"""popnet from Python: draw, train, test and perturb a population, without files.

P networks, B trials, T time steps, N units, O outputs, L levels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import ValidationError

from popnet.catalogue import CATALOGUE, load_sweep
from popnet.config import Condition, ConfigError, NetworkConfig, Source, load, read_text
from popnet.config.checking import check
from popnet.config.reading import shown, write_text
from popnet.core.cell import Params, pick, stack
from popnet.core.draw import cell_of
from popnet.core.rollout import drive, readout, rollout
from popnet.engine.episodes import initial_states
from popnet.engine.evaluate import common_trials
from popnet.engine.evaluate import evaluate as run_tests
from popnet.engine.population import untrained
from popnet.engine.test_plan import Test, tests_of
from popnet.engine.train import Trained, advance, begin
from popnet.kernels import reproducible
from popnet.plan import (
    PlannedNetwork,
    canonical,
    digest,
    network_key,
    networks,
    packs,
)
from popnet.runs import Run

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
    plan = load(_source(sections, "popnet.draw"), CATALOGUE)
    _check_shapes([condition.config for condition in plan.conditions])
    members = tuple(networks(plan))
    groups = [untrained([m], torch.device("cpu")) for m in members]
    return Nets(members, stack(groups), ())


def _source(sections: Mapping[str, Any], name: str) -> Source:
    return read_text(write_text(_plain(sections, name)), name)


def _plain(value: Any, name: str) -> Any:
    """What YAML can say: numpy's numbers and arrays as numbers and lists."""
    if isinstance(value, (np.generic, np.ndarray)):
        return _plain(value.tolist(), name)
    if isinstance(value, Mapping):
        return {_plain(k, name): _plain(v, name) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, name) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise ConfigError(
        f"{name}: {shown(value)} is a {type(value).__name__}; expected a number, text, "
        "a list or a dict of settings."
    )


SHAPES: dict[str, Callable[[NetworkConfig], object]] = {
    "network.units": lambda c: c.network.units,
    "network.dtype": lambda c: c.network.dtype,
    "network.readout.kind": lambda c: c.network.readout.kind,
    "network.dale": lambda c: "none" if c.network.dale is None else "given",
    "task (its inputs)": lambda c: c.task.inputs,
    "task (its outputs)": lambda c: c.task.outputs,
}
"""What decides the shapes of the parameters: equal in all networks of one ``Nets``."""


def _check_shapes(configs: Sequence[NetworkConfig]) -> None:
    for path, of in SHAPES.items():
        found = dict.fromkeys(str(of(config)) for config in configs)
        if len(found) > 1:
            raise ConfigError(
                f"popnet.draw: {path} differs between the networks "
                f"({', '.join(found)}), so their parameters cannot be stacked; draw "
                "each kind by a call of its own."
            )


def train(nets: Nets, trials: int | None = None, device: str = "cpu") -> Nets:
    """Train every network from the start, until its criterion or ``trials``.

    ``trials`` takes the place of ``train.trials``, in the networks' configurations
    and keys too.  Raises ConfigError when no network could then meet its criterion.
    """
    members = nets.members
    if trials is not None:
        members = tuple(_with_cap(m, trials) for m in members)
    done: dict[str, Trained] = {}
    for pack in packs(members):
        for population in begin(pack.networks, torch.device(device)):
            going = population
            while going is not None:
                going, ended = advance(going, STEPS)
                done |= {t.network.key: t for t in ended}
    log = tuple(done[m.key] for m in members)
    return Nets(members, stack([t.final for t in log]), log)


def _with_cap(member: PlannedNetwork, trials: int) -> PlannedNetwork:
    cap = _plain(trials, "popnet.train")
    given = {**member.config.train.model_dump(), "trials": cap}
    try:
        capped = type(member.config.train).model_validate(given)
    except ValidationError as error:
        reason = error.errors(include_url=False)[0]["msg"]
        raise ConfigError(f"popnet.train: trials {shown(cap)}: {reason}.") from None
    config = member.config.model_copy(update={"train": capped})
    key, length = network_key(config, member.seed), len(member.condition)
    condition = digest(canonical(config), size=length // 2)
    return member._replace(key=key, condition=condition, config=config)


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
    # a sweep whose own networks do not matter: only its section ``after`` is used
    sections = {
        "name": "notebook", "seed": 0, "networks": 1, "task": "dnms",
        "rule": "reward_hebbian", "after": after,
    }  # fmt: skip
    source = _source(sections, "popnet")
    plan = load(source, CATALOGUE)
    configs = {id(m.config): m.config for m in nets.members}
    conditions = tuple(Condition({}, config) for config in configs.values())
    check(plan._replace(conditions=conditions), source)
    known = {key: tests_of(plan.sweep.after, config) for key, config in configs.items()}
    return [(member, known[id(member.config)]) for member in nets.members]


def _test_one(
    nets: Nets, index: int, member: PlannedNetwork, tests: Sequence[Test], trials: int
) -> list[tuple[float, float, float]]:
    one = pick(nets.params, torch.tensor([index]))
    found = run_tests(one, member.config, member.seed, tests, trials)
    return [(e.accuracy, e.flipped_accuracy, e.error) for e in found]


def record(nets: Nets, trials: int = 1) -> Recorded:
    """Activity of every network on the same trials, each by its own settings.

    ``trials`` per trial type.  Exploratory impulses and noise, of the input and of
    the units, are off.  Raises ConfigError unless all networks have one task and step.
    """
    config = nets.members[0].config
    task, dt_s = config.task, config.network.dt_s
    alike = {
        "task": all(m.config.task == task for m in nets.members),
        "network.dt_s": all(m.config.network.dt_s == dt_s for m in nets.members),
    }
    for name in (name for name, same in alike.items() if not same):
        raise ConfigError(
            f"popnet.record: {name} differs between the networks, so they have no "
            "trials in common; record each kind by a call of its own."
        )
    common, _ = common_trials(task, _plain(trials, "popnet.record"), dt_s)
    made = [
        _recorded(member, pick(nets.params, torch.tensor([i])), common.input_BTI)
        for i, member in enumerate(nets.members)
    ]
    inputs, rates, outputs = (
        torch.cat(list(c)).float().numpy() for c in zip(*made, strict=True)
    )
    return Recorded(inputs, rates, outputs, common.target_BTO)


def _recorded(
    member: PlannedNetwork, one: Params, input_BTI: Array
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Inputs, rates and outputs of one network, P = 1."""
    net = member.config.network
    cell = cell_of(net)
    inputs = torch.from_numpy(input_BTI).to(one.w_PNN.dtype)[None]
    trials = range(len(input_BTI))
    start = initial_states(net, member.seed, "evaluation/initial_state", trials)
    x0 = torch.from_numpy(start).to(inputs.dtype)[None]
    with reproducible():
        r = rollout(one, cell, drive(one, inputs, None), x0).r_PBSN[:, :, 1:]
        return inputs, r, readout(one, cell, r)


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
