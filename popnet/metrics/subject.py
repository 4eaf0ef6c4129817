"""What comparisons see of a network: arrays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Subject(NamedTuple):
    """A trained network as arrays."""

    w_NN: NDArray[np.float32]
    """Recurrent weights, [post, pre]."""
    response: NDArray[np.float32]
    """Outputs in the scored windows of common trials, [B, S * O]."""
    fixed_units: tuple[int, ...]
    """Units with a role of their own (clamped, output): never exchanged."""
    untrained_w_NN: NDArray[np.float32] | None = None
    """Recurrent weights as they were drawn."""
    trajectory_KSN: NDArray[np.floating] | None = None
    """Mean rates over the trials of each type; None where they are not kept."""
    untrained_trajectory_KSN: NDArray[np.floating] | None = None
    """The same of the network as it was drawn."""
