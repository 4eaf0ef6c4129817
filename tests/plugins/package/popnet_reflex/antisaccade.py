"""Antisaccade: a stimulus on one side asks for an answer on the other side."""

from typing import ClassVar, Literal

import numpy as np

from popnet.config import TaskSettings
from popnet.config.settings import Seconds
from popnet.core.scoring import decision
from popnet.tasks import Task, Trials

CHANNELS, LEFT, RIGHT = 5, 1, 2


class Antisaccade(TaskSettings):
    """A stimulus on the left asks for +, one on the right for -; it stays on."""

    reference: ClassVar[str] = "Hallett 1978"
    summary: ClassVar[str] = "answer on the side where the stimulus is not"
    stretchable: ClassVar[tuple[str, ...]] = ("stimulus",)
    name: Literal["antisaccade"] = "antisaccade"
    stimulus_s: Seconds = 0.3
    response_s: Seconds = 0.2

    @property
    def inputs(self):
        """The layout of popnet's own tasks, so that networks move between them."""
        return CHANNELS

    @property
    def outputs(self):
        """One decision."""
        return 1

    @property
    def types(self):
        """Left and right."""
        return 2

    @property
    def epochs_s(self):
        """Durations by epoch, in order, in seconds."""
        return {"stimulus": self.stimulus_s, "response": self.response_s}

    @property
    def memory_demand_s(self):
        """None: the stimulus stays on."""
        return 0.0


def draw(settings, types_B, dt_s, random):
    """Trials of these types.  Nothing in them is random."""
    count, steps = len(types_B), settings.steps(dt_s)
    inputs = np.zeros((count, steps, CHANNELS))
    inputs[np.arange(count), 1:, np.where(types_B == 0, LEFT, RIGHT)] = 1.0
    answer_B = np.where(types_B == 0, 1.0, -1.0)
    target = np.broadcast_to(answer_B[:, None, None], (count, steps, 1))
    mask = np.zeros((count, steps, 1), dtype=bool)
    mask[:, -round(settings.response_s / dt_s) :] = True
    return Trials(inputs, target, mask)


def observe(settings, input_BTI, dt_s):
    """The sign of the difference between the sides, at each step."""
    left_BT, right_BT = input_BTI[..., LEFT], input_BTI[..., RIGHT]
    return np.where(left_BT > right_BT, 1.0, -1.0)[..., None]


ANTISACCADE = Task(Antisaccade, draw, observe, decision, fixed=True)
