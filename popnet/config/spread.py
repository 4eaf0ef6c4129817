"""Laws for parameters of the units, which differ between the units of a network."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from popnet.config.settings import Inconsistent, PerNetwork, Settings


class Spread(Settings):
    """A law for a parameter of the units, graded by ``spread``.

    uniform            U(mean (1 - spread), mean (1 + spread))
    mittal_narayanan   U(mean max(1 - spread, 0.1), mean (1 + spread)); their degree d
                       (0 to 5) is spread = d / 5.  Mittal & Narayanan, eLife 2021;
                       10:e66804, Table 1
    normal             N(mean, (spread mean)^2), truncated to [low, high]
    lognormal, gamma   with this mean and coefficient of variation ``spread``,
                       truncated to [low, high]

    Where ``mean`` is 0 (threshold, bias) the spread is absolute, in units of x.  The
    mean, of the law before it is truncated, lies in [low, high].
    """

    mean: Annotated[float, PerNetwork]
    law: Annotated[
        Literal["uniform", "mittal_narayanan", "normal", "lognormal", "gamma"],
        PerNetwork,
    ] = "uniform"
    spread: Annotated[float, PerNetwork, Field(ge=0)] = 0.0
    low: Annotated[float | None, PerNetwork] = None
    high: Annotated[float | None, PerNetwork] = None

    @model_validator(mode="before")
    @classmethod
    def _number(cls, data: Any) -> Any:
        number = isinstance(data, (int, float)) and not isinstance(data, bool)
        return {"mean": data} if number else data

    @model_validator(mode="after")
    def _consistent(self) -> Spread:
        if self.law in ("lognormal", "gamma") and self.mean <= 0:
            raise ValueError(f"law {self.law} needs a mean above 0, got {self.mean}")
        if self.law in ("uniform", "mittal_narayanan") and (
            self.low is not None or self.high is not None
        ):
            raise ValueError(f"law {self.law} has its own bounds; drop low and high")
        low = -float("inf") if self.low is None else self.low
        high = float("inf") if self.high is None else self.high
        if not low < high:
            raise ValueError(f"low {low} must be below high {high}")
        if not low <= self.mean <= high:
            key, bound = ("low", low) if self.mean < low else ("high", high)
            side = "at most" if key == "low" else "at least"
            raise Inconsistent(
                key, f"got {bound:g}; must be {side} the mean {self.mean:g}", "mean"
            )
        return self

    @property
    def lowest(self) -> float:
        """Lower bound of the law's values; -inf where it has none."""
        if self.spread == 0:
            return self.mean
        scale = abs(self.mean) if self.mean != 0 else 1.0
        if self.law == "mittal_narayanan" and self.mean > 0:
            return self.mean * max(1 - self.spread, 0.1)
        if self.law in ("uniform", "mittal_narayanan"):
            return self.mean - scale * self.spread
        own = -float("inf") if self.low is None else self.low
        return own if self.law == "normal" else max(own, 0.0)
