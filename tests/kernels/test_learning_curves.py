"""Learning by the kernels and by the float64 reference: the same curves over seeds."""

import numpy as np
import pytest
import torch
from scipy import stats

from popnet.engine.population import start
from popnet.engine.train import advance

SEEDS = 12
CASES = {
    "bptt": {
        "task": {"name": "flipflop", "bits": 1, "trial_s": 0.02},
        "rule": {"name": "bptt", "batch_trials": 8, "learning_rate": 0.01},
        "network": {"units": 16, "tau_s": 0.004},
        "train": {"trials": 800, "until": None, "curve_every": 80},
    },
    "reward_hebbian": {
        "task": {"name": "delayed_response", "stimulus_s": 0.03, "delay_s": 0.01,
                 "response_s": 0.03},
        "rule": {"name": "reward_hebbian", "learning_rate": 1.0, "max_update": 3e-3,
                 "wait_trials": 20, "exploration": {"rate_hz": 10.0}},
        "network": {"units": 24},
        "train": {"trials": 280, "until": None, "curve_every": 40},
    },
}  # fmt: skip


def curves(planned, case, dtype):
    """Errors of each network [P, C], in blocks of trials."""
    network = {**case["network"], "dtype": dtype}
    members = planned(**{**case, "network": network}, count=SEEDS)
    left, results = advance(start(members, torch.device("cpu")), 100_000)
    assert left is None
    by_seed = {result.network.seed.number: result.curve_error_C for result in results}
    return np.stack([by_seed[number] for number in sorted(by_seed)])


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_kernels_learn_as_the_reference_does(name, planned):
    fast, slow = (curves(planned, CASES[name], d) for d in ("float32", "float64"))
    assert not np.array_equal(fast, slow), "one of them was not run"
    learned = (slow[:, 0] - slow[:, -1]).mean()
    assert stats.ttest_rel(slow[:, 0], slow[:, -1]).pvalue < 1e-3, "nobody learned"
    # paired over seeds, 99.9 % of t: within 2 % of what was learned, in every block
    for block in (fast - slow).T:
        half = stats.t.ppf(0.9995, SEEDS - 1) * block.std(ddof=1) / np.sqrt(SEEDS)
        assert abs(block.mean()) + half < 0.02 * learned
