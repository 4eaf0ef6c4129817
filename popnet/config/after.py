"""The section ``after``: what every trained network meets, and how pairs compare."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, SerializeAsAny

from popnet.config.entries import TaskSettings
from popnet.config.network_config import NetworkConfig
from popnet.config.settings import Named, Settings


class PerturbationSettings(Named):
    """Settings of a perturbation; ``levels`` are graded, level 0 is the identity."""

    unit: ClassVar[str] = ""
    levels: Annotated[
        tuple[float, ...], Field(strict=False, min_length=1, description="grades")
    ]

    def refuse(self, config: NetworkConfig) -> str | None:  # noqa: ARG002
        """Why this cannot be done to such networks: "FIELD: reason"; None: it can.

        FIELD is the setting of this perturbation that does not fit.
        """
        return None


class MetricSettings(Named):
    """Settings of a comparison between two networks."""

    kind: ClassVar[Literal["distance", "similarity"]] = "distance"
    of_activity: ClassVar[bool] = False
    """Compares the activity that ``after.dynamics`` with ``after.sample`` keeps."""


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
    dynamics: (
        Annotated[tuple[SerializeAsAny[PerturbationSettings], ...], Field(strict=False)]
        | None
    ) = None
    """Activity is measured untrained, at rest and under these; None: it is not."""
    compare: Annotated[
        tuple[SerializeAsAny[MetricSettings], ...], Field(strict=False)
    ] = ()
    sample: Annotated[
        int | None,
        Field(
            ge=1,
            description="the first so many networks of each condition are compared, "
            "and their activity kept; null: all are compared and none kept",
        ),
    ] = None

    def compares(self, number: int) -> bool:
        """Whether a condition's network of this number is compared with others."""
        return self.sample is None or number < self.sample

    def keeps(self, number: int) -> bool:
        """Whether the activity of a condition's network of this number is kept."""
        return (
            self.dynamics is not None
            and self.sample is not None
            and number < self.sample
        )
