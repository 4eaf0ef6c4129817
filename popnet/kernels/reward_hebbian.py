"""One trial of reward-modulated Hebbian learning, one network at a time, compiled.

The same mathematics as ``rules.reward_hebbian.trace_factors`` in float32; the loops
depend on the number of units and steps alone, so a network's result is bit for bit
the same in any population.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numba
import numpy as np
import torch
from torch import Tensor

from popnet.core.cell import Cell, Params, pick
from popnet.core.constraints import project
from popnet.core.kicks import NO_KICKS, Kicks
from popnet.core.rollout import readout
from popnet.core.scoring import Score

CODES = {
    "tanh": 0,
    "relu": 1,
    "one_plus_tanh": 2,
    "rectified_tanh": 3,
    "softplus": 4,
}
# "nnan" and "ninf" are left out: a diverged network must look diverged
_FAST = {"contract", "nsz", "arcp", "afn"}
_options: dict[str, Any] = {
    "fastmath": _FAST,
    "error_model": "numpy",
    "cache": True,
    "nogil": True,
}


class Factors(NamedTuple):
    """As ``rules.reward_hebbian.Factors``."""

    post_PTN: Tensor
    pre_PTN: Tensor
    r_PTN: Tensor
    xbar_PN: Tensor


@numba.njit(inline="always", **_options)
def _tanh(x: Any) -> Any:
    """Rational approximation, error below 4e-7; coefficients as in Eigen's tanh."""
    limit = np.float32(7.90531110763549805)
    # in this order a NaN stays NaN
    x = limit if x > limit else x
    x = -limit if x < -limit else x
    s = x * x
    p = np.float32(-2.76076847742355e-16)
    p = p * s + np.float32(2.00018790482477e-13)
    p = p * s + np.float32(-8.60467152213735e-11)
    p = p * s + np.float32(5.12229709037114e-08)
    p = p * s + np.float32(1.48572235717979e-05)
    p = p * s + np.float32(6.37261928875436e-04)
    p = p * s + np.float32(4.89352455891786e-03)
    q = np.float32(1.19825839466702e-06)
    q = q * s + np.float32(1.18534705686654e-04)
    q = q * s + np.float32(2.26843463243900e-03)
    q = q * s + np.float32(4.89352518554385e-03)
    return x * p / q


@numba.njit(**_options)
def _rates(code: int, x: Any, slope: Any, threshold: Any, r: Any) -> None:
    zero, one = np.float32(0), np.float32(1)
    if code == 0:
        for i in range(x.shape[0]):
            r[i] = _tanh(slope[i] * (x[i] - threshold[i]))
    elif code == 1:
        for i in range(x.shape[0]):
            z = slope[i] * (x[i] - threshold[i])
            r[i] = zero if z < zero else z
    elif code == 2:
        for i in range(x.shape[0]):
            r[i] = one + _tanh(slope[i] * (x[i] - threshold[i]))
    elif code == 3:
        for i in range(x.shape[0]):
            z = _tanh(slope[i] * (x[i] - threshold[i]))
            r[i] = zero if z < zero else z
    else:
        for i in range(x.shape[0]):
            z = slope[i] * (x[i] - threshold[i])
            top = zero if z < zero else z
            r[i] = top + np.log1p(np.exp(-abs(z)))


@numba.njit(**_options)
def _recurrent(wt: Any, r: Any, total: Any) -> None:
    """total += W r, columns of W (rows of wt) eight at a time: the fastest measured.

    Rows are a multiple of 16 long and aligned, so all of it is whole vectors.
    """
    for j in range(0, r.shape[0], 8):
        r0, r1, r2, r3 = r[j], r[j + 1], r[j + 2], r[j + 3]
        r4, r5, r6, r7 = r[j + 4], r[j + 5], r[j + 6], r[j + 7]
        for i in range(total.shape[0]):
            a = total[i] + r0 * wt[j, i] + r1 * wt[j + 1, i]
            a = a + r2 * wt[j + 2, i] + r3 * wt[j + 3, i]
            a = a + r4 * wt[j + 4, i] + r5 * wt[j + 5, i]
            total[i] = a + r6 * wt[j + 6, i] + r7 * wt[j + 7, i]


