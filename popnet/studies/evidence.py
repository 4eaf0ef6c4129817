"""Evidence for a claim: numbers per seed, held against a smallest effect of interest.

A part of a claim is the mean over seeds of one number per seed, and a prediction of it:

    prediction   shown to hold                       shown not to hold
    above        interval above ``none``, and the    interval below ``smallest``
                 mean at ``smallest`` at least
    below        interval below ``none``, and the    interval above ``smallest``
                 mean at ``smallest`` at most
    within       interval inside +-``smallest``      interval beyond one of the two

``smallest`` is the smallest effect of interest, ``none`` the number where there is no
effect.  So a claim of an effect is denied by an effect in the other direction, and by
the evidence that it is smaller than any of interest; a claim of no effect is held up by
that evidence.  The intervals are of ``popnet.analysis.intervals``.

Parts are joined by ``AllOf``, ``AnyOf`` and ``Not``, and ``Unless`` holds single cases
against a whole.  Everything is judged by two
p-values: 1 - the level of the widest interval that still shows the claim true, and that
still shows it false.  Where one part of K is enough, it is Bonferroni's K p.

Leading axes of the numbers are experiments.  ``planted`` makes such experiments for the
table of power: seeds drawn with replacement from the run's own, and the means moved to
where the claim is true, where it is false, and to the null: no effect, or for a claim
that there is none, or more than some size, exactly that size.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from popnet.analysis.intervals import Effect, Limits, excluded_at, mean_interval

Array = NDArray[np.float64]
Prediction = Literal["above", "below", "within"]
TRUE, NULL, FALSE = 1, 0, -1
"""What is planted."""
FEWEST = 3
"""Seeds that a part needs to be judged."""
COUNTS = 0.05
"""A single case that is shown at this level counts against a whole."""


class Shown(NamedTuple):
    """The p-values at which a claim is shown to be true, and to be false."""

    true: Array
    false: Array


class Draws(NamedTuple):
    """Random numbers of D experiments that all parts of a claim share."""

    seeds_DS: Array
    """uniform on [0, 1): which seed is drawn; S the most seeds of any part"""
    random: np.random.Generator
    """chooses the part that is true alone, or false alone"""

    def resampled(self, seeds: int) -> NDArray[np.int64]:
        """The seeds drawn in each experiment, of as many as a part has."""
        return (self.seeds_DS[:, :seeds] * seeds).astype(np.int64)


class Evidence(Protocol):
    """What can be judged, and planted."""

    def shown(self) -> Shown:
        """Judge it."""
        ...

    def planted(self, truth_D: NDArray[np.int64], draws: Draws) -> Evidence:
        """Experiments in which it is true (1), false (-1) or null (0)."""
        ...

    @property
    def seeds(self) -> int:
        """The most seeds that a part has."""
        ...


class Mean(NamedTuple):
    """One number per seed, and what is predicted of their mean."""

    values_S: Array
    prediction: Prediction
    smallest: float
    none: float = 0.0
    limits: Limits | None = None
    """the range of values that fill theirs"""

    @property
    def seeds(self) -> int:
        """How many seeds there are."""
        return self.values_S.shape[-1]

    @property
    def effect(self) -> Effect:
        """The mean with its interval of 95 %."""
        return mean_interval(self.values_S, limits=self.limits)

    def shown(self) -> Shown:
        """Judge the mean by its intervals."""
        values, smallest, none = self.values_S, self.smallest, self.none
        if self.seeds < FEWEST:
            return Shown(np.ones(values.shape[:-1]), np.ones(values.shape[:-1]))
        if self.prediction == "below":
            values, smallest, none = -values, -smallest, -none
        mean = values.mean(axis=-1)
        upper = excluded_at(values, smallest, self.limits)
        if self.prediction == "within":
            lower = excluded_at(values, -smallest, self.limits)
            inside = np.abs(mean) < smallest
            true = np.where(inside, np.maximum(lower, upper), 1.0)
            return Shown(true, np.where(inside, 1.0, np.maximum(lower, upper)))
        beyond = (mean >= smallest) & (mean > none)
        true = np.where(beyond, excluded_at(values, none, self.limits), 1.0)
        return Shown(true, np.where(mean < smallest, upper, 1.0))

    def planted(self, truth_D: NDArray[np.int64], draws: Draws) -> Mean:
        """Move the mean: an effect is planted at twice the smallest of interest.

        Its opposite is as far on the other side of none.  The null of an effect is
        none, that of its absence the smallest effect.
        """
        true = 0.0 if self.prediction == "within" else 2 * self.smallest
        null = self.smallest if self.prediction == "within" else self.none
        mean_D = np.choose(truth_D + 1, [2 * null - true, null, true])
        drawn_DS = resampled_residuals(self.values_S, draws)
        return self._replace(values_S=drawn_DS + mean_D[:, None])


class AllOf(NamedTuple):
    """It is true where every part is, and false where one is."""

    parts: tuple[Evidence, ...]

    @property
    def seeds(self) -> int:
        """The most seeds that a part has."""
        return max((part.seeds for part in self.parts), default=0)

    def shown(self) -> Shown:
        """Judge the parts."""
        if not self.parts:
            return Shown(np.array(1.0), np.array(1.0))
        true, false = zip(*(part.shown() for part in self.parts), strict=True)
        one = np.minimum(1.0, len(self.parts) * np.min(false, axis=0))
        return Shown(np.max(true, axis=0), one)

    def planted(self, truth_D: NDArray[np.int64], draws: Draws) -> AllOf:
        """Plant it; false is one part alone, another in each experiment."""
        return AllOf(_one_alone(self.parts, truth_D, FALSE, draws))


class AnyOf(NamedTuple):
    """It is true where one part is, and false where every part is."""

    parts: tuple[Evidence, ...]

    @property
    def seeds(self) -> int:
        """The most seeds that a part has."""
        return max((part.seeds for part in self.parts), default=0)

    def shown(self) -> Shown:
        """Judge the parts."""
        false, true = AllOf(tuple(Not(part) for part in self.parts)).shown()
        return Shown(true, false)

    def planted(self, truth_D: NDArray[np.int64], draws: Draws) -> AnyOf:
        """Plant it; true is one part alone, another in each experiment."""
        return AnyOf(_one_alone(self.parts, truth_D, TRUE, draws))


class Not(NamedTuple):
    """It is true where the part is false."""

    part: Evidence

    @property
    def seeds(self) -> int:
        """The seeds of the part."""
        return self.part.seeds

    def shown(self) -> Shown:
        """Judge the part."""
        true, false = self.part.shown()
        return Shown(false, true)

    def planted(self, truth_D: NDArray[np.int64], draws: Draws) -> Not:
        """Plant the opposite in the part."""
        return Not(self.part.planted(-truth_D, draws))


class Unless(NamedTuple):
    """It is true where its part is, unless a single case is shown to be against it.

    The part is a mean over cases (metrics, tasks x levels), of which each is known less
    well than their mean.  Bonferroni's 2 p decides where it is false.
    """

    part: Evidence
    against: float
    """the p-value of the clearest case against it, corrected for the number of cases"""

    @property
    def seeds(self) -> int:
        """The seeds of the part."""
        return self.part.seeds

    def shown(self) -> Shown:
        """Judge the part, and the case against it."""
        true, false = self.part.shown()
        one = np.minimum(1.0, 2 * np.minimum(false, self.against))
        return Shown(np.where(self.against <= COUNTS, 1.0, true), one)

    def planted(self, truth_D: NDArray[np.int64], draws: Draws) -> Unless:
        """Plant it in the part, and no case against it."""
        return Unless(self.part.planted(truth_D, draws), 1.0)


def above(values: ArrayLike, smallest: float, none: float = 0.0) -> Mean:
    """Predict a mean above ``none``, by ``smallest`` or more."""
    return Mean(_finite(values), "above", smallest, none)


def below(values: ArrayLike, smallest: float, none: float = 0.0) -> Mean:
    """Predict a mean below ``none``, at ``smallest`` or less."""
    return Mean(_finite(values), "below", smallest, none)


def within(values: ArrayLike, smallest: float) -> Mean:
    """Predict a mean nearer to 0 than ``smallest``."""
    return Mean(_finite(values), "within", smallest)


def _finite(values: ArrayLike) -> Array:
    known = np.asarray(values, float)
    return known[np.isfinite(known)]


def resampled_residuals(values_S: Array, draws: Draws) -> Array:
    """What is left of the mean, of seeds drawn with replacement: [..., D, S].

    As spread as the deviation without bias says.
    """
    n = values_S.shape[-1]
    own_S = values_S - values_S.mean(axis=-1, keepdims=True)
    return own_S[..., draws.resampled(n)] * np.sqrt(n / max(n - 1, 1))


def _one_alone(
    parts: tuple[Evidence, ...], truth_D: NDArray[np.int64], which: int, draws: Draws
) -> tuple[Evidence, ...]:
    """Plant ``which`` in one part of each experiment, its opposite in the others."""
    alone_D = draws.random.integers(max(len(parts), 1), size=len(truth_D))
    return tuple(
        part.planted(np.where((truth_D == which) & (alone_D != i), -which, truth_D),
                     draws)
        for i, part in enumerate(parts)
    )  # fmt: skip
