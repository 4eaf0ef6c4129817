"""The first trial of an environment made for it, all chance in it from one stream.

NeuroGym's environments make generators of their own when they are made, some draw from
them at once, and some keep what they have drawn from trial to trial.  So an environment
is made anew for every trial, and its generators draw from the trial's stream.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray


def first_trial(
    make: Callable[[], Any], own: np.random.Generator, whole: bool = False
) -> tuple[NDArray[np.floating], NDArray[Any]]:
    """Observations [T, ...] and the right class [T] of one trial of this stream.

    With ``whole`` the truth is as the environment gave it, before numpy cuts it to the
    whole numbers of classes.
    """
    with _random_from(own):
        made = make()
        if whole:
            made.action_space.dtype = np.dtype(float)
        made.new_trial()
    return made.ob, made.gt


@contextmanager
def _random_from(own: np.random.Generator) -> Iterator[None]:
    """Let generators that are made inside without a seed draw from this stream."""
    state, generator = np.random.RandomState, np.random.default_rng

    class FromStream(state):
        def __init__(self, seed: Any = None) -> None:
            super().__init__(own.bit_generator if seed is None else seed)

    def default(seed: Any = None) -> np.random.Generator:
        return own if seed is None else generator(seed)

    np.random.RandomState, np.random.default_rng = FromStream, default  # type: ignore[misc, assignment]
    try:
        yield
    finally:
        np.random.RandomState, np.random.default_rng = state, generator  # type: ignore[misc]
