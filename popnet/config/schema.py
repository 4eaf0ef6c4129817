"""The schema of a whole sweep file: its top-level keys, and the section ``machine``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field, PositiveInt, SerializeAsAny, field_validator

from popnet.config.after import (
    After,
    MeasureSettings,
    MetricSettings,
    PerturbationSettings,
)
from popnet.config.entries import RuleSettings, TaskSettings
from popnet.config.network import Network
from popnet.config.network_config import Train
from popnet.config.searching import Search
from popnet.config.settings import Settings


class Catalogue(NamedTuple):
    """The names that a sweep file may use, each with its settings class.

    Other people's packages are only asked when a name is not popnet's own, or when
    names are listed.
    """

    tasks: Mapping[str, type[TaskSettings]]
    rules: Mapping[str, type[RuleSettings]]
    perturbations: Mapping[str, type[PerturbationSettings]]
    measures: Mapping[str, type[MeasureSettings]]
    metrics: Mapping[str, type[MetricSettings]]


class Machine(Settings):
    """Device, workers and shards of a launch, which change no result and no key."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    workers: Annotated[
        int | None, Field(ge=1, description="shard actors; default one per core or GPU")
    ] = None
    shard: Annotated[
        int | None, Field(ge=1, description="most networks a shard actor takes at once")
    ] = None
    checkpoint_s: Annotated[float, Field(gt=0)] = 10.0


class Sweep(Settings):
    """A validated sweep file.  ``LoadedSweep`` holds its conditions."""

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
    search: Search | None = None
    after: After = After()
    machine: Machine = Machine()

    @field_validator("name")
    @classmethod
    def _not_the_store(cls, name: str) -> str:
        if name in ("store", "artifacts", "mlflow.db"):
            raise ValueError(f"{name!r} is a folder of popnet's own; choose another")
        return name
