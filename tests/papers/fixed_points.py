"""Fixed points of trained networks under a constant input, found one by one.

x = W tanh(x) + W_in u + b, by scipy's Levenberg-Marquardt from many starts.  A root is
one whose residual says so (lm reports success at places that are none), stable if the
Jacobian -I + W diag(1 - tanh^2 x) has no eigenvalue with a real part above 0.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import root

import popnet as pn

INPUTS = (-0.01, 0.0, 0.01)
"""Weak: the means of the evidence go up to 0.19."""
STARTS, RESIDUAL, APART = 60, 1e-9, 1e-3


def fixed_points(w_NN, drive_N, seed=0):
    """All that were found, [K, N], and how many unstable directions each has."""
    units = len(drive_N)
    random = np.random.default_rng(seed)
    found, index = [], []
    for scale in np.linspace(0.0, 5.0, STARTS):
        start = scale * random.uniform(-1, 1, units)
        made = root(
            lambda x: -x + w_NN @ np.tanh(x) + drive_N,
            start,
            jac=lambda x: -np.eye(units) + w_NN * (1 - np.tanh(x) ** 2),
            method="lm",
            options={"xtol": 1e-13, "ftol": 1e-13},
        )
        x = made.x
        if np.abs(-x + w_NN @ np.tanh(x) + drive_N).max() > RESIDUAL:
            continue
        if all(np.linalg.norm(x - other) > APART for other in found):
            slope = -np.eye(units) + w_NN * (1 - np.tanh(x) ** 2)
            found.append(x)
            index.append(int((np.linalg.eigvals(slope).real > 0).sum()))
    return np.array(found), index


def counted(run: pn.Run) -> str:
    """How many networks of a run have two stable points and a saddle between them."""
    table = run.table()
    table = table[table["trials_to_criterion"].notna()]
    three = {u: 0 for u in INPUTS}
    for key in table["key"]:
        final = run.network(key).final
        w_NN, win_NI = (final[name].astype(float) for name in ("recurrent", "input"))
        for u in INPUTS:
            _, index = fixed_points(w_NN, win_NI[:, 0] * u + final["bias"])
            three[u] += sorted(index) == [0, 0, 1]
    counts = ", ".join(f"{n} of {len(table)} at {u:+g}" for u, n in three.items())
    return (
        "Fixed points of the full-FORCE networks for constant weak input: exactly two "
        f"stable ones and a saddle with one unstable direction in {counts}."
    )
