"""Keeps the progress of each network of a population, and checks its criterion.

P networks, B trials of a batch, W trials that the criterion looks at (its windows in a
row), C points of the recorded curve.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from popnet.config import Until
from popnet.plan import PlannedNetwork
from popnet.rules import Outcome

Array = NDArray[np.float64]


class Progress(NamedTuple):
    """Progress of each network; all tensors are P first and on the CPU."""

    trial_P: Tensor
    """Trials seen."""
    reached_P: Tensor
    """Trials after which the criterion was first met; -1: not yet."""
    recent_error_PW: Tensor
    """Errors of the last W trials, the newest last; 0 where there are fewer."""
    recent_correct_PW: Tensor
    curve_error_PC: Tensor
    """Sums over the trials of each point of the curve."""
    curve_correct_PC: Tensor


def no_progress(members: Sequence[PlannedNetwork]) -> Progress:
    """Return the progress of networks at trial 0."""
    networks = len(members)
    train = members[0].config.train
    window = train.until.watched if train.until else 100
    most = max(m.config.train.trials for m in members)
    points = most // train.curve_every + 2 + members[0].config.rule.batch
    double = torch.float64
    return Progress(
        torch.zeros(networks, dtype=torch.int64),
        torch.full((networks,), -1, dtype=torch.int64),
        torch.zeros(networks, window, dtype=double),
        torch.zeros(networks, window, dtype=double),
        torch.zeros(networks, points, dtype=double),
        torch.zeros(networks, points, dtype=double),
    )


def noted(
    progress: Progress, members: Sequence[PlannedNetwork], outcome: Outcome
) -> Progress:
    """Return the progress after a batch of B trials of each network."""
    # in NumPy: these are a few hundred numbers, and a call of torch costs more
    after = Progress(*(leaf.clone() for leaf in progress))
    trial_P, reached_P, *arrays = (leaf.numpy() for leaf in after)
    error_PB = outcome.error_PB.detach().to("cpu", torch.float64).numpy()
    correct_PB = outcome.correct_PB.detach().to("cpu", torch.float64).numpy()
    for p, member in enumerate(members):
        errors, corrects, curve_error_C, curve_correct_C = (a[p] for a in arrays)
        train, seen = member.config.train, int(trial_P[p])
        batch = error_PB.shape[1]
        error = np.concatenate([errors, error_PB[p]])
        correct = np.concatenate([corrects, correct_PB[p]])
        errors[:], corrects[:] = error[batch:], correct[batch:]
        point = np.arange(seen, seen + batch) // train.curve_every
        np.add.at(curve_error_C, point, error_PB[p])
        np.add.at(curve_correct_C, point, correct_PB[p])
        # what cannot learn is right by luck at most: on two types, one network in four
        learns = member.config.rule.learns
        if train.until is not None and learns and reached_P[p] < 0:
            # a sequential rule is judged after every trial, another after its batch
            first = 1 if member.config.rule.sequential else batch
            reached_P[p] = _met(train.until, error, correct, seen, first)
        trial_P[p] += batch
    return after


def _met(until: Until, error: Array, correct: Array, seen: int, first: int) -> int:
    """Return the trials after which the criterion was met, or -1.

    ``error`` and ``correct`` hold the trials watched before the batch, then the batch;
    ``first`` is the first trial of the batch after which it is checked.
    """
    window = until.window
    ends = np.arange(first, len(error) - until.watched + 1)
    good = seen + ends >= until.watched
    for begin in range(0, until.watched, window):
        if until.accuracy is not None:
            need = math.ceil(until.accuracy * window - 1e-9)
            good &= _sums(correct, ends + begin, window) >= need
        if until.error is not None:
            good &= _sums(error, ends + begin, window) / window <= until.error
    return seen + int(ends[good.argmax()]) if good.any() else -1


def _sums(values: Array, begins: NDArray[np.int64], window: int) -> Array:
    """Return the sum of each window."""
    return np.array([values[begin : begin + window].sum() for begin in begins])