@numba.njit(**_options)
def _trial(
    wt: Any, inputs: Any, win: Any, bias: Any, noise: Any,
    kick_step: Any, kick_unit: Any, kick_size: Any,
    a: Any, slope: Any, threshold: Any, units: Any, values: Any, code: int,
    decay: Any, skip: int, cube: bool, x: Any, xbar: Any, rs: Any, post: Any, pre: Any,
) -> None:  # fmt: skip
    """One trial: rs[t] = r(t) with rs[0] the initial rates, and the trace's factors."""
    total = np.empty_like(x)
    keep = np.float32(1) - decay
    kick = 0
    for k in range(units.shape[0]):
        x[units[k]] = values[k]
    _rates(code, x, slope, threshold, rs[0])
    for t in range(rs.shape[0] - 1):
        total[:] = bias
        for c in range(inputs.shape[1]):
            u = inputs[t, c]
            if u != 0:
                for i in range(x.shape[0]):
                    total[i] += u * win[c, i]
        if noise.shape[0] > 0:
            for i in range(noise.shape[1]):
                total[i] += noise[t, i]
        while kick < kick_step.shape[0] and kick_step[kick] == t:
            total[kick_unit[kick]] += kick_size[kick]
            kick += 1
        _recurrent(wt, rs[t], total)
        for i in range(x.shape[0]):
            x[i] = x[i] + a[i] * (total[i] - x[i])
        for k in range(units.shape[0]):
            x[units[k]] = values[k]
        _rates(code, x, slope, threshold, rs[t + 1])
        for i in range(x.shape[0]):
            d, r = x[i] - xbar[i], rs[t, i]
            xbar[i] = decay * xbar[i] + keep * x[i]
            post[t, i] = d * d * d if cube else d * abs(d)
            pre[t, i] = r * r * r if cube else r * abs(r)
    post[:skip] = 0


@numba.njit(**_options)
def _update(wt: Any, trace: Any, size: Any, limit: Any) -> None:
    """W += clip(size e, +-limit); both transposed.  A NaN stays a NaN."""
    for j in range(trace.shape[0]):
        for i in range(trace.shape[1]):
            change = size * trace[j, i]
            change = limit if change > limit else change
            change = -limit if change < -limit else change
            wt[j, i] += change


WIDTH = 16
"""Rows are padded to whole vectors of 16 numbers of 4 bytes, 64 in all."""


