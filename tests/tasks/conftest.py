"""What the tests of the tasks share."""

import numpy as np
import pytest
import torch

from popnet.tasks import TASKS


@pytest.fixture(scope="session")
def draw():
    """Settings of a task, and trials of it."""

    def make(name, types, dt_s=0.001, seed=0, **given):
        settings = TASKS[name].settings(**given)
        random = np.random.default_rng(seed)
        return settings, TASKS[name].draw(settings, np.array(types), dt_s, random)

    return make


@pytest.fixture(scope="session")
def correct():
    """Which trials the ideal observer, or another output, gets right."""

    def make(settings, trials, dt_s=0.001, output=None):
        task = TASKS[settings.name]
        if output is None:
            output = task.observe(settings, trials.input_BTI, dt_s)
        parts = (output, trials.target_BTO, trials.mask_BTO)
        tensors = (torch.from_numpy(np.array(part))[None] for part in parts)
        return task.score(*tensors).correct_PB[0].numpy()

    return make
