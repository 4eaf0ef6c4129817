"""popnet's side of reward-modulated Hebbian learning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from ours import DNMS, HEBBIAN, Learners
from side import Made, give

from popnet.core.impulses import dense
from popnet.plan import TRIALS_AT_ONCE


def learning(
    folder: Path, networks: int, preset: str = "published_code", drawing: bool = False,
    network: Any = None,
) -> Made:  # fmt: skip
    """Trials of delayed non-match-to-sample, as many a step as the engine
    gives them.

    ``drawing``: they are drawn while it is timed, and the criterion is watched.
    """
    rule = {**HEBBIAN, "preset": preset}
    own = Learners(
        networks, TRIALS_AT_ONCE, task=DNMS, rule=rule, network=network or {}
    )
    give(folder, **_first(own))
    before = own.w
    own.step()
    run = (lambda: own.advance(TRIALS_AT_ONCE)) if drawing else own.step
    computed = {"W": own.w, "W before": before}
    return Made(run, networks * TRIALS_AT_ONCE, computed)


def _first(own: Learners) -> dict[str, Any]:
    """The first network and its trials, in float64."""
    episode, leaves = own.episodes[0], own.leaves(0)
    inputs, targets, masks, starts = (
        getattr(episode, name)[0].double().numpy()
        for name in ("input_PBTI", "target_PBTO", "mask_PBTO", "x0_PBN")
    )
    steps, units = inputs.shape[1], starts.shape[1]
    assert episode.impulses is not None
    return {
        **{name: leaves[name].astype(np.float64) for name in ("w", "win", "a")},
        "clamped": np.array(own.populations[0].cell.clamped),
        "input_BTI": inputs,
        "target_B": targets[:, -1, 0],
        "scored_B": masks.sum((1, 2)).astype(int),
        "type_B": episode.type_PB[0].numpy(),
        "start_BN": starts,
        "impulse_BTN": np.stack([dense(k, steps, units) for k in episode.impulses[0]]),
    }


def fading(folder: Path, gain: float) -> Made:  # noqa: ARG001
    """One network without inputs and impulses: its activity dies away, or does not."""
    quiet = {**HEBBIAN, "exploration": {"rate_hz": 0.0}}
    # tau of 5 ms: below the smallest normal number after half of the trial
    network = {"gain": gain, "input_scale": 0.0, "tau_s": {"mean": 0.005}}
    network["clamped"] = {}
    own = Learners(1, TRIALS_AT_ONCE, task=DNMS, rule=quiet, network=network)
    return Made(own.step, TRIALS_AT_ONCE, {})
