"""The arrays of one network that a metric may see.

B trials, S scored steps, O outputs, K trial types, T stored steps, N units.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Subject(NamedTuple):
    """A trained network as arrays; of those a metric does not need, None."""

    fixed_units: tuple[int, ...] = ()
    """Units with a role of their own (clamped, output): never exchanged."""
    initial_NN: NDArray[np.floating] | None = None
    """Recurrent weights as they were drawn, [post, pre], with the output fed back."""
    final_NN: NDArray[np.floating] | None = None
    """Recurrent weights after training."""
    response: NDArray[np.floating] | None = None
    """Outputs in the scored windows of common trials, [B, S * O]."""
    untrained_KTN: NDArray[np.floating] | None = None
    """Mean rates over the trials of each type, of the network as it was drawn."""
    trained_KTN: NDArray[np.floating] | None = None
    """The same after training."""


WITHIN: dict[str, tuple[str, ...]] = {
    "weights": ("initial_NN", "final_NN"),
    "response": ("response",),
    "activity": ("untrained_KTN", "trained_KTN"),
}
"""The arrays of a subject that belong to what a metric says it needs."""
