"""Candidates: C sets of weights of each network, compared on the same trials.

What the rules share that learn from losses alone, without gradients.  The candidates of
a network meet the same inputs, initial states, noise and impulses, and differ in W,
W_in and, where the readout is linear, W_out, as ``trains`` says.  Loss of a candidate:

    mean (output - target)^2 + silence * mean output(1)^2

the first mean over the B trials and their scored steps and outputs, the second over
trials and outputs at the first step; infinite where it is not a number.  P networks,
C candidates of each, B trials, T steps, N units, I inputs, O outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, field_validator
from torch import Tensor

from popnet import kernels
from popnet.config import Network, NetworkConfig, PerNetwork
from popnet.core.cell import Cell, Params, closed
from popnet.core.constraints import project
from popnet.core.impulses import currents
from popnet.core.rollout import drive, outputs
from popnet.rules._rule import Episode, Published
from popnet.rules._trained_parts import in_order, possible
from popnet.seeding import Seed

Part = Literal["recurrent", "input", "readout"]
ALL: tuple[Part, ...] = ("recurrent", "input", "readout")
DRAWN: dict[Part, str] = {"recurrent": "w", "input": "win", "readout": "wout"}
"""What the draws for each part are called."""


class CandidateSearch(Published):
    """What such rules have in common.  Not a rule itself."""

    network_defaults: ClassVar[dict[str, Any]] = {
        "readout": {"kind": "linear"},
        "clamped": {},
    }

    batch_trials: Annotated[
        int, Field(ge=1, description="B, per step; the same for all candidates")
    ] = 32
    silence: Annotated[
        float, PerNetwork, Field(ge=0, description="times mean output^2 at step 1")
    ] = 0.0
    trains: Annotated[
        tuple[Part, ...] | None,
        Field(
            strict=False,
            min_length=1,
            description="what is searched; default recurrent, input and, where there "
            "is one, a linear readout",
        ),
    ] = None

    @field_validator("trains")
    @classmethod
    def _in_order(cls, trains: tuple[Part, ...] | None) -> tuple[Part, ...] | None:
        return in_order(trains)

    def fitted(self, network: Network) -> Self:
        """With ``trains`` written out, and possible in this network."""
        trains = possible(self.trains, ALL, network)
        return self.model_copy(update={"trains": trains})

    @property
    def batch(self) -> int:
        """Trials per step."""
        return self.batch_trials


class CandidateWeights(NamedTuple):
    """What is searched for; of any number of candidates, or one change for each."""

    w_PCNN: Tensor
    win_PCNI: Tensor
    wout_PCON: Tensor | None


def each(change: Callable[..., Tensor], *given: CandidateWeights) -> CandidateWeights:
    """The same done to W, W_in and, where there is one, W_out."""
    columns = zip(*given, strict=True)
    return CandidateWeights(*(None if c[0] is None else change(*c) for c in columns))  # type: ignore[arg-type]


def candidate(params: Params) -> CandidateWeights:
    """The networks' own weights, as one candidate of each."""
    wout = None if params.wout_PON is None else params.wout_PON[:, None]
    return CandidateWeights(params.w_PNN[:, None], params.win_PNI[:, None], wout)


def network(params: Params, candidates: CandidateWeights, c: int) -> Params:
    """The networks with the weights of their candidate ``c``."""
    one = each(lambda leaf: leaf[:, c], candidates)
    return params._replace(w_PNN=one.w_PCNN, win_PNI=one.win_PCNI, wout_PON=one[2])


def allowed(params: Params, candidates: CandidateWeights) -> CandidateWeights:
    """Each candidate's nearest allowed weights, see ``core.constraints``."""
    # candidates first: masks and signs, networks first, then apply to each
    first = params._replace(w_PNN=candidates.w_PCNN.transpose(0, 1))
    return candidates._replace(w_PCNN=project(first).w_PNN.transpose(0, 1))


