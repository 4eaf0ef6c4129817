"""What people do today in torch: nn.RNN and autograd, vmap, an eager loop."""

from __future__ import annotations

import copy

import torch
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


def tested(
    w: Tensor, win: Tensor, a: Tensor, clamped: dict[int, float], input_BTI: Tensor,
    x0_BN: Tensor, impulses: tuple[float, float] | None,
) -> Tensor:  # fmt: skip
    """Outputs [B, T] of a frozen network of Miconi (2017), all trials at once.

    ``impulses``: chance per unit and step, and size; drawn step by step.
    """
    units, values = list(clamped), torch.tensor(list(clamped.values()))
    x = x0_BN.clone()
    x[:, units] = values
    r, out = torch.tanh(x), []
    for t in range(input_BTI.shape[1]):
        total = r @ w.T + input_BTI[:, t] @ win.T
        if impulses is not None and t >= 4:
            chance, size = impulses
            kicked = torch.rand_like(x) < chance
            total = total + kicked * size * (2 * torch.rand_like(x) - 1)
        x = x + a * (total - x)
        x[:, units] = values
        r = torch.tanh(x)
        out.append(r[:, 0])
    return torch.stack(out, 1)
