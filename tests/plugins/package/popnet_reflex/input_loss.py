"""Loss of input: W_in (1 - s), s the level."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from popnet.config import PerturbationSettings
from popnet.perturbations import Perturbation


class InputLoss(PerturbationSettings):
    """All input weights are weakened by the same share."""

    reference: ClassVar[str] = "a test of popnet"
    summary: ClassVar[str] = "weaker input weights"
    unit: ClassVar[str] = "share lost"
    changes: ClassVar[frozenset[str]] = frozenset({"input weights"})
    name: Literal["input_loss"] = "input_loss"
    levels: Annotated[
        tuple[Annotated[float, Field(ge=0, le=1)], ...],
        Field(strict=False, min_length=1),
    ] = (0.0, 0.5, 1.0)


def apply(settings, level, situation, seed):
    """The network with weakened inputs."""
    if level == 0:
        return situation
    params = situation.params
    weaker = params._replace(win_PNI=params.win_PNI * (1 - level))
    return situation._replace(params=weaker)


INPUT_LOSS = Perturbation(InputLoss, apply)
