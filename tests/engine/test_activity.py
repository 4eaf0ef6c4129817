"""Activity of frozen networks: every unit's rate, over trials of one type."""

import numpy as np
import pytest
import torch

from popnet.config import Impulses
from popnet.engine.activity import activity, in_bins, trajectory
from popnet.engine.evaluate import run
from popnet.engine.population import untrained
from popnet.engine.test_plan import dynamics, planned_tests
from popnet.perturbations import resting
from popnet.perturbations.initial_state import InitialState

TASK = {"name": "dnms", "stimulus_s": 0.02, "delay_s": 0.02, "wait_s": 0.0,
        "response_s": 0.02}  # fmt: skip
FED_BACK = {"feedback": 0.5, "readout": {"kind": "linear", "scale": 1.0}}
CASES = {
    "a unit": ("reward_hebbian", {"dtype": "float64"}),
    "the kernel": ("reward_hebbian", {"noise": {"input": 0.1}}),
    "fed back": ("force", FED_BACK),
    "rate form": ("bptt", {"form": "rate", "noise": {"recurrent": 0.1}}),
}


@pytest.mark.parametrize(("rule", "network"), CASES.values(), ids=CASES)
def test_outputs_are_read_from_these_rates(rule, network, planned):
    """The readout is linear: that of the mean rates is the mean of the outputs."""
    (member,) = planned(task=TASK, rule=rule, network={"units": 20, **network})
    params = untrained([member], torch.device("cpu"))
    added = Impulses(rate_hz=50.0, amplitude=6.0, into="state")
    met = resting(params, member.config)._replace(added_impulses=added, added_start=0.3)
    rates_KTN = activity(met, member.seed)
    assert rates_KTN.shape == (4, 80, 20) and rates_KTN.dtype == np.float32
    ran = run(met._replace(impulses=Impulses()), member.seed, 5)
    readout_N = np.eye(20)[0]
    if params.wout_PON is not None:
        readout_N = params.wout_PON[0, 0].numpy()
    for kind in range(4):
        mean_T = ran.output_PBTO[0, ran.types_B == kind, :, 0].mean(0)
        np.testing.assert_allclose(rates_KTN[kind] @ readout_N, mean_T, atol=2e-6)


def test_bins_are_means_and_the_last_may_be_short():
    values = np.random.default_rng(0).standard_normal((3, 23, 2)).astype(np.float32)
    found = in_bins(values, 5, axis=1)
    slow = np.stack([values[:, a : a + 5].mean(1) for a in range(0, 23, 5)], axis=1)
    np.testing.assert_allclose(found, slow, rtol=1e-5, atol=1e-6)
    stored = trajectory(values, 0.005)  # a point is 10 ms
    assert stored.shape == (3, 12, 2) and stored.dtype == np.float32
    np.testing.assert_allclose(stored[:, 1], values[:, 2:4].mean(1), rtol=1e-6)
    assert trajectory(values, 0.05).shape == values.shape


@pytest.mark.parametrize("size", [1e5, 1e30])
def test_rates_without_an_upper_bound_are_stored_as_they_are(size):
    """relu and softplus have none; float16 ends at 65,504."""
    values = np.linspace(size, 2 * size, 60, dtype=np.float32).reshape(2, 10, 3)
    np.testing.assert_array_equal(trajectory(values, 0.05), values)


def test_a_longer_list_measures_only_the_new(plan_of):
    def identities(perturbations, **changes):
        after = {"dynamics": perturbations, **changes}
        plan = plan_of(task=TASK, after=after)
        config = plan.conditions[0].config
        own = {t.identity for t in planned_tests(plan.sweep.after, config)}
        tests = dynamics(plan.sweep.after, config)
        assert not own & {t.identity for t in tests}
        return {t.identity: (t.kind, t.name, t.level) for t in tests}

    jitter = {"name": "synaptic_jitter", "levels": [0.1]}
    assert identities(None) == {}
    rest = identities([])
    assert list(rest.values()) == [("untrained", "", 0.0), ("trained", "", 0.0)]
    one = identities([jitter])
    assert one.items() > rest.items() and len(one) == 3
    more = identities([jitter | {"levels": [0.1, 0.1, 0.2]}, "initial_state"])
    graded = len(InitialState().levels)
    assert more.items() > one.items() and len(more) == 3 + 1 + graded
    assert ("trained", "synaptic_jitter", 0.2) in more.values()
    assert identities([jitter], trials=7, sample=3) == one
