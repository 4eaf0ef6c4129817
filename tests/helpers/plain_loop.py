"""Networks in which every number differs, and a plain loop over a trial's steps."""

import numpy as np
import torch

from popnet.core.cell import NONLINEARITIES, Cell, Params
from popnet.core.impulses import ImpulseList, dense
from popnet.rules import Episode

F64 = torch.float64
P, B, T, N, I, O = 3, 2, 10, 6, 2, 2  # noqa: E741
CELL = Cell(0.001, "tanh", ((2, 0.5),), None)
NAMES = ("w_PNN", "win_PNI", "wout_PON", "bias_PN", "tau_PN")
ADAM = {
    "learning_rate": torch.tensor([1e-2, 1e-3, 0.0], dtype=F64),
    "beta1": torch.full((P,), 0.9, dtype=F64),
    "beta2": torch.full((P,), 0.999, dtype=F64),
    "epsilon": torch.full((P,), 1e-8, dtype=F64),
}


def networks_and_trials():
    """(Params, Episode, normal): time constants, noise, impulses, what is scored.

    ``normal`` draws what else a test needs.
    """
    g = torch.Generator().manual_seed(4)

    def normal(*shape):
        return torch.randn(*shape, generator=g, dtype=F64)

    params = Params(
        normal(P, N, N) / N**0.5, normal(P, N, I), normal(P, O, N) / N**0.5,
        0.1 * normal(P, N), 0.002 + 0.01 * torch.rand(P, N, generator=g, dtype=F64),
        1 + 0.2 * normal(P, N), 0.1 * normal(P, N), None, None,
    )  # fmt: skip
    mask = torch.rand(P, B, T, O, generator=g) < 0.6
    impulse = ImpulseList(
        np.array([0, 4, 4, 9]), np.array([5, 1, 3, 0]), np.arange(4.0) - 6
    )
    episode = Episode(
        normal(P, B, T, I), normal(P, B, T, O).sign(), mask,
        torch.zeros(P, B, dtype=torch.int64), torch.zeros(P, dtype=torch.int64),
        0.1 * normal(P, B, N), 0.2 * normal(P, B, T, N), [[impulse] * B] * P,
    )  # fmt: skip
    return params, episode, normal


def states(params, episode, cut=False):
    """x and r [P, B, T + 1, N] of each step, so that autograd can follow.

    ``cut``: the rates that W passes on are taken as given.
    """
    phi, _ = NONLINEARITIES["tanh"]
    impulses = torch.tensor(dense(episode.impulses[0][0], T, N))
    free = torch.ones(N, dtype=F64)
    free[2] = 0

    def rate(x):
        return phi(params.slope_PN[:, None] * (x - params.threshold_PN[:, None]))

    xs = [episode.x0_PBN * free + 0.5 * (1 - free)]
    rs = [rate(xs[0])]
    for t in range(T):
        passed = rs[-1].detach() if cut else rs[-1]
        total = torch.einsum("pij,pbj->pbi", params.w_PNN, passed)
        total = total + torch.einsum(
            "pik,pbk->pbi", params.win_PNI, episode.input_PBTI[:, :, t]
        )
        total = total + params.bias_PN[:, None] + impulses[t]
        total = total + episode.noise_PBTN[:, :, t]
        x = xs[-1] + 0.001 / params.tau_PN[:, None] * (total - xs[-1])
        xs.append(free * x + 0.5 * (1 - free))
        rs.append(rate(xs[-1]))
    return torch.stack(xs, 2), torch.stack(rs, 2)


def error_of(params, episode, r_PBSN):
    """By how much it is wrong where it is scored, and how many numbers are."""
    z = torch.einsum("poi,pbti->pbto", params.wout_PON, r_PBSN[:, :, 1:])
    wrong = torch.where(episode.mask_PBTO, z - episode.target_PBTO, 0.0)
    count = torch.stack([m.count_nonzero() for m in episode.mask_PBTO])
    return wrong, count[:, None, None, None]


def watching(params):
    """The same, and its leaves by name, for autograd."""
    leaves = {n: getattr(params, n).clone().requires_grad_() for n in NAMES}
    return params._replace(**leaves), leaves


def close(got, expected, name):
    """The same but for rounding in float64."""
    scale = float(expected.abs().max())
    torch.testing.assert_close(got, expected, rtol=0.0, atol=1e-12 * scale, msg=name)
