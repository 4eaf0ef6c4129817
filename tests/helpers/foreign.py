"""A folder of networks of other programs, made up: two kinds, relabelled copies."""

import numpy as np

UNITS, INPUTS, TRIALS, STEPS = 10, 2, 4, 15


def kinds(seed=0, spread=0.0, each=3):
    """Weights of ``each`` relabelled networks of two kinds, by name: a0 ..., b0 ..."""
    rng = np.random.default_rng(seed)
    found = {}
    for kind in "ab":
        w_NN = 0.4 * rng.standard_normal((UNITS, UNITS))
        w_NI = rng.standard_normal((UNITS, INPUTS))
        w_ON = rng.standard_normal((1, UNITS))
        for number in range(each):
            order = rng.permutation(UNITS)
            noise = spread * rng.standard_normal((UNITS, UNITS))
            found[f"{kind}{number}"] = {
                "W_rec": (w_NN + noise)[np.ix_(order, order)],
                "W_in": w_NI[order],
                "W_out": w_ON[:, order],
                "b_rec": np.zeros(UNITS),
            }
    return found


def put(folder, networks, stated="", **more):
    """Write networks as .npz files, and compare.yaml; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, arrays in networks.items():
        np.savez(folder / f"{name}.npz", **arrays, **more)
    if stated:
        (folder / "compare.yaml").write_text(stated)
    return folder


DRIVEN = """\
inputs: drive.npy
dt_s: 0.01
tau_s: 0.05
nonlinearity: tanh
conditions: {first: ["a*"], second: ["b*"]}
"""


def driven(folder, networks, stated=DRIVEN, **more):
    """The same, with inputs to run the networks on."""
    put(folder, networks, stated, **more)
    rng = np.random.default_rng(9)
    np.save(folder / "drive.npy", rng.standard_normal((TRIALS, STEPS, INPUTS)))
    return folder
