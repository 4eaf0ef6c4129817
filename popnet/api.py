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
from popnet.comparing import compare as compare
from popnet.config import (
    Condition,
    ConfigError,
    LoadedSweep,
    check,
    expand,
)
from popnet.config.reading import shown
from popnet.core.cell import pick, stack
from popnet.engine.evaluate import evaluate as run_tests
from popnet.engine.test_plan import Test, planned_tests
from popnet.engine.trained import Trained
from popnet.nets import Nets as Nets
from popnet.nets import Section, plain, source_of
from popnet.nets import draw as draw
from popnet.plan import PlannedNetwork, canonical, digest, network_key
from popnet.progress_bars import bar
from popnet.recording import record as record
from popnet.resting import fixed_points as fixed_points
from popnet.runs import Run
from popnet.work import serial
from popnet.work.serial import Begun

Array = NDArray[np.float64]


class Tested(NamedTuple):
    """Scores of frozen networks, [P] each."""

    accuracy_P: Array
    flipped_accuracy_P: Array
    error_P: Array


def train(
    nets: Nets,
    trials: int | None = None,
    device: str = "cpu",
    progress: bool = True,
) -> Nets:
    """Train every network on from what it is, until its criterion or ``trials``.

    ``trials`` is the total: it replaces ``train.trials``, in the networks'
    configurations and keys too, and what a network has learned counts towards it.
    Training in parts gives the bits of training at once.  A network whose parameters
    were set by hand begins at trial 0 from these, and carries no key.

    On a terminal or in a notebook a bar shows how many networks have ended, unless
    ``progress`` is False.  Raises ConfigError when no network could meet its criterion
    within ``trials``, or when one has already learned from more.
    """
    by_hand = nets.by_hand_P
    pairs = zip(nets.members, by_hand, strict=True)
    members = [m._replace(key="") if by else m for m, by in pairs]
    if trials is not None:
        members = [_with_cap(m, trials) for m in members]
    begun = []
    for index, member in enumerate(members):
        own = by_hand[index]
        one = pick(nets.params, torch.tensor([index])) if own else None
        before = nets.log[index] if nets.log and one is None else None
        if before is not None:
            _refuse_fewer(member, before, index)
        begun.append(Begun(member, before, one))
    with bar(len(begun), "training", progress) as ended:
        log = tuple(serial.train_on(begun, device, ended.advance))
    return Nets(tuple(members), stack([t.final for t in log]), log)


def _refuse_fewer(member: PlannedNetwork, before: Trained, index: int) -> None:
    """Refuse a total of trials at which a network would have ended before it did."""
    rule, cap = member.config.rule, member.config.train.trials
    if before.trials - (1 if rule.sequential else rule.batch) >= cap:
        raise ConfigError(
            f"popnet.train: trials {cap}: network {index} has learned from "
            f"{before.trials} already, and trials is the total; draw the networks "
            "again to train them for fewer."
        )


def _with_cap(member: PlannedNetwork, trials: int) -> PlannedNetwork:
    """Return the network with this total of trials, in its key too where it has one."""
    cap = plain(trials, "popnet.train")
    given = {**member.config.train.model_dump(), "trials": cap}
    try:
        capped = type(member.config.train).model_validate(given)
    except ValidationError as error:
        reason = error.errors(include_url=False)[0]["msg"]
        raise ConfigError(f"popnet.train: trials {shown(cap)}: {reason}.") from None
    config = member.config.model_copy(update={"train": capped})
    length = len(member.condition)
    condition = digest(canonical(config), size=length // 2)
    key = network_key(config, member.seed) if member.key else ""
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
    """Return the accuracy [P, L] under a perturbation, and its levels [L] as given.

    Each network gets ``trials`` trials per trial type; ``progress`` as for ``train``.
    NaN for a network that it leaves as it was, such as new time constants without
    spread for units that had none.  Raises ConfigError when these networks cannot be
    perturbed so, or when it leaves all of them as they were.
    """
    after = {"trials": trials, "perturb": [perturbation]}
    chosen = [
        [t for t in tests if t.kind == "perturbation"] for tests in _tests(nets, after)
    ]
    scores_of = _scores(nets, chosen, trials, "perturbing", progress)
    # a level that is given twice is tested once
    column = {t.level: i for i, t in enumerate(max(chosen, key=len))}
    # a network that it leaves as it was has no tests
    table = [
        [accuracy for accuracy, _, _ in scores] or np.full(len(column), np.nan)
        for scores in scores_of
    ]
    levels_L = _sweep_with(after).sweep.after.perturb[0].levels
    return np.array(table)[:, [column[v] for v in levels_L]], np.array(levels_L)


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
