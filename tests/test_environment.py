"""Environment variables are set for a while, and are then as they were."""

import os

import pytest

from popnet.environment import environment


def test_variables_are_as_they_were_afterwards(monkeypatch):
    monkeypatch.setenv("POPNET_ONE", "before")
    monkeypatch.delenv("POPNET_TWO", raising=False)
    with pytest.raises(KeyError), environment({"POPNET_ONE": "1", "POPNET_TWO": "2"}):
        assert (os.environ["POPNET_ONE"], os.environ["POPNET_TWO"]) == ("1", "2")
        raise KeyError
    assert os.environ["POPNET_ONE"] == "before" and "POPNET_TWO" not in os.environ
