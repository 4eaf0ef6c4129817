"""What people do today in torch: nn.RNN and autograd, a loop over time, vmap."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from side import Made, given
from today_numpy import flipflop_trials
from torch import Tensor, nn
from torch.func import functional_call, grad, stack_module_state, vmap

CLIP, RATE = 1.0, 1e-3


class Network(nn.Module):
    """torch.nn.RNN, r(t+1) = tanh(W r + W_in u + b), and a linear readout."""

    def __init__(self, w: Tensor, win: Tensor, wout: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.rnn = nn.RNN(win.shape[1], len(w), batch_first=True)
        self.readout = nn.Linear(len(w), len(wout), bias=False)
        with torch.no_grad():
            self.rnn.weight_hh_l0.copy_(w)
            self.rnn.weight_ih_l0.copy_(win)
            self.rnn.bias_hh_l0.copy_(bias)
            # nn.RNN has a second bias; trained too it would double the first one's rate
            self.rnn.bias_ih_l0.zero_()
            self.readout.weight.copy_(wout)
        self.rnn.bias_ih_l0.requires_grad_(False)

    def forward(self, input_BTI: Tensor, x0_BN: Tensor) -> Tensor:
        return self.readout(self.rnn(input_BTI, torch.tanh(x0_BN)[None])[0])


class LeakyNetwork(nn.Module):
    """The same as a loop over time, as written where units have time constants."""

    def __init__(
        self, w: Tensor, win: Tensor, wout: Tensor, bias: Tensor, a_N: Tensor
    ) -> None:
        super().__init__()
        self.w, self.win, self.wout, self.bias = (
            nn.Parameter(leaf.clone()) for leaf in (w, win, wout, bias)
        )
        self.a_N = a_N

    def forward(self, input_BTI: Tensor, x0_BN: Tensor) -> Tensor:
        x, rates = x0_BN, []
        r = torch.tanh(x)
        for t in range(input_BTI.shape[1]):
            total = r @ self.w.T + input_BTI[:, t] @ self.win.T + self.bias
            x = x + self.a_N * (total - x)
            r = torch.tanh(x)
            rates.append(r)
        return torch.stack(rates, 1) @ self.wout.T


class Learner:
    """One network, autograd and Adam."""

    def __init__(self, network: nn.Module) -> None:
        self.network = network
        self.trained = [p for p in network.parameters() if p.requires_grad]
        self.adam = torch.optim.Adam(self.trained, lr=RATE)
        self.recent: list[bool] = []

    def learn(self, input_BTI: Tensor, target_BTO: Tensor, x0_BN: Tensor) -> Tensor:
        """One step; returns the outputs."""
        output = self.network(input_BTI, x0_BN)
        loss = nn.functional.mse_loss(output, target_BTO)
        self.adam.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.trained, CLIP)
        self.adam.step()
        return output.detach()

    def watch(self, output_BTO: Tensor, target_BTO: Tensor) -> bool:
        """Whether of the last 100 trials 95 had 95 % of their steps right."""
        right_BTO = output_BTO.sign() == target_BTO.sign()
        right_B = right_BTO.float().mean((1, 2)) >= 0.95
        self.recent = [*self.recent, *right_B.tolist()][-100:]
        return len(self.recent) == 100 and sum(self.recent) >= 95


class Ensemble:
    """The same networks together: torch's recipe for ensembles, vmap over grad."""

    def __init__(self, networks: list[Network]) -> None:
        stacked, _ = stack_module_state(networks)
        self.fixed = {k: v for k, v in stacked.items() if not v.requires_grad}
        self.trained = {k: v for k, v in stacked.items() if v.requires_grad}
        self.adam = torch.optim.Adam(self.trained.values(), lr=RATE)
        shape = copy.deepcopy(networks[0]).to("meta")

        def loss(trained, fixed, input_BTI, target_BTO, x0_BN):
            output = functional_call(shape, {**trained, **fixed}, (input_BTI, x0_BN))
            return nn.functional.mse_loss(output, target_BTO)

        self.gradients = vmap(grad(loss))

    def learn(self, input_PBTI: Tensor, target_PBTO: Tensor, x0_PBN: Tensor) -> None:
        found = self.gradients(
            self.trained, self.fixed, input_PBTI, target_PBTO, x0_PBN
        )
        norm_P = sum(g.flatten(1).square().sum(1) for g in found.values()).sqrt()
        scale_P = (CLIP / (norm_P + 1e-6)).clamp(max=1.0)
        for name, leaf in self.trained.items():
            g = found[name]
            leaf.grad = g * scale_P.reshape(-1, *[1] * (g.ndim - 1))
        self.adam.step()


def one_by_one(folder: Path, leaky: bool = False, drawing: bool = False) -> Made:
    """One network after the other, each on its batch; ``drawing``: on a new one."""
    own = _tensors(folder)
    names = ["w", "win", "wout", "bias", "a"][: 5 if leaky else 4]
    made = LeakyNetwork if leaky else Network
    columns = zip(*(own[name] for name in names), strict=True)
    learners = [Learner(made(*leaves)) for leaves in columns]
    batches = [own[name] for name in ("input_PBTI", "target_PBTO", "x0_PBN")]

    def step() -> None:
        for learner, *batch in zip(learners, *batches, strict=True):
            learner.learn(*batch)

    for _ in range(2):
        step()
    first: Any = learners[0].network
    w = first.w if leaky else first.rnn.weight_hh_l0
    computed = {"W": w.detach().clone()}
    if not drawing:
        return Made(step, len(learners), computed)
    random, shape = np.random.default_rng(1), batches[0].shape

    def drawn_step() -> None:
        for learner in learners:
            drawn = flipflop_trials(random, *shape[1:])
            start = 0.1 * random.uniform(-1, 1, (shape[1], w.shape[0]))
            batch = [torch.from_numpy(a).float() for a in (*drawn, start)]
            learner.watch(learner.learn(*batch), batch[1])

    return Made(drawn_step, len(learners), computed)


def at_once(folder: Path) -> Made:
    """All networks together."""
    own = _tensors(folder)
    columns = zip(*(own[name] for name in ("w", "win", "wout", "bias")), strict=True)
    ensemble = Ensemble([Network(*leaves) for leaves in columns])
    batches = [own[name] for name in ("input_PBTI", "target_PBTO", "x0_PBN")]
    for _ in range(2):
        ensemble.learn(*batches)
    computed = {"W": ensemble.trained["rnn.weight_hh_l0"][0].detach().clone()}
    return Made(lambda: ensemble.learn(*batches), len(batches[0]), computed)


def _tensors(folder: Path) -> dict[str, Tensor]:
    return {name: torch.from_numpy(array) for name, array in given(folder).items()}
