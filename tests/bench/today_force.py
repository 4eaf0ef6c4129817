"""What people do today for FORCE: recursive least squares in NumPy, float64."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.blas import dger

Array = NDArray[np.float64]


class ForceNetwork:
    """FORCE learning of a readout (Sussillo & Abbott, Neuron 2009;63:544).

    ``in_place``: P is updated by BLAS where it lies, instead of by ``np.outer``.
    """

    def __init__(
        self, w: Array, win: Array, feedback: Array, wout: Array, a: Array, p: Array,
        in_place: bool,
    ) -> None:  # fmt: skip
        self.w, self.win, self.feedback, self.a = w, win, feedback, a
        self.wout = wout.copy()
        # P is symmetric; BLAS wants its columns together, NumPy its rows
        self.p = np.array(p, order="F" if in_place else "C")
        self.in_place = in_place

    def learn(self, input_TI: Array, target_TO: Array, start_N: Array) -> None:
        """One trial with an update at every step."""
        w, win, feedback, a = self.w, self.win, self.feedback, self.a
        x = start_N.copy()
        r = np.tanh(x)
        z = self.wout @ r
        for u, target in zip(input_TI, target_TO, strict=True):
            x = x + a * (w @ r + feedback @ z + win @ u - x)
            r = np.tanh(x)
            z = self.wout @ r
            k = self.p @ r
            c = 1 / (1 + r @ k)
            if self.in_place:
                self.p = dger(-c, k, k, a=self.p, overwrite_a=1)
            else:
                self.p -= c * np.outer(k, k)
            self.wout -= c * np.outer(z - target, k)
            z = self.wout @ r
