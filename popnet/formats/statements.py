"""What files of other programs cannot say, and their user states in compare.yaml."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, NonNegativeInt, model_validator

from popnet.config import ConfigError, Inconsistent, Settings, read_file
from popnet.config.explaining import Builder
from popnet.config.reading import Source
from popnet.config.settings import Seconds

STATEMENTS = "compare.yaml"
ASSUMED_NONLINEARITY = "relu"
"""PsychRNN's default; a PsychRNN file holds its nonlinearity only as a pickle."""
Nonlinearity = Literal["tanh", "relu", "one_plus_tanh", "rectified_tanh", "softplus"]


class KeyNames(Settings):
    """The names of a file's arrays, where they are not among the known ones."""

    recurrent: str | None = None
    input: str | None = None
    readout: str | None = None
    bias: str | None = None
    initial: Annotated[
        str | None, Field(description="recurrent weights before training")
    ] = None
    state: Annotated[str | None, Field(description="the state before a trial")] = None
    rates: Annotated[
        str | None, Field(description="activity, trials x time x units")
    ] = None


class Statements(Settings):
    """Statements on all networks of a folder, read from its compare.yaml."""

    nonlinearity: Annotated[
        Nonlinearity | None, Field(description="relu is assumed where it is not given")
    ] = None
    form: Annotated[
        Literal["current", "rate"],
        Field(description="what the state is, as network.form of a sweep"),
    ] = "current"
    dt_s: Annotated[
        Seconds | None, Field(description="the time step of inputs and of the dynamics")
    ] = None
    tau_s: Annotated[
        Seconds | None,
        Field(description="of units whose file does not hold it; dt_s: discrete"),
    ] = None
    inputs: Annotated[
        str | None,
        Field(description="a .npy or .npz file of the folder, trials x time x inputs"),
    ] = None
    input_axes: Annotated[
        tuple[Literal["trial", "time", "input"], ...], Field(strict=False)
    ] = ("trial", "time", "input")
    axes: Annotated[
        tuple[Literal["trial", "time", "unit"], ...],
        Field(strict=False, description="the order of a recording's axes"),
    ] = ("trial", "time", "unit")
    weights: Annotated[
        Literal["post_pre", "pre_post"],
        Field(description="the order of the axes of all weights"),
    ] = "post_pre"
    fixed_units: Annotated[
        tuple[NonNegativeInt, ...],
        Field(strict=False, description="units with a role, which are not relabelled"),
    ] = ()
    clamped: Annotated[
        dict[NonNegativeInt, float],
        Field(description="the states of units that are held, by their numbers"),
    ] = Field(default_factory=dict)
    output_unit: Annotated[
        NonNegativeInt | None,
        Field(description="the unit whose rate is the output, without a readout"),
    ] = None
    trial_types: Annotated[
        tuple[NonNegativeInt, ...] | None,
        Field(strict=False, description="the type of each trial; default: all differ"),
    ] = None
    names: KeyNames = KeyNames()
    conditions: Annotated[
        dict[str, Annotated[tuple[str, ...], Field(strict=False)]],
        Field(description="the networks of each, * for any letters"),
    ] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _each_axis_once(self) -> Statements:
        for name, wanted in (
            ("axes", {"trial", "time", "unit"}),
            ("input_axes", {"trial", "time", "input"}),
        ):
            given = getattr(self, name)
            if len(given) != 3 or set(given) != wanted:
                raise Inconsistent(
                    name,
                    f"got {', '.join(given)}; name each of trial, time and "
                    f"{(wanted - {'trial', 'time'}).pop()} once, in the file's order",
                )
        return self

    @model_validator(mode="after")
    def _runnable(self) -> Statements:
        if self.inputs is None:
            fields = type(self).model_fields
            for name in ("nonlinearity", "form", "dt_s", "tau_s", "input_axes"):
                if getattr(self, name) != fields[name].default:
                    raise Inconsistent(
                        name, "networks are run only where inputs are given: add inputs"
                    )
            return self
        if self.dt_s is None:
            raise Inconsistent("dt_s", "is missing; networks run on inputs need it")
        return self

    @property
    def units_with_a_role(self) -> tuple[int, ...]:
        """The units that an alignment leaves where they are."""
        held = {*self.fixed_units, *self.clamped}
        out = set() if self.output_unit is None else {self.output_unit}
        return tuple(sorted(held | out))

    def condition_of(self, network: str) -> str:
        """Return the condition of a network; "" where none names it."""
        for condition, patterns in self.conditions.items():
            if any(fnmatchcase(network, pattern) for pattern in patterns):
                return condition
        return ""


def read_statements(folder: Path) -> Statements:
    """Read compare.yaml of a folder; without one nothing is stated.

    Raises ConfigError, with the line and what is allowed, when it is wrong.
    """
    path = folder / STATEMENTS
    if not path.exists() and not path.is_symlink():
        return Statements()
    if path.is_symlink():
        raise ConfigError(f"{path} is a link; popnet follows none here: remove it.")
    source = read_file(path)
    return _built(source)


def _built(source: Source) -> Statements:
    raw: dict[str, Any] = dict(source.raw)
    conditions = raw.get("conditions")
    if isinstance(conditions, dict):  # one network may stand without a list
        raw["conditions"] = {
            str(name): [given] if isinstance(given, str) else given
            for name, given in conditions.items()
        }
    return Builder(source, {}).settings((), raw, Statements)
