"""Other time constants: tau_i -> (1 - q) tau_i + q tau'_i, q the level.

tau'_i is a fresh draw of the network's own law (mean, form, bounds) at a spread of its
own, which is given as that of the law is: as ``spread``, ``half_width`` or ``degree``.
It is what a network trained with one heterogeneity does when it is given another.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import torch
from pydantic import Field, ValidationError, model_validator

from popnet.config import Network, NetworkConfig, PerturbationSettings
from popnet.config.spread import GRADED_BY
from popnet.core.draw import time_constants
from popnet.perturbations._situation import Situation
from popnet.seeding import Seed


class NewTimeConstants(PerturbationSettings):
    """Every unit's time constant drawn anew; the same draws at every spread."""

    reference: ClassVar[str] = "Santhosh & Narayanan 2026 (abstract); form proposed"
    summary: ClassVar[str] = "the units' time constants drawn anew, at another spread"
    unit: ClassVar[str] = "share of the way to the new time constants"
    limit: ClassVar[float | None] = 1.0
    limit_reason: ClassVar[str] = "all time constants are new"
    changes: ClassVar[frozenset[str]] = frozenset({"time constants"})
    example: ClassVar[dict[str, Any]] = {"spread": 0.5}
    name: Literal["new_time_constants"] = "new_time_constants"  # type: ignore[assignment]
    spread: Annotated[
        float | None,
        Field(ge=0, description="of the new draw, as network.tau_s has it"),
    ] = None
    half_width: Annotated[
        float | None, Field(ge=0, description="instead of spread: of law uniform")
    ] = None
    degree: Annotated[
        float | None,
        Field(ge=0, le=5, description="instead of spread: of law mittal_narayanan"),
    ] = None
    levels: Annotated[
        tuple[Annotated[float, Field(ge=0, le=1)], ...],
        Field(strict=False, min_length=1),
    ] = (0.0, 1.0)

    @model_validator(mode="after")
    def _one(self) -> NewTimeConstants:
        given = [name for name in GRADED_BY if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                f"give one of {', '.join(GRADED_BY)}, as network.tau_s is graded; got "
                f"{' and '.join(given) or 'none'}"
            )
        return self

    @property
    def graded(self) -> tuple[str, float]:
        """The setting by which the new law is graded, and its value."""
        given = {name: getattr(self, name) for name in GRADED_BY}
        return next((n, value) for n, value in given.items() if value is not None)

    def refuse(self, config: NetworkConfig) -> str | None:
        """What a network with this spread may not be either."""
        drawn = _redrawn(config.network, self).model_dump()
        try:
            Network.model_validate(drawn)
        except ValidationError as error:
            said = error.errors(include_url=False)[0]["msg"]
            return f"{self.graded[0]}: {said.removeprefix('Value error, ')}"
        return None

    def idle(self, config: NetworkConfig) -> str | None:
        """Whether the units have one time constant, and would have it again."""
        if config.network.tau_s.heterogeneous or self.graded[1] > 0:
            return None
        return "all time constants are the mean, and would be the mean again"


def apply(
    settings: NewTimeConstants, level: float, situation: Situation, seed: Seed
) -> Situation:
    """The network with its time constants on the way to new ones.

    Raises ValueError where the new ones cannot differ from the old.
    """
    if level == 0:
        return situation
    if (why := settings.idle(situation.config)) is not None:
        raise ValueError(f"new_time_constants change nothing: {why}")
    params, net = situation.params, situation.config.network
    u_N = seed.stream("perturb/new_time_constants").uniform(size=net.units)
    new_N = time_constants(_redrawn(net, settings), u_N)
    new_PN = torch.from_numpy(new_N).to(params.tau_PN)[None]
    tau_PN = (1 - level) * params.tau_PN + level * new_PN
    return situation._replace(params=params._replace(tau_PN=tau_PN))


def _redrawn(net: Network, settings: NewTimeConstants) -> Network:
    name, value = settings.graded
    update = {**dict.fromkeys(GRADED_BY, 0.0), name: value}
    law = net.tau_s.model_copy(update=update)
    return net.model_copy(update={"tau_s": law})
