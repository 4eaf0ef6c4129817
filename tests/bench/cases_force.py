"""FORCE learning against NumPy and against BLAS in place, on the same trials."""

from __future__ import annotations

from typing import Any

import today_force
from case import Case, timed
from ours import Learners
from same import same
from timing import Side

OUTER = "NumPy float64, np.outer at each step"
DGER = "NumPy float64, P by BLAS (dger) in place"
STEPS = 1000


def force_sections(units: int) -> dict[str, Any]:
    """A sweep file's sections: a slow flip-flop of 3 bits, 1,000 steps a trial."""
    task = {"name": "flipflop", "trial_s": STEPS / 1000, "pulse": 0.01}
    network = {"units": units, "dt_s": 0.001}
    return {"task": task, "rule": {"name": "force", "every": 1}, "network": network}


def network_as_it_stands(learners: Learners, in_place: bool) -> Any:
    """The first network, for the loop in NumPy."""
    population = learners.populations[0]
    params = population.params
    assert params.wfb_PNO is not None and params.wout_PON is not None
    leaves = (params.w_PNN, params.win_PNI, params.wfb_PNO, params.wout_PON)
    w, win, feedback, wout = (leaf[0].double().numpy() for leaf in leaves)
    a = population.cell.dt_s / params.tau_PN[0].double().numpy()
    p = population.state.p_PNN[0].numpy()
    return today_force.ForceNetwork(w, win, feedback, wout, a, p, in_place)


def force(*claims: Any, units: int = 200) -> Case:
    """One network, trials of the flip-flop drawn beforehand, an update at each step."""

    def make() -> list[Side]:
        learners = Learners(1, **force_sections(units))
        loops = {
            name: network_as_it_stands(learners, name == DGER) for name in (OUTER, DGER)
        }
        episode = learners.episodes[0]
        trial = [
            leaf[0, 0].double().numpy()
            for leaf in (episode.input_PBTI, episode.target_PBTO, episode.x0_PBN)
        ]
        learners.step()
        after = learners.populations[0]
        assert after.params.wout_PON is not None
        for name, network in loops.items():
            network.learn(*trial)
            same(f"force, {name}: W_out", after.params.wout_PON[0], network.wout)
            same(f"force, {name}: P", after.state.p_PNN[0], network.p)
        sides = [Side("popnet", learners.step, STEPS)]
        for name, network in loops.items():
            sides.append(Side(name, lambda own=network: own.learn(*trial), STEPS))
        return sides

    return timed(f"force: N = {units}, P = 1", "steps", make, claims)


FORCE_CASES = [force((OUTER, 12, 14), (DGER, None, None))]
