"""What of a task needs a memory: the silence to be bridged, and the score without.

B trials, T time steps, I inputs, O outputs.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from popnet.config import TaskSettings
from popnet.tasks import TASKS, Trials
from popnet.testing.answers import Span, all_settings, many, runs, shown, windows
from popnet.testing.drawn_trials import DT_S, share_correct
from popnet.testing.guessing import allowed

COARSE, FINE = 1, 6
"""Decimals to which inputs are the same: of noisy ones, and where nothing is drawn."""
NEARLY = 0.98
Floats = NDArray[np.float64]


class Seen(NamedTuple):
    """Pieces of answers, and the inputs from which each is to be given."""

    places: list[tuple[int, Span]]
    """Trial and steps."""
    seen_KF: Floats
    target_K: Floats
    """At the last of the steps."""


def memory_demand_is_the_silence_in_the_trials(name: str) -> None:
    """The silence after the first stimulus that is needed lasts ``memory_demand_s``."""
    for settings in all_settings(name):
        declared = settings.memory_demand_s
        if declared is None:
            assert TASKS[name].observe is None, "it declares no memory_demand_s"
            continue
        _, _, trials = many(name, settings, DT_S)
        silent_s = DT_S * np.array(list(silences(settings, trials)))
        room = DT_S + 4 * silent_s.std() / np.sqrt(len(silent_s))
        assert abs(silent_s.mean() - declared) <= room * (1 + 1e-6), (
            f"inputs are silent for {silent_s.mean():.4f} s before an answer, "
            f"memory_demand_s is {declared:.4f}, with {settings!r}"
        )


def silences(settings: TaskSettings, trials: Trials) -> Iterator[int]:
    """Silent steps from the first stimulus that an answer needs to its last step."""
    shown_OBT = shown(settings, trials)
    for trial, output, (start, stop) in windows(settings, trials):
        on_T = shown_OBT[output][trial]
        stimuli = [span for span in runs(on_T) if span[0] < stop]
        # a new stimulus in a window asks for a new answer
        ends = [onset for onset, _ in stimuli if onset > start]
        for end in (*ends, stop):
            before = [over for onset, over in stimuli if onset < end]
            assert len(before) >= settings.stimuli, (
                f"{len(before)} stimuli before an answer that needs {settings.stimuli}"
            )
            yield int((~on_T[before[-settings.stimuli] : end]).sum())


def memoryless_score_is_the_best_without_a_memory(name: str) -> None:
    """The best answer to the last stimulus alone is right in ``memoryless_score``."""
    for settings in all_settings(name):
        declared = settings.memoryless_score
        assert (declared is None) == (not settings.memory_demand_s), (
            f"memoryless_score {declared} where {settings.memory_demand_s} s have to "
            "be bridged"
        )
        if declared is None:
            continue
        share, trials = _share(name, settings, None)
        assert abs(share - declared) <= allowed(declared, trials), (
            f"without a memory {share:.3f} of the trials are right, memoryless_score "
            f"is {declared:.3f}, with {settings!r}"
        )


def as_many_stimuli_as_an_answer_needs(name: str) -> None:
    """The last ``stimuli`` of them tell the answer, and one less does not.

    For tasks whose observer is always right, and whose stimuli are over before that.
    """
    for settings in all_settings(name):
        if not settings.memory_demand_s or settings.ceiling < 1:
            continue
        _, _, trials = many(name, settings, DT_S)
        if settings.target_kind != "signs" or _within(settings, trials):
            continue
        enough, _ = _share(name, settings, settings.stimuli)
        assert enough >= NEARLY, (
            f"{settings.stimuli} stimuli tell {enough:.3f} of the answers"
        )
        fewer, _ = _share(name, settings, settings.stimuli - 1)
        assert fewer < NEARLY or settings.memoryless_score == 1, (
            f"{settings.stimuli - 1} stimuli are enough, for {fewer:.3f} of the answers"
        )


def _within(settings: TaskSettings, trials: Trials) -> bool:
    """Whether stimuli begin with a scored window or in it."""
    shown_OBT = shown(settings, trials)
    return any(
        start <= onset < stop
        for trial, output, (start, stop) in windows(settings, trials)
        for onset, _ in runs(shown_OBT[output][trial])
    )


def _share(name: str, settings: TaskSettings, stimuli: int | None) -> tuple[float, int]:
    """Share of new trials right by the answers that old ones had most often.

    ``stimuli``: how many are seen; None: as by an observer without a memory.
    """
    _, _, old = many(name, settings, DT_S, seed=1)
    _, types_B, new = many(name, settings, DT_S, seed=2)
    output_BTO = np.zeros(new.target_BTO.shape)
    for output in range(settings.outputs):
        known, asked = (_seen(settings, t, output, stimuli) for t in (old, new))
        seen_KF = np.concatenate([known.seen_KF, asked.seen_KF])
        cells, cell_K = np.unique(seen_KF, axis=0, return_inverse=True)
        cell_K = cell_K.reshape(-1)
        count = len(known.seen_KF)
        told_C = _best(settings, known.target_K, cell_K[:count], len(cells))
        told_K = told_C[cell_K[count:]]
        for (trial, (start, stop)), told in zip(asked.places, told_K, strict=True):
            output_BTO[trial, start:stop, output] = told
    return share_correct(name, output_BTO, new), len(types_B)


def _best(
    settings: TaskSettings, target_K: Floats, cell_K: NDArray[np.int64], cells: int
) -> Floats:
    """For each cell the commonest target, or the mean where targets are values."""
    if settings.target_kind == "values":
        sums_C = np.bincount(cell_K, target_K, cells)
        return sums_C / np.maximum(np.bincount(cell_K, minlength=cells), 1)
    values_V, value_K = np.unique(target_K, return_inverse=True)
    flat_K = cell_K * len(values_V) + value_K
    counts_CV = np.bincount(flat_K, minlength=cells * len(values_V))
    return values_V[counts_CV.reshape(cells, -1).argmax(1)]


def _seen(
    settings: TaskSettings, trials: Trials, output: int, stimuli: int | None
) -> Seen:
    """What is seen for each answer: the last stimuli before it, or each of its steps.

    Without a memory: the last of several stimuli, else what is on at each step.
    """
    shown_BT = shown(settings, trials)[output]
    own = set(settings.evidence_channels[output])
    every = {c for channels in settings.evidence_channels for c in channels}
    channels = sorted(own | (set(range(settings.inputs)) - every))
    input_BTI = trials.input_BTI[..., channels]
    answers = [a for a in windows(settings, trials) if a.output == output]
    over = [
        [one for one in runs(shown_BT[trial]) if one[0] < start]
        for trial, _, (start, _) in answers
    ]
    number = stimuli if stimuli is not None else min(len(over[0]) - 1, 1)
    decimals = FINE if TASKS[settings.name].fixed else COARSE
    places: list[tuple[int, Span]] = []
    seen: list[Floats] = []
    for (trial, _, span), stimuli_over in zip(answers, over, strict=True):
        steps_TI = input_BTI[trial]
        if number > 0 or stimuli == 0:
            last = stimuli_over[len(stimuli_over) - number :]
            means = [steps_TI[a:b].mean(0) for a, b in last]
            pieces, seen_KF = [span], np.concatenate([np.zeros(1), *means])[None]
        else:
            pieces = _alike(settings, steps_TI.round(decimals), span)
            seen_KF = steps_TI[[start for start, _ in pieces]]
        places += [(trial, piece) for piece in pieces]
        seen.append(seen_KF.round(decimals) + 0.0)
    ends = [(trial, stop - 1) for trial, (_, stop) in places]
    target_K = trials.target_BTO[*zip(*ends, strict=True), output]
    return Seen(places, np.concatenate(seen), target_K)


def _alike(settings: TaskSettings, input_TI: Floats, span: Span) -> list[Span]:
    """The pieces of a span with one input each; every step, where values are asked."""
    start, stop = span
    new_T = (np.diff(input_TI[start:stop], axis=0) != 0).any(1)
    new_T |= settings.target_kind == "values"
    edges = [start, *(start + 1 + np.flatnonzero(new_T)).tolist(), stop]
    return list(pairwise(edges))
