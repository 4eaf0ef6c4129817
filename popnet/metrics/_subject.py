"""What a metric may see of one network: arrays, and the network itself.

B trials, S scored steps, O outputs, K trial types, T steps, N units, I inputs.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from popnet.dynamics.at_rest import AtRest


class Subject(NamedTuple):
    """A trained network as arrays and as itself; None where a metric needs it not."""

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
    """The same after training; T counts stored steps here, and each step below."""
    input_BTI: NDArray[np.floating] | None = None
    """What goes into the network in common trials, step by step."""
    untrained_BTN: NDArray[np.floating] | None = None
    """Rates in each of these trials, of the network as it was drawn."""
    trained_BTN: NDArray[np.floating] | None = None
    """The same after training."""
    again_BTN: NDArray[np.floating] | None = None
    """The trained network in the same trials once more, under other noise."""
    rest: AtRest | None = None
    """The trained network itself, at the rest inputs of its task."""

    @property
    def arrays(self) -> dict[str, NDArray[np.floating]]:
        """The arrays that are there, by name; not what lies within ``rest``."""
        return {
            name: value
            for name, value in self._asdict().items()
            if isinstance(value, np.ndarray)
        }


WITHIN: dict[str, tuple[str, ...]] = {
    "weights": ("initial_NN", "final_NN"),
    "response": ("response",),
    "activity": ("untrained_KTN", "trained_KTN"),
    "trials": ("input_BTI", "untrained_BTN", "trained_BTN", "again_BTN"),
    "rest": ("rest",),
}
"""The fields of a subject that belong to what a metric says it needs."""
