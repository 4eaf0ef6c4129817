"""On a GPU: the same networks within rounding."""

import pytest
import torch

import popnet as pn

RULES = [{"name": "reward_hebbian", "wait_trials": 2}, {"name": "bptt"}]
SHORT = {"name": "dnms", "stimulus_s": 0.02, "delay_s": 0.02, "wait_s": 0.01,
         "response_s": 0.02}  # fmt: skip


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
@pytest.mark.parametrize("rule", RULES, ids=lambda r: r["name"])
def test_a_population_on_the_gpu_is_the_one_on_the_cpu_within_rounding(rule):
    nets = pn.draw(
        SHORT, rule=rule, networks=5, seed=3, network={"units": 40},
        train={"trials": 64, "until": None},
    )  # fmt: skip
    there, here = pn.train(nets, device="cuda"), pn.train(nets)
    change = (here.params.w_PNN - nets.params.w_PNN).abs().max()
    deviation = (there.params.w_PNN - here.params.w_PNN).abs().max()
    assert change > 0 and deviation < 1e-2 * change
