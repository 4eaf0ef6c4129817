"""How the training of a network ended."""

from enum import StrEnum


class Status(StrEnum):
    """How the training of a network ended, by the word that tables hold."""

    CONVERGED = "converged"
    """It met its criterion."""
    TRAINED = "trained"
    """It trained to its cap of trials, and no criterion was set."""
    UNCONVERGED = "unconverged"
    """It trained to its cap of trials and did not meet its criterion."""
    DIVERGED = "diverged"
    """Its outputs or weights stopped being finite; its last finite weights are kept."""
    STOPPED = "stopped"
    """A search stopped its condition before it ended."""


LEARNED = (Status.CONVERGED, Status.TRAINED)
"""Statuses of networks that did what was asked of them."""
FAILED = (Status.UNCONVERGED, Status.DIVERGED)
"""Statuses of networks that did not."""
