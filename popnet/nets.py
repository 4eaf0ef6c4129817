"""Populations in memory, drawn from the sections of a sweep file.

P networks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from popnet.catalogue import CATALOGUE
from popnet.config import ConfigError, NetworkConfig, Source, load, read_text
from popnet.config.reading import shown, write_text
from popnet.core.cell import Params, pick, stack
from popnet.engine.population import untrained
from popnet.engine.train import Trained
from popnet.plan import PlannedNetwork
from popnet.plan import networks as _networks

Section = str | Mapping[str, Any]
Array = NDArray[np.float64]


class Nets(NamedTuple):
    """A population in memory: its networks, their parameters and training results."""

    members: tuple[PlannedNetwork, ...]
    params: Params
    log: tuple[Trained, ...]
    """One entry per trained network: ``status``, ``trials_to_criterion``, curves, and
    what it needs to train on.  Empty before training."""

    def __repr__(self) -> str:
        """Say what the networks are, how their training ended, and which have no key.

        One whose parameters were set by hand is not what its configuration and seed
        give, and so has no key.
        """
        configs = [m.config for m in self.members]
        units = _listed(c.network.units for c in configs)
        tasks = _listed(c.task.name for c in configs)
        rules = _listed(c.rule.name for c in configs)
        counts = Counter(self.status_P)
        ended = ", ".join(f"{n} {status}" for status, n in sorted(counts.items()))
        without = self.key_P.count("")
        keys = f"; {without} without a key: parameters set by hand" if without else ""
        return (
            f"Nets({len(configs)} networks of {units} units; task {tasks}; rule "
            f"{rules}; {ended or 'untrained'}{keys})"
        )

    @property
    def key_P(self) -> list[str]:
        """Key of each network; "" where its parameters were set by hand."""
        pairs = zip(self.members, self.by_hand_P, strict=True)
        return ["" if by_hand else member.key for member, by_hand in pairs]

    @property
    def by_hand_P(self) -> list[bool]:
        """Whether its parameters are not those it was drawn with or trained to."""
        cpu = torch.device("cpu")
        found = []
        for index, member in enumerate(self.members):
            last = self.log[index].final if self.log else untrained([member], cpu)
            found.append(not _same(pick(self.params, torch.tensor([index])), last))
        return found

    @property
    def status_P(self) -> list[str]:
        """Outcome of each network's training; [] before training."""
        return [t.status for t in self.log]

    @property
    def trials_to_criterion_P(self) -> Array:
        """Trials that each network needed; NaN where it never met its criterion."""
        found = [t.trials_to_criterion for t in self.log]
        return np.array([np.nan if n is None else n for n in found], dtype=np.float64)


def _listed(values: Iterable[object]) -> str:
    return ", ".join(dict.fromkeys(str(value) for value in values))


def _same(one: Params, other: Params) -> bool:
    """Return whether two networks' parameters are the same in every bit."""
    pairs = zip(one, other, strict=True)
    return all(
        a is b if a is None or b is None else torch.equal(a, b.to(a)) for a, b in pairs
    )


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
    """Draw untrained networks; the arguments are the sections of a sweep file.

    Raises ConfigError when a sweep file with these sections would be refused, or when
    the networks' parameters cannot be stacked.
    """
    sections: dict[str, Any] = {
        "name": "notebook", "seed": seed, "networks": networks, "task": task,
        "rule": rule, "network": dict(network or {}), "train": dict(train or {}),
    }  # fmt: skip
    if grid:
        sections["grid"] = dict(grid)
    return _drawn(sections)


def _drawn(sections: dict[str, Any]) -> Nets:
    plan = load(source_of(sections, "popnet.draw"), CATALOGUE)
    _check_shapes([condition.config for condition in plan.conditions])
    members = tuple(_networks(plan))
    groups = [untrained([m], torch.device("cpu")) for m in members]
    return Nets(members, stack(groups), ())


def source_of(sections: Mapping[str, Any], name: str) -> Source:
    """Return sections given from Python as the sweep file that they would be.

    ``name`` takes the place of the file's name in errors.  Raises ConfigError when a
    value is none that a sweep file can hold.
    """
    return read_text(write_text(plain(sections, name)), name)


def plain(value: Any, name: str) -> Any:
    """Replace numpy's numbers and arrays by plain ones and lists, which YAML can hold.

    Raises ConfigError when there is another kind of object.
    """
    if isinstance(value, (np.generic, np.ndarray)):
        return plain(value.tolist(), name)
    if isinstance(value, Mapping):
        return {plain(k, name): plain(v, name) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item, name) for item in value]
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
"""Settings that decide the parameters' shapes, equal in all networks of a ``Nets``."""


def _check_shapes(configs: Sequence[NetworkConfig]) -> None:
    for path, of in SHAPES.items():
        found = dict.fromkeys(str(of(config)) for config in configs)
        if len(found) > 1:
            raise ConfigError(
                f"popnet.draw: {path} differs between the networks "
                f"({', '.join(found)}), so their parameters cannot be stacked; draw "
                "each kind by a call of its own."
            )
