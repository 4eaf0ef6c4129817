"""The same by the authors' package, dsa-metric, on a handful of networks or pairs.

M pairs, R rank, S = R + I.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
from dynamics import DELAYS
from numpy.typing import NDArray
from side import Made, given

sys.path.insert(0, str(Path(__file__).parents[1]))  # tests/helpers
ITERATIONS = 1500


def fitted(folder: Path) -> Made:
    """Its dynamic mode decomposition of each network."""
    from helpers import dsa_package

    found = given(folder)
    rates_PBTN, rank = found["rates_PBTN"], int(found["rank"])

    def fits() -> list[NDArray[np.float64]]:
        return [dsa_package.operator(x_BTN, DELAYS, rank) for x_BTN in rates_PBTN]

    values = [np.linalg.svd(a, compute_uv=False) for a in fits()]
    unit = np.stack([s / np.linalg.norm(s) for s in values])
    return Made(fits, len(rates_PBTN), {"singular values": unit})


def aligned(folder: Path, iterations: int = ITERATIONS) -> Made:
    """One of its searches for each pair; a run is one pair."""
    from helpers import dsa_package

    pairs = given(folder)["operators_M2RR"]
    found = [dsa_package.distance(a, b, iterations) for a, b in pairs]
    turn: Iterator[Any] = cycle(pairs)
    return Made(
        lambda: dsa_package.distance(*next(turn), iterations=iterations), 1,
        {"distance at most": np.array(found)},
    )  # fmt: skip


def driven(folder: Path) -> Made:
    """Its InputDSA, pair by pair, as it comes.

    The scores that must agree are taken with the published controllability matrix; its
    own holds powers of A' besides, and is what is timed.
    """
    from helpers import dsa_package

    from popnet.analysis.operator_alignment import controllability

    systems = given(folder)["systems_M2RS"]
    rank = systems.shape[2]
    pairs = [
        [x for system in pair for x in np.split(system, [rank], axis=1)]
        for pair in systems
    ]

    def published(a: Any, b: Any) -> NDArray[np.float64]:
        return controllability(a[None], b[None])[0]

    state = [dsa_package.input_scores(*p, controllability=published)[1] for p in pairs]

    def scores() -> None:
        for pair in pairs:
            dsa_package.input_scores(*pair)

    return Made(scores, len(pairs), {"state": np.array(state)})
