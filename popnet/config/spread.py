"""Laws for parameters of the units, which differ between the units of a network."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from popnet.config.choices import only_with
from popnet.config.settings import Inconsistent, PerNetwork, Settings
from popnet.config.truncated_laws import widest

TRUNCATED = ("normal", "lognormal", "gamma")
"""The laws that may have a ``low`` and a ``high``."""
GROUP_FLOOR = 0.001
"""No time constant of Mittal & Narayanan (2021, Methods) is below 1 ms, whatever the
base."""
GRADED_BY = ("spread", "half_width", "degree")
"""The settings that say how far a parameter differs between units."""
CLIPPED = 0.05
"""The greatest share of a group's law that may lie below the floor it is clipped at."""


class Spread(Settings):
    """A law for a parameter of the units.

    ``mean`` and ``spread``, the coefficient of variation (standard deviation / |mean|;
    where the mean is 0 the standard deviation itself), are those of the values drawn:
    a law that is truncated, by ``low``, ``high`` or the floor of time constants, has
    its own parameters solved for.

    uniform            U(mean - w, mean + w), w = sqrt(3) spread |mean|; or given as
                       ``half_width`` = w / |mean|
    mittal_narayanan   U(mean (1 - d / 5), mean (1 + d / 5)) with ``degree`` d, 0 to 5,
                       and a lower end of at least 0.001 where the mean is above 0
                       (1 ms).  Mittal & Narayanan, eLife 2021; 10:e66804, Methods
    normal             truncated to [low, high]
    lognormal, gamma   above 0, truncated to [low, high]
    """

    mean: Annotated[float, PerNetwork]
    law: Annotated[
        Literal["uniform", "mittal_narayanan", "normal", "lognormal", "gamma"],
        PerNetwork,
    ] = "uniform"
    spread: Annotated[float, PerNetwork, Field(ge=0)] = 0.0
    half_width: Annotated[
        float,
        PerNetwork,
        Field(ge=0, description="law uniform: relative; absolute where the mean is 0"),
    ] = 0.0
    degree: Annotated[
        float, PerNetwork, Field(ge=0, le=5, description="law mittal_narayanan")
    ] = 0.0
    low: Annotated[float | None, PerNetwork] = None
    high: Annotated[float | None, PerNetwork] = None

    @model_validator(mode="before")
    @classmethod
    def _number(cls, data: Any) -> Any:
        number = isinstance(data, (int, float)) and not isinstance(data, bool)
        return {"mean": data} if number else data

    @model_validator(mode="after")
    def _graded(self) -> Spread:
        """Require the setting by which the law is graded, and a mean it can have."""
        if self.law == "mittal_narayanan" and self.spread > 0:
            text = (
                f"got {self.spread:g}; law mittal_narayanan is graded by degree, 0 to "
                f"5: give degree {5 * self.spread:g} for ranges of "
                f"{100 * self.spread:g} %"
            )
            raise Inconsistent("spread", text, "law")
        only_with(self, "law", ["uniform"], "half_width")
        only_with(self, "law", ["mittal_narayanan"], "degree")
        if self.spread > 0 and self.half_width > 0:
            text = "is the uniform law's spread in another form; give one of the two"
            raise Inconsistent("half_width", text, "spread")
        if self.law in ("lognormal", "gamma") and self.mean <= 0:
            raise ValueError(f"law {self.law} needs a mean above 0, got {self.mean}")
        if self.degree > 0 and self.mean == 0:
            text = "its ranges are parts of the mean, which is 0; use law: uniform"
            raise Inconsistent("degree", text, "mean")
        return self

    @model_validator(mode="after")
    def _bounded(self) -> Spread:
        """Require bounds around the mean, and a spread that a law between them has."""
        if self.law not in TRUNCATED and (
            self.low is not None or self.high is not None
        ):
            raise ValueError(f"law {self.law} has its own bounds; drop low and high")
        low = -math.inf if self.low is None else self.low
        high = math.inf if self.high is None else self.high
        if not low < high:
            raise ValueError(f"low {low} must be below high {high}")
        if not low <= self.mean <= high:
            key, bound = ("low", low) if self.mean < low else ("high", high)
            side = "at most" if key == "low" else "at least"
            raise Inconsistent(
                key, f"got {bound:g}; must be {side} the mean {self.mean:g}", "mean"
            )
        if (why := self.too_wide(None)) is not None:
            raise Inconsistent("spread", why, "mean", "law", "low", "high")
        return self

    @property
    def heterogeneous(self) -> bool:
        """Whether the units differ at all."""
        return any(getattr(self, name) > 0 for name in GRADED_BY)

    @property
    def graded_by(self) -> str:
        """The setting that says how far the units differ."""
        if self.law == "mittal_narayanan":
            return "degree"
        return "half_width" if self.half_width > 0 else "spread"

    @property
    def scale(self) -> float:
        """The value that widths are parts of: |mean|, or 1 where the mean is 0."""
        return abs(self.mean) if self.mean != 0 else 1.0

    @property
    def sd(self) -> float:
        """Standard deviation that the values have, in the mean's unit."""
        if self.law in TRUNCATED:
            return self.spread * self.scale
        bottom, top = self.span
        return (top - bottom) / math.sqrt(12)

    @property
    def span(self) -> tuple[float, float]:
        """Ends of a law that is uniform between two values."""
        half = self.half_width or math.sqrt(3) * self.spread
        if self.law == "mittal_narayanan":
            half = self.degree / 5
        bottom, top = self.mean - half * self.scale, self.mean + half * self.scale
        if self.law == "mittal_narayanan" and self.mean > 0:
            bottom = min(max(bottom, GROUP_FLOOR), self.mean)
        return bottom, top

    def bounds(self, floor: float | None) -> tuple[float, float]:
        """Bounds of a truncated law; without a ``low`` of its own the floor is one."""
        low = -math.inf if self.law == "normal" else 0.0
        given = self.low if self.low is not None else floor
        return (
            low if given is None else max(low, given),
            math.inf if self.high is None else self.high,
        )

    def too_wide(self, floor: float | None) -> str | None:
        """Why no values above ``floor`` have mean and spread; None where some have."""
        if not self.heterogeneous:
            return None
        if self.law in TRUNCATED:
            low, high = self.bounds(floor)
            most = widest(self.law, self.mean, low, high) / self.scale
            if self.spread <= most:
                return None
            of = f"law {self.law} between {low:g} and {high:g} with mean {self.mean:g}"
            return f"got {self.spread:g}; at most {_below(most)} for {of}"
        return None if floor is None else self._below_the_floor(floor)

    def _below_the_floor(self, floor: float) -> str | None:
        """Why a uniform law reaches below a floor; the group's may be clipped there."""
        bottom, top = self.span
        slack = 1e-9 * self.scale
        room = max(self.mean - floor, 0.0) / self.scale
        if self.law == "mittal_narayanan":
            if floor - bottom <= CLIPPED * (top - bottom) + slack:
                return None
            return self._reaches(5 * room / (1 - 2 * CLIPPED), bottom, floor)
        if bottom >= floor - slack:
            return None
        most = room if self.graded_by == "half_width" else room / math.sqrt(3)
        return self._reaches(most, bottom, floor)

    def _reaches(self, most: float, bottom: float, floor: float) -> str:
        name = self.graded_by
        return (
            f"{name} {getattr(self, name):g} of law {self.law} around {self.mean:g} "
            f"reaches {bottom:g}, below {floor:g}; {name} at most {_below(most)}"
        )

    @property
    def lowest(self) -> float:
        """Lower bound of the law's values; -inf where it has none."""
        if not self.heterogeneous:
            return self.mean
        return self.span[0] if self.law not in TRUNCATED else self.bounds(None)[0]


def _below(value: float) -> str:
    """Write a number with three digits, rounded down: what is shown is allowed."""
    if value <= 0:
        return "0"
    unit = 10.0 ** (math.floor(math.log10(value)) - 2)
    return f"{math.floor(value / unit * (1 + 1e-12)) * unit:.3g}"
