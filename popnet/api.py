"""popnet from Python: draw, train, test, perturb and compare, without files.

P networks, B trials, T time steps, N units, O outputs, L levels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import ValidationError

from popnet.catalogue import CATALOGUE, load_sweep
from popnet.config import (
    Condition,
    ConfigError,
    LoadedSweep,
    check,
    expand,
)
from popnet.config.reading import shown
from popnet.core.cell import Params, pick, stack
from popnet.core.draw import cell_of
from popnet.core.rollout import drive, readout, rollout
from popnet.engine.episodes import initial_states
from popnet.engine.evaluate import common_trials
from popnet.engine.evaluate import evaluate as run_tests
from popnet.engine.test_plan import Test, planned_tests
from popnet.kernels import reproducible
from popnet.metrics import METRICS
from popnet.nets import Nets as Nets
from popnet.nets import Section, plain, source_of
from popnet.nets import draw as draw
from popnet.plan import PlannedNetwork, canonical, digest, network_key
from popnet.progress_bars import bar
from popnet.runs import Run
from popnet.work import serial
from popnet.work.comparison import subject_of

Array = NDArray[np.float64]


class Tested(NamedTuple):
    """Scores of frozen networks, [P] each."""

    accuracy_P: Array
    flipped_accuracy_P: Array
    error_P: Array


class Recorded(NamedTuple):
    """Activity of frozen networks on common trials, and the trials' targets."""

    input_PBTI: NDArray[np.float32]
    rates_PBTN: NDArray[np.float32]
    output_PBTO: NDArray[np.float32]
    target_BTO: Array


def train(
    nets: Nets,
    trials: int | None = None,
    device: str = "cpu",
    progress: bool = True,
) -> Nets:
    """Train every network from the start, until its criterion or ``trials``.

    ``trials`` replaces ``train.trials``, in the networks' configurations and keys too.
    On a terminal or in a notebook a bar shows how many networks have ended, unless
    ``progress`` is False.  Raises ConfigError when no network could meet its criterion
    within ``trials``.
    """
    members = nets.members
    if trials is not None:
        members = tuple(_with_cap(m, trials) for m in members)
    with bar(len(members), "training", progress) as ended:
        done = serial.train(members, device, ended.advance)
    log = tuple(done[m.key] for m in members)
    return Nets(members, stack([t.final for t in log]), log)


def _with_cap(member: PlannedNetwork, trials: int) -> PlannedNetwork:
    cap = plain(trials, "popnet.train")
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


def evaluate(
    nets: Nets, task: Section | None = None, trials: int = 20, progress: bool = True
) -> Tested:
    """Test frozen networks on their own task, or on another one of the same layout.

    Each network gets ``trials`` trials per trial type; ``progress`` as for ``train``.
    Raises ConfigError when the task does not fit.
    """
    after: dict[str, Any] = {"trials": trials}
    if task is not None:
        after["other_tasks"] = [task]
    place = -1 if task is not None else 0
    chosen = [
        [[t for t in tests if t.kind == "task"][place]] for tests in _tests(nets, after)
    ]
    rows = [scores[0] for scores in _scores(nets, chosen, trials, "testing", progress)]
    return Tested(*(np.array(column) for column in zip(*rows, strict=True)))


def perturb(
    nets: Nets, perturbation: Section, trials: int = 20, progress: bool = True
) -> tuple[Array, Array]:
    """Return the accuracy [P, L] under a perturbation, and its levels [L].

    Each network gets ``trials`` trials per trial type; ``progress`` as for ``train``.
    Raises ConfigError when these networks cannot be perturbed so.
    """
    after = {"trials": trials, "perturb": [perturbation]}
    chosen = [
        [t for t in tests if t.kind == "perturbation"] for tests in _tests(nets, after)
    ]
    scores_of = _scores(nets, chosen, trials, "perturbing", progress)
    table = [[accuracy for accuracy, _, _ in scores] for scores in scores_of]
    return np.array(table), np.array([t.level for t in chosen[-1]])


