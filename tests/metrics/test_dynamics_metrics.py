"""Metrics of linear dynamics on networks whose dynamics are known."""

from itertools import combinations

import numpy as np
import pytest
from helpers import dsa_package

from popnet.kernels import align_operators
from popnet.metrics import METRICS, Certified, Subject, certified

SMALL = {"delays": 2, "rank": 6}
TRIALS, STEPS, UNITS = 10, 40, 12


def recurrent(seed, units=UNITS, gain=1.1, noise=0.0, trials=TRIALS):
    """Rates of a random network under common inputs."""
    common = np.random.default_rng(0)
    u = common.standard_normal((trials, STEPS, 2))
    random = np.random.default_rng(seed)
    w = gain * random.standard_normal((units, units)) / np.sqrt(units)
    b = random.standard_normal((units, 2))
    x, rates = random.standard_normal((trials, units)), []
    for t in range(STEPS):
        jitter = noise * random.standard_normal((trials, units))
        x = np.tanh(x @ w.T + 0.3 * u[:, t] @ b.T + jitter)
        rates.append(x)
    rates = np.stack(rates, 1).astype(np.float32)
    return Subject(input_BTI=u.astype(np.float32), trained_BTN=rates)


def rotated(one, units=UNITS, seed=1):
    """A copy in other units, also in more of them."""
    q = np.linalg.qr(np.random.default_rng(seed).standard_normal((units, units)))[0]
    return one._replace(trained_BTN=one.trained_BTN @ q[: one.trained_BTN.shape[2]])


def compared(name, pairs, **given):
    metric = METRICS[name]
    settings = metric.settings(**{**SMALL, **given})
    one, other = (
        [metric.prepare(settings, s) for s in side] for side in zip(*pairs, strict=True)
    )
    return metric.compare(settings, one, other)


def value(name, one, other, **given):
    return float(certified(compared(name, [(one, other)], **given)).value_M[0])


@pytest.mark.parametrize("name", ["dsa", "eigenvalues", "input_dsa"])
def test_copies_in_other_units_are_no_distance_away(name):
    one, other = recurrent(0), recurrent(1)
    order = np.random.default_rng(2).permutation(UNITS)
    permuted = one._replace(trained_BTN=one.trained_BTN[..., order])
    assert value(name, one, permuted) < 1e-5
    # rates are in float32, so is their rotation
    assert value(name, one, rotated(one)) < 1e-4
    assert value(name, one, rotated(one, UNITS + 5)) < 1e-4
    assert value(name, one, other) > 0.02


