"""Laws of heterogeneous parameters against scipy.stats and the published ranges."""

import re

import numpy as np
import pytest
from scipy import stats

from popnet.config import Network, Spread
from popnet.core.laws import draw_spread

U = np.linspace(0.0005, 0.9995, 1000)
DT = 0.001
LAWS = ("uniform", "mittal_narayanan", "normal", "lognormal", "gamma")


def graded(law, spread, mean=0.03, **bounds):
    """A law of this form, with about this spread."""
    name, value = (
        ("degree", 5 * spread)
        if law == "mittal_narayanan"
        else (("spread", spread / 2) if law == "uniform" else ("spread", spread))
    )
    return Spread(mean=mean, law=law, **{name: value}, **bounds)


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


DRAWS = 100_000
MEAN = 0.030


def widest(law, low):
    """The largest spread of the law with this floor, and not more than 1.2."""
    full = {
        "uniform": (1 - low / MEAN) / np.sqrt(3),
        "normal": 0.99 * (1 - low / MEAN),
        "lognormal": 1.2,
        "gamma": 1.2,
    }
    return min(full[law], 1.2 if low < 0.005 else 0.7 if low < 0.015 else 0.3)


@pytest.mark.parametrize("dt_s", [0.001, 0.002, 0.005, 0.010])
@pytest.mark.parametrize("law", ["uniform", "normal", "lognormal", "gamma"])
def test_drawn_values_have_the_mean_and_spread_that_were_asked(law, dt_s):
    floor = 2 * dt_s
    for part in (0.05, 0.3, 0.6, 0.9, 1.0):
        spread = part * widest(law, floor)
        tau_s = {"mean": MEAN, "law": law, "spread": spread}
        settings = Network(dt_s=dt_s, tau_s=tau_s).tau_s
        u_N = np.random.default_rng(round(1000 * part)).uniform(size=DRAWS)
        x_N = draw_spread(settings, u_N, low=floor)
        assert x_N.min() >= floor * (1 - 1e-12)
        z = (x_N - x_N.mean()) / x_N.std()
        # standard errors of a mean, and of a standard deviation by the 4th moment
        error = x_N.std() / np.sqrt(DRAWS)
        assert abs(x_N.mean() - MEAN) < 4 * error
        of_sd = x_N.std() * np.sqrt(((z**4).mean() - 1) / (4 * DRAWS))
        assert abs(x_N.std() - spread * MEAN) < 4 * of_sd


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"law": "normal", "spread": 1.0}, r"got 1; at most 0\.93"),
        ({"law": "gamma", "spread": 1.7}, r"got 1\.7; at most 1\.56"),
        ({"law": "lognormal", "spread": 4.0}, r"got 4; at most 3 for law lognormal"),
        ({"spread": 0.6}, r"spread 0\.6 of law uniform .* spread at most 0\.538"),
        ({"half_width": 0.95}, r"half_width at most 0\.933"),
        ({"law": "normal", "spread": 0.5, "low": 0.029}, r"at most 0\.033"),
    ],
)
def test_a_spread_that_no_law_has_is_refused_with_the_largest(given, message):
    with pytest.raises(ValueError, match=message):
        Network(tau_s={"mean": 0.030, **given})
    largest = float(re.search(r"at most ([0-9.]*[0-9])", message.replace("\\", ""))[1])
    name = "half_width" if "half_width" in given else "spread"
    Network(tau_s={"mean": 0.030, **given, name: largest})


@pytest.mark.parametrize(
    ("degree", "low_ms", "high_ms"),
    [(0, 30, 30), (1, 24, 36), (2, 18, 42), (3, 12, 48), (4, 6, 54), (5, 1, 60)],
)
def test_the_group_s_degrees(degree, low_ms, high_ms):
    # Mittal & Narayanan 2021, Methods: percents of the base, from 1 ms up
    law = Spread(mean=0.030, law="mittal_narayanan", degree=degree)
    ends = draw_spread(law, np.array([0.0, 0.5, 1.0]))
    middle_ms = (low_ms + high_ms) / 2
    np.testing.assert_allclose(1000 * ends, [low_ms, middle_ms, high_ms], rtol=1e-12)


@pytest.mark.parametrize(("degree", "low_ms", "high_ms"), [(1, 6.4, 9.6), (5, 1, 16)])
def test_the_floor_of_the_group_is_1_ms_whatever_the_base(degree, low_ms, high_ms):
    law = Spread(mean=0.008, law="mittal_narayanan", degree=degree)
    ends = 1000 * draw_spread(law, np.array([0.0, 1.0]))
    np.testing.assert_allclose(ends, [low_ms, high_ms], rtol=1e-12)


def test_the_widest_degree_is_clipped_at_two_steps_and_no_other():
    u = (np.arange(59_000) + 0.5) / 59_000
    for degree in (1, 2, 3, 4, 5):
        tau_s = {"mean": 0.030, "law": "mittal_narayanan", "degree": degree}
        law = Network(dt_s=0.001, tau_s=tau_s).tau_s
        at_floor = draw_spread(law, u, low=0.002) == 0.002
        assert at_floor.sum() == (1000 if degree == 5 else 0)