def compare(nets: Nets, metric: Section, progress: bool = True) -> Array:
    """Return the distance or similarity of every two networks, [P, P].

    ``metric`` is a name of ``popnet metrics``, or ``{"name": ..., settings}``.  The
    diagonal is NaN, and so are pairs that cannot be compared (networks of different
    sizes by weights, on different trials by behaviour).  ``progress`` as for ``train``.
    Raises ConfigError when there is no such metric or its settings are wrong.
    """
    loaded = _sweep_with({"sample": 1, "dynamics": [], "compare": [metric]})
    (settings,) = loaded.sweep.after.compare
    entry, count = METRICS[settings.name], len(nets.members)
    prepared = []
    with bar(count, "preparing", progress) as done:
        for index, member in enumerate(nets.members):
            one = pick(nets.params, torch.tensor([index]))
            subject = subject_of(member, one, settings.needs)
            prepared.append(entry.prepare(settings, subject))
            done.advance(1)
    kinds = [entry.comparable(member.config) for member in nets.members]
    square = np.full((count, count), np.nan)
    with bar(count - 1, "comparing", progress) as done:
        for index in range(count - 1):
            others = [j for j in range(index + 1, count) if kinds[j] == kinds[index]]
            one = [prepared[index]] * len(others)
            values = entry.compare(settings, one, [prepared[j] for j in others])
            square[index, others] = square[others, index] = values
            done.advance(1)
    return square


def _sweep_with(after: Mapping[str, Any]) -> LoadedSweep:
    """Return a sweep of which only this section ``after`` is used."""
    sections = {
        "name": "notebook", "seed": 0, "networks": 1, "task": "dnms",
        "rule": "reward_hebbian", "after": after,
    }  # fmt: skip
    return expand(source_of(sections, "popnet"), CATALOGUE)


def _tests(nets: Nets, after: Mapping[str, Any]) -> list[list[Test]]:
    """Plan the tests of each network that a section ``after`` asks for."""
    loaded = _sweep_with(after)
    configs = {id(m.config): m.config for m in nets.members}
    conditions = tuple(Condition({}, config) for config in configs.values())
    check(loaded._replace(conditions=conditions), source_of({"after": after}, "popnet"))
    known = {
        key: planned_tests(loaded.sweep.after, config)
        for key, config in configs.items()
    }
    return [known[id(member.config)] for member in nets.members]


def _scores(
    nets: Nets,
    tests_of: Sequence[Sequence[Test]],
    trials: int,
    title: str,
    progress: bool,
) -> list[list[tuple[float, float, float]]]:
    """Return accuracy, flipped accuracy and error of each network in its tests."""
    found = []
    with bar(len(nets.members), title, progress) as done:
        pairs = zip(nets.members, tests_of, strict=True)
        for index, (member, tests) in enumerate(pairs):
            one = pick(nets.params, torch.tensor([index]))
            scores = run_tests(one, member.config, member.seed, tests, trials)
            found.append([(e.accuracy, e.flipped_accuracy, e.error) for e in scores])
            done.advance(1)
    return found


def record(nets: Nets, trials: int = 1) -> Recorded:
    """Record the activity of every network on common trials.

    Each network gets ``trials`` trials per trial type.  Exploratory impulses and noise,
    of the input and of the units, are off.  Raises ConfigError unless all networks have
    the same task, time step and seed of their draw.
    """
    config = nets.members[0].config
    task, dt_s = config.task, config.network.dt_s
    alike = {
        "task": all(m.config.task == task for m in nets.members),
        "network.dt_s": all(m.config.network.dt_s == dt_s for m in nets.members),
        "seed": len({m.seed.sweep for m in nets.members}) == 1,
    }
    for name in (name for name, same in alike.items() if not same):
        raise ConfigError(
            f"popnet.record: {name} differs between the networks, so they have no "
            "trials in common; record each kind by a call of its own."
        )
    sweep_seed = nets.members[0].seed.sweep
    per_type = plain(trials, "popnet.record")
    common, _ = common_trials(task, per_type, dt_s, sweep_seed)
    activity = [
        _recorded(member, pick(nets.params, torch.tensor([i])), common.input_BTI)
        for i, member in enumerate(nets.members)
    ]
    inputs, rates, outputs = (
        torch.cat(list(c)).float().numpy() for c in zip(*activity, strict=True)
    )
    return Recorded(inputs, rates, outputs, common.target_BTO)


def _recorded(
    member: PlannedNetwork, one: Params, input_BTI: Array
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return inputs, rates and outputs of one network, P = 1."""
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
    """Train, test and report the networks of a sweep file that are missing, as a run.

    This is ``popnet launch``.  Raises ConfigError when the file or an option is wrong.
    """
    from popnet.sweep.launch import launch as launch_sweep

    plan, source = load_sweep(Path(sweep), list(overrides))
    launched = launch_sweep(
        plan, source, Path(out), address=address, tracking_uri=tracking_uri
    )
    return launched.run
