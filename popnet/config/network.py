"""The section ``network`` of a sweep file: the rate network and its defaults."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from popnet.config.choices import only_with
from popnet.config.settings import Inconsistent, PerNetwork, Settings
from popnet.config.spread import Spread


class Readout(Settings):
    """The readout, which gives the network's output.

    unit: o(t) = r_k(t), an ordinary unit of the network (Miconi 2017).
    linear: o(t) = W_out r(t), W_out ~ U(-scale, scale) / sqrt(N), or
    N(0, scale^2) / sqrt(N).
    """

    kind: Literal["unit", "linear"] = "unit"
    unit: Annotated[int, Field(ge=0, description="index of the output unit")] = 0
    scale: Annotated[
        float, PerNetwork, Field(ge=0, description="half-width, or sd if normal")
    ] = 1.0
    law: Annotated[Literal["normal", "uniform"], PerNetwork] = "uniform"

    @model_validator(mode="after")
    def _used(self) -> Readout:
        only_with(self, "kind", ["unit"], "unit")
        only_with(self, "kind", ["linear"], "scale", "law")
        return self


class Dale(Settings):
    """Dale's law: each unit's outgoing weights have one sign, kept while training."""

    excitatory: Annotated[
        float, PerNetwork, Field(ge=0, le=1, description="fraction of the units")
    ] = 0.5


class Noise(Settings):
    """Gaussian noise: input sqrt(2 tau/dt) s xi, recurrent sqrt(2 dt/tau) s xi.

    Song, Yang & Wang, PLoS Comput Biol 2016;12:e1004792, eqs. 2-4 (after).
    """

    input: Annotated[float, PerNetwork, Field(ge=0)] = 0.0
    recurrent: Annotated[float, PerNetwork, Field(ge=0)] = 0.0


TAU_LIMIT_S = 10.0


class Network(Settings):
    """The rate network.  Defaults after Miconi (2017), published code.

    In the rate form x is the rate: r = x, and phi(slope (v - threshold)) acts on the
    total current v, which includes recurrent noise and impulses into the drive.
    """

    units: Annotated[int, Field(ge=1, le=100_000, description="N")] = 200
    dt_s: Annotated[float, Field(gt=0, le=1, description="Euler step")] = 0.001
    gain: Annotated[
        float, PerNetwork, Field(ge=0, description="g: J ~ law with sd g/sqrt(N)")
    ] = 1.5
    weights: Annotated[
        Literal["normal", "uniform", "orthogonal"],
        PerNetwork,
        Field(description="orthogonal: J = g times a random orthogonal matrix"),
    ] = "normal"
    density: Annotated[
        float, PerNetwork, Field(gt=0, le=1, description="share of weights present")
    ] = 1.0
    autapses: Annotated[
        bool, PerNetwork, Field(description="self-connections are present")
    ] = True
    dale: Dale | None = None
    nonlinearity: Literal[
        "tanh", "relu", "one_plus_tanh", "rectified_tanh", "softplus"
    ] = "tanh"
    form: Annotated[
        Literal["current", "rate"],
        Field(
            description="tau dx/dt = -x + v, r = phi(x) of the current v = W r + ...; "
            "rate: tau dr/dt = -r + phi(v)"
        ),
    ] = "current"
    tau_s: Spread = Spread(mean=0.030)
    output_tau: Annotated[
        Literal["drawn", "mean"],
        PerNetwork,
        Field(description="the output unit's time constant: drawn, or the mean"),
    ] = "drawn"
    slope: Annotated[
        Spread,
        Field(description="r = phi(slope (x - threshold)); always above 0"),
    ] = Spread(mean=1.0)
    threshold: Spread = Spread(mean=0.0)
    bias: Annotated[Spread, Field(description="constant current of each unit")] = (
        Spread(mean=0.0)
    )
    input_scale: Annotated[
        float, PerNetwork, Field(ge=0, description="half-width, or sd if normal")
    ] = 1.0
    input_law: Annotated[
        Literal["uniform", "normal", "kaiming_uniform"],
        PerNetwork,
        Field(
            description="kaiming_uniform: U(-a, a) / sqrt(number of inputs), a = "
            "input_scale: 1 as in PyTorch's Linear, sqrt(6) as He et al. 2015"
        ),
    ] = "uniform"
    readout: Readout = Readout()
    feedback: Annotated[
        float,
        PerNetwork,
        Field(ge=0, description="a: W_fb ~ U(-a, a) feeds a linear readout back"),
    ] = 0.0
    clamped: Annotated[
        dict[int, float],
        Field(strict=False, description="units held at a constant x: index: value"),
    ] = {}  # noqa: RUF012  (pydantic copies it)
    initial_state: Annotated[
        float, PerNetwork, Field(ge=0, description="x(0) ~ U(-a, a)")
    ] = 0.1
    noise: Noise = Noise()
    dtype: Literal["float32", "float64"] = "float32"

    @model_validator(mode="before")
    @classmethod
    def _default_means(cls, data: Any) -> Any:
        """Fill in a law's default mean: ``tau_s: {spread: 0.4}`` keeps it."""
        if not isinstance(data, dict):
            return data
        data = dict(data)
        for key, info in cls.model_fields.items():
            given = data.get(key)
            if isinstance(info.default, Spread) and isinstance(given, dict):
                data[key] = {"mean": info.default.mean, **given}
        return data

    @model_validator(mode="after")
    def _units(self) -> Network:
        inside = {"clamped": list(self.clamped)}
        output = self.readout.unit if self.readout.kind == "unit" else None
        if output is not None:
            inside["readout.unit"] = [output]
        elif self.output_tau != "drawn":
            text = "a linear readout has no output unit; leave output_tau out"
            raise Inconsistent("output_tau", text, "readout")
        for key, indices in inside.items():
            for index in indices:
                if not 0 <= index < self.units:
                    raise Inconsistent(
                        key,
                        f"unit {index} does not exist in a network of "
                        f"{self.units} units (0 to {self.units - 1})",
                        "units",
                    )
        if output in self.clamped:
            raise Inconsistent("readout.unit", f"unit {output} is clamped", "clamped")
        return self

    @model_validator(mode="after")
    def _orthogonal(self) -> Network:
        """Refuse what would leave a matrix that is not orthogonal."""
        if self.weights == "orthogonal":
            for name, broken in (
                ("density", self.density < 1),
                ("autapses", not self.autapses),
                ("dale", self.dale is not None),
            ):
                if broken:
                    text = "orthogonal weights are all present and of either sign"
                    raise Inconsistent("weights", f"{text}; leave {name} out", name)
        return self

    @model_validator(mode="after")
    def _fed_back(self) -> Network:
        if self.feedback > 0 and self.readout.kind == "unit":
            text = (
                f"got {self.feedback:g}; an output unit acts on the others by its "
                "ordinary weights; use readout: {kind: linear}"
            )
            raise Inconsistent("feedback", text, "readout")
        return self

    @model_validator(mode="after")
    def _time_constants(self) -> Network:
        """Require tau >= 2 dt where units differ, and tau >= dt where they do not.

        With one tau = dt for all units the network runs in discrete time.  A law that
        cannot have its mean and spread above 2 dt is refused.
        """
        tau, floor, what = self.tau_s, self.dt_s, "the step dt_s"
        if tau.heterogeneous:
            floor, what = 2 * self.dt_s, "twice the step dt_s where there is a spread"
        if not floor <= tau.mean * (1 + 1e-9) or tau.mean > TAU_LIMIT_S:
            raise Inconsistent(
                "tau_s",
                f"time constants down to {tau.mean:g} s (mean {tau.mean:g}, "
                f"{tau.graded_by} {getattr(tau, tau.graded_by):g}); allowed {floor:g} "
                f"({what}) to {TAU_LIMIT_S:g} s, in seconds: 30 ms is 0.030",
                "dt_s",
            )
        if not tau.heterogeneous:
            return self
        if tau.low is not None and tau.low < floor * (1 - 1e-9):
            text = f"got {tau.low:g}; must be at least {floor:g} s, {what}"
            raise Inconsistent("tau_s.low", text, "dt_s")
        if tau.high is not None and tau.high <= floor:
            text = f"got {tau.high:g}; must be above {floor:g} s, {what}"
            raise Inconsistent("tau_s.high", text, "dt_s")
        if (why := tau.too_wide(floor)) is not None:
            text = f"{why} ({floor:g} s is {what})"
            raise Inconsistent(f"tau_s.{tau.graded_by}", text, "dt_s", "tau_s")
        return self

    @model_validator(mode="after")
    def _slopes(self) -> Network:
        """Require slopes above 0.

        A unit with slope 0 never answers, and a negative slope inverts its answer.
        """
        slope = self.slope
        if slope.mean <= 0:
            text = f"must be above 0, got {slope.mean:g}"
            raise Inconsistent("slope.mean", text)
        if slope.law == "normal" and slope.spread > 0 and (slope.low or 0) <= 0:
            text = "law normal reaches slopes of 0 and below; give low above 0"
            raise Inconsistent("slope.low" if slope.low is not None else "slope", text)
        if slope.law == "uniform" and slope.lowest <= 0:
            name, most = slope.graded_by, "1"
            if name == "spread":
                most = "0.577, 1 / sqrt(3)"
            text = (
                f"law uniform with {name} {getattr(slope, name):g} reaches "
                f"{slope.lowest:g}; slopes must be above 0: {name} below {most}"
            )
            raise Inconsistent(f"slope.{name}", text)
        return self
