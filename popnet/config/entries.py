"""Base classes of the settings of tasks and learning rules, and what they declare."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from popnet.config.network import Network
from popnet.config.settings import Named, PerNetwork, Settings

SMALL_TASK: dict[str, Any] = {
    "name": "delayed_response",
    "stimulus_s": 0.03,
    "delay_s": 0.01,
    "response_s": 0.03,
    "target": 1.0,
}
"""The task on which the contract suite tests what declares no other one."""


class TaskSettings(Named):
    """Settings of a task.  The properties below fix the shapes of its tensors."""

    chance: ClassVar[float] = 0.5
    """Share correct of an answer that is the same in every trial."""
    target_kind: ClassVar[Literal["signs", "classes", "values"]] = "signs"
    """What the target is made of: values of one sign or the other, each as frequent;
    1 at the output of the right class and 0 elsewhere; or any values."""
    fixation_class: ClassVar[int | None] = None
    """The class that asks for no choice, and is never the last that is right."""
    error: ClassVar[Literal["absolute", "squared"]] = "absolute"
    """What a trial's error is the mean of: |output - target|, or its square."""
    stretchable: ClassVar[tuple[str, ...]] = ()
    """Epochs whose duration is the setting ``<epoch>_s``."""

    @property
    def ceiling(self) -> float:
        """Share correct of the ideal observer, over all trial types."""
        return 1.0

    @property
    def inputs(self) -> int:
        """Number of input channels, I."""
        raise TypeError(f"task {self.name!r} does not say its number of inputs")

    @property
    def outputs(self) -> int:
        """Number of output channels, O."""
        raise TypeError(f"task {self.name!r} does not say its number of outputs")

    @property
    def types(self) -> int:
        """Number of trial types, K: input combinations with a target of their own."""
        raise TypeError(f"task {self.name!r} does not say its number of trial types")

    @property
    def epochs_s(self) -> dict[str, float]:
        """Longest duration of each epoch, by name, in order, in seconds."""
        raise TypeError(f"task {self.name!r} does not say its epochs")

    def with_epochs(self, factors: dict[str, float]) -> Self:
        """The same task with the named epochs' durations multiplied."""
        changed: dict[str, float] = {}
        for epoch, factor in factors.items():
            if epoch not in self.stretchable:
                raise ValueError(
                    f"task {self.name!r} has no epoch {epoch!r} to stretch; it has: "
                    f"{', '.join(self.stretchable) or 'none'}"
                )
            changed[f"{epoch}_s"] = getattr(self, f"{epoch}_s") * factor
        return self.model_copy(update=changed)

    def steps(self, dt_s: float) -> int:
        """Number of time steps of a trial, T."""
        return sum(round(d / dt_s) for d in self.epochs_s.values())

    def check_sources(self) -> None:
        """Look at what the trials need from outside: a file, another package.

        Raises Inconsistent when it is missing or not what it was when it was read.
        """


class Impulses(Settings):
    """Random impulses to single units, added to the drive or to the state."""

    rate_hz: Annotated[float, PerNetwork, Field(ge=0, description="per unit")] = 0.0
    amplitude: Annotated[
        float, PerNetwork, Field(ge=0, description="half-width of the uniform law")
    ] = 0.0
    into: Annotated[
        Literal["drive", "state"],
        PerNetwork,
        Field(
            description="drive: inside dt/tau (published code); "
            "state: x jumps by amplitude * dt / mean tau whatever the unit's tau"
        ),
    ] = "drive"
    quiet_steps: Annotated[
        int, PerNetwork, Field(ge=0, description="no impulses in the first steps")
    ] = 0


class RuleSettings(Named):
    """Settings of a learning rule."""

    network_defaults: ClassVar[dict[str, Any]] = {}
    forms: ClassVar[tuple[str, ...]] = ("current", "rate")
    """Forms of the network (``network.form``) in which it learns."""
    readouts: ClassVar[tuple[str, ...]] = ("unit", "linear")
    """Kinds of readout (``network.readout.kind``) with which it learns."""
    takes_feedback: ClassVar[bool] = True
    """Learns also in a network whose output is fed back (``network.feedback``)."""
    uses_target: ClassVar[bool] = True
    """Depends on the target, if only through the reward or the error of a trial."""
    small_task: ClassVar[dict[str, Any]] = SMALL_TASK
    """A small task that it learns, with the settings of its ``example``."""
    small_network: ClassVar[dict[str, Any]] = {"units": 24}
    """The network that learns ``small_task``."""
    learns_in_trials: ClassVar[int] = 800
    """Trials after which ``small_task`` is learned."""
    presets: ClassVar[dict[str, dict[str, Any]]] = {}
    """Named sets of defaults, the first one the default; chosen by ``preset``."""
    preset_networks: ClassVar[dict[str, dict[str, Any]]] = {}
    """What a preset says of the network, in the place of ``network_defaults``."""
    sequential: ClassVar[bool] = False
    """Learns from a batch's trials in turn: it may be given any number at once."""
    at_start: ClassVar[tuple[str, ...]] = ()
    """Settings that act only when a network begins: to change them later is nothing."""
    # for the memory plan: how many tensors there are
    state_copies: ClassVar[int] = 0
    """of the weights' size that the rule keeps from step to step"""
    weight_copies: ClassVar[int] = 4
    """of the weights' size that a learning step holds besides"""
    activity_copies: ClassVar[int] = 9
    """of size [B, T, N] that a learning step holds"""
    kernel_copies: ClassVar[int] = 1
    """the same, where a compiled kernel makes the step"""

    @property
    def network_of_preset(self) -> dict[str, Any]:
        """Defaults of the network section that come with the chosen preset."""
        chosen = getattr(self, "preset", "")
        return self.preset_networks.get(chosen, self.network_defaults)

    @property
    def batch(self) -> int:
        """Trials per learning step, B."""
        return 1

    @property
    def recordable(self) -> bool:
        """Whether a GPU can record a step: no operation waits for its result."""
        return True

    @property
    def impulses(self) -> Impulses:
        """Exploratory impulses; they stay on when the network is tested."""
        return Impulses()

    def fitted(self, network: Network) -> Self:  # noqa: ARG002
        """The same settings, with defaults that depend on the network put in.

        Raises Inconsistent, with whole paths, for what such a network cannot learn by.
        """
        return self

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, data: Any) -> Any:
        """What was given, over the preset, over the defaults; nested settings too."""
        if not isinstance(data, dict):
            return data
        chosen = data.get("preset", next(iter(cls.presets), None))
        preset = cls.presets.get(chosen, {}) if isinstance(chosen, str) else {}
        filled = {**preset, **data}
        for key, info in cls.model_fields.items():
            if isinstance(info.default, Settings) and isinstance(filled.get(key), dict):
                default = info.default.model_dump()
                filled[key] = {**default, **preset.get(key, {}), **filled[key]}
        return filled