def normal_draws(
    config: NetworkConfig, seed: Seed, trial: int, count: int
) -> dict[str, NDArray[np.generic]]:
    """Standard normal numbers for ``count`` changes of one network's weights.

    More candidates only add to those of fewer.
    """
    assert isinstance(config.rule, CandidateSearch) and config.rule.trains is not None
    units, task = config.network.units, config.task
    shapes = {"w": (units, units), "win": (units, task.inputs),
              "wout": (task.outputs, units)}  # fmt: skip
    return {
        name: seed.stream(f"candidates/{name}", trial).standard_normal(
            (count, *shapes[name]), dtype=np.float32
        )
        for name in (DRAWN[part] for part in config.rule.trains)
    }


def normals(params: Params, drawn: Mapping[str, Tensor] | None) -> CandidateWeights:
    """What ``normal_draws`` gave, of P networks; 0 for what is not searched."""
    assert drawn is not None
    count = next(drawn[name] for name in DRAWN.values() if name in drawn).shape[1]

    def change(name: str, own: Tensor) -> Tensor:
        """By how many standard deviations, [P, C, ...]."""
        if name in drawn:
            return drawn[name]
        return own.new_zeros(()).expand(len(own), count, *own.shape[2:])

    w, win, wout = candidate(params)
    outward = None if wout is None else change("wout", wout)
    return CandidateWeights(change("w", w), change("win", win), outward)


def evaluated(
    params: Params,
    candidates: CandidateWeights,
    episode: Episode,
    cell: Cell,
    silence_P: Tensor,
) -> tuple[Tensor, Tensor]:
    """Losses [P, C], and the outputs [P, B, T, O] of candidate 0 of each network."""
    count = candidates.w_PCNN.shape[1]
    if kernels.fast(params.w_PNN, cell):
        losses, first_PBTO = [], None
        for c in range(count):
            output_PBTO = kernels.outputs(
                closed(network(params, candidates, c)), cell, episode.input_PBTI,
                episode.noise_PBTN, episode.impulses, episode.x0_PBN,
            )  # fmt: skip
            first_PBTO = output_PBTO if first_PBTO is None else first_PBTO
            losses.append(loss(output_PBTO, episode, silence_P))
        assert first_PBTO is not None
        return torch.stack(losses, 1), first_PBTO
    output_PCBTO = _all_at_once(params, candidates, episode, cell)
    losses = [loss(output_PCBTO[:, c], episode, silence_P) for c in range(count)]
    return torch.stack(losses, 1), output_PCBTO[:, 0]


def loss(output_PBTO: Tensor, episode: Episode, silence_P: Tensor) -> Tensor:
    """The loss of one candidate of each network, [P]."""
    mask = episode.mask_PBTO
    square_PBTO = (output_PBTO - episode.target_PBTO) ** 2 * mask
    loss_P = square_PBTO.sum((1, 2, 3)) / mask.sum((1, 2, 3))
    loss_P = loss_P + silence_P * output_PBTO[:, :, 0].square().mean((1, 2))
    return torch.where(loss_P.isfinite(), loss_P, torch.inf)


def _all_at_once(
    params: Params, candidates: CandidateWeights, episode: Episode, cell: Cell
) -> Tensor:
    """The outputs [P, C, B, T, O], in plain torch: P C networks side by side."""
    count = candidates.w_PCNN.shape[1]

    def common(leaf: Tensor) -> Tensor:
        """What a network's candidates share, once for each."""
        return leaf[:, None].expand(-1, count, *leaf.shape[1:]).flatten(0, 1)

    own = each(lambda leaf: leaf.flatten(0, 1), candidates)
    given = {
        name: common(leaf)
        for name in ("bias_PN", "tau_PN", "slope_PN", "threshold_PN", "wfb_PNO")
        if (leaf := getattr(params, name)) is not None
    }
    flat = params._replace(
        w_PNN=own.w_PCNN, win_PNI=own.win_PCNI, wout_PON=own.wout_PCON,
        mask_PNN=None, sign_PN=None, **given,
    )  # fmt: skip
    steps = episode.input_PBTI.shape[2]
    current = currents(episode.noise_PBTN, episode.impulses, episode.x0_PBN, steps)
    current = None if current is None else common(current)
    driven = drive(flat, common(episode.input_PBTI), current)
    made = outputs(flat, cell, driven, common(episode.x0_PBN))
    return made.unflatten(0, (-1, count))
