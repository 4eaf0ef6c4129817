"""Distance between the wiring of two networks, up to a relabelling of hidden units.

    d(A, B) = min over permutations P of |A - P B P'|_F / sqrt(|A|_F^2 + |B|_F^2) / d_N

0 for networks equal up to the labels of hidden units, about 1 for unrelated ones.
After Huang et al. (arXiv 2410.03972), sec. 4, made free of scale.  Even unrelated
matrices can be aligned a little, small ones more than large ones, so the distance is
given relative to d_N, what the same search finds between matrices of independent normal
numbers of that size (0.81 for 20 units, 0.91 for 200).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from popnet.config import Compared, Inconsistent, MetricSettings
from popnet.metrics._pairs import Prepared, by_content, one_by_one
from popnet.metrics._subject import Subject

Array = NDArray[np.float64]


class Weights(MetricSettings):
    """Relative Frobenius distance of recurrent weights after alignment.

    Symmetric; unchanged by relabelling hidden units of either network (as far as the
    search finds the best labels) and by a common scale; changed by anything else.
    """

    reference: ClassVar[str] = "Huang et al. 2025, sec. 4; FAQ: Vogelstein et al. 2015"
    summary: ClassVar[str] = "how differently two networks are wired"
    needs: ClassVar[Compared] = ("weights",)
    invariances: ClassVar[frozenset[str]] = frozenset({"relabelling", "common scale"})
    name: Literal["weights"] = "weights"  # type: ignore[assignment]
    align: Annotated[
        bool, Field(description="find the best relabelling of hidden units first")
    ] = True
    of: Annotated[
        Literal["weights", "change"],
        Field(description="the weights, or how training changed them"),
    ] = "weights"
    untrained: Annotated[
        bool, Field(description="compare the networks as they were drawn: the null")
    ] = False
    shuffled: Annotated[
        bool,
        Field(description="compare the same numbers in a random order: the null"),
    ] = False

    @model_validator(mode="after")
    def _change_of_trained(self) -> Weights:
        if self.untrained and self.of == "change":
            raise Inconsistent(
                "untrained", "got true; networks as drawn have no change", "of"
            )
        return self


def recurrent_weights(settings: Weights, subject: Subject) -> dict[str, NDArray[Any]]:
    """The weights [post, pre] that are compared, and the units that are never moved."""
    chosen = subject.initial_NN if settings.untrained else subject.final_NN
    assert chosen is not None
    if settings.of == "change":
        assert subject.initial_NN is not None
        chosen = chosen.astype(np.float64) - subject.initial_NN
    if settings.shuffled:
        chosen = by_content(chosen).permuted(chosen.ravel()).reshape(chosen.shape)
    return {"w_NN": chosen, "fixed": np.array(subject.fixed_units, dtype=np.int64)}


def weight_distance(
    settings: Weights, a: Sequence[Prepared], b: Sequence[Prepared]
) -> NDArray[np.float64]:
    """The distance of each pair of networks of one size; NaN between sizes."""
    return one_by_one(partial(_distance, settings), a, b)


def _distance(settings: Weights, one: Prepared, other: Prepared) -> float:
    a, b = one["w_NN"].astype(np.float64), other["w_NN"].astype(np.float64)
    if a.shape != b.shape:
        return float("nan")
    scale = np.sqrt(np.sum(a**2) + np.sum(b**2))
    plain = float(np.linalg.norm(a - b))
    if scale == 0:
        return 0.0
    if not settings.align:
        return plain / float(scale)  # of unrelated matrices: 1
    if a.sum() < b.sum():  # one order for both directions: exactly symmetric
        a, b = b, a
    fixed = sorted({*one["fixed"].tolist(), *other["fixed"].tolist()})
    best = min(plain, _apart_aligned(a, b, fixed))
    return best / float(scale) / unrelated_distance(len(a), len(fixed))


def _apart_aligned(a: Array, b: Array, fixed: list[int]) -> float:
    """|A - P B P'|_F at the best alignment that is found."""
    order = aligned(a, b, fixed)
    return float(np.linalg.norm(a - b[np.ix_(order, order)]))


@lru_cache(maxsize=32)
def unrelated_distance(units: int, fixed: int = 0) -> float:
    """d_N: the mean aligned distance of matrices of independent normal numbers.

    The mean over pairs, always the same ones: its standard error is about 1 %.
    ``fixed``: how many of the units keep their places.
    """
    if units - fixed < 2:
        return 1.0
    random = np.random.default_rng(units)
    found = []
    for _ in range(4 + 400 // units):
        a, b = random.standard_normal((2, units, units))
        scale = np.sqrt(np.sum(a**2) + np.sum(b**2))
        apart = _apart_aligned(a, b, list(range(fixed)))
        found.append(min(apart, float(np.linalg.norm(a - b))) / scale)
    return float(np.mean(found))


def aligned(a: Array, b: Array, fixed: list[int]) -> NDArray[np.int64]:
    """The order of b's units that best matches a, by the FAQ heuristic.

    Maximises tr(A' P B P') over permutations that keep the ``fixed`` units.  The
    search starts once from the labels as they are and once from the barycentre.
    """
    # imported on first use: actors, which compare nothing, would each load it too
    from scipy.optimize import quadratic_assignment

    units = len(a)
    guesses = [
        {"P0": np.eye(units - len(fixed))},
        {"P0": "barycenter"},
    ]
    partial = np.array([[i, i] for i in fixed], dtype=np.int64).reshape(-1, 2)
    best_order, best_value = np.arange(units), float(np.sum(a * b))
    for guess in guesses:
        # a generator of its own: without one scipy turns to numpy's global one
        own = np.random.default_rng(0)
        options = {"maximize": True, "partial_match": partial, "rng": own, **guess}
        found = quadratic_assignment(a, b, method="faq", options=options)
        order = np.asarray(found.col_ind, dtype=np.int64)
        value = float(np.sum(a * b[np.ix_(order, order)]))
        if value > best_value:
            best_order, best_value = order, value
    return best_order
