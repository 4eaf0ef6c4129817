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


def slowest_s(w_NN, point_N, tau_s):
    """Time constant of the slowest direction at a stable point."""
    slope = -np.eye(len(w_NN)) + w_NN * (1 - np.tanh(point_N) ** 2)
    return -tau_s / np.linalg.eigvals(slope).real.max()


def counted(run: pn.Run, alpha: float, chosen_on: int = 0) -> str:
    """How many networks have two stable points and a saddle; how slow others are.

    ``chosen_on``: alpha was chosen by looking at so many of them, which do not count.
    """
    table = run.table()
    table = table[table["index"] >= chosen_on]
    table = table[table["trials_to_criterion"].notna()]
    table = table[table["rule.alpha"] == alpha]
    three, slow = {u: 0 for u in INPUTS}, []
    for key, tau_s in zip(table["key"], table["network.tau_s.mean"], strict=True):
        final = run.network(key).final
        w_NN, win_N = final["recurrent"].astype(float), final["input"][:, 0]
        for u in INPUTS:
            points, index = fixed_points(w_NN, win_N * u + final["bias"])
            three[u] += sorted(index) == [0, 0, 1]
            if u == 0 and index == [0]:
                slow.append(slowest_s(w_NN, points[0], tau_s))
    holds = min(three.values()) > len(table) / 2
    text = (
        "Fixed points for constant weak input, of the full-FORCE networks (alpha "
        f"{alpha:,.0f}) that met the criterion: two stable ones and a saddle between "
        "them (as in the one network of theirs that was looked at) in "
        + ", ".join(f"{n} of {len(table)} at {u:+g}" for u, n in three.items())
        + (f" (without the {chosen_on} that alpha was chosen on)" if chosen_on else "")
        + f". **The claim {'holds' if holds else 'does not come out'} here.**"
    )
    if not slow:
        return text
    low, middle, high = np.quantile(slow, [0.25, 0.5, 0.75])
    return (
        f"{text} {len(slow)} have a single one without input, stable, whose slowest "
        f"direction decays in {middle:.2g} s (quartiles {low:.2g} to {high:.2g})."
    )
