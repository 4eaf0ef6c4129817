"""The sections of a sweep file and their defaults, each with its source."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NamedTuple

from pydantic import (
    Field,
    PositiveInt,
    SerializeAsAny,
    field_validator,
    model_validator,
)

from popnet.config.settings import (
    MetricSettings,
    PerNetwork,
    PerturbationSettings,
    RuleSettings,
    Settings,
    Spread,
    TaskSettings,
)

MICONI = "Miconi, eLife 2017;6:e20899, published code"
LARGEST_SWEEP = 1_000_000


class Catalogue(NamedTuple):
    """Which names a sweep file may use: registry name -> its settings class."""

    tasks: dict[str, type[TaskSettings]]
    rules: dict[str, type[RuleSettings]]
    perturbations: dict[str, type[PerturbationSettings]]
    metrics: dict[str, type[MetricSettings]]


class Readout(Settings):
    """Where the output is read.

    unit: o(t) = r_k(t), an ordinary unit of the network (Miconi 2017).
    linear: o(t) = W_out r(t), W_out ~ U(-scale, scale) / sqrt(N).
    """

    kind: Literal["unit", "linear"] = "unit"
    unit: Annotated[int, Field(ge=0, description="index of the output unit")] = 0
    scale: Annotated[float, PerNetwork, Field(ge=0)] = 1.0


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
    """The rate network.  Defaults after Miconi (2017), published code."""

    units: Annotated[int, Field(ge=1, le=100_000, description="N")] = 200
    dt_s: Annotated[float, Field(gt=0, le=1, description="Euler step")] = 0.001
    gain: Annotated[
        float, PerNetwork, Field(ge=0, description="g: J ~ law with sd g/sqrt(N)")
    ] = 1.5
    weights: Annotated[Literal["normal", "uniform"], PerNetwork] = "normal"
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
    tau_s: Spread = Spread(mean=0.030)
    output_tau: Annotated[
        Literal["drawn", "mean"],
        PerNetwork,
        Field(description="the output unit's time constant: drawn, or the mean"),
    ] = "drawn"
    slope: Annotated[Spread, Field(description="r = phi(slope (x - threshold))")] = (
        Spread(mean=1.0)
    )
    threshold: Spread = Spread(mean=0.0)
    bias: Annotated[Spread, Field(description="constant current of each unit")] = (
        Spread(mean=0.0)
    )
    input_scale: Annotated[
        float, PerNetwork, Field(ge=0, description="half-width, or sd if normal")
    ] = 1.0
    input_law: Annotated[Literal["uniform", "normal"], PerNetwork] = "uniform"
    readout: Readout = Readout()
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
        """``tau_s: {spread: 0.4}`` keeps the default mean."""
        if not isinstance(data, dict):
            return data
        data = dict(data)
        for key, info in cls.model_fields.items():
            given = data.get(key)
            if isinstance(info.default, Spread) and isinstance(given, dict):
                data[key] = {"mean": info.default.mean, **given}
        return data

    @model_validator(mode="after")
    def _consistent(self) -> Network:
        inside = {"clamped": list(self.clamped)}
        if self.readout.kind == "unit":
            inside["readout.unit"] = [self.readout.unit]
        for key, indices in inside.items():
            for index in indices:
                if not 0 <= index < self.units:
                    raise ValueError(
                        f"{key}: unit {index} does not exist in a network of "
                        f"{self.units} units (0 to {self.units - 1})"
                    )
        if self.readout.kind == "unit" and self.readout.unit in self.clamped:
            raise ValueError(f"readout.unit {self.readout.unit} is clamped")
        tau = self.tau_s
        lowest = tau.mean
        if tau.law == "uniform":
            lowest = tau.mean * (1 - tau.spread)
        elif tau.law == "mittal_narayanan":
            lowest = tau.mean * max(1 - tau.spread, 0.1)
        if tau.low is not None and tau.low < self.dt_s:
            raise ValueError(f"tau_s.low {tau.low} is below the step {self.dt_s} s")
        if not self.dt_s <= lowest * (1 + 1e-9) or tau.mean > TAU_LIMIT_S:
            raise ValueError(
                f"tau_s: time constants down to {lowest:g} s (mean {tau.mean:g}, "
                f"spread {tau.spread:g}); allowed {self.dt_s:g} (the step dt_s) to "
                f"{TAU_LIMIT_S:g} s, in seconds: 30 ms is 0.030"
            )
        if self.slope.mean <= 0:
            raise ValueError(f"slope.mean must be above 0, got {self.slope.mean}")
        return self


class Until(Settings):
    """The criterion of learning, per network, over its last ``window`` trials.

    95 of 100 successive trials correct is Miconi's (2017, Methods).
    """

    accuracy: Annotated[float | None, PerNetwork, Field(gt=0, le=1)] = None
    error: Annotated[
        float | None, PerNetwork, Field(gt=0, description="mean error at most")
    ] = None
    window: Annotated[int, Field(ge=1, le=100_000, description="trials")] = 100
    stop: Annotated[
        bool, PerNetwork, Field(description="false: note the trial and train on")
    ] = True

    @model_validator(mode="after")
    def _one(self) -> Until:
        if self.accuracy is None and self.error is None:
            raise ValueError("give accuracy (e.g. 0.95) or error, or both")
        return self


class Train(Settings):
    """How long each network trains."""

    trials: Annotated[
        int, PerNetwork, Field(ge=0, le=100_000_000, description="at most")
    ] = 10_000
    until: Until | None = Until(accuracy=0.95)
    curve_every: Annotated[
        int, Field(ge=1, description="trials per point of the recorded curve")
    ] = 20


class After(Settings):
    """What every trained network meets afterwards."""

    trials: Annotated[
        int, Field(ge=1, le=100_000, description="per trial type; 20 is Miconi's")
    ] = 20
    perturb: Annotated[
        tuple[SerializeAsAny[PerturbationSettings], ...], Field(strict=False)
    ] = ()
    other_tasks: Annotated[
        tuple[SerializeAsAny[TaskSettings], ...], Field(strict=False)
    ] = ()
    compare: Annotated[
        tuple[SerializeAsAny[MetricSettings], ...], Field(strict=False)
    ] = ()


class Machine(Settings):
    """Where and how it runs.  Nothing here changes a result or a network's key."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    workers: Annotated[
        int | None, Field(ge=1, description="shard actors; default one per core or GPU")
    ] = None
    shard: Annotated[
        int | None, Field(ge=1, description="most networks a shard actor takes at once")
    ] = None
    checkpoint_s: Annotated[float, Field(gt=0)] = 20.0


