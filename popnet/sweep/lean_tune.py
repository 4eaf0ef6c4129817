"""Takes out of Ray Tune what delays the first trial by seconds, to no use here."""

from __future__ import annotations

from ray.air._internal import usage
from ray.tune.execution import class_cache


def lean_tune() -> None:
    """Let trials begin sooner.

    Tune counts, for Ray's makers, which loggers are in use, and imports MLflow for it.
    And it sets an environment variable for PyTorch Lightning, wherefore Ray starts
    Python twice for each process of a trial and of the actors that a trial starts.
    """
    usage.tag_callbacks = lambda _: False  # pyright: ignore
    class_cache.DEFAULT_ENV_VARS.clear()