@pytest.mark.parametrize("score", ["angular", "euclidean"])
def test_values_are_certified_and_symmetric(score):
    subjects = [recurrent(seed) for seed in range(5)]
    pairs = list(combinations(subjects, 2))
    found = compared("dsa", pairs, score=score, starts=12)
    back = compared("dsa", [(b, a) for a, b in pairs], score=score, starts=12)
    assert isinstance(found, Certified)
    assert (found.bound_M <= found.value_M).all() and (found.bound_M > 0).all()
    assert (found.starts_M >= 1).all() and (found.starts_M <= 12).all()
    for one, other in zip(found, back, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_angle_is_that_of_the_distance():
    one, other = recurrent(0), recurrent(1)
    angle, distance = (
        value("dsa", one, other, score=score) for score in ("angular", "euclidean")
    )
    assert np.cos(angle) == pytest.approx(1 - distance**2 / 2)


@pytest.mark.parametrize("name", ["dsa", "eigenvalues", "input_dsa"])
def test_a_silent_network_leaves_the_others_alone(name):
    one, other = recurrent(0), recurrent(1)
    silent = one._replace(trained_BTN=np.zeros_like(one.trained_BTN))
    pairs = [(one, silent), (one, other), (silent, other), (silent, silent)]
    found = certified(compared(name, pairs))
    assert np.isnan(found.value_M[[0, 2, 3]]).all()
    assert found.value_M[1] == value(name, one, other)
    assert np.isnan(found.bound_M[[0, 2, 3]]).all() and (found.starts_M[2:] == 0).all()


def solution(seed, swinging):
    """A noisy network that swings or decays, with one and the same response."""
    random = np.random.default_rng(seed)
    angles = (0.5, 0.9) if swinging else (0.0, 0.0)
    sizes = ((0.95, 0.95), (0.9, 0.9)) if swinging else ((0.95, 0.8), (0.6, 0.4))
    a = np.zeros((4, 4))
    for k, (angle, size) in enumerate(zip(angles, sizes, strict=True)):
        sine, cosine = np.sin(angle), np.cos(angle)
        turn = np.array([[cosine, -sine], [sine, cosine]])
        a[2 * k : 2 * k + 2, 2 * k : 2 * k + 2] = turn * size
    x, rates = random.standard_normal((TRIALS, 4)), []
    for _ in range(STEPS):
        x = x @ a.T + 0.3 * random.standard_normal((TRIALS, 4))
        rates.append(x)
    into = np.linalg.qr(random.standard_normal((9, 4)))[0].T
    response = np.ones((TRIALS, 5), np.float32)
    return Subject(response=response, trained_BTN=np.stack(rates, 1) @ into)


@pytest.mark.parametrize("name", ["dsa", "eigenvalues"])
def test_two_solutions_of_equal_behaviour_are_told_apart(name):
    kinds = [True, True, True, False, False, False]
    networks = [solution(seed, swings) for seed, swings in enumerate(kinds)]
    within, between = [], []
    for i, j in combinations(range(6), 2):
        found = value(name, networks[i], networks[j], delays=1, rank=4)
        (within if kinds[i] == kinds[j] else between).append(found)
    assert max(within) < 0.6 * min(between)
    behaviour = METRICS["behaviour"]
    prepared = [behaviour.prepare(behaviour.settings(), n) for n in networks]
    same = behaviour.compare(behaviour.settings(), prepared[:1], prepared[-1:])
    assert same == 0


@pytest.mark.parametrize("name", ["dsa", "eigenvalues", "input_dsa"])
def test_a_network_against_itself_is_the_floor(name):
    """Its halves differ, but less than it does from another one."""
    one, other = recurrent(0, noise=0.05), recurrent(1, noise=0.05)
    floor = value(name, one, one, again=True)
    assert 0 < floor < 0.7 * value(name, one, other)
    repeated = one._replace(
        trained_BTN=np.concatenate([one.trained_BTN] * 2),
        input_BTI=np.concatenate([one.input_BTI] * 2),
    )
    assert value(name, repeated, repeated, again=True) < 1e-7


@pytest.mark.parametrize("name", ["dsa", "input_dsa"])
def test_units_that_do_not_act_together_are_a_null(name):
    one = recurrent(0)
    apart = value(name, one, rotated(one))
    assert value(name, one, rotated(one), shuffled=True) > 0.1 > apart
    found = [value(name, one, recurrent(1), shuffled=True) for _ in range(2)]
    assert found[0] == found[1]


def test_inputs_that_excite_too_little_give_no_value():
    one, other = recurrent(0), recurrent(1)
    assert np.isfinite(value("input_dsa", one, other))
    held = np.broadcast_to(one.input_BTI[:, :1], one.input_BTI.shape)
    still = [s._replace(input_BTI=held) for s in (one, other)]
    assert np.isnan(value("input_dsa", *still))
    prepared = METRICS["input_dsa"].prepare(
        METRICS["input_dsa"].settings(**SMALL), still[0]
    )
    assert list(prepared["input_rank"]) == [2, 4]
    assert prepared["heldout_error"].shape == (1,)


def test_state_and_input_are_told_apart():
    """Two networks of one recurrence whose inputs arrive otherwise, and the reverse."""
    random = np.random.default_rng(0)
    u = random.standard_normal((TRIALS, STEPS, 2))
    rotation = np.linalg.qr(random.standard_normal((4, 4)))[0]
    turn = 0.8 * np.linalg.qr(random.standard_normal((4, 4)))[0]

    def run(a, b):
        x = np.zeros((TRIALS, STEPS, 4))
        for t in range(1, STEPS):
            x[:, t] = x[:, t - 1] @ a.T + u[:, t] @ b.T
        return Subject(input_BTI=u, trained_BTN=x)

    b = random.standard_normal((4, 2))
    given = {"delays": 1, "rank": 4, "score": "euclidean"}
    one, copy = run(turn, b), run(rotation @ turn @ rotation.T, rotation @ b)
    other = run(turn @ turn, b)
    for of in ("joint", "state", "input"):
        assert value("input_dsa", one, copy, of=of, **given) < 1e-7
        assert value("input_dsa", one, other, of=of, **given) > 1e-3


@pytest.mark.slow
def test_the_package_never_finds_a_lower_minimum():
    """The best of three of its searches, for each of ten pairs."""
    subjects = [recurrent(seed) for seed in range(5)]
    metric = METRICS["dsa"]
    settings = metric.settings(**SMALL, score="euclidean")
    prepared = [metric.prepare(settings, s) for s in subjects]
    gaps = []
    for one, other in combinations(prepared, 2):
        (ours,) = metric.compare(settings, [one], [other]).value_M
        theirs = [
            dsa_package.distance(one["operator_RR"], other["operator_RR"], 1000, seed)
            for seed in range(3)
        ]
        gaps.append(min(theirs) - ours)
    assert min(gaps) > -1e-4
    # where it finds the minimum, the two agree
    assert sum(gap < 1e-3 for gap in gaps) >= 5


@pytest.mark.slow
def test_the_package_never_finds_a_lower_minimum_at_the_default_rank():
    """Its 1,500 iterations from three starts, for each of ten pairs at rank 20."""
    subjects = [recurrent(seed, units=30, trials=20) for seed in range(5)]
    metric = METRICS["dsa"]
    angular, euclidean = (metric.settings(score=s) for s in ("angular", "euclidean"))
    prepared = [metric.prepare(euclidean, s) for s in subjects]
    for one, other in combinations(prepared, 2):
        a, b = one["operator_RR"], other["operator_RR"]
        assert a.shape == (20, 20) and np.linalg.matrix_rank(a) == 20
        angle, distance = (
            metric.compare(s, [one], [other]).value_M[0] for s in (angular, euclidean)
        )
        theirs = [dsa_package.distance(a, b, seed=seed) for seed in range(3)]
        assert distance < min(theirs) + 1e-4
        # at one minimum, ours, the scores of the two agree
        found = align_operators(a, b, euclidean.starts)
        assert dsa_package.scores(a, b, found.rotation_nn) == pytest.approx(
            [angle, distance], abs=1e-3
        )
