"""What networks meet in a trial: the laws of impulses, noise, starts and types."""

import numpy as np
import pytest
import torch
from scipy import stats

from popnet.config import Impulses
from popnet.core.cell import Cell, Params
from popnet.core.impulses import dense
from popnet.core.rollout import rollout
from popnet.engine.episodes import (
    _bernoulli_places,
    exploratory_impulses,
    graded_impulses,
    initial_states,
    noisy_input,
    recurrent_noise,
    training_batch,
)
from popnet.seeding import Seed

SEED = Seed(5, 1)
DT = 0.001


@pytest.fixture
def net(planned):
    def make(**network):
        (member,) = planned(network={"units": 40, **network})
        return member.config.network

    return make


def drawn(
    net, shape=(50, 400, 40), counter=0, tau=None, draw=exploratory_impulses, **given
):
    """Impulses of some trials as a current [B, T, N]."""
    impulses = Impulses(**{"rate_hz": 5.0, "amplitude": 16.0, **given})
    count, steps, units = shape
    tau_N = np.full(units, 0.03) if tau is None else tau
    trials = range(1000 * counter, 1000 * counter + count)
    lists = [draw(impulses, net, SEED, "impulses", n, steps, tau_N) for n in trials]
    return np.stack([dense(one, steps, units) for one in lists])


def test_a_longer_trial_only_adds_impulses(net):
    short = drawn(net(), (20, 300, 40), rate_hz=20.0)
    long = drawn(net(), (20, 500, 40), rate_hz=20.0)
    assert (short != 0).sum() > 1000
    np.testing.assert_array_equal(long[:, :300], short)
    graded = [drawn(net(), (2, t, 40), draw=graded_impulses) for t in (300, 500)]
    np.testing.assert_array_equal(graded[1][:, :300], graded[0])


def test_a_higher_rate_only_adds_impulses(net):
    few, many = (drawn(net(), draw=graded_impulses, rate_hz=r) for r in (3.0, 30.0))
    np.testing.assert_array_equal(many[few != 0], few[few != 0])
    assert (many != 0).sum() > 5 * (few != 0).sum() > 0


@pytest.mark.parametrize("draw", [exploratory_impulses, graded_impulses])
@pytest.mark.parametrize("rate_hz", [0.3, 5.0, 100.0, 900.0])
def test_impulses_come_at_their_rate_anywhere(rate_hz, draw, net):
    places = drawn(net(), draw=draw, rate_hz=rate_hz) != 0
    chance = rate_hz * DT
    error = np.sqrt(chance * (1 - chance) / places.size)
    assert abs(places.mean() - chance) < 4 * error
    for axes in ((0, 1), (0, 2), (1, 2)):  # by unit, by step, by trial
        counts = places.sum(axes)
        assert stats.chisquare(counts).pvalue > 1e-3 or chance > 0.05
        # binomial, not clumped: variance np(1 - p)
        cells = places.size / len(counts)
        ratio = counts.var(ddof=1) / (cells * chance * (1 - chance))
        assert abs(ratio - 1) < 4 * np.sqrt(2 / (len(counts) - 1))


def test_impulses_are_independent_of_their_neighbours(net):
    places = (drawn(net(), rate_hz=50.0) != 0).astype(float) - 0.05
    pairs = {
        "next unit": (places[..., 1:], places[..., :-1]),
        "next step": (places[:, 1:], places[:, :-1]),
        "next trial": (places[1:], places[:-1]),
    }
    for name, (one, other) in pairs.items():
        product = one * other
        limit = 4 * 0.05 * 0.95 / np.sqrt(product.size)
        assert abs(product.mean()) < limit, name


def test_however_many_there_are_impulses_are_drawn_to_the_end():
    class Crowded:
        """Says that every gap is 1, whatever the chance."""

        def geometric(self, _, count):
            return np.ones(count, np.int64)

    np.testing.assert_array_equal(_bernoulli_places(Crowded(), 0.01, 1000), range(1000))


def test_amplitudes_are_uniform(net):
    current = drawn(net(), amplitude=7.0)
    sizes = current[current != 0]
    assert len(sizes) > 1000
    assert stats.kstest(sizes, stats.uniform(-7, 14).cdf).pvalue > 1e-3


@pytest.mark.parametrize("quiet", [0, 4, 399, 400, 1000])
def test_quiet_time_is_quiet_and_the_next_step_is_not(quiet, net):
    current = drawn(net(), rate_hz=200.0, quiet_s=quiet * DT)
    assert not current[:, :quiet].any()
    assert quiet >= 400 or current[:, quiet].any()


def test_one_impulse_in_every_step_at_the_highest_rate(net):
    current = drawn(net(), rate_hz=1000.0, quiet_s=3 * DT)
    assert (current[:, 3:] != 0).all() and not current[:, :3].any()


@pytest.mark.parametrize("given", [{"rate_hz": 0.0}, {"amplitude": 0.0}])
def test_no_impulses(given, net):
    assert not drawn(net(), **given).any()
    assert not drawn(net(), draw=graded_impulses, **given).any()


