"""The search for fixed points beside scipy's: python tests/bench/root_finding.py

One random network of 64 units, gain 1.2 and 1.5, 100 starts each, one thread, CPU time
per start.  scipy gets no derivative, as in the published code of McMahan et al. (2021),
and then the analytic one, which nobody passes to it.  Prints a Markdown table.
"""

import time

import numpy as np
import torch
from scipy.optimize import root

from popnet.core.autonomous import autonomous
from popnet.core.cell import Cell, Params
from popnet.kernels.roots import solve

UNITS, STARTS, EXACT = 64, 100, 1e-16


def network(gain, seed=0):
    g = torch.Generator().manual_seed(seed)
    w_PNN = torch.randn(1, UNITS, UNITS, generator=g, dtype=torch.float64)
    one_PN = torch.ones(1, UNITS, dtype=torch.float64)
    bias_PN = 0.1 * torch.randn(1, UNITS, generator=g, dtype=torch.float64)
    params = Params(
        gain / UNITS**0.5 * w_PNN, one_PN[..., None], None, bias_PN, 0.05 * one_PN,
        one_PN, 0 * one_PN, None, None,
    )  # fmt: skip
    level = torch.zeros(1, 1, 1, dtype=torch.float64)
    return autonomous(params, Cell(0.005, "tanh", (), 0), level)


def of_scipy(w_NN, c_N, x_FN, derivative):
    one_NN = np.eye(UNITS)

    def slope(x):
        return w_NN * (1 - np.tanh(x) ** 2) - one_NN

    found = [
        root(
            lambda x: -x + w_NN @ np.tanh(x) + c_N,
            x,
            method="lm",
            tol=1e-8,
            jac=slope if derivative else None,
        )
        for x in x_FN
    ]
    return np.array([m.fun @ m.fun / 2 for m in found])


def timed(search):
    """CPU milliseconds per start, the best of three, and the share of roots."""
    best, q_F = np.inf, np.empty(0)
    for _ in range(3):
        begin = time.process_time()
        q_F = search()
        best = min(best, time.process_time() - begin)
    return 1e3 * best / STARTS, np.mean(q_F < EXACT)


def main():
    torch.set_num_threads(1)
    print("| gain | search | ms per start | popnet is faster by | share of roots |")
    print("|---|---|---|---|---|")
    for gain in (1.2, 1.5):
        networks = network(gain)
        w_NN, c_N = networks.w_PUU[0].numpy(), networks.drive_PLU[0, 0].numpy()
        g = torch.Generator().manual_seed(1)
        start = 3 * torch.randn(1, 1, STARTS, UNITS, generator=g, dtype=torch.float64)
        solve(networks, start[:, :, :1])
        x_FN = start[0, 0].numpy()
        searches = {
            "popnet": lambda n=networks, s=start: (
                solve(n, s).residual_PLF[0, 0].numpy()
            ),
            "scipy lm": lambda w=w_NN, c=c_N, x=x_FN: of_scipy(w, c, x, False),
            "scipy lm, analytic J": lambda w=w_NN, c=c_N, x=x_FN: of_scipy(
                w, c, x, True
            ),
        }
        ours = None
        for name, search in searches.items():
            each, share = timed(search)
            ours = ours or each
            row = gain, name, f"{each:.3f}", f"{each / ours:.1f}", f"{share:.2f}"
            print("| " + " | ".join(map(str, row)) + " |", flush=True)


if __name__ == "__main__":
    main()
