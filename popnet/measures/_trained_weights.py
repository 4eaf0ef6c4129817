"""The trained weights of a network as one vector, and its outputs and loss of them.

R weights in all; P networks (1), B trials, T steps, O outputs, E single outputs.

What training moved is trained: recurrent, input and readout weights, and biases where
they were.  A weight stands in the vector in the size in which it is trained, so that
for networks with gamma it is J = N W and V = gamma N W_out (``core.feature_learning``).
Weights that the network's mask leaves out are not in it.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from popnet.core.cell import Cell, Params
from popnet.core.feature_learning import sizes
from popnet.core.rollout import drive, readout, rollout
from popnet.measures._seen import NetworkSeen, NetworkTrials

WEIGHTS = ("w_PNN", "win_PNI", "wout_PON", "bias_PN")


class Part(NamedTuple):
    """The weights of one leaf, as a piece of the vector."""

    leaf: str
    places_R: Tensor
    """Their places in the flattened leaf."""
    size: float
    """What a weight is multiplied by to be the one that is trained."""


def trained_parts(seen: NetworkSeen) -> list[Part]:
    """The parts that training moved; none for a network that did not learn."""
    moved = [
        leaf
        for leaf in WEIGHTS
        if (before := getattr(seen.initial, leaf)) is not None
        and not torch.equal(before, getattr(seen.final, leaf))
    ]
    size_of = [torch.ones(1)] * len(moved)
    if seen.gamma is not None:
        gamma_P = torch.tensor([seen.gamma], dtype=torch.float64)
        size_of = sizes(gamma_P, seen.final.w_PNN.shape[1], moved)
    return [
        Part(leaf, _places(seen.final, leaf), float(size))
        for leaf, size in zip(moved, size_of, strict=True)
    ]


def _places(params: Params, leaf: str) -> Tensor:
    if leaf == "w_PNN" and params.mask_PNN is not None:
        return params.mask_PNN.flatten().nonzero()[:, 0]
    return torch.arange(getattr(params, leaf).numel())


def vector(params: Params, parts: list[Part]) -> Tensor:
    """The weights theta_R of a network (P = 1), each in the size that is trained."""
    pieces = [
        part.size * getattr(params, part.leaf).flatten()[part.places_R]
        for part in parts
    ]
    return torch.cat(pieces)


def with_vector(params: Params, parts: list[Part], theta_R: Tensor) -> Params:
    """The network with theta in the place of its trained weights."""
    pieces = theta_R.split([len(part.places_R) for part in parts])
    changed: dict[str, Tensor] = {}
    for part, piece in zip(parts, pieces, strict=True):
        leaf = getattr(params, part.leaf)
        flat = leaf.flatten().index_put((part.places_R,), piece / part.size)
        changed[part.leaf] = flat.reshape(leaf.shape)
    return params._replace(**changed)


def outputs(params: Params, cell: Cell, trials: NetworkTrials) -> Tensor:
    """The network's outputs [P, B, T, O], without noise."""
    driven = drive(params, trials.input_PBTI, None)
    activity = rollout(params, cell, driven, trials.x0_PBN)
    return readout(params, cell, activity.r_PBSN[:, :, 1:])


def loss(params: Params, cell: Cell, trials: NetworkTrials) -> Tensor:
    """mean (output - target)^2 over trials and scored steps and outputs: the task's
    part of the loss of ``rules.bptt``."""
    error = (outputs(params, cell, trials) - trials.target_PBTO) * trials.mask_PBTO
    return (error**2).sum() / trials.mask_PBTO.sum()


def scored_places(trials: NetworkTrials) -> Tensor:
    """The places of the scored single outputs in the flattened outputs."""
    return trials.mask_PBTO.flatten().nonzero()[:, 0]
