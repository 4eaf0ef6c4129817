"""A made-up whole network, and changes of it that a measure may see or not.

P networks (1), B trials, T time steps, N units, I inputs, O outputs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from popnet.core.cell import Cell, Params
from popnet.measures import NetworkSeen, NetworkTrials

UNITS, INPUTS, OUTPUTS, TRIALS, STEPS = 6, 2, 2, 64, 12

_ORDER = torch.from_numpy(np.random.default_rng(3).permutation(UNITS))
_SIGN = torch.tensor([1.0, -1.0] * (UNITS // 2), dtype=torch.float64)


def whole_network() -> NetworkSeen:
    """A small network whose weights and biases training moved."""
    random = np.random.default_rng(0)
    initial = _drawn(random)
    more = _drawn(random)
    moved = {
        name: getattr(initial, name) + 0.4 * getattr(more, name)
        for name in ("w_PNN", "win_PNI", "wout_PON", "bias_PN")
    }
    final = initial._replace(**moved)
    shown = NetworkTrials(
        _normal(random, TRIALS, STEPS, INPUTS),
        _normal(random, TRIALS, STEPS, OUTPUTS),
        torch.from_numpy(random.random((1, TRIALS, STEPS, OUTPUTS)) < 0.8),
        0.3 * _normal(random, TRIALS, UNITS),
    )
    cell = Cell(0.01, "tanh", (), None)

    def trials(count: int) -> NetworkTrials:
        return NetworkTrials(*(leaf[:, :count] for leaf in shown))

    return NetworkSeen(initial, final, cell, trials, None, True)


def _normal(random: np.random.Generator, *shape: int) -> Tensor:
    return torch.from_numpy(random.standard_normal((1, *shape)))


def _drawn(random: np.random.Generator) -> Params:
    w_PNN = _normal(random, UNITS, UNITS) / UNITS**0.5
    steady_PN = torch.ones(1, UNITS, dtype=torch.float64)
    return Params(
        w_PNN,
        _normal(random, UNITS, INPUTS),
        _normal(random, OUTPUTS, UNITS),
        0.2 * _normal(random, UNITS),
        0.01 + 0.03 * torch.from_numpy(random.random((1, UNITS))),
        steady_PN,
        0.1 * _normal(random, UNITS),
        None,
        None,
    )


def _shown(change: Callable[[NetworkTrials], NetworkTrials]) -> Callable[[Any], Any]:
    """The same change of all trials."""

    def changed(seen: NetworkSeen) -> NetworkSeen:
        return seen._replace(trials=lambda count: change(seen.trials(count)))

    return changed


def _units(
    of_rows: Callable[[Tensor], Tensor], of_columns: Callable[[Tensor], Tensor]
) -> Callable[[Any], Any]:
    """A change of all hidden units: of axis 1, and of the last axis."""

    def reordered(params: Params) -> Params:
        assert params.wout_PON is not None
        return params._replace(
            w_PNN=of_columns(of_rows(params.w_PNN)),
            win_PNI=of_rows(params.win_PNI),
            wout_PON=of_columns(params.wout_PON),
            bias_PN=of_rows(params.bias_PN),
            threshold_PN=of_rows(params.threshold_PN),
        )

    def changed(seen: NetworkSeen) -> NetworkSeen:
        seen = seen._replace(
            initial=reordered(seen.initial), final=reordered(seen.final)
        )
        return _shown(lambda shown: shown._replace(x0_PBN=of_columns(shown.x0_PBN)))(
            seen
        )

    return changed


def _relabelled(seen: NetworkSeen) -> NetworkSeen:
    moved = _units(lambda leaf: leaf[:, _ORDER], lambda leaf: leaf[..., _ORDER])(seen)
    initial, final = (
        p._replace(tau_PN=p.tau_PN[:, _ORDER]) for p in (moved.initial, moved.final)
    )
    return moved._replace(initial=initial, final=final)


def _rows_signed(leaf: Tensor) -> Tensor:
    return leaf * _SIGN.reshape(-1, *[1] * (leaf.ndim - 2))


OF_NETWORKS: dict[str, Callable[[Any], Any]] = {
    "relabelling": _relabelled,
    "sign": _units(_rows_signed, lambda leaf: leaf * _SIGN),
    "reordering": _shown(
        lambda shown: NetworkTrials(*(leaf.flip(1) for leaf in shown))
    ),
    "other targets": _shown(
        lambda shown: shown._replace(target_PBTO=shown.target_PBTO + 3)
    ),
    "other beginning": lambda seen: seen._replace(
        initial=_drawn(np.random.default_rng(9))
    ),
    "gamma": lambda seen: seen._replace(gamma=3.0),
    "time step": lambda seen: seen._replace(cell=seen.cell._replace(dt_s=0.005)),
}
"""Changes of a network, by the invariance that makes each unseen."""


def arrays_of(seen: NetworkSeen) -> list[NDArray[Any]]:
    """All that a measure is given and may not write into."""
    whole = (*seen.initial, *seen.final, *seen.trials(TRIALS))
    return [leaf.numpy() for leaf in whole if leaf is not None]


def broken(seen: NetworkSeen) -> NetworkSeen:
    """The network with one weight that is not finite."""
    w_PNN = seen.final.w_PNN.clone()
    w_PNN[0, 1, 2] = torch.nan
    return seen._replace(final=seen.final._replace(w_PNN=w_PNN))
