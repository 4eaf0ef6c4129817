"""A trained network as a torch module, for somebody else's code."""

from __future__ import annotations

import torch
from torch import Tensor

from popnet.core.cell import Cell, Params
from popnet.core.rollout import drive, readout, rollout


class RateNetwork(torch.nn.Module):
    """One network: ``forward(input_BTI)`` gives outputs [B, T, O] and rates [B, T, N].

    x(t+1) = x(t) + (dt / tau) (-x(t) + W r(t) + W_fb z(t) + W_in u(t) + b), or the rate
    form of it, see ``core.cell``.  Weights are torch parameters; intrinsic parameters
    are buffers, and so are the feedback weights of a network that has some.
    """

    def __init__(self, params: Params, cell: Cell) -> None:
        """From parameters of one network (P = 1)."""
        super().__init__()
        self.cell = cell
        trained = ("w_PNN", "win_PNI", "wout_PON", "bias_PN")
        for name, value in params._asdict().items():
            if value is None:
                self.register_buffer(name, None)
            elif name in trained:
                setattr(self, name, torch.nn.Parameter(value[0].clone()))
            else:
                self.register_buffer(name, value[0].clone())

    def params(self) -> Params:
        """The parameters, P = 1."""
        values = {name: getattr(self, name) for name in Params._fields}
        return Params(**{k: None if v is None else v[None] for k, v in values.items()})  # type: ignore[arg-type]

    def forward(
        self, input_BTI: Tensor, x0_BN: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Outputs [B, T, O] and rates [B, T, N] for inputs [B, T, I]; x(0) 0."""
        params = self.params()
        if x0_BN is None:
            x0_BN = input_BTI.new_zeros(len(input_BTI), params.tau_PN.shape[1])
        driven = drive(params, input_BTI[None], None)
        r = rollout(params, self.cell, driven, x0_BN[None]).r_PBSN[:, :, 1:]
        return readout(params, self.cell, r)[0], r[0]
