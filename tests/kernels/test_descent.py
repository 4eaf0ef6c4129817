"""Steps of Adam in the kernel against ``core.optimisers`` in float64."""

import pytest
import torch

from popnet import kernels
from popnet.core.optimisers import AdamSettings, AdamState, descend

U = 2.0**-24
STEPS = 12
CLIPS = {"no clip": 1e9, "clip": 0.1, "clip for some": [1e9, 0.1, 5.0]}
SIZES = [(3, 7, 7), (3, 7, 2), (3, 7)]


def normal(seed, scale=1.0):
    g = torch.Generator().manual_seed(seed)
    return [scale * torch.randn(size, generator=g) for size in SIZES]


def settings(dtype=torch.float32):
    columns = [
        [1e-3, 0.1, 0.0],
        [0.9, 0.5, 0.0],
        [0.999, 0.9, 0.99],
        [1e-8, 1e-3, 1e-6],
    ]
    # float64 gets the numbers that float32 has
    return AdamSettings(*(torch.tensor(c).to(dtype) for c in columns))


def at_rest(values):
    return [AdamState(torch.zeros_like(v), torch.zeros_like(v)) for v in values]


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e25])
@pytest.mark.parametrize("clip", CLIPS.values(), ids=CLIPS)
def test_steps_are_the_reference_within_rounding(clip, scale):
    fast, slow = normal(0), [v.double() for v in normal(0)]
    own, known = at_rest(fast), at_rest(slow)
    clip_P = torch.tensor(clip).expand(3).contiguous()
    for step in range(1, STEPS + 1):
        clock = torch.tensor([step, step + 5, step])
        gradients = normal(step, scale)
        fast, own = kernels.descend(
            fast, gradients, own, clip_P, settings(), clock.float()
        )
        slow, known = descend(
            slow, [g.double() for g in gradients], known, clip_P.double(),
            settings(torch.float64), clock.double(),
        )  # fmt: skip
    for value, exact, moments, states in zip(fast, slow, own, known, strict=True):
        # each step rounds the value once, and itself in some ten places: of random
        # sign, three times, of what is at most about a rate
        rate = settings().rate_P.reshape(-1, *[1] * (value.ndim - 1))
        bound = STEPS * U * (exact.abs() + 3 * rate)
        assert bool(((value - exact).abs() <= bound).all())
        for moment, state in zip(moments, states, strict=True):
            largest = state.abs().flatten(1).amax(1)
            wrong = (moment - state).abs().flatten(1).amax(1)
            assert bool((wrong <= 30 * U * largest).all())


def test_a_learning_rate_of_zero_changes_nothing():
    values = normal(0)
    after, _ = kernels.descend(
        values, normal(1), at_rest(values), torch.ones(3), settings(), torch.ones(3)
    )
    for a, b in zip(after, values, strict=True):
        assert torch.equal(a[2], b[2])
        assert not torch.equal(a[0], b[0]) and not torch.equal(a[1], b[1])


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_diverged_network_looks_diverged_and_disturbs_no_other(value):
    values, gradients = normal(0), normal(1)
    given = values, gradients, at_rest(values), torch.ones(3), settings()
    clean, moments = kernels.descend(*given, torch.ones(3))
    gradients[1][1, 4, 1] = value
    ill, states = kernels.descend(*given, torch.ones(3))
    slow, _ = descend(*given, torch.ones(3))
    for i in range(3):
        assert torch.equal(ill[i][[0, 2]], clean[i][[0, 2]])
        for a, b in zip(states[i], moments[i], strict=True):
            assert torch.equal(a[[0, 2]], b[[0, 2]])
        assert torch.equal(ill[i].isnan(), slow[i].isnan())
    # NaN has no norm to scale by; of infinity nothing else is left
    assert bool(ill[1][1, 4, 1].isnan())
    assert bool(ill[0][1].isnan().all()) is (value != value)


def test_arguments_are_left_as_they_were():
    values, gradients = normal(0), normal(1)
    state = [AdamState(m, v.abs()) for m, v in zip(normal(2), normal(3), strict=True)]
    every = [*values, *gradients, *(leaf for pair in state for leaf in pair)]
    kept = [leaf.clone() for leaf in every]
    kernels.descend(values, gradients, state, torch.ones(3), settings(), torch.ones(3))
    assert all(torch.equal(a, b) for a, b in zip(every, kept, strict=True))
