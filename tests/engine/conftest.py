"""Training to the end, and rules whose outcomes are scripted."""

import pytest
import torch

from popnet.engine.train import advance, begin
from popnet.rules import RULES, Outcome


@pytest.fixture(scope="session")
def train():
    """Train networks one by one to their end; results by key."""

    def run(members, steps=10_000):
        results = {}
        for population in begin(members, torch.device("cpu")):
            left, done = advance(population, steps)
            assert left is None
            results |= {result.network.key: result for result in done}
        return results

    return run


@pytest.fixture
def scripted(monkeypatch):
    """A rule that learns nothing and reports given errors and right answers."""

    def install(correct, error=None, rule="reward_hebbian"):
        """One list of outcomes for all networks, by trial number."""

        def step(params, state, episode, *_):
            batch = episode.type_PB.shape[1]
            number = episode.trial_P[:, None] + torch.arange(batch)
            right = torch.tensor(correct, dtype=torch.bool)[number]
            wrong = torch.tensor(error or [0.5] * len(correct))[number]
            return params, state, Outcome(wrong, right)

        monkeypatch.setitem(RULES.own, rule, RULES[rule]._replace(step=step))

    return install
