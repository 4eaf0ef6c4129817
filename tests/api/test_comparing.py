"""pn.compare gives a labelled square, of networks and of other people's rates."""

import numpy as np
import pytest

import popnet as pn
from popnet.metrics import METRICS, Certified

RNG = np.random.default_rng(3)
RATES_PBTN = RNG.standard_normal((3, 4, 10, 6))
RATES_PBTN[1] = RATES_PBTN[0] @ np.linalg.qr(RNG.standard_normal((6, 6)))[0]


def drawn():
    network = {"units": 12, "dt_s": 0.01, "tau_s": {"mean": 0.05}}
    return pn.draw("dnms", networks=3, network=network)


def test_networks_are_named_by_their_keys():
    nets = drawn()
    square = pn.compare(nets, "weights", progress=False)
    assert square.dims == ("network", "other") and square.name == "weights"
    assert list(square["network"].values) == nets.key_P
    a, b = nets.key_P[0], nets.key_P[2]
    assert float(square.sel(network=a, other=b)) == np.asarray(square)[0, 2] > 0
    assert square.attrs["kind"] == "distance" and set(square.coords) == set(square.dims)


@pytest.mark.parametrize("as_given", [lambda r: r, list, lambda r: dict(zip("xyz", r, strict=True))])  # fmt: skip  # noqa: E501
def test_rates_are_compared_without_networks(as_given):
    given = as_given(RATES_PBTN)
    square = pn.compare(given, "trajectories", progress=False)
    names = list(given) if isinstance(given, dict) else ["0", "1", "2"]
    assert list(square["network"].values) == names
    value_PP = np.asarray(square)
    assert value_PP[0, 1] < 1e-5 < 0.5 < value_PP[0, 2]
    assert np.isnan(np.diag(value_PP)).all()
    np.testing.assert_array_equal(value_PP, value_PP.T)


def test_certificates_stand_beside_their_values(monkeypatch):
    entry = METRICS["trajectories"]

    class Searched(entry.settings):
        certified = True
        __doc__ = entry.settings.__doc__

    def compare(settings, a, b):
        value_M = entry.compare(settings, a, b)
        return Certified(value_M, value_M / 2, np.arange(len(value_M)) + 1)

    searched = entry._replace(settings=Searched, compare=compare)
    monkeypatch.setitem(METRICS.own, "trajectories", searched)
    square = pn.compare(RATES_PBTN, "trajectories", progress=False)
    bound_PP, starts_PP = square["bound"].values, square["starts"].values
    np.testing.assert_array_equal(bound_PP, np.asarray(square) / 2)
    assert starts_PP[0, 1:].tolist() == [1, 2] and starts_PP[0, 0] == 0
    assert square.sel(network="0", other="1")["starts"] == 1


def test_what_rates_do_not_hold_is_said_in_one_line():
    for given, metric, words in (
        (RATES_PBTN, "weights", "compares weights, and rates alone are given"),
        (RATES_PBTN[0, 0], "trajectories", "expected numbers, trials x time x units"),
        (RATES_PBTN[:1], "trajectories", "fewer than two networks"),
        (RATES_PBTN, {"name": "trajectories", "untrained": True}, "untrained_KTN"),
        (RATES_PBTN, "trajectory", "Did you mean 'trajectories'"),
    ):
        with pytest.raises(pn.ConfigError, match=words) as caught:
            pn.compare(given, metric, progress=False)
        assert "\n" not in str(caught.value)


def test_recordings_of_other_trials_have_no_value():
    given = [RATES_PBTN[0], RATES_PBTN[1], RATES_PBTN[2][:, :7]]
    square = np.asarray(pn.compare(given, "trajectories", progress=False))
    assert np.isfinite(square[0, 1]) and np.isnan(square[2]).all()
