"""What people do today for FORCE: recursive least squares in NumPy, float64."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from side import Made, given

Array = NDArray[np.float64]
Update = Callable[[Array, Array, float], Array]
"""P, k = P r and c = 1 / (1 + r' k): the next P."""


def common(p: Array, k: Array, c: float) -> Array:
    """As most public code writes it.  Two arrays of P's size lie between.

    In a script that never freed a large array glibc gives them back to the system at
    each step and the system hands them out again, zeroed: five times as slow as where
    a library such as matplotlib has been loaded, which frees some.
    """
    p -= c * np.outer(k, k)
    return p


def outer(p: Array, k: Array, c: float) -> Array:
    """A new P at each step; here NumPy multiplies by c in place."""
    return p - np.outer(k, k) * c


def in_place(p: Array, k: Array, c: float) -> Array:
    """P where it lies, and one array between."""
    p -= np.outer(k, c * k)
    return p


def update_of(way: str) -> Update:
    """One of these by its name, or dger: P where it lies by BLAS, nothing between."""
    if way == "dger":
        # loaded only here: the others' processes are to have NumPy alone
        from scipy.linalg.blas import dger

        # BLAS wants columns together; P is symmetric
        return lambda p, k, c: dger(-c, k, k, a=p.T, overwrite_a=1).T
    return {"common": common, "outer": outer, "in_place": in_place}[way]


class ForceNetwork:
    """FORCE learning of a readout (Sussillo & Abbott, Neuron 2009;63:544)."""

    def __init__(
        self, w: Array, win: Array, wfb: Array, wout: Array, a: Array, p: Array,
        update: Update,
    ) -> None:  # fmt: skip
        self.w, self.win, self.wfb, self.a = w, win, wfb, a
        self.wout, self.p, self.update = wout, p, update

    def learn(self, input_TI: Array, target_TO: Array, start_N: Array) -> None:
        """One trial with an update at every step."""
        w, win, wfb, a = self.w, self.win, self.wfb, self.a
        x = start_N.copy()
        r = np.tanh(x)
        z = self.wout @ r
        for u, target in zip(input_TI, target_TO, strict=True):
            x = x + a * (w @ r + wfb @ z + win @ u - x)
            r = np.tanh(x)
            z = self.wout @ r
            k = self.p @ r
            c = 1 / (1 + r @ k)
            self.p = self.update(self.p, k, c)
            self.wout -= c * np.outer(z - target, k)
            z = self.wout @ r


def force(folder: Path, way: str, also: str = "") -> Made:
    """One network, the same trial again and again; ``also``: a module to load first."""
    if also:
        import_module(also)
    own = given(folder)
    leaves = [own[name] for name in ("w", "win", "wfb", "wout", "a", "p")]
    network = ForceNetwork(*leaves, update_of(way))
    trial = [own[name] for name in ("input_TI", "target_TO", "start_N")]
    network.learn(*trial)
    computed = {"W_out": network.wout, "P": network.p}
    return Made(lambda: network.learn(*trial), len(trial[0]), computed)
