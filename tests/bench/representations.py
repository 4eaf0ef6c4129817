"""Linear CKA of all pairs of networks: popnet's metric, and the formula pair by pair.

P networks, S samples, N units.  Both sides get the same rates.
"""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from side import Made, give, given

NETWORKS, SAMPLES, UNITS, SIGNALS = 50, 512, 128, 12


def at_once(
    folder: Path, networks: int = NETWORKS, samples: int = SAMPLES, units: int = UNITS
) -> Made:
    """popnet's side: preparing every network is included."""
    from popnet.metrics import METRICS, Subject

    rates_PSN = drawn(networks, samples, units)
    give(folder, rates_PSN=rates_PSN)
    metric = METRICS["cka"]
    settings = metric.settings(samples=samples)  # type: ignore[call-arg]
    pairs = list(combinations(range(networks), 2))

    def similarities() -> NDArray[np.float64]:
        subjects = (Subject(trained_BTN=x_SN[None]) for x_SN in rates_PSN)
        made = [metric.prepare(settings, subject) for subject in subjects]
        a, b = ([made[pair[side]] for pair in pairs] for side in (0, 1))
        found = metric.compare(settings, a, b)
        assert isinstance(found, np.ndarray)
        return found

    return Made(similarities, len(pairs), {"similarities": similarities()})


def pair_by_pair(folder: Path, norms: bool = False) -> Made:
    """The published formula; ``norms``: those of each network are computed once."""
    rates_PSN = given(folder)["rates_PSN"]
    pairs = list(combinations(range(len(rates_PSN)), 2))

    def similarities() -> NDArray[np.float64]:
        x_PSN = [x_SN - x_SN.mean(axis=0) for x_SN in rates_PSN]
        if not norms:
            return np.array([cka(x_PSN[a], x_PSN[b]) for a, b in pairs])
        own_P = [np.linalg.norm(x_SN.T @ x_SN) for x_SN in x_PSN]
        return np.array(
            [
                np.linalg.norm(x_PSN[b].T @ x_PSN[a]) ** 2 / (own_P[a] * own_P[b])
                for a, b in pairs
            ]
        )

    return Made(similarities, len(pairs), {"similarities": similarities()})


def cka(x_SN: NDArray[np.floating], y_SN: NDArray[np.floating]) -> float:
    """|Y' X|_F^2 / (|X' X|_F |Y' Y|_F) of centred samples."""
    norms = np.linalg.norm(x_SN.T @ x_SN) * np.linalg.norm(y_SN.T @ y_SN)
    return float(np.linalg.norm(y_SN.T @ x_SN) ** 2 / norms)


def drawn(networks: int, samples: int, units: int) -> NDArray[np.float32]:
    """Rates [P, S, N] that follow common signals, each unit with weights of its own."""
    random = np.random.default_rng(0)
    signals = random.standard_normal((samples, SIGNALS))
    mixing = random.standard_normal((networks, SIGNALS, units)) / np.sqrt(SIGNALS)
    noise = 0.3 * random.standard_normal((networks, samples, units))
    return np.tanh(signals @ mixing + noise).astype(np.float32)
