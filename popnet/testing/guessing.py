"""Chance is what the best guess, which ignores the inputs, gets right.

B trials, T time steps, O outputs.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from popnet.config import TaskSettings
from popnet.tasks import Trials
from popnet.testing.answers import Answer, all_settings, many, windows
from popnet.testing.drawn_trials import DT_S, share_correct

STANDARD_ERRORS = 4
"""Largest distance of a share from its expectation."""
MOST_CONSTANTS = 16
Outputs = NDArray[np.float64]


def allowed(share: float, trials: int) -> float:
    """Largest distance between a share of trials and what it was found to be."""
    return STANDARD_ERRORS * np.sqrt(share * (1 - share) / trials)


def chance_is_the_best_guess(name: str) -> None:
    """No guess is right more often than ``chance``, and the best one as often."""
    for settings in all_settings(name):
        _, types_B, trials = many(name, settings, DT_S)
        shares = [share_correct(name, g, trials) for g in guesses(settings, trials)]
        chance, best = settings.chance, max(shares)
        assert abs(best - chance) <= allowed(chance, len(types_B)), (
            f"guessing is right in {best:.3f} of the trials, chance is {chance:.3f}, "
            f"with {settings!r}"
        )


def guesses(settings: TaskSettings, trials: Trials) -> Iterator[Outputs]:
    """Outputs of the right form that know nothing of the inputs.

    In every window the answer of another trial, drawn at random; then each of those
    answers in all trials.  Where targets are values, random ones.
    """
    random, shape = np.random.default_rng(1), trials.target_BTO.shape
    if settings.target_kind == "values":
        low, high = trials.target_BTO.min(), trials.target_BTO.max()
        yield random.uniform(low, high, shape)
        yield np.broadcast_to(random.uniform(low, high, (shape[0], 1, shape[2])), shape)
        return
    answers = list(windows(settings, trials))
    said_BA = np.array([_said(trials, a) for a in answers]).reshape(shape[0], -1)
    yield _given(answers, said_BA[random.permutation(shape[0])], shape)
    for said_A in np.unique(said_BA, axis=0)[:MOST_CONSTANTS]:
        yield _given(answers, np.broadcast_to(said_A, said_BA.shape), shape)


def _said(trials: Trials, answer: Answer) -> float:
    """The target at the end of an answer."""
    return float(trials.target_BTO[answer.trial, answer.span[1] - 1, answer.output])


def _given(answers: list[Answer], said_BA: Outputs, shape: tuple[int, ...]) -> Outputs:
    """Outputs that say this in the windows of each trial, in their order."""
    output_BTO = np.zeros(shape)
    for (trial, output, (start, stop)), said in zip(answers, said_BA.flat, strict=True):
        output_BTO[trial, start:stop, output] = said
    return output_BTO
