"""Largest sizes of a sweep and of a trial, and the check of a sweep's size."""

from __future__ import annotations

from popnet.config.reading import Source

LARGEST_SWEEP = 1_000_000
"""Networks of one sweep."""
MOST_STEPS = 10_000_000
"""Time steps of an epoch: what is more is a slip of a unit."""


def check_size(source: Source, conditions: int) -> None:
    """Refuse a sweep of too many networks before any of them is made.

    Raises ConfigError.
    """
    networks = source.raw.get("networks", 1)
    networks = max(networks, 1) if isinstance(networks, int) else 1
    if conditions * networks > LARGEST_SWEEP:
        product = f"{conditions:,} conditions x " if conditions > 1 else ""
        raise source.error(
            ("grid",) if conditions > 1 else ("networks",),
            f"{product}{networks:,} networks; at most "
            f"{LARGEST_SWEEP:,} networks in one sweep",
        )
