"""Random networks in float64, with nothing at its neutral value."""

import pytest
import torch

from popnet.core.cell import Cell, Params


@pytest.fixture
def random_params():
    def make(networks=3, units=6, inputs=2, outputs=2, seed=0, dtype=torch.float64):
        g = torch.Generator().manual_seed(seed)

        def normal(*shape):
            return torch.randn(*shape, generator=g, dtype=torch.float64).to(dtype)

        def uniform(low, high, *shape):
            u = torch.rand(*shape, generator=g, dtype=torch.float64)
            return (low + (high - low) * u).to(dtype)

        p, n = networks, units
        return Params(
            1.5 / n**0.5 * normal(p, n, n),
            normal(p, n, inputs),
            normal(p, outputs, n) / n**0.5 if outputs else None,
            0.3 * normal(p, n),
            uniform(0.003, 0.03, p, n),
            uniform(0.5, 1.5, p, n),
            0.2 * normal(p, n),
            None,
            None,
        )

    return make


@pytest.fixture
def tanh_cell():
    return Cell(0.001, "tanh", (), None)


@pytest.fixture
def normal():
    """Standard normal numbers in float64, the same in every run of a test."""
    generator = torch.Generator().manual_seed(1)

    def make(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    return make