@pytest.mark.parametrize("mean", [1.0, -2.0])
def test_the_group_s_ranges_are_percents_of_any_mean(mean):
    law = Spread(mean=mean, law="mittal_narayanan", degree=2)
    got = draw_spread(law, np.array([0.0, 0.5, 1.0]))
    np.testing.assert_allclose(got, mean + 0.4 * abs(mean) * np.array([-1, 0, 1]))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"law": "mittal_narayanan", "spread": 0.4}, "graded by degree.*degree 2"),
        ({"law": "normal", "degree": 1}, "is a setting of law: mittal_narayanan"),
        ({"law": "gamma", "half_width": 0.1}, "is a setting of law: uniform"),
        ({"spread": 0.1, "half_width": 0.2}, "one of the two"),
        ({"law": "mittal_narayanan", "mean": 0.0, "degree": 2}, "parts of the mean"),
        ({"law": "mittal_narayanan", "degree": 6}, "less than or equal to 5"),
    ],
)
def test_a_law_is_graded_by_its_own_setting(given, message):
    with pytest.raises(ValueError, match=message):
        Spread(**{"mean": 0.03, **given})


def test_a_half_width_is_the_uniform_law_by_another_name():
    by_width = Spread(mean=0.03, half_width=0.6)
    by_spread = Spread(mean=0.03, spread=0.6 / np.sqrt(3))
    np.testing.assert_allclose(draw_spread(by_width, U), draw_spread(by_spread, U))
    ends = draw_spread(by_width, np.array([0.0, 0.25, 1.0]))
    np.testing.assert_allclose(ends, [0.012, 0.021, 0.048], rtol=1e-12)
    assert by_width.sd == pytest.approx(by_spread.sd)


@pytest.mark.parametrize("law", LAWS)
def test_spread_0_is_the_mean_exactly(law):
    got = draw_spread(Spread(mean=0.03, law=law), U, low=0.05)
    assert (got == 0.03).all()


@pytest.mark.parametrize("law", LAWS)
def test_units_keep_their_ranks_over_spreads(law):
    u = np.random.default_rng(5).uniform(size=200)
    for spread in (0.01, 0.2, 0.9):
        got = draw_spread(graded(law, spread), u, low=2 * DT)
        assert (np.diff(got[np.argsort(u)]) >= 0).all()
        assert (np.argsort(got) == np.argsort(u)).all() or law == "mittal_narayanan"


@pytest.mark.parametrize("law", ["normal", "lognormal", "gamma"])
@pytest.mark.parametrize("spread", [0.2, 0.5, 0.8])
def test_unbounded_laws_keep_above_the_given_floor(law, spread):
    ends = np.array([0.0, 1e-12, 1e-6, 0.5])
    got = draw_spread(Spread(mean=0.03, law=law, spread=spread), ends, low=2 * DT)
    assert got[0] == pytest.approx(2 * DT, rel=1e-9) and (got >= 2 * DT).all()
    own = Spread(mean=0.03, law=law, spread=spread, low=0.005)
    assert (draw_spread(own, ends, low=2 * DT) >= 0.005).all(), "the law's own low"


@pytest.mark.parametrize("law", ["uniform", "normal"])
@pytest.mark.parametrize(("mean", "sd"), [(0.0, 0.3), (-2.0, 1.0)])
def test_around_0_the_spread_is_the_sd_and_elsewhere_a_part_of_the_mean(law, mean, sd):
    spread = sd / (abs(mean) or 1.0)
    got = draw_spread(Spread(mean=mean, law=law, spread=spread), U)
    root = np.sqrt(3) * sd
    of = (
        stats.uniform(mean - root, 2 * root)
        if law == "uniform"
        else stats.norm(mean, sd)
    )
    np.testing.assert_allclose(got, of.ppf(U), rtol=1e-9, atol=1e-12)


DEEP = np.concatenate([[0.0, 1e-12, 1e-6], U, [1 - 1e-12]])


@pytest.mark.parametrize(
    ("law", "dt_s", "allowed"),
    [
        ({"half_width": 0.9}, 0.0015, True),
        ({"half_width": 0.9}, 0.00151, False),
        ({"spread": 0.5}, 0.002, True),
        ({"spread": 0.5}, 0.0021, False),
        # the group's widest degree, 1 ms to 60 ms, of which 5 % may be clipped
        ({"law": "mittal_narayanan", "degree": 5}, 0.0005, True),
        ({"law": "mittal_narayanan", "degree": 5}, 0.001, True),
        ({"law": "mittal_narayanan", "degree": 5}, 0.0019, True),
        ({"law": "mittal_narayanan", "degree": 5}, 0.002, False),
        ({"law": "normal", "spread": 0.2}, 0.0119, True),
        ({"law": "normal", "spread": 0.2}, 0.0121, False),
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
        with pytest.raises(ValueError, match="dt_s"):
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
        ({"half_width": 0.99}, True),
        ({"half_width": 1.0}, False),
        ({"spread": 0.57}, True),
        ({"spread": 0.58}, False),
        ({"law": "mittal_narayanan", "degree": 5}, True),
        ({"law": "normal", "spread": 0.1}, False),
        ({"law": "normal", "spread": 0.1, "low": 0.0}, False),
        ({"law": "normal", "spread": 0.9, "low": 0.05}, True),
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
@pytest.mark.parametrize("spread", [0.0, 0.3, 0.9])
def test_nothing_is_below_what_a_law_says_is_its_lowest(law, mean, spread):
    if mean <= 0 and law in ("lognormal", "gamma"):
        return
    if mean == 0 and law == "mittal_narayanan":
        return
    settings = graded(law, spread, mean)
    values = draw_spread(settings, DEEP[1:])
    slack = 1e-12 * max(1, abs(mean))
    assert values.min() >= settings.lowest - slack
    if law in ("uniform", "mittal_narayanan"):
        reached = draw_spread(settings, np.array([0.0, 1.0])).min()
        assert reached == pytest.approx(settings.lowest, abs=1e-12)