def test_each_trial_has_impulses_of_its_own(net):
    one, again, other = (drawn(net(), counter=c) for c in (3, 3, 4))
    np.testing.assert_array_equal(one, again)
    both = ((one != 0) & (other != 0)).sum()
    assert both < 4 * 0.005**2 * one.size + 20


@pytest.mark.parametrize("into", ["drive", "state"])
def test_the_jump_of_the_state(into, net):
    """state: A dt / mean tau whatever the unit's tau; drive: A dt / its own tau."""
    tau = np.linspace(0.003, 0.06, 40)
    shape = (1, 400, 40)
    sizes = drawn(net(), shape, rate_hz=20.0)[0]  # at 0.03, as drawn
    current = drawn(net(), shape, rate_hz=20.0, into=into, tau=tau)
    np.testing.assert_array_equal(current[0] != 0, sizes != 0)
    zero = torch.zeros(1, 40, dtype=torch.float64)
    still = Params(
        torch.zeros(1, 40, 40, dtype=torch.float64), zero[..., None], None, zero,
        torch.tensor(tau)[None], zero + 1, zero, None, None,
    )  # fmt: skip
    drive = torch.tensor(current, dtype=torch.float64)[:, None][:, 0][:, None]
    x, _ = rollout(still, Cell(DT, "tanh", (), 0), drive, zero[:, None])
    x = x[0, 0].numpy()
    jump = x[1:] - x[:-1] * (1 - DT / tau)
    own = tau if into == "drive" else 0.03
    np.testing.assert_allclose(jump, sizes * DT / own, rtol=1e-6, atol=1e-7)
    assert np.abs(jump).max() > 0.1


def jumps(net, dt, seconds=4.0, draw=exploratory_impulses, **given):
    """What x of units with tau 30 ms is moved by, [impulses], in so many seconds."""
    steps, tau_N = round(seconds / dt), np.full(40, 0.03)
    impulses = Impulses(**{"rate_hz": 20.0, "amplitude": 16.0, **given})
    own = net(dt_s=dt)
    return draw(impulses, own, SEED, "impulses", 0, steps, tau_N).size * dt / 0.03


@pytest.mark.parametrize("draw", [exploratory_impulses, graded_impulses])
@pytest.mark.parametrize("into", ["drive", "state"])
def test_impulses_are_the_same_per_second_at_every_time_step(into, draw, net):
    """Their number, largest jump and injected variance: 5 s.e. of 3,200 impulses."""
    for dt in (0.00025, 0.0005, 0.001, 0.002, 0.005, 0.01):
        made = jumps(net, dt, into=into, draw=draw)
        assert abs(len(made) - 3200) < 5 * 3200**0.5, dt
        assert 0.99 * 16 / 30 < np.abs(made).max() <= 16 / 30 + 1e-12, dt
        wanted = (16 / 30) ** 2 / 3
        error = (16 / 30) ** 2 * (4 / 45 / 3200) ** 0.5
        assert abs(np.mean(made**2) - wanted) < 5 * error, dt


def test_the_area_of_an_impulse_is_its_amplitude_times_its_duration(net):
    one = jumps(net, 0.001)
    np.testing.assert_allclose(jumps(net, 0.001, duration_s=0.002), 2 * one, rtol=1e-12)
    wide = jumps(net, 0.001, duration_s=0.002, amplitude=8.0)
    np.testing.assert_allclose(wide, one, rtol=1e-12)


def test_at_the_published_step_the_current_is_the_amplitude_to_the_last_bit(net):
    own, impulses = net(), Impulses(rate_hz=3.0, amplitude=16.0)
    one = exploratory_impulses(impulses, own, SEED, "i", 7, 1000, np.full(40, 0.03))
    unit = SEED.stream("i/sizes", 7).uniform(-1, 1, len(one.size))
    np.testing.assert_array_equal(one.size, 16.0 * unit)


@pytest.mark.parametrize("draw", [exploratory_impulses, graded_impulses])
def test_a_longer_step_has_room_for_an_impulse_in_every_ms(draw, net):
    impulses = Impulses(rate_hz=1000.0, amplitude=1.0, quiet_s=0.007)
    given = net(dt_s=0.005), SEED, "i", 0, 4, np.full(40, 0.03)
    made = draw(impulses, *given)
    counts = np.zeros((4, 40))
    np.add.at(counts, (made.step, made.unit), 1)
    assert (counts == np.array([0, 3, 5, 5])[:, None]).all()
    assert (np.diff(made.step) >= 0).all()


def test_initial_states_are_uniform(net):
    wide, trials = net(initial_state=0.3), range(200)
    start = initial_states(wide, SEED, "initial_state", trials)
    assert start.shape == (200, 40)
    assert stats.kstest(start.ravel(), stats.uniform(-0.3, 0.6).cdf).pvalue > 1e-3
    other = initial_states(wide, SEED, "other", trials)
    assert not (start == other).any() and len(np.unique(start)) == start.size
    still = initial_states(net(initial_state=0.0), SEED, "initial_state", trials)
    assert not still.any()


