"""The delta rule: the readout learns, the network does not (Widrow & Hoff 1960)."""

from typing import Annotated, Any, ClassVar, Literal, NamedTuple

import torch
from pydantic import Field

from popnet.config import PerNetwork, RuleSettings
from popnet.core.impulses import currents
from popnet.core.optimisers import along
from popnet.core.rollout import drive, readout, rollout
from popnet.rules import Outcome, Rule


class Delta(RuleSettings):
    """Down the gradient of the mean squared error, after each batch."""

    reference: ClassVar[str] = "Widrow & Hoff 1960"
    summary: ClassVar[str] = "delta rule on a linear readout"
    readouts: ClassVar[tuple[str, ...]] = ("linear",)
    network_defaults: ClassVar[dict[str, Any]] = {
        "readout": {"kind": "linear"},
        "clamped": {},
    }
    name: Literal["delta"] = "delta"
    learning_rate: Annotated[float, PerNetwork, Field(ge=0)] = 0.1

    @property
    def batch(self):
        """Trials per learning step, B."""
        return 8


class State(NamedTuple):
    """Learning steps made, networks first."""

    steps_P: torch.Tensor


def init(params, settings, hyper, types, seeds):
    """No step has been made."""
    return State(torch.zeros(len(params.tau_PN)))


def step(params, state, episode, settings, hyper, cell, score):
    """A batch of trials and one step of the readout."""
    steps = episode.input_PBTI.shape[2]
    current = currents(episode.noise_PBTN, episode.impulses, episode.x0_PBN, steps)
    arriving = drive(params, episode.input_PBTI, current)
    r_PBTN = rollout(params, cell, arriving, episode.x0_PBN).r_PBSN[:, :, 1:]
    output = readout(params, cell, r_PBTN)
    wrong_PBTO = (output - episode.target_PBTO) * episode.mask_PBTO
    slope_PON = wrong_PBTO.flatten(1, 2).mT @ r_PBTN.flatten(1, 2)
    slope_PON = slope_PON / episode.mask_PBTO.sum((1, 2, 3))[:, None, None]
    wout = params.wout_PON - along(hyper["learning_rate"], slope_PON) * slope_PON
    scores = score(output, episode.target_PBTO, episode.mask_PBTO)
    outcome = Outcome(scores.error_PB, scores.correct_PB)
    return params._replace(wout_PON=wout), State(state.steps_P + 1), outcome


DELTA = Rule(Delta, init, step)
