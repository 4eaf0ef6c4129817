"""The outcomes of a network's training."""

from enum import StrEnum


class Status(StrEnum):
    """Outcome of a network's training, by the word used in tables."""

    CONVERGED = "converged"
    """It met its criterion."""
    TRAINED = "trained"
    """It trained to its cap of trials, and no criterion was set."""
    UNCONVERGED = "unconverged"
    """It trained to its cap of trials and did not meet its criterion."""
    DIVERGED = "diverged"
    """Its outputs or weights became infinite or NaN; the last finite ones are kept."""
    STOPPED = "stopped"
    """A search stopped its condition before the network ended."""


LEARNED = (Status.CONVERGED, Status.TRAINED)
"""Statuses of networks that met their criterion, or had none."""
FAILED = (Status.UNCONVERGED, Status.DIVERGED)
"""Statuses of networks that did not meet their criterion, or diverged."""
