"""Laws of heterogeneous parameters against scipy.stats and the published ranges."""

import numpy as np
import pytest
from scipy import stats

from popnet.config import Network, Spread
from popnet.core.laws import draw_spread

U = np.linspace(0.0005, 0.9995, 1000)
DT = 0.001
LAWS = ("uniform", "mittal_narayanan", "normal", "lognormal", "gamma")


def frozen(law, mean, spread):
    """The untruncated law with this mean and coefficient of variation, by scipy."""
    if law == "normal":
        return stats.norm(mean, spread * mean)
    if law == "lognormal":
        sigma = np.sqrt(np.log1p(spread**2))
        return stats.lognorm(s=sigma, scale=mean * np.exp(-(sigma**2) / 2))
    return stats.gamma(a=spread**-2, scale=mean * spread**2)


@pytest.mark.parametrize("law", ["normal", "lognormal", "gamma"])
@pytest.mark.parametrize("spread", [0.05, 0.3, 0.9])
def test_untruncated_laws_are_scipy_s_with_the_stated_moments(law, spread):
    expected = frozen(law, 0.03, spread)
    got = draw_spread(Spread(mean=0.03, law=law, spread=spread), U)
    np.testing.assert_allclose(got, expected.ppf(U), rtol=1e-9)
    assert expected.mean() == pytest.approx(0.03)
    assert expected.std() == pytest.approx(0.03 * spread)


@pytest.mark.parametrize("law", ["normal", "lognormal", "gamma"])
@pytest.mark.parametrize(("low", "high"), [(0.01, 0.05), (0.02, None), (None, 0.04)])
def test_truncated_laws_are_renormalised(law, low, high):
    full = frozen(law, 0.03, 0.5)
    f_low = 0.0 if low is None else full.cdf(low)
    f_high = 1.0 if high is None else full.cdf(high)
    settings = Spread(mean=0.03, law=law, spread=0.5, low=low, high=high)
    got = draw_spread(settings, U)
    np.testing.assert_allclose(got, full.ppf(f_low + U * (f_high - f_low)), rtol=1e-9)
    assert (low is None or got.min() >= low) and (high is None or got.max() <= high)


def test_truncated_normal_is_scipy_s_truncnorm():
    settings = Spread(mean=0.03, law="normal", spread=0.4, low=0.02, high=0.06)
    a, b = (0.02 - 0.03) / 0.012, (0.06 - 0.03) / 0.012
    expected = stats.truncnorm(a, b, loc=0.03, scale=0.012).ppf(U)
    np.testing.assert_allclose(draw_spread(settings, U), expected, rtol=1e-9)


@pytest.mark.parametrize(
    ("degree", "low_ms", "high_ms"),
    [(1, 24, 36), (2, 18, 42), (3, 12, 48), (4, 6, 54), (5, 3, 60)],
)
def test_the_group_s_degrees(degree, low_ms, high_ms):
    # Mittal & Narayanan 2021, Table 1, at the default of 30 ms
    law = Spread(mean=0.030, law="mittal_narayanan", spread=degree / 5)
    ends = draw_spread(law, np.array([0.0, 0.5, 1.0]))
    middle_ms = (low_ms + high_ms) / 2
    np.testing.assert_allclose(1000 * ends, [low_ms, middle_ms, high_ms], rtol=1e-12)


def test_uniform_law_spans_mean_times_one_plus_minus_spread():
    ends = draw_spread(Spread(mean=0.03, spread=0.8), np.array([0.0, 0.25, 1.0]))
    np.testing.assert_allclose(ends, [0.006, 0.018, 0.054], rtol=1e-12)


@pytest.mark.parametrize("law", LAWS)
def test_spread_0_is_the_mean_exactly(law):
    got = draw_spread(Spread(mean=0.03, law=law, spread=0.0), U, low=0.05)
    assert (got == 0.03).all()


@pytest.mark.parametrize("law", LAWS)
def test_units_keep_their_ranks_over_spreads(law):
    u = np.random.default_rng(5).uniform(size=200)
    for spread in (0.01, 0.2, 0.9):
        got = draw_spread(Spread(mean=0.03, law=law, spread=spread), u, low=2 * DT)
        assert (np.argsort(got) == np.argsort(u)).all()


