"""popnet's side of FORCE learning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from ours import Learners
from side import Made, give

STEPS = 1000


def sections(units: int, steps: int = STEPS) -> dict[str, Any]:
    """A sweep file's sections: a slow flip-flop of 3 bits, an update at each step."""
    task = {"name": "flipflop", "trial_s": steps / 1000, "pulse": 0.01}
    network = {"units": units, "dt_s": 0.001}
    return {
        "task": task,
        "rule": {"name": "force", "every_s": 0.001},
        "network": network,
    }


def learning(folder: Path, units: int, steps: int = STEPS) -> Made:
    """One network and one trial."""
    own = Learners(1, **sections(units, steps))
    leaves, episode = own.leaves(0), own.episodes[0]
    own_p = own.populations[0].state.p_PNN[0].numpy()
    give(
        folder,
        **{name: leaves[name].astype(np.float64) for name in ("w", "win", "wfb", "a")},
        wout=leaves["wout"].astype(np.float64), p=own_p,
        input_TI=episode.input_PBTI[0, 0].double().numpy(),
        target_TO=episode.target_PBTO[0, 0].double().numpy(),
        start_N=episode.x0_PBN[0, 0].double().numpy(),
    )  # fmt: skip
    own.step()
    population = own.populations[0]
    assert population.params.wout_PON is not None
    computed = {
        "W_out": population.params.wout_PON[0].numpy(),
        "P": population.state.p_PNN[0].numpy(),
        "P before": own_p,
    }
    return Made(own.step, steps, computed)
