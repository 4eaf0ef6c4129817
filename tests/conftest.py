"""What every test may ask for: networks planned from a few settings."""

import pytest
import torch
import yaml

from popnet.catalogue import CATALOGUE
from popnet.config import load, read_text
from popnet.plan import networks


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    """Small tensors on two busy cores: torch's threads would wait for each other."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def plan_of():
    """A validated plan from sections of a sweep file given as keywords."""

    def make(task="dnms", rule="reward_hebbian", count=1, seed=11, **sections):
        raw = {"name": "test", "seed": seed, "networks": count}
        raw |= {"task": task, "rule": rule, **sections}
        return load(read_text(yaml.safe_dump(raw)), CATALOGUE)

    return make


@pytest.fixture(scope="session")
def planned(plan_of):
    """The networks of such a plan."""

    def make(**given):
        return networks(plan_of(**given))

    return make
