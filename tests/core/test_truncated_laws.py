"""Truncated laws with a mean and a deviation, against their densities and limits."""

import numpy as np
import pytest
from scipy import stats

from popnet.config import Spread
from popnet.config.truncated_laws import fitted, widest
from popnet.core.laws import draw_spread

U = np.linspace(0.0005, 0.9995, 1000)


@pytest.mark.parametrize(
    ("law", "mean", "low", "high"),
    [
        ("normal", 30.0, 2.0, None), ("normal", 30.0, None, 60.0),
        ("normal", 30.0, 10.0, 40.0), ("normal", -0.5, -1.0, 0.5),
        ("normal", 0.0, -1.0, 0.5), ("normal", 30.0, 29.0, None),
        ("lognormal", 30.0, 2.0, None), ("lognormal", 30.0, None, 60.0),
        ("lognormal", 30.0, 20.0, 40.0), ("gamma", 30.0, 2.0, None),
        ("gamma", 30.0, None, 60.0), ("gamma", 30.0, 20.0, 40.0),
        ("gamma", 1.0, 0.9, None), ("lognormal", 1.0, 0.9, None),
    ],
)  # fmt: skip
def test_a_truncated_law_has_its_moments_and_its_form(law, mean, low, high):
    """Moments by the trapezoidal rule, in a law whose density is the named one."""
    ends = Spread(mean=mean, law=law, spread=0.0, low=low, high=high).bounds(None)
    scale = abs(mean) or 1.0
    for part in (0.1, 0.5, 0.9):
        spread = min(part * widest(law, mean, *ends) / scale, 1.0)
        settings = Spread(mean=mean, law=law, spread=spread, low=low, high=high)
        made = fitted(law, mean, settings.sd, *ends)
        u = (np.arange(400_000) + 0.5) / 400_000
        x = draw_spread(settings, u)
        assert x.mean() == pytest.approx(mean, abs=2e-5 * scale)
        assert x.std() == pytest.approx(settings.sd, rel=2e-3)
        full = named(made)
        expected = full.ppf(
            full.cdf(ends[0]) + U * (full.cdf(ends[1]) - full.cdf(ends[0]))
        )
        if full.cdf(ends[0]) < 0.999:  # scipy's differences still have their digits
            np.testing.assert_allclose(draw_spread(settings, U), expected, rtol=1e-7)


def named(made):
    """scipy's law without the bounds."""
    if made.law == "normal":
        return stats.norm(made.location, made.shape)
    if made.law == "lognormal":
        return stats.lognorm(s=made.shape, scale=np.exp(made.location))
    return stats.gamma(a=made.shape**-2, scale=np.exp(made.location))


@pytest.mark.parametrize(
    ("law", "mean", "low", "high", "expected"),
    [
        # between low and infinity the widest normal law is an exponential one
        ("normal", 30.0, 2.0, np.inf, 28.0),
        ("normal", 30.0, -np.inf, 31.0, 1.0),
        # between two bounds around the mean, a uniform one
        ("normal", 30.0, 10.0, 50.0, 40 / np.sqrt(12)),
        # a power law x^-(a + 1) from low up, a = m / (m - low)
        ("lognormal", 30.0, 25.0, np.inf, 30 / np.sqrt(6 * 4)),
        ("gamma", 30.0, 0.0, np.inf, 75.0),
        ("lognormal", 30.0, 0.0, np.inf, 90.0),
        ("normal", 2.0, 2.0, np.inf, 0.0),
    ],
)
def test_the_widest_law_is_the_limit_of_its_family(law, mean, low, high, expected):
    found = widest(law, mean, low, high)
    assert found <= expected * (1 + 1e-6)
    assert found == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("law", ["normal", "lognormal", "gamma"])
@pytest.mark.parametrize(("low", "high"), [(2.0, np.inf), (15.0, 50.0), (0.0, 40.0)])
def test_a_wider_spread_is_a_wider_law(law, low, high):
    sds = np.linspace(0.02, 1.0, 12) * min(widest(law, 30.0, low, high), 30.0)
    shapes = [fitted(law, 30.0, sd, low, high).shape for sd in sds]
    assert (np.diff(shapes) > 0).all()
