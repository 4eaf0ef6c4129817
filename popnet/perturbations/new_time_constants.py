"""Other time constants: tau_i -> (1 - q) tau_i + q tau'_i, q the level.

tau'_i is a fresh draw of the network's own law (mean, form, bounds) at a spread of its
own: what a network trained with one heterogeneity does when it is given another.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import torch
from pydantic import Field, ValidationError

from popnet.config import Network, NetworkConfig, PerturbationSettings
from popnet.core.draw import time_constants
from popnet.perturbations._situation import Situation
from popnet.seeding import Seed


class NewTimeConstants(PerturbationSettings):
    """Every unit's time constant drawn anew; the same draws at every spread."""

    reference: ClassVar[str] = "Santhosh & Narayanan 2026 (abstract); form proposed"
    summary: ClassVar[str] = "the units' time constants drawn anew, at another spread"
    unit: ClassVar[str] = "share of the way to the new time constants"
    changes: ClassVar[frozenset[str]] = frozenset({"time constants"})
    example: ClassVar[dict[str, Any]] = {"spread": 0.5}
    name: Literal["new_time_constants"] = "new_time_constants"  # type: ignore[assignment]
    spread: Annotated[
        float, Field(ge=0, description="of the new draw, as network.tau_s.spread is")
    ]
    levels: Annotated[
        tuple[Annotated[float, Field(ge=0, le=1)], ...],
        Field(strict=False, min_length=1),
    ] = (0.0, 1.0)

    def refuse(self, config: NetworkConfig) -> str | None:
        """What a network with this spread may not be either."""
        drawn = _with_spread(config.network, self.spread).model_dump()
        try:
            Network.model_validate(drawn)
        except ValidationError as error:
            said = error.errors(include_url=False)[0]["msg"]
            return f"spread: {said.removeprefix('Value error, ')}"
        return None


def apply(
    settings: NewTimeConstants, level: float, situation: Situation, seed: Seed
) -> Situation:
    """The network with its time constants on the way to new ones."""
    if level == 0:
        return situation
    params, net = situation.params, situation.config.network
    u_N = seed.stream("perturb/new_time_constants").uniform(size=net.units)
    new_N = time_constants(_with_spread(net, settings.spread), u_N)
    new_PN = torch.from_numpy(new_N).to(params.tau_PN)[None]
    tau_PN = (1 - level) * params.tau_PN + level * new_PN
    return situation._replace(params=params._replace(tau_PN=tau_PN))


def _with_spread(net: Network, spread: float) -> Network:
    law = net.tau_s.model_copy(update={"spread": spread})
    return net.model_copy(update={"tau_s": law})
