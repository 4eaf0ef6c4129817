"""Nothing is timed before both sides were seen to compute the same thing."""

from __future__ import annotations

from typing import Any

import numpy as np

WHOLE, CHANGE = 1e-4, 1e-2
"""Largest relative difference (Frobenius) of what is compared, and of its change."""
ABOVE = 1e-4
"""How much higher popnet's minimum may be, in its own units."""


class Different(SystemExit):
    """popnet and the alternative do not compute the same thing: nothing is timed."""


def same(what: str, ours: Any, theirs: Any, before: Any = 0.0) -> None:
    """Raises Different unless both agree to WHOLE, and in what changed to CHANGE."""
    own, other, old = (np.asarray(a, dtype=np.float64) for a in (ours, theirs, before))
    off = np.linalg.norm(own - other)
    for part, size, limit in (
        ("", np.linalg.norm(other), WHOLE),
        ("the change of ", np.linalg.norm(other - old), CHANGE),
    ):
        if not off <= limit * size:  # a NaN is different too
            raise Different(
                f"{what}: {part}popnet's and the alternative's differ by "
                f"{off / size:.1e}; allowed {limit:g}. Nothing was timed."
            )


def no_higher(what: str, ours: Any, theirs: Any) -> None:
    """Raises Different unless each minimum of popnet's is the alternative's or lower.

    For searches that may miss the minimum: they need not agree.
    """
    above = np.asarray(ours, dtype=np.float64) - np.asarray(theirs, dtype=np.float64)
    if not (above <= ABOVE).all():  # a NaN is too high
        raise Different(
            f"{what}: popnet's minimum is higher than the alternative's by "
            f"{above.max():.1e}; allowed {ABOVE:g}. Nothing was timed."
        )
