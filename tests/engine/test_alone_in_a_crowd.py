"""Alone = in a crowd, bit for bit, however training was cut up on the way."""

import numpy as np
import pytest
import torch

from popnet.engine.population import joined, leaves, resumed, start
from popnet.engine.train import advance, begin

CPU = torch.device("cpu")
SHORT = {"name": "delayed_response", "stimulus_s": 0.01, "delay_s": 0.005,
         "response_s": 0.01}  # fmt: skip
RULES = {
    "reward_hebbian": {
        "name": "reward_hebbian", "wait_trials": 5, "max_update": 3e-3,
        "exploration": {"rate_hz": 30.0, "amplitude": 16.0},
    },
    "bptt": {"name": "bptt", "batch_trials": 4, "trains": ["recurrent", "input",
             "readout", "bias", "time_constants"]},
}  # fmt: skip


@pytest.fixture(params=RULES)
def seven(request, planned):
    """Seven networks that differ in everything one population allows."""
    # bptt trains time constants here, which it may not under recurrent noise
    noise = {"recurrent": 0.0 if request.param == "bptt" else 0.02, "input": 0.01}
    members = planned(
        task=SHORT, rule=RULES[request.param], count=2, seed=3,
        network={"units": 19, "noise": noise},
        train={"trials": 60, "until": {"accuracy": 0.9, "window": 20}},
        grid={
            "zip": {
                "network.tau_s.spread": [0.0, 0.4, 0.5, 0.1],
                "network.gain": [1.5, 0.9, 1.2, 1.4],
                "network.density": [1.0, 0.5, 0.9, 0.8],
                "rule.learning_rate": [0.01, 0.02, 0.003, 0.05],
                "train.trials": [60, 44, 56, 52],
            }
        },
    )  # fmt: skip
    return members[:7]


def whole(members, order=None):
    """Everything in one go."""
    results = {}
    for i in order if order is not None else range(len(members)):
        (population,) = begin([members[i]], CPU)
        left, (result,) = advance(population, 1000)
        assert left is None
        results[result.network.key] = result
    return results


def assert_same(results, expected):
    assert set(results) == set(expected)
    for key, one in results.items():
        other = expected[key]
        for name, a, b in zip(one.final._fields, one.final, other.final, strict=True):
            assert (a is None and b is None) or torch.equal(a, b), name
        assert one.status == other.status
        assert one.trials == other.trials
        assert one.trials_to_criterion == other.trials_to_criterion
        assert one.final_error == other.final_error
        np.testing.assert_array_equal(one.curve_error_C, other.curve_error_C)
        np.testing.assert_array_equal(one.curve_accuracy_C, other.curve_accuracy_C)


def test_together_shuffled_and_taken_in_turns(seven):
    expected = whole(seven)
    assert any(
        not torch.equal(r.initial.w_PNN, r.final.w_PNN) for r in expected.values()
    )
    assert len({r.trials for r in expected.values()}) > 1
    random = np.random.default_rng(0)
    order = random.permutation(7)
    going = begin([seven[i] for i in order], CPU)
    assert len(going) == 7
    results = {}
    while going:
        which = int(random.integers(len(going)))
        left, done = advance(going.pop(which), int(random.integers(1, 9)))
        results |= {r.network.key: r for r in done}
        if left is not None:
            going.append(left)
    assert_same(results, expected)


def test_killed_and_resumed_at_random_steps(seven):
    expected = whole(seven)
    random = np.random.default_rng(1)
    results = {}
    for member in seven:
        (population,) = begin([member], CPU)
        while population is not None:
            left, done = advance(population, int(random.integers(1, 12)))
            results |= {r.network.key: r for r in done}
            population = left
            if left is not None:
                saved = {k: v.clone() for k, v in leaves(left).items()}
                # training on from here must not change what was saved
                kept = leaves(left)
                advance(left, 2)
                assert all(torch.equal(saved[k], v) for k, v in kept.items())
                population = resumed(begin([member], CPU)[0], saved)
    assert_same(results, expected)


def test_any_number_of_threads(seven):
    expected = whole(seven[:3])
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert_same(whole(seven[:3]), expected)
    finally:
        torch.set_num_threads(before)


def test_one_stacked_population_within_rounding(seven):
    """The way of a GPU: all at once, shrinking as networks finish."""
    expected = whole(seven)
    left, done = advance(start(seven, CPU), 1000)
    assert left is None and len(done) == 7
    for result in done:
        other = expected[result.network.key]
        assert (result.trials, result.status) == (other.trials, other.status)
        torch.testing.assert_close(
            result.final.w_PNN, other.final.w_PNN, rtol=1e-3, atol=1e-4
        )


def test_checkpoints_by_key_are_taken_up_and_others_begin(seven):
    expected = whole(seven)
    saved = {}
    # few enough that no window is full: nobody has finished
    for steps, member in enumerate(seven[:4], 1):
        left, _ = advance(begin([member], CPU)[0], steps)
        saved[member.key] = leaves(left)
    # one that does not fit is as good as none
    damaged = saved[seven[1].key]
    damaged["params.w_PNN"] = damaged["params.w_PNN"][:, 1:]
    results, counts = {}, []
    for population in begin(seven, CPU, saved):
        counts.append(int(population.progress.trial_P[0]))
        _, done = advance(population, 1000)
        results |= {r.network.key: r for r in done}
    batch = seven[0].config.rule.batch
    assert counts == [batch * n for n in (1, 0, 3, 4, 0, 0, 0)]
    assert_same(results, expected)


def test_single_populations_joined_are_one_population(seven):
    parts = [advance(begin([m], CPU)[0], 2)[0] for m in seven]
    both = joined(parts)
    assert [m.key for m in both.members] == [m.key for m in seven]
    for name, leaf in leaves(both).items():
        for p, part in enumerate(parts):
            if name == "params.mask_PNN" and part.params.mask_PNN is None:
                assert bool((leaf[p] == 1).all())
                continue
            own = leaves(part)[name][0]
            shape = tuple(slice(n) for n in own.shape)
            assert torch.equal(leaf[p][shape], own), name
    _, done = advance(both, 1000)
    expected = whole(seven)
    assert {r.network.key: r.trials for r in done} == {
        key: r.trials for key, r in expected.items()
    }


def test_leaves_hold_everything_by_name(seven):
    (population,) = begin([seven[0]], CPU)
    population, _ = advance(population, 3)
    saved = leaves(population)
    assert all(leaf.shape[0] == 1 for leaf in saved.values())
    groups = {name.split(".")[0] for name in saved}
    assert groups == {"params", "state", "progress"}
    batch = seven[0].config.rule.batch
    assert saved["progress.trial_P"].tolist() == [3 * batch]


@pytest.mark.parametrize("damage", ["missing", "shape", "dtype"])
def test_a_checkpoint_of_other_networks_is_refused(damage, seven):
    (population,) = begin([seven[0]], CPU)
    saved = dict(leaves(population))
    name = "params.w_PNN"
    if damage == "missing":
        del saved[name]
    elif damage == "shape":
        saved[name] = saved[name][:, :-1]
    else:
        saved[name] = saved[name].double()
    with pytest.raises(ValueError, match=r"does not hold params\.w_PNN rightly"):
        resumed(population, saved)
