"""Time over which activity stays correlated with itself."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from popnet.analysis.activity import finite_or_nan
from popnet.config import MeasureSettings, Observed
from popnet.measures._seen import ActivitySeen


class Autocorrelation(MeasureSettings):
    """Lag at which the autocorrelation of activity falls to 1 / e, in seconds."""

    reference: ClassVar[str] = "after Murray et al. 2014, Nat. Neurosci. 17, 1661"
    summary: ClassVar[str] = "lag at which the autocorrelation falls to 1 / e"
    needs: ClassVar[Observed] = "activity"
    unit: ClassVar[str] = "s"
    label: ClassVar[str] = "autocorrelation\ntime (s)"
    range: ClassVar[tuple[float, float]] = (0, float("inf"))
    invariances: ClassVar[frozenset[str]] = frozenset({"relabelling", "shift", "scale"})
    always: ClassVar[bool] = True
    name: Literal["autocorrelation_s"] = "autocorrelation_s"  # type: ignore[assignment]


def autocorrelation_s(settings: Autocorrelation, seen: ActivitySeen) -> float:
    """The lag at which the autocorrelation of activity falls to 1 / e, in seconds.

        a_n(l) = sum_kt x_kn(t) x_kn(t + l) / sum_kt x_kn(t)^2

    where x is the rate less its mean over the time of its type.  The mean over the
    units that vary, linear between lags.  The sums have no correction for the fewer
    terms of long lags: so a(l) over all l > 0 sums to -1/2, and there is always a
    crossing.  NaN for constant activity.  After Murray et al., Nat. Neurosci. 17, 1661
    (2014), who fit an exponential over trials; a trial-averaged rate needs no fit.
    """
    known_KTN = finite_or_nan(seen.rates_KTN)
    x_KTN = known_KTN - known_KTN[:, :1]
    x_KTN -= x_KTN.mean(axis=1, keepdims=True)
    steps = x_KTN.shape[1]
    # padded to twice the length: the last steps must not meet the first
    power_FN = (np.abs(np.fft.rfft(x_KTN, 2 * steps, axis=1)) ** 2).sum(axis=0)
    varies_N = (x_KTN**2).sum(axis=(0, 1)) > 0
    if not varies_N.any():
        return float("nan")
    products_LN = np.fft.irfft(power_FN[:, varies_N], axis=0)[:steps]
    a_L = (products_LN / products_LN[0]).mean(axis=1)
    after = int(np.argmax(a_L < np.exp(-1)))
    above, below = a_L[after - 1], a_L[after]
    return float((after - 1 + (above - np.exp(-1)) / (above - below)) * seen.dt_s)