def test_initial_states_of_a_batch_are_one_stream_s(net):
    """Named by the batch's first trial; more trials only add to it."""
    wide = net(initial_state=0.3)
    few = initial_states(wide, SEED, "initial_state", range(8, 12))
    more = initial_states(wide, SEED, "initial_state", range(8, 40))
    np.testing.assert_array_equal(more[:4], few)
    next_batch = initial_states(wide, SEED, "initial_state", range(12, 16))
    assert not (next_batch == more[4:8]).any()
    own = SEED.stream("initial_state", 8).uniform(-1, 1, (4, 40))
    np.testing.assert_array_equal(few, 0.3 * own)


def test_recurrent_noise_has_the_stated_sd_in_x(net):
    tau = np.linspace(0.003, 0.06, 40)
    given = net(noise={"recurrent": 0.2})
    current = recurrent_noise(given, SEED, "noise", range(20), 100, tau)
    # Song et al. 2016: sqrt(2 dt / tau) s xi per step, as a current times dt / tau
    xi = current * (DT / tau) / (np.sqrt(2 * DT / tau) * 0.2)
    assert stats.kstest(xi.ravel()[:20_000], "norm").pvalue > 1e-3
    assert abs(xi.std((0, 1)) - 1).max() < 5 / np.sqrt(2 * 2000)
    assert recurrent_noise(net(), SEED, "noise", range(20), 100, tau) is None
    # trials have streams of their own: batches, and how long they are, change nothing
    later = recurrent_noise(given, SEED, "noise", range(7, 9), 60, tau)
    np.testing.assert_array_equal(later, current[7:9, :60])


def test_input_noise_has_the_stated_sd(net):
    inputs = np.zeros((50, 200, 5))
    given = net(noise={"input": 0.1}, tau_s=0.02)
    noisy = noisy_input(inputs, given, SEED, "noise", range(50))
    xi = noisy / (np.sqrt(2 * 0.02 / DT) * 0.1)
    assert stats.kstest(xi.ravel()[:20_000], "norm").pvalue > 1e-3
    assert noisy_input(inputs, net(), SEED, "noise", range(50)) is inputs


SMALL = {"name": "dnms", "stimulus_s": 0.01, "delay_s": 0.01, "wait_s": 0.0,
         "response_s": 0.01}  # fmt: skip


@pytest.fixture
def population(planned):
    members = planned(task=SMALL, count=3, network={"units": 12})
    return members, torch.full((3, 12), 0.03)


def test_trial_types_come_in_a_fixed_cycle(population):
    members, tau = population
    types = [
        training_batch(members, torch.full((3,), n), tau).type_PB[:, 0].tolist()
        for n in range(9)
    ]
    assert types == [[n % 4] * 3 for n in range(9)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_networks_meet_the_same_whoever_stands_beside_them(noise, dtype, planned):
    network = {"units": 12, "noise": {"recurrent": noise}, "dtype": dtype}
    members = planned(task=SMALL, count=3, network=network)
    tau = torch.full((3, 12), 0.03, dtype=getattr(torch, dtype))
    trial_P = torch.tensor([5, 17, 5])
    crowd = training_batch(members, trial_P, tau, 2)
    assert crowd.impulses is not None and (crowd.noise_PBTN is None) == (noise == 0)
    for p in range(3):
        alone = training_batch([members[p]], trial_P[[p]], tau[[p]], 2)
        for name, a, b in zip(crowd._fields, alone, crowd, strict=True):
            if name == "impulses":
                for one, other in zip(a[0], b[p], strict=True):
                    assert all(map(np.array_equal, one, other))
            else:
                assert (a is None and b is None) or torch.equal(a, b[[p]]), name
    assert not torch.equal(crowd.x0_PBN[0], crowd.x0_PBN[2]), "seeds of their own"


@pytest.mark.parametrize("task", [SMALL, {**SMALL, "name": "dnms_variable"}])
def test_trials_of_a_block_are_those_that_come_one_by_one(task, planned):
    members = planned(task=task, count=3, network={"units": 12})
    tau, trial_P = torch.full((3, 12), 0.03), torch.tensor([5, 17, 5])
    block = training_batch(members, trial_P, tau, 4)
    for b in range(4):
        one = training_batch(members, trial_P + b, tau)
        for name, a, c in zip(block._fields, one, block, strict=True):
            if name == "impulses":
                for p in range(3):
                    assert all(map(np.array_equal, a[p][0], c[p][b]))
            elif name not in ("noise_PBTN", "trial_P", "drawn"):
                assert torch.equal(a, c[:, [b]]), name


def test_batches_are_the_next_trials(planned):
    rule = {"name": "bptt", "batch_trials": 6}
    (member,) = planned(task=SMALL, rule=rule, network={"units": 12})
    batch = training_batch([member], torch.tensor([12]), torch.full((1, 12), 0.03))
    assert batch.type_PB[0].tolist() == [0, 1, 2, 3, 0, 1]
    assert batch.input_PBTI.shape == (1, 6, 40, 5)
    assert batch.noise_PBTN is None and batch.impulses is None
    assert len({tuple(row) for row in batch.x0_PBN[0].tolist()}) == 6
