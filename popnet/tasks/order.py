"""Two stimuli apart in time: which of them came first?

The trials AB and BA of DNMS alone, in its timing and input layout.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from popnet.tasks import matching
from popnet.tasks._trials import Array, Trials
from popnet.tasks.matching import A, B

AB = 1
"""The type in DNMS; BA is the next one."""


class Order(matching.DNMS):
    """A before B asks for -, B before A for +."""

    reference: ClassVar[str] = "popnet, in the layout of Miconi 2017"
    summary: ClassVar[str] = "which of two stimuli, a delay apart, came first?"
    name: Literal["order"] = "order"  # type: ignore[assignment]

    @property
    def types(self) -> int:
        """AB, BA."""
        return 2

    @property
    def stimuli(self) -> int:
        """One: which of the two was the second one says which was the first."""
        return 1

    @property
    def memory_demand_s(self) -> float:
        """From the end of the second stimulus to the end, in seconds."""
        return self.wait_s + self.response_s

    @property
    def memoryless_score(self) -> float:
        """All: the second stimulus gives the order away, while it is on."""
        return 1.0


def draw(
    settings: Order,
    types_B: NDArray[np.int64],
    dt_s: float,
    random: np.random.Generator,
) -> Trials:
    """Trials of types AB, BA (0, 1).  Nothing in them is random."""
    trials = matching.draw(settings, types_B + AB, dt_s, random)
    answer_B = settings.target * np.where(types_B == 0, -1.0, 1.0)
    target = np.broadcast_to(answer_B[:, None, None], trials.target_BTO.shape)
    return trials._replace(target_BTO=target)


def observe(settings: Order, input_BTI: Array, dt_s: float) -> Array:
    """Holds the first stimulus it saw."""
    evidence_BT = input_BTI[..., B] - input_BTI[..., A]
    first_B = np.take_along_axis(
        evidence_BT, (evidence_BT != 0).argmax(1)[:, None], axis=1
    )
    answer_BT = settings.target * np.sign(np.repeat(first_B, evidence_BT.shape[1], 1))
    return answer_BT[..., None]
