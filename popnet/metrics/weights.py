"""Distance between the wiring of two networks, up to a relabelling of hidden units.

    d(A, B) = min over permutations P of |A - P B P'|_F / sqrt(|A|_F^2 + |B|_F^2) / d_N

0 for networks equal up to the labels of hidden units, about 1 for unrelated ones.
After Huang et al. (arXiv 2410.03972), sec. 4, made free of scale.  Even unrelated
matrices can be aligned a little, small ones more than large ones, so the distance is
given relative to d_N, what the same search finds between matrices of independent normal
numbers of that size (0.81 for 20 units, 0.91 for 200).  Other scales are settings; the
paper's, |A - P B P'|_F / N^2, falls with N for unrelated networks too.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from popnet.analysis.unit_alignment import apart_aligned, unrelated_distance
from popnet.config import Compared, Inconsistent, MetricSettings
from popnet.metrics._pairs import Prepared, by_content, one_by_one
from popnet.metrics._subject import Subject


class Weights(MetricSettings):
    """Relative Frobenius distance of recurrent weights after alignment.

    Symmetric; unchanged by relabelling hidden units of either network (as far as the
    search finds the best labels) and by a common scale; changed by anything else.
    With ``signed`` a unit's sign is a label too.  The scales ``raw``, ``per_unit`` and
    ``per_parameter`` grow with the weights of both.
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

    signed: Annotated[
        bool,
        Field(description="units may change their sign, a symmetry of odd phi (tanh)"),
    ] = False
    restarts: Annotated[
        int, Field(ge=0, le=1000, description="random starts of the search, besides 2")
    ] = 0
    scale: Annotated[
        Literal["unrelated", "relative", "raw", "per_unit", "per_parameter"],
        Field(
            description="the norm of the difference relative to that of unrelated "
            "matrices, or to the weights' norms; as it is, over N, or over N^2"
        ),
    ] = "unrelated"

    @model_validator(mode="after")
    def _search_of_labels(self) -> Weights:
        if not self.align and self.signed:
            raise Inconsistent("signed", "got true; nothing is aligned", "align")
        if not self.align and self.restarts:
            text = f"got {self.restarts}; nothing is aligned"
            raise Inconsistent("restarts", text, "align")
        return self

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
    norm = float(np.sqrt(np.sum(a**2) + np.sum(b**2)))
    plain = float(np.linalg.norm(a - b))
    if norm == 0:
        return 0.0
    if not settings.align:
        return _scaled(settings, plain, norm, len(a), [])
    if a.sum() < b.sum():  # one order for both directions: exactly symmetric
        a, b = b, a
    fixed = sorted({*one["fixed"].tolist(), *other["fixed"].tolist()})
    found = apart_aligned(a, b, fixed, settings.signed, settings.restarts)
    return _scaled(settings, min(plain, found), norm, len(a), fixed)


def _scaled(
    settings: Weights, found: float, norm: float, units: int, fixed: list[int]
) -> float:
    """The norm of the difference on the scale that is asked for."""
    if settings.scale == "raw":
        return found
    if settings.scale == "per_unit":
        return found / units
    if settings.scale == "per_parameter":
        return found / units**2
    if settings.scale == "relative" or not settings.align:  # unrelated and as it is: 1
        return found / norm
    search = settings.signed, settings.restarts
    return found / norm / unrelated_distance(units, len(fixed), *search)
