"""What people do today to test a frozen network: a loop over time in torch."""

from __future__ import annotations

from pathlib import Path

import torch
from side import Made, given
from torch import Tensor

IMPULSES = (0.003, 16.0)


def tested(
    w: Tensor, win: Tensor, a: Tensor, clamped: Tensor, input_BTI: Tensor,
    x0_BN: Tensor, impulses: tuple[float, float] | None = None,
) -> Tensor:  # fmt: skip
    """Outputs [B, T] of a frozen network of Miconi (2017), all trials at once.

    ``clamped``: units and values.  ``impulses``: chance per unit and step, and size;
    drawn step by step.
    """
    units, values = clamped[:, 0].long(), clamped[:, 1].float()
    x = x0_BN.clone()
    x[:, units] = values
    r, out = torch.tanh(x), []
    for t in range(input_BTI.shape[1]):
        total = r @ w.T + input_BTI[:, t] @ win.T
        if impulses is not None and t >= 4:
            chance, size = impulses
            here = torch.rand_like(x) < chance
            total = total + here * size * (2 * torch.rand_like(x) - 1)
        x = x + a * (total - x)
        x[:, units] = values
        r = torch.tanh(x)
        out.append(r[:, 0])
    return torch.stack(out, 1)


def testing(folder: Path, drawing: bool) -> Made:
    """One network at all levels of a perturbation, all trials at once.

    ``drawing``: the perturbation and impulses too, and scores.
    """
    own = {name: torch.from_numpy(array) for name, array in given(folder).items()}
    w_LNN, target_B = own["w_LNN"], own["target_B"]
    network = own["win"], own["a"], own["clamped"], own["input_BTI"], own["start_BN"]

    @torch.inference_mode()
    def outputs(w: Tensor, impulses: tuple[float, float] | None = None) -> Tensor:
        return tested(w, *network, impulses)

    def graded() -> list[float]:
        scores = []
        for level in own["levels"].tolist():
            w = w_LNN[0] * (1 + level * torch.randn_like(w_LNN[0]))
            error_B = (outputs(w, IMPULSES)[:, -200:] - target_B[:, None]).abs().mean(1)
            scores.append(float((error_B < 1).float().mean()))
        return scores

    run = graded if drawing else lambda: [outputs(w) for w in w_LNN]
    computed = {"outputs": torch.stack([outputs(w_LNN[0]), outputs(w_LNN[-1])])}
    return Made(run, len(w_LNN) * len(target_B), computed)
