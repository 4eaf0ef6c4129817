"""popnet's side of back-propagation through time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from ours import Learners, Stacked
from side import Made, give

STEPS = 10
"""Steps of one network between two looks at the clock, as in ``popnet launch``."""


def sections(n: int, batch: int) -> dict[str, Any]:
    """A sweep file's sections for the flip-flop; with tau = dt this is nn.RNN."""
    network = {"units": n, "dt_s": 0.001, "tau_s": {"mean": 0.001}}
    rule = {"name": "bptt", "batch_trials": batch}
    return {"task": {"name": "flipflop"}, "rule": rule, "network": network}


def learning(
    folder: Path, n: int, batch: int, networks: int, drawing: bool = False
) -> Made:
    """One batch of the flip-flop, trained by Adam with a clip of 1.

    ``drawing``: batches are drawn while it is timed, and the criterion is watched.
    """
    own = Learners(networks, **sections(n, batch))
    give(folder, **_all(own))
    before = own.w
    for _ in range(2):
        own.step()
    computed = {"W": own.w, "W before": before}
    if drawing:
        return Made(lambda: own.advance(STEPS), networks * STEPS, computed)
    return Made(own.step, networks, computed)


def stacked(folder: Path, n: int, batch: int, networks: int) -> Made:  # noqa: ARG001
    """The same in popnet's plain torch, all networks at once."""
    own = Stacked(Learners(networks, **sections(n, batch)))
    for _ in range(2):
        own.step()
    return Made(own.step, networks, {"W": own.population.params.w_PNN[0].clone()})


def _all(own: Learners) -> dict[str, Any]:
    """All networks, and a batch for each."""
    columns = [own.leaves(p) for p in range(len(own.populations))]
    found = {
        name: np.stack([leaves[name] for leaves in columns])
        for name in ("w", "win", "wout", "bias", "a")
    }
    for name in ("input_PBTI", "target_PBTO", "x0_PBN"):
        batches = [getattr(episode, name)[0].numpy() for episode in own.episodes]
        found[name] = np.stack(batches)
    return found
