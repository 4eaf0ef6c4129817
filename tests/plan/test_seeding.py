"""Named streams: Philox as published, no stream shared, pairs by construction."""

import numpy as np
import pytest
import torch

from popnet.core.draw import draw
from popnet.plan import networks
from popnet.seeding import Seed, philox_key, stream

MASK = 2**64 - 1


def philox4x64(counter, key, rounds=10):
    """Philox4x64-10 in plain integers, after Salmon et al., SC 2011, sec. 4."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(rounds):
        p0, p1 = c0 * 0xD2E7470EE14C6C93, c2 * 0xCA5A826395121157
        c0, c1, c2, c3 = (
            (p1 >> 64) ^ c1 ^ k0,
            p1 & MASK,
            (p0 >> 64) ^ c3 ^ k1,
            p0 & MASK,
        )
        k0, k1 = (k0 + 0x9E3779B97F4A7C15) & MASK, (k1 + 0xBB67AE8584CAA73B) & MASK
    return [c0, c1, c2, c3]


KNOWN = [  # Random123 1.14, tests/kat_vectors, lines "philox4x64 10"
    ([0] * 4, [0] * 2, "16554d9eca36314c db20fe9d672d0fdc d7e772cee186176b "
     "7e68b68aec7ba23b"),
    ([MASK] * 4, [MASK] * 2, "87b092c3013fe90b 438c3c67be8d0224 9cc7d7c69cd777b6 "
     "a09caebf594f0ba0"),
    ([0x243F6A8885A308D3, 0x13198A2E03707344, 0xA4093822299F31D0, 0x082EFA98EC4E6C89],
     [0x452821E638D01377, 0xBE5466CF34E90C6C],
     "a528f45403e61d95 38c72dbd566e9788 a5a1610e72fd18b5 57bd43b5e52b7fe6"),
]  # fmt: skip


@pytest.mark.parametrize(("counter", "key", "words"), KNOWN)
def test_philox_gives_the_published_known_answers(counter, key, words):
    assert [f"{word:016x}" for word in philox4x64(counter, key)] == words.split()


@pytest.mark.parametrize("counter", [0, 1, 12_345, 2**63, 2**64 - 1])
def test_a_stream_is_philox_with_its_key_and_counter(counter):
    """Numpy raises the counter by one before each block of four words."""
    names = (7, 3, "trials")
    key = philox_key(*names)
    words = [key & MASK, key >> 64]
    expected = [
        word
        for block in range(3)
        for word in philox4x64([block + 1, 0, 0, counter], words)
    ]
    got = stream(*names, counter=counter).bit_generator.random_raw(12)
    assert got.tolist() == expected


def test_a_stream_is_numpys_philox_set_by_hand():
    key = philox_key(7, 3, "weights/recurrent")
    by_hand = np.random.Philox(
        key=np.array([key & MASK, key >> 64], dtype=np.uint64),
        counter=np.array([0, 0, 0, 41], dtype=np.uint64),
    )
    expected = np.random.Generator(by_hand).standard_normal(100)
    got = Seed(7, 3).stream("weights/recurrent", 41).standard_normal(100)
    np.testing.assert_array_equal(got, expected)


def test_the_key_of_a_name_never_changes():
    expected = 31774702135157638765268611545777784079
    assert philox_key(7, 0, "weights/recurrent") == expected


def test_a_hundred_thousand_names_have_streams_of_their_own():
    purposes = ("weights/recurrent", "weights/input", "trials", "impulses", "start")
    names = [
        (seed, number, purpose)
        for seed in range(20)
        for number in range(1000)
        for purpose in purposes
    ]
    assert len({philox_key(*name) for name in names}) == 100_000
    first = {stream(*name).bit_generator.random_raw() for name in names}
    assert len(first) == 100_000


@pytest.mark.parametrize("kind", [np.int64, np.int32, np.uint8])
def test_a_number_of_numpy_names_the_stream_of_its_value(kind):
    assert philox_key(kind(7), kind(3), "trials") == philox_key(7, 3, "trials")
    first = stream(kind(5), kind(2), "x").random(4)
    np.testing.assert_array_equal(first, stream(5, 2, "x").random(4))


def test_names_are_not_confused_by_where_they_split():
    names = [(1, 23, "a"), (12, 3, "a"), (1, 2, "3a"), (1, "2", "3a"), (1, 2, 3, "a")]
    assert len({philox_key(*name) for name in names}) == len(names)


def test_counters_are_streams_of_their_own():
    draws = [
        Seed(7, 0).stream("trials", counter).bit_generator.random_raw(8)
        for counter in range(2000)
    ]
    assert len({word for words in draws for word in words.tolist()}) == 16_000


def test_a_stream_begins_anew_each_time_it_is_asked_for():
    one, other = Seed(7, 0).stream("trials"), Seed(7, 0).stream("trials")
    first = one.uniform(size=5)
    np.testing.assert_array_equal(other.uniform(size=5), first)
    assert not np.array_equal(one.uniform(size=5), first)


@pytest.mark.parametrize(
    "axis",
    ["grid.network.tau_s.spread=[0.1, 0.4]", "grid.rule.learning_rate=[0.1, 0.2]"],
)
def test_conditions_are_paired_network_by_network(changed, axis):
    """Network i of every condition starts from the same draws."""
    plan = changed("dnms", "reward_hebbian", axis, "networks=3")
    first, second = networks(plan)[:3], networks(plan)[3:]
    drawn = [
        draw([n.config.network for n in ns], [n.config.task for n in ns],
             [n.seed for n in ns])
        for ns in (first, second)
    ]  # fmt: skip
    for name in ("w_PNN", "win_PNI", "bias_PN", "mask_PNN", "sign_PN"):
        assert torch.equal(getattr(drawn[0], name), getattr(drawn[1], name)), name
    assert torch.equal(drawn[0].tau_PN, drawn[1].tau_PN) == ("rule" in axis)
    # a wider law stretches the same draws: the order of the units stays
    order = [d.tau_PN.argsort(dim=1) for d in drawn]
    assert torch.equal(order[0], order[1])
    w_PNN = drawn[0].w_PNN
    assert not torch.equal(w_PNN[0], w_PNN[1])


def test_settings_change_only_what_they_name(changed):
    plain = networks(changed("dnms", "reward_hebbian"))[0]
    gained = networks(changed("dnms", "reward_hebbian", "network.gain=3.0"))[0]
    one, other = (
        draw([n.config.network], [n.config.task], [n.seed]) for n in (plain, gained)
    )
    torch.testing.assert_close(one.w_PNN * 2, other.w_PNN, rtol=1e-6, atol=0)
    assert torch.equal(one.win_PNI, other.win_PNI)
