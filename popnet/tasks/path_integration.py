"""Where am I?  Direction and speed at each step, to be summed to a position.

Huang et al. (arXiv 2410.03972): a random start; inputs are an angle and a speed (in
three dimensions azimuth, elevation and speed), outputs the coordinates, from -5 to 5.
How the start is given, the laws of angle and speed, the walls and the duration could
not be read; here:

start    a coordinate / 5 on an input of its own, for 0.05 s, standing still; uniform
path     1 s (100 steps of 10 ms) of legs of 0.1 s, each with a uniform direction and a
         speed ~ U(0, 10 a second); the walls reflect
inputs   at each step the angles, in radians, and the speed / 10 of the step as it was,
         reflected: the start plus the sum of the steps is the position

A path is the same at every time step, and a longer one begins with the shorter one.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveFloat

from popnet.config import PerNetwork, Silence, TaskSettings
from popnet.config.settings import Seconds
from popnet.tasks._evidence import streams
from popnet.tasks._trials import Array, Trials


class PathIntegration(TaskSettings):
    """The position, from the start and every movement since."""

    reference: ClassVar[str] = "Huang et al. 2025, arXiv 2410.03972"
    summary: ClassVar[str] = "the position in a box, from a start and all movements"
    target_kind: ClassVar[Literal["signs", "classes", "values"]] = "values"
    silence: ClassVar[Silence] = "judged as any other value"
    error: ClassVar[Literal["absolute", "squared"]] = "squared"
    stretchable: ClassVar[tuple[str, ...]] = ("path",)

    name: Literal["path_integration"] = "path_integration"  # type: ignore[assignment]
    dimensions: Literal[2, 3] = 2
    start_s: Seconds = 0.05
    path_s: Seconds = 1.0
    leg_s: Annotated[
        Seconds, PerNetwork, Field(description="from one direction to the next")
    ] = 0.1
    box: Annotated[
        PositiveFloat, PerNetwork, Field(description="coordinates from -box to box")
    ] = 5.0
    fastest: Annotated[
        PositiveFloat, PerNetwork, Field(description="largest speed, a second")
    ] = 10.0
    movement: Annotated[
        Literal["angle", "vector"],
        PerNetwork,
        Field(description="angle: angles and speed; vector: velocity / fastest"),
    ] = "angle"

    @property
    def inputs(self) -> int:
        """The start, then the movement; one each per dimension."""
        return 2 * self.dimensions

    @property
    def outputs(self) -> int:
        """A coordinate per dimension."""
        return self.dimensions

    @property
    def types(self) -> int:
        """All trials are of one type."""
        return 1

    @property
    def epochs_s(self) -> dict[str, float]:
        """Durations by epoch, in order, in seconds."""
        return {"start": self.start_s, "path": self.path_s}

    @property
    def memory_demand_s(self) -> float:
        """None: there are movements to the end."""
        return 0.0


def draw(
    settings: PathIntegration,
    types_B: NDArray[np.int64],
    dt_s: float,
    random: np.random.Generator,
) -> Trials:
    """Trials with a start and a path of their own."""
    count, steps, axes = len(types_B), settings.steps(dt_s), settings.dimensions
    still = round(settings.start_s / dt_s)
    inputs = np.zeros((count, steps, 2 * axes))
    target = np.empty((count, steps, axes))
    for trial, own in enumerate(streams(random, count)):
        start_O = own.uniform(-settings.box, settings.box, axes)
        place_TO = _path(settings, start_O, steps - still, dt_s, own)
        moved_TO = np.diff(place_TO, axis=0, prepend=start_O[None])
        inputs[trial, :still, :axes] = start_O / settings.box
        inputs[trial, still:, axes:] = _shown(settings, moved_TO / dt_s)
        target[trial, :still], target[trial, still:] = start_O, place_TO
    return Trials(inputs, target, np.ones(target.shape, dtype=bool))


def _path(
    settings: PathIntegration,
    start_O: Array,
    steps: int,
    dt_s: float,
    own: np.random.Generator,
) -> Array:
    """Positions at the ends of the steps of the path, [T, O]."""
    legs = int(np.ceil(steps * dt_s / settings.leg_s - 1e-9))
    draws_K3 = own.random((legs, 3))
    speed_K = settings.fastest * draws_K3[:, 0]
    turn_K, height_K = 2 * np.pi * draws_K3[:, 1], 2 * draws_K3[:, 2] - 1
    if settings.dimensions == 2:
        height_K = np.zeros(legs)
    flat_K = np.sqrt(1 - height_K**2)
    way_K3 = np.stack([flat_K * np.cos(turn_K), flat_K * np.sin(turn_K), height_K], 1)
    legs_KO = settings.leg_s * (speed_K[:, None] * way_K3)[:, : settings.dimensions]
    corner_KO = np.concatenate([start_O[None], start_O + np.cumsum(legs_KO, axis=0)])
    t_K, t_T = settings.leg_s * np.arange(legs + 1), dt_s * np.arange(1, steps + 1)
    free_TO = np.stack([np.interp(t_T, t_K, corner_K) for corner_K in corner_KO.T], 1)
    # a wall reflects: fold the free path back into the box
    box = settings.box
    return box - np.abs((free_TO + box) % (4 * box) - 2 * box)


def _shown(settings: PathIntegration, velocity_TO: Array) -> Array:
    """The movement as the inputs give it, [T, O]."""
    if settings.movement == "vector":
        return velocity_TO / settings.fastest
    speed_T = np.linalg.norm(velocity_TO, axis=1)
    angles = [np.arctan2(velocity_TO[:, 1], velocity_TO[:, 0])]
    if settings.dimensions == 3:
        flat_T = np.hypot(velocity_TO[:, 0], velocity_TO[:, 1])
        angles.append(np.arctan2(velocity_TO[:, 2], flat_T))
    return np.stack([*angles, speed_T / settings.fastest], axis=1)


def observe(settings: PathIntegration, input_BTI: Array, dt_s: float) -> Array:
    """Adds every movement to the start."""
    axes = settings.dimensions
    start_BO = settings.box * input_BTI[:, 0, :axes]
    velocity = _velocity(settings, input_BTI[..., axes:])
    return start_BO[:, None] + dt_s * np.cumsum(velocity, axis=1)


def _velocity(settings: PathIntegration, shown_BTO: Array) -> Array:
    """The velocity that the inputs give, [B, T, O]."""
    if settings.movement == "vector":
        return settings.fastest * shown_BTO
    turn, speed_BT = shown_BTO[..., 0], settings.fastest * shown_BTO[..., -1]
    if settings.dimensions == 2:
        return np.stack([speed_BT * np.cos(turn), speed_BT * np.sin(turn)], axis=-1)
    rise = shown_BTO[..., 1]
    flat = speed_BT * np.cos(rise)
    return np.stack(
        [flat * np.cos(turn), flat * np.sin(turn), speed_BT * np.sin(rise)], axis=-1
    )