class NetworkConfig(Settings):
    """One condition: everything a network's configuration says but its seed."""

    network: Network
    task: SerializeAsAny[TaskSettings]
    rule: SerializeAsAny[RuleSettings]
    train: Train

    @model_validator(mode="after")
    def _consistent(self) -> NetworkConfig:
        net, task = self.network, self.task
        if net.readout.kind == "unit" and task.outputs != 1:
            raise ValueError(
                f"network.readout.kind: unit gives 1 output, task {task.name!r} needs "
                f"{task.outputs}; use readout: {{kind: linear}}"
            )
        for epoch, duration in task.epochs_s.items():
            steps = duration / net.dt_s
            if round(steps) < 1 or abs(steps - round(steps)) > 1e-6 * max(steps, 1):
                raise ValueError(
                    f"task {task.name!r}: epoch {epoch} of {duration:g} s is not a "
                    f"whole number of steps dt_s = {net.dt_s:g} s"
                )
        return self


class Sweep(Settings):
    """A sweep file, validated; its conditions are in ``conditions``."""

    name: Annotated[
        str,
        Field(
            pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$",
            description="letters, digits, - _ . (at most 64), beginning with a letter "
            "or digit",
        ),
    ]
    seed: Annotated[int, Field(ge=0, lt=2**63)]
    networks: PositiveInt
    network: Network
    task: SerializeAsAny[TaskSettings]
    rule: SerializeAsAny[RuleSettings]
    train: Train = Train()
    grid: dict[str, Any] = {}  # noqa: RUF012
    after: After = After()
    machine: Machine = Machine()

    @field_validator("name")
    @classmethod
    def _not_the_store(cls, name: str) -> str:
        if name in ("store", "artifacts", "mlflow.db"):
            raise ValueError(f"{name!r} is a folder of popnet's own; choose another")
        return name
