"""Distance between the linear dynamics of two networks that are driven by inputs.

R rank, I inputs, M pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from popnet.analysis.delay_embedding import LinearDynamics, input_excitation
from popnet.analysis.operator_alignment import input_scores
from popnet.metrics._linear_dynamics import LinearDynamicsSettings, filled_up, fits
from popnet.metrics._pairs import Prepared
from popnet.metrics._subject import Subject


class InputDSA(LinearDynamicsSettings):
    """Distance of two driven systems under the rotation that aligns both parts.

        z(t + 1) = A z(t) + B u(t + 1),   K = [B, A B, ..., A^(R-1) B]
        joint: min over C in O(R) of the angle between C K_1 and K_2, or of their
        distance ||C K_1 - K_2||_F;  under this C, state: of C A_1 C' and A_2,
        input: of C B_1 and B_2

    A closed form, without a search.  NaN where activity does not vary, and where the
    inputs excite too few directions for A and B to be told apart: where their Hankel
    matrix lacks rank, as under inputs that are constant within each trial.  State and
    input are NaN, too, where several rotations are equally good.
    """

    reference: ClassVar[str] = "Huang, Ostrow et al. 2026, ICLR (InputDSA)"
    summary: ClassVar[str] = "how differently two networks' activity answers to inputs"
    name: Literal["input_dsa"] = "input_dsa"  # type: ignore[assignment]
    score: Annotated[
        Literal["angular", "euclidean"],
        Field(description="an angle in radians, or a Frobenius norm"),
    ] = "angular"
    of: Annotated[
        Literal["joint", "state", "input"],
        Field(description="compare A and B together, or one of them"),
    ] = "joint"


def driven_systems(settings: InputDSA, subject: Subject) -> dict[str, NDArray[Any]]:
    """A and B in one array [R, R + I], with ``again`` of each half of the trials.

    Beside them: the number of directions of the state, the rank of the inputs' Hankel
    matrix and the one that it could have, and the error in trials that were held out.
    """
    assert subject.input_BTI is not None
    found = fits(settings, subject, driven=True)
    made: dict[str, NDArray[Any]] = {
        name: _side_by_side(fit, settings.rank)
        for name, fit in zip(("system_RS", "again_RS"), found, strict=False)
    }
    excited = input_excitation(subject.input_BTI, settings.delays, settings.interval)
    return made | {
        "directions": np.array([len(fit.operator_RR) for fit in found]),
        "input_rank": np.array(excited),
        "heldout_error": np.array([fit.heldout_error for fit in found]),
    }


def _side_by_side(fit: LinearDynamics, rank: int) -> NDArray[np.float64]:
    a_RR = filled_up(fit.operator_RR, rank, rank)
    b_RI = filled_up(fit.input_RI, rank, fit.input_RI.shape[1])
    return np.concatenate([a_RR, b_RI], axis=1)


def driven_distance(
    settings: InputDSA, a: Sequence[Prepared], b: Sequence[Prepared]
) -> NDArray[np.float64]:
    """The distance of each pair, all at once; NaN where it is not defined."""
    other, last = ("again_RS", 1) if settings.again else ("system_RS", 0)
    one, two = np.stack([p["system_RS"] for p in a]), np.stack([p[other] for p in b])
    excited = np.array([_excited(x) and _excited(y) for x, y in zip(a, b, strict=True)])
    known = excited & np.isfinite(one).all((1, 2)) & np.isfinite(two).all((1, 2))
    found = np.full(len(one), np.nan)
    if not known.any():
        return found
    rank = settings.rank
    (a1, b1), (a2, b2) = (np.split(x[known], [rank], axis=2) for x in (one, two))
    scores = input_scores(a1, b1, a2, b2, angular=settings.score == "angular")
    found[known] = getattr(scores, f"{settings.of}_M")
    least = [
        min(x["directions"][0], y["directions"][last])
        for x, y in zip(a, b, strict=True)
    ]
    if settings.of != "joint":
        unique = scores.rank_M >= np.array(least)[known]
        found[known] = np.where(unique, found[known], np.nan)
    return found


def _excited(prepared: Prepared) -> bool:
    rank, possible = prepared["input_rank"]
    return possible > 0 and rank >= possible