class _Bench:
    """The arrays one network works on: padded, aligned, its weights transposed."""

    def __init__(
        self, params: Params, cell: Cell, network: int, steps: int, trace: str
    ) -> None:
        self.units = params.w_PNN.shape[1]
        padded = -(-self.units // WIDTH) * WIDTH
        self.wt = torch.zeros(padded, padded)
        self.weights[:] = params.w_PNN[network].mT
        self.win = self._padded(params.win_PNI[network].mT, padded)
        rows = (params.bias_PN, cell.dt_s / params.tau_PN, params.slope_PN,
                params.threshold_PN)  # fmt: skip
        self.bias, self.a, self.slope, self.threshold = (
            self._padded(row[network], padded).numpy() for row in rows
        )
        self.rs = torch.zeros(steps + 1, padded)
        self.post = torch.empty(steps, padded)
        self.pre = torch.empty(steps, padded)
        self.trace = torch.empty(self.units, self.units)
        self.clamped = np.array([unit for unit, _ in cell.clamped], dtype=np.int64)
        self.values = np.array([v for _, v in cell.clamped], dtype=np.float32)
        self.code, self.cube = CODES[cell.nonlinearity], trace == "cube"
        self.padded = padded

    @property
    def weights(self) -> Tensor:
        """The transposed weights without their padding, a view."""
        return self.wt[: self.units, : self.units]

    @staticmethod
    def _padded(rows: Tensor, padded: int) -> Tensor:
        full = torch.zeros(*rows.shape[:-1], padded)
        full[..., : rows.shape[-1]] = rows
        return full

    def run(
        self, input_TI: Tensor, noise_TN: Tensor | None, kicks: Kicks, x0_N: Tensor,
        xbar: Tensor, decay: float, skip: int,
    ) -> None:  # fmt: skip
        """One trial; leaves rates and factors in the bench, and ``xbar`` changed."""
        noise = NOTHING if noise_TN is None else noise_TN.contiguous().numpy()
        x = self._padded(x0_N, self.padded).numpy()
        sizes = kicks.size.astype(np.float32)
        _trial(
            self.wt.numpy(), input_TI.contiguous().numpy(), self.win.numpy(), self.bias,
            noise, kicks.step, kicks.unit, sizes, self.a, self.slope, self.threshold,
            self.clamped, self.values, self.code, np.float32(decay), skip, self.cube, x,
            xbar.numpy(), self.rs.numpy(), self.post.numpy(), self.pre.numpy(),
        )  # fmt: skip

    def learn(self, size: float, limit: float) -> None:
        """Change the weights by the clipped trace: one matrix product."""
        n = self.units
        torch.mm(self.pre[:, :n].mT, self.post[:, :n], out=self.trace)
        _update(
            self.wt.numpy(), self.trace.numpy(), np.float32(size), np.float32(limit)
        )


NOTHING = np.zeros((0, 0), dtype=np.float32)


def learn(
    params: Params,
    state: Any,
    episode: Any,
    settings: Any,
    hyper: Mapping[str, Tensor],
    cell: Cell,
    score: Score,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """``rules.reward_hebbian.step`` of P networks, B trials each in turn.

    Returns weights, baselines, running means, errors and whether correct.
    """
    results = [
        _learn_one(params, state, episode, settings, hyper, cell, score, p)
        for p in range(len(params.w_PNN))
    ]
    columns = (torch.stack(column) for column in zip(*results, strict=True))
    w, baseline, xbar, error, correct = columns
    return w, baseline, xbar, error, correct


def _learn_one(
    params: Params, state: Any, episode: Any, settings: Any,
    hyper: Mapping[str, Tensor], cell: Cell, score: Score, p: int,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    """The trials of one network."""
    batch, steps = episode.input_PBTI.shape[1:3]
    bench = _Bench(params, cell, p, steps, settings.trace)
    own = {name: float(values[p]) for name, values in hyper.items()}
    only = slice(p, p + 1)
    alone = pick(params, torch.tensor([p]))
    baseline = state.baseline_PK[p].clone()
    xbar = bench._padded(state.xbar_PN[p], bench.padded)
    errors, corrects = [], []
    for b in range(batch):
        now = slice(b, b + 1)
        noise = None if episode.current_PBTN is None else episode.current_PBTN[p, b]
        kicks = NO_KICKS if episode.kicks is None else episode.kicks[p][b]
        bench.run(
            episode.input_PBTI[p, b], noise, kicks, episode.x0_PBN[p, b], xbar,
            own["state_decay"], settings.skip_steps,
        )  # fmt: skip
        rates = bench.rs[None, None, 1:, : bench.units]
        output = readout(alone, cell, rates)
        scores = score(
            output, episode.target_PBTO[only, now], episode.mask_PBTO[only, now]
        )
        errors.append(scores.error_PB[0, 0])
        corrects.append(scores.correct_PB[0, 0])
        kind, error = int(episode.type_PB[p, b]), float(errors[-1])
        before = float(baseline[kind])
        if int(episode.trial_P[p]) + b >= own["wait_trials"]:
            factor = before if own["error_factor"] else 1.0
            size = -own["learning_rate"] * factor * (error - before)
            bench.learn(size, own["max_update"])
            _constrain(bench, alone)
        decay = own["baseline_decay"]
        baseline[kind] = decay * before + (1 - decay) * error
    return (
        bench.weights.mT.clone(), baseline, xbar[: bench.units].clone(),
        torch.stack(errors), torch.stack(corrects),
    )  # fmt: skip


def _constrain(bench: _Bench, alone: Params) -> None:
    """Masks and Dale's law, where a network has them."""
    if alone.mask_PNN is not None or alone.sign_PN is not None:
        allowed = project(alone._replace(w_PNN=bench.weights.mT[None]))
        bench.weights[:] = allowed.w_PNN[0].mT


def trace_factors(
    params: Params,
    cell: Cell,
    drive_PTN: Tensor,
    x0_PN: Tensor,
    xbar_PN: Tensor,
    decay_P: Tensor,
    skip_steps: int,
    trace: str,
) -> Factors:
    """The trace's factors alone, as the torch function of this name, to hold it to."""
    made = []
    for p, drive_TN in enumerate(drive_PTN):
        params_p = params._replace(
            win_PNI=params.win_PNI[..., :0], bias_PN=torch.zeros_like(params.bias_PN)
        )
        bench = _Bench(params_p, cell, p, len(drive_TN), trace)
        xbar = bench._padded(xbar_PN[p], bench.padded)
        silent = drive_TN[:, :0]
        bench.run(
            silent, drive_TN, NO_KICKS, x0_PN[p], xbar, float(decay_P[p]), skip_steps
        )
        n = bench.units
        made.append((bench.post[:, :n], bench.pre[:, :n], bench.rs[1:, :n], xbar[:n]))
    return Factors(*(torch.stack(column) for column in zip(*made, strict=True)))
