"""Centre-out reaching: the activity of muscles, by the direction of a reach.

The synthetic set is ours: popnet ships no recording.  Muscle m of M, preferring the
direction 2 pi m / M, is active in a reach in the direction theta, t seconds after the
start of a movement of 0.6 s (stretched to ``movement_s``), by

    (t / 0.1) exp(1 - t / 0.1) sum over f of sin(2 pi f t + theta - 2 pi m / M) / 2

with f 2 and 3 Hz: cosine-tuned at every moment, with a preferred direction that turns,
rising and dying away as the bursts of muscles do in a reach.

Recordings of one's own come from a file written by ``numpy.savez``: ``targets``
[conditions, samples, muscles] and, if there are any, ``inputs`` [conditions, samples,
channels].  Both last ``movement_s``, whatever their samples, and are interpolated
linearly: smooth them first.  Each muscle is scaled to ``target`` at its largest.  Other
arrays in the file are left alone.

In the preparation targets and inputs stand still at their first value.  Where a file
has no inputs there are three: cosine and sine of the direction (conditions are counted
once round from 0), all trial long, and 1 in the movement.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from popnet.config import (
    ConfigError,
    Inconsistent,
    PerNetwork,
    Silence,
    TaskSettings,
    Whereabouts,
)
from popnet.config.settings import Seconds
from popnet.tasks import _recordings
from popnet.tasks._trials import Array, Trials

LASTS_S, RISE_S, RHYTHMS_HZ = 0.6, 0.1, (2.0, 3.0)
OWN_CHANNELS = 3
"""Cosine, sine, movement."""
FILLED = ("conditions", "muscles", "channels", "digest")
Size = Annotated[int, Field(ge=1, le=10_000, description="of a file: filled in")]


class Reaching(TaskSettings):
    """The activity of every muscle, from the direction that is shown.

    A file of targets is read with the sweep file, and its sizes and a hash of its
    content are filled in; the hash, and not the path, is part of a network's key.  A
    sweep file where they stand already, as in the folder of a run, is read without the
    file; but to train or test networks it must be there, and be the same.
    """

    reference: ClassVar[str] = "popnet; after the reaching of Clark et al. 2026"
    summary: ClassVar[str] = "the activity of muscles in reaches, by their direction"
    target_kind: ClassVar[Literal["signs", "classes", "values"]] = "values"
    silence: ClassVar[Silence] = "judged as any other value"
    stretchable: ClassVar[tuple[str, ...]] = ("preparation", "movement")

    name: Literal["reaching"] = "reaching"  # type: ignore[assignment]
    preparation_s: Seconds = 0.2
    movement_s: Seconds = LASTS_S
    target: Annotated[
        float, PerNetwork, Field(gt=0, description="largest output asked for")
    ] = 1.0
    conditions: Size = 8
    muscles: Size = 6
    channels: Size = OWN_CHANNELS
    targets: Annotated[
        str | None, Whereabouts, Field(description="path of an .npz file; see README")
    ] = None
    digest: Annotated[str, Field(description="of the file: filled in")] = ""

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, data: Any) -> Any:
        if not isinstance(data, dict) or not isinstance(data.get("targets"), str):
            return data
        path = str(Path(data["targets"]).expanduser().resolve())
        if not all(key in data for key in FILLED):
            found = _described(path)
            for key in FILLED:
                if data.get(key, found[key]) != found[key]:
                    text = f"got {data[key]!r}; the file has {found[key]}; leave it out"
                    raise Inconsistent(key, text, "targets")
            data = {**data, **found}
        return {**data, "targets": path}

    @model_validator(mode="after")
    def _synthetic(self) -> Reaching:
        if self.targets is not None:
            return self
        if self.digest:
            raise Inconsistent("digest", "there is no file of targets; leave it out")
        if self.channels != OWN_CHANNELS:
            text = (
                f"got {self.channels}; without a file of targets it is {OWN_CHANNELS}"
            )
            raise Inconsistent("channels", text)
        return self

    @property
    def inputs(self) -> int:
        """The channels."""
        return self.channels

    @property
    def outputs(self) -> int:
        """One per muscle."""
        return self.muscles

    @property
    def types(self) -> int:
        """One per condition."""
        return self.conditions

    @property
    def epochs_s(self) -> dict[str, float]:
        """Durations by epoch, in order, in seconds."""
        return {"preparation": self.preparation_s, "movement": self.movement_s}

    @property
    def memory_demand_s(self) -> float | None:
        """None for our own inputs, which stay on; those of a file are not known."""
        return 0.0 if self.targets is None else None

    def check_sources(self) -> None:
        """Raise Inconsistent unless the file is there and is what it was."""
        if self.targets is not None:
            _unchanged(self.targets, self.digest)


def _unchanged(path: str, digest: str) -> _recordings.Recordings:
    """What the file of this digest holds.  Raises Inconsistent."""
    recorded = _recordings.read(path)
    if recorded.digest != digest:
        text = f"{path} has changed: digest {recorded.digest}, not {digest}; restore it"
        instead = f"leave out {', '.join(FILLED)} for other networks"
        raise Inconsistent("targets", f"{text}, or {instead}", "digest")
    return recorded


def _described(path: str) -> dict[str, Any]:
    """What is filled in, of a file."""
    recorded = _recordings.read(path)
    conditions, _, muscles = recorded.target_CSO.shape
    given = recorded.input_CSI
    channels = OWN_CHANNELS if given is None else given.shape[2]
    return dict(
        zip(FILLED, (conditions, muscles, channels, recorded.digest), strict=True)
    )


def draw(
    settings: Reaching,
    types_B: NDArray[np.int64],
    dt_s: float,
    random: np.random.Generator,
) -> Trials:
    """Trials of the conditions.  Nothing in them is random."""
    input_CTI, target_CTO = _conditions(settings, dt_s)
    target = target_CTO[types_B]
    return Trials(input_CTI[types_B], target, np.ones(target.shape, dtype=bool))


def _conditions(settings: Reaching, dt_s: float) -> tuple[Array, Array]:
    """Inputs [C, T, I] and targets [C, T, O].  Raises ConfigError: see above."""
    still = round(settings.preparation_s / dt_s)
    steps = settings.steps(dt_s) - still
    if settings.targets is None:
        inputs = _directions(settings.conditions, still, steps)
        target = _synthetic(settings.conditions, settings.muscles, still, steps)
        return inputs, settings.target * target
    inputs, target = _of_file(settings.targets, settings.digest, still, steps)
    return inputs, settings.target * target


@lru_cache(maxsize=32)
def _of_file(path: str, digest: str, still: int, steps: int) -> tuple[Array, Array]:
    """Inputs and targets of a file, each muscle 1 at its largest."""
    try:
        recorded = _unchanged(path, digest)
    except Inconsistent as error:
        raise ConfigError(f"task.{error.path}: {error}.") from None
    size_O = np.abs(recorded.target_CSO).max((0, 1))
    scaled_CSO = recorded.target_CSO / np.where(size_O > 0, size_O, 1)
    target = _with_preparation(scaled_CSO, still, steps)
    if recorded.input_CSI is None:
        return _directions(len(target), still, steps), target
    return _with_preparation(recorded.input_CSI, still, steps), target


def _with_preparation(array_CSX: Array, still: int, steps: int) -> Array:
    first = np.repeat(array_CSX[:, :1], still, axis=1)
    return np.concatenate([first, _recordings.at_steps(array_CSX, steps)], axis=1)


def _angles(count: int) -> Array:
    return 2 * np.pi * np.arange(count) / count


def _directions(conditions: int, still: int, steps: int) -> Array:
    """Our own inputs: cosine and sine of the direction, 1 in the movement."""
    theta_C = _angles(conditions)
    inputs = np.zeros((conditions, still + steps, OWN_CHANNELS))
    inputs[..., 0] = np.cos(theta_C)[:, None]
    inputs[..., 1] = np.sin(theta_C)[:, None]
    inputs[:, still:, 2] = 1
    return inputs


@lru_cache(maxsize=32)
def _synthetic(conditions: int, muscles: int, still: int, steps: int) -> Array:
    """The synthetic set, [C, T, O]."""
    t_T = LASTS_S * np.arange(1, steps + 1) / steps
    tuning_CO = _angles(conditions)[:, None] - _angles(muscles)
    phase_TK = 2 * np.pi * t_T[:, None] * np.array(RHYTHMS_HZ)
    waves = np.sin(phase_TK[:, None] + tuning_CO[:, None, :, None]).mean(3)
    rise_T1 = (t_T / RISE_S * np.exp(1 - t_T / RISE_S))[:, None]
    target = np.zeros((conditions, still + steps, muscles))
    target[:, still:] = rise_T1 * waves
    return target


def observe(settings: Reaching, input_BTI: Array, dt_s: float) -> Array:
    """Finds the condition whose inputs these are like, and answers with its targets."""
    input_CTI, target_CTO = _conditions(settings, dt_s)
    apart_CB = [((input_BTI - known) ** 2).sum((1, 2)) for known in input_CTI]
    return target_CTO[np.argmin(apart_CB, axis=0)]
