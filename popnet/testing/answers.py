"""Where trials ask for an answer, and which stimuli they show before it.

B trials, T time steps, O outputs.  A span is (first step, step after the last).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from popnet.config import TaskSettings
from popnet.tasks import TASKS, Trials
from popnet.testing.checking import example_of
from popnet.testing.drawn_trials import Drawn

Span = tuple[int, int]
FEWEST_TRIALS = 800
FEW_OF_VALUES = 8


class Answer(NamedTuple):
    """Steps at which an output of a trial gives one answer."""

    trial: int
    output: int
    span: Span


def all_settings(name: str) -> Iterator[TaskSettings]:
    """The settings at which a task is tested: its example, then its variants."""
    first = example_of(TASKS[name].settings)
    yield first
    for variant in type(first).variants:
        yield type(first)(**{**first.example, **variant})


def many(name: str, settings: TaskSettings, dt_s: float, seed: int = 0) -> Drawn:
    """Trials of all types, equally often, enough for a share with a small error."""
    fewest = FEW_OF_VALUES if settings.target_kind == "values" else FEWEST_TRIALS
    types_B = np.arange(settings.types * -(-fewest // settings.types)) % settings.types
    random = np.random.default_rng(seed)
    return Drawn(settings, types_B, TASKS[name].draw(settings, types_B, dt_s, random))


def runs(on_T: NDArray[np.bool_]) -> list[Span]:
    """Unbroken runs of true steps."""
    edges = np.flatnonzero(np.diff(on_T, prepend=False, append=False)).tolist()
    return list(zip(edges[::2], edges[1::2], strict=True))


def windows(settings: TaskSettings, trials: Trials) -> Iterator[Answer]:
    """All scored windows, without steps at which silence is asked for.

    Where targets are classes, the last scored step alone.
    """
    asked_BTO = trials.mask_BTO
    if settings.target_kind == "signs":
        asked_BTO = asked_BTO & (trials.target_BTO != 0)
    for trial, asked_TO in enumerate(asked_BTO):
        for output, asked_T in enumerate(asked_TO.T):
            spans = runs(asked_T)
            if settings.target_kind == "classes":
                spans = [(stop - 1, stop) for _, stop in spans[-1:]]
            for span in spans:
                yield Answer(trial, output, span)


def shown(settings: TaskSettings, trials: Trials) -> list[list[NDArray[np.bool_]]]:
    """For each output and trial, the steps with evidence, [T]."""
    return [
        list((trials.input_BTI[..., list(channels)] != 0).any(2))
        for channels in settings.evidence_channels
    ]
