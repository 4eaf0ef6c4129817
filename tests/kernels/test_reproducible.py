"""What the kernels serve, on which settings of the machine, and denormal numbers."""

import time

import numpy as np
import pytest
import torch

from popnet import kernels
from popnet.core.impulses import NO_IMPULSES
from popnet.kernels import fast, reproducible


def test_the_kernel_serves_float32_on_the_cpu_alone():
    assert fast(torch.zeros(1))
    assert not fast(torch.zeros(1, dtype=torch.float64))
    assert not fast(torch.zeros(1, device="meta"))


def test_reproducible_puts_the_machine_s_settings_back():
    before = torch.get_num_threads()
    tiny = torch.tensor([1e-39])
    torch.set_num_threads(2)
    torch.set_flush_denormal(False)
    try:
        with pytest.raises(KeyError), reproducible():
            assert torch.get_num_threads() == 1
            assert float(tiny * 0.5) == 0
            raise KeyError
        assert torch.get_num_threads() == 2
        assert float(tiny * 0.5) > 0
    finally:
        torch.set_num_threads(before)


@pytest.fixture
def silent(make_network, make_episode):
    """A network; of gain 0: without weights and inputs, its x soon below 1e-38."""

    def make(gain):
        params, cell = make_network(200, networks=1, gain=gain, clamped=(), unit=0)
        zero = torch.zeros_like(params.bias_PN)
        params = params._replace(
            tau_PN=zero + 0.005, bias_PN=0.1 * gain + zero, threshold_PN=zero
        )
        episode = make_episode(params, 8, 1200, noise=False, impulses=False)
        episode = episode._replace(input_PBTI=gain * episode.input_PBTI)
        return params, cell, episode

    return make


def answer(params, cell, episode):
    impulses = [[NO_IMPULSES] * episode.x0_PBN.shape[1]]
    return kernels.outputs(
        params, cell, episode.input_PBTI, None, impulses, episode.x0_PBN
    )  # fmt: skip


def test_denormals_are_flushed_in_the_kernels_too(silent):
    given = silent(0.0)
    tiny = np.finfo(np.float32).tiny
    with reproducible():
        flushed = answer(*given).abs()
    assert bool(((flushed == 0) | (flushed >= tiny)).all())
    assert not bool(flushed[:, :, -1].any()) and bool(flushed[:, :, 0].all())
    before = answer(*given).abs()
    assert bool(((before > 0) & (before < tiny)).any()), "nothing to flush"


def test_a_silent_network_costs_no_more_than_another(silent):
    quiet, busy = silent(0.0), silent(1.5)
    ratios = []
    with reproducible():
        for _ in range(9):
            spent = []
            for given in (quiet, busy):
                begun = time.process_time()
                answer(*given)
                spent.append(time.process_time() - begun)
            ratios.append(spent[0] / spent[1])
    assert np.median(ratios) < 1.3