@pytest.mark.parametrize("law", ["normal", "lognormal", "gamma"])
@pytest.mark.parametrize("spread", [0.5, 1.0, 3.0])
def test_unbounded_laws_keep_above_the_given_floor(law, spread):
    ends = np.array([0.0, 1e-12, 1e-6, 0.5])
    got = draw_spread(Spread(mean=0.03, law=law, spread=spread), ends, low=2 * DT)
    assert got[0] == pytest.approx(2 * DT, rel=1e-9) and (got >= 2 * DT).all()
    own = Spread(mean=0.03, law=law, spread=spread, low=0.005)
    assert (draw_spread(own, ends, low=2 * DT) >= 0.005).all(), "the law's own low"


@pytest.mark.parametrize("law", ["uniform", "mittal_narayanan", "normal"])
def test_around_a_mean_of_0_the_spread_is_absolute(law):
    got = draw_spread(Spread(mean=0.0, law=law, spread=0.3), U)
    if law == "normal":
        np.testing.assert_allclose(got, stats.norm(0, 0.3).ppf(U), rtol=1e-9)
    else:
        np.testing.assert_allclose(got, 0.3 * (2 * U - 1), atol=1e-14)


@pytest.mark.parametrize("law", ["uniform", "normal"])
def test_a_negative_mean_spreads_around_itself(law):
    got = draw_spread(Spread(mean=-2.0, law=law, spread=0.5), U)
    expected = stats.uniform(-3, 2) if law == "uniform" else stats.norm(-2, 1)
    np.testing.assert_allclose(got, expected.ppf(U), rtol=1e-9)


DEEP = np.concatenate([[0.0, 1e-12, 1e-6], U, [1 - 1e-12]])


@pytest.mark.parametrize(
    ("law", "dt_s", "allowed"),
    [
        ({"spread": 0.9}, 0.0015, True),
        ({"spread": 0.9}, 0.00151, False),
        # the group's widest degree, 3 ms to 60 ms
        ({"law": "mittal_narayanan", "spread": 1.0}, 0.001, True),
        ({"law": "mittal_narayanan", "spread": 1.0}, 0.0015, True),
        ({"law": "mittal_narayanan", "spread": 1.0}, 0.002, False),
        ({"law": "normal", "spread": 0.5}, 0.015, True),
        ({"law": "normal", "spread": 0.5}, 0.016, False),
        ({"law": "gamma", "spread": 0.5, "low": 0.01}, 0.005, True),
        ({"law": "gamma", "spread": 0.5, "low": 0.009}, 0.005, False),
        # all the same: down to the discrete network
        ({}, 0.020, True),
        ({}, 0.030, True),
        ({}, 0.031, False),
    ],
    ids=str,
)
def test_time_constants_that_differ_are_two_steps_or_more(law, dt_s, allowed):
    tau = {"mean": 0.030, **law}
    if not allowed:
        with pytest.raises(ValueError, match="time constants down to"):
            Network(dt_s=dt_s, tau_s=tau)
        return
    settings = Network(dt_s=dt_s, tau_s=tau).tau_s
    values = draw_spread(settings, DEEP, low=2 * dt_s)
    floor = 2 * dt_s if law else dt_s
    assert values.min() >= floor * (1 - 1e-9)
    assert len(np.unique(values)) > 900 or not law, "the law has not collapsed"


@pytest.mark.parametrize(
    ("law", "allowed"),
    [
        ({"spread": 0.99}, True),
        ({"spread": 1.0}, False),
        ({"law": "mittal_narayanan", "spread": 3.0}, True),
        ({"law": "normal", "spread": 0.1}, False),
        ({"law": "normal", "spread": 0.1, "low": 0.0}, False),
        ({"law": "normal", "spread": 2.0, "low": 0.05}, True),
        ({"law": "lognormal", "spread": 2.0}, True),
        ({"law": "gamma", "spread": 1.0}, True),
    ],
    ids=str,
)
def test_slopes_are_above_0_whatever_their_law(law, allowed):
    if not allowed:
        with pytest.raises(ValueError, match=r"above 0"):
            Network(slope=law)
        return
    values = draw_spread(Network(slope=law).slope, DEEP[1:])
    assert values.min() > 0


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("mean", [0.03, -2.0, 0.0])
@pytest.mark.parametrize("spread", [0.0, 0.3, 2.0])
def test_nothing_is_below_what_a_law_says_is_its_lowest(law, mean, spread):
    if law in ("lognormal", "gamma") and mean <= 0:
        return
    settings = Spread(mean=mean, law=law, spread=spread)
    values = draw_spread(settings, DEEP[1:])
    slack = 1e-12 * max(1, abs(mean))
    assert values.min() >= settings.lowest - slack
    if law in ("uniform", "mittal_narayanan"):
        reached = draw_spread(settings, np.array([0.0, 1.0])).min()
        assert reached == pytest.approx(settings.lowest, abs=1e-12)
