"""The matrices from which the search for the best rotation of two operators starts.

n dimensions, K starts.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
SEED = 7
"""Seed of the random starts, one for all pairs: values are repeatable."""


def rotation_starts(a_nn: Array, b_nn: Array, starts: int) -> Array:
    """The K starts of the search, [K, n, n]: orthogonal, with determinants 1 and -1.

    The first leave the axes as they are, and as the eigenvectors of the symmetric parts
    have them, and choose their signs well: networks that are rotated copies of each
    other have operators that differ in signs.  Then come, in turns, these eigenvectors
    with random signs and rotations drawn evenly from O(n), the same for every pair.
    """
    random, n = np.random.default_rng(SEED), len(a_nn)
    (_, u_nn), (_, v_nn) = (np.linalg.eigh(x + x.T) for x in (a_nn, b_nn))
    signs = best_signs(a_nn, b_nn)
    turned = best_signs(u_nn.T @ a_nn @ u_nn, v_nn.T @ b_nn @ v_nn)
    made = [np.diag(signs), (u_nn * turned) @ v_nn.T]
    while len(made) < starts:
        made.append((u_nn * random.choice([-1.0, 1.0], n)) @ v_nn.T)
        q_nn, r_nn = np.linalg.qr(random.standard_normal((n, n)))
        made.append(q_nn * np.sign(np.diag(r_nn)))
    return np.stack(made[:starts])


def best_signs(a_nn: Array, b_nn: Array) -> Array:
    """Signs s, [n], that make sum_ij s_i s_j A_ij B_ij large.

    Those of the leading eigenvector of the terms, then flipped while that helps: exact
    where B is A with signs.
    """
    terms = a_nn * b_nn
    terms = terms + terms.T
    np.fill_diagonal(terms, 0)
    s = np.where(np.linalg.eigh(terms)[1][:, -1] < 0, -1.0, 1.0)
    while True:
        gain = s * (terms @ s)
        worst = int(gain.argmin())
        if gain[worst] >= -1e-14:
            return s
        s[worst] = -s[worst]
