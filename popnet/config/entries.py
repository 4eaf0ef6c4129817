"""Base classes of task and learning-rule settings, with what each entry declares."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

from pydantic import model_validator

from popnet.config.impulses import Impulses
from popnet.config.network import Network
from popnet.config.settings import Inconsistent, Named, Settings

SMALL_TASK: dict[str, Any] = {
    "name": "delayed_response",
    "stimulus_s": 0.03,
    "delay_s": 0.01,
    "response_s": 0.03,
    "target": 1.0,
}
"""The task on which the contract suite tests entries that declare no other one."""

Silence = Literal[
    "never asked for",
    "counts in the error alone",
    "judged as any other value",
    "judged as a class of its own",
]


class TaskSettings(Named):
    """Settings of a task.  Its properties fix the shapes of the trials' tensors."""

    target_kind: ClassVar[Literal["signs", "classes", "values"]] = "signs"
    """The form of the target: positive and negative values, equally frequent (signs);
    1 at the output of the right class and 0 elsewhere (classes); or any values."""
    sign_holds: ClassVar[bool] = True
    """Of signs: the target of an output keeps its sign for as long as it is scored
    without a break, so that a run of scored steps asks for one decision."""
    error: ClassVar[Literal["absolute", "squared"]] = "absolute"
    """A trial's error is the mean of |output - target| or of its square."""
    silence: ClassVar[Silence] = "never asked for"
    """The rule by which steps with a target of 0, which ask for silence, are judged."""
    stretchable: ClassVar[tuple[str, ...]] = ()
    """Epochs whose duration is the setting ``<epoch>_s``."""
    variants: ClassVar[tuple[dict[str, Any], ...]] = ()
    """Further settings at which chance, memoryless score and memory are tested."""

    @property
    def chance(self) -> float:
        """Share of trials that the best guess, which ignores the inputs, gets right.

        Here of one decision between two that are asked for equally often.  A value is
        not guessed: 0 where the targets are values.
        """
        return 0.0 if self.target_kind == "values" else 0.5

    @property
    def decides(self) -> Literal["signs", "classes"] | None:
        """What its decisions are between; None where it asks for something else."""
        if self.target_kind == "values" or not self.sign_holds:
            return None
        return self.target_kind

    @property
    def strengths(self) -> tuple[float, ...] | None:
        """Strengths of its evidence, the weakest first, at which it can be tested.

        Of a task with one output, which decides between evidence for + and for -.
        None where the evidence is not graded.
        """
        return None

    def of_strength(self, strength: float) -> Self:
        """Return this task with all its evidence of one of ``strengths``."""
        text = f"task {self.name!r} has no evidence of strength {strength:g}"
        raise TypeError(text)

    @property
    def stimuli(self) -> int:
        """Number of stimuli that an answer needs, counted back from the last one."""
        return 1

    @property
    def memory_demand_s(self) -> float | None:
        """Silence that the memory has to bridge, in seconds; None: not known.

        From the end of the first stimulus that an answer needs to the last step at
        which the answer is scored, further stimuli in between left out; the mean over
        answers.  0 where the evidence is on while the answer is scored.
        """
        return None

    @property
    def memoryless_score(self) -> float | None:
        """Share of trials that the best answer without a memory gets right.

        It sees the last of several stimuli, as if that were still on; of a single one
        only what is on at the step that is scored.  None where no silence has to be
        bridged, or where it is not known how long that is.
        """
        return self.chance if self.memory_demand_s else None

    @property
    def evidence_channels(self) -> tuple[tuple[int, ...], ...]:
        """For each output the inputs whose stimuli tell what it has to be."""
        return (tuple(range(self.inputs)),) * self.outputs

    @property
    def rest_inputs(self) -> tuple[tuple[float, ...], ...]:
        """Constant inputs [L, I] at which the network's attractors are looked for.

        Here the one of delays and silences: none on any channel.
        """
        return ((0.0,) * self.inputs,)

    @property
    def ceiling(self) -> float:
        """Share of trials of all types that the ideal observer answers correctly."""
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

    @property
    def parts_s(self) -> dict[str, float]:
        """Other durations that must be whole time steps, by name, in seconds."""
        return {}

    def with_epochs(self, factors: dict[str, float]) -> Self:
        """Return this task with the durations of these epochs multiplied by factors.

        Raises ValueError when the task has no such epoch to stretch.
        """
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
        """Check the file or package that the trials come from, where there is one.

        Raises Inconsistent when it is missing or has changed since it was read.
        """


class RuleSettings(Named):
    """Settings of a learning rule."""

    network_defaults: ClassVar[dict[str, Any]] = {}
    forms: ClassVar[tuple[str, ...]] = ("current", "rate")
    """Forms of the network (``network.form``) in which the rule learns."""
    readouts: ClassVar[tuple[str, ...]] = ("unit", "linear")
    """Kinds of readout (``network.readout.kind``) with which the rule learns."""
    takes_feedback: ClassVar[bool] = True
    """The rule also learns in networks with output feedback (``network.feedback``)."""
    decisions_alone: ClassVar[bool] = False
    """The rule learns only tasks that ask for decisions (``TaskSettings.decides``)."""
    uses_target: ClassVar[bool] = True
    """The rule uses the target, if only through the reward or the error of a trial."""
    small_task: ClassVar[dict[str, Any]] = SMALL_TASK
    """A small task that the rule learns with the settings of its ``example``."""
    small_network: ClassVar[dict[str, Any]] = {"units": 24}
    """The network that learns ``small_task``."""
    dt_tolerance: ClassVar[float] = 0.05
    """How far what it learns may differ at half the time step, as a share of it."""
    learns_in_trials: ClassVar[int] = 800
    """Number of trials after which ``small_task`` is learned."""
    presets: ClassVar[dict[str, dict[str, Any]]] = {}
    """Named sets of defaults.  The setting ``preset`` chooses one; the first is the
    default."""
    preset_networks: ClassVar[dict[str, dict[str, Any]]] = {}
    """Network defaults of each preset, used instead of ``network_defaults``."""
    sequential: ClassVar[bool] = False
    """The rule learns from one trial after another, so a batch may have any size."""
    at_start: ClassVar[tuple[str, ...]] = ()
    """Settings used only when a network is created; later changes have no effect."""
    # for the memory plan
    state_copies: ClassVar[int] = 0
    """Number of tensors of the weights' size that the rule keeps between steps."""
    weight_copies: ClassVar[int] = 4
    """Number of further tensors of the weights' size during a learning step."""
    activity_copies: ClassVar[int] = 9
    """Number of tensors of size [B, T, N] during a learning step."""
    kernel_copies: ClassVar[int] = 1
    """Number of tensors of size [B, T, N] during a step of a compiled kernel."""

    @property
    def network_of_preset(self) -> dict[str, Any]:
        """Defaults of the network section that belong to the chosen preset."""
        chosen = getattr(self, "preset", "")
        return self.preset_networks.get(chosen, self.network_defaults)

    @property
    def batch(self) -> int:
        """Trials per learning step, B."""
        return 1

    @property
    def learns(self) -> bool:
        """False when no step can change a network: it then meets no criterion."""
        return getattr(self, "learning_rate", 1.0) > 0

    @property
    def trains_recurrent(self) -> bool:
        """True when the recurrent weights are learned."""
        trains = getattr(self, "trains", None)
        return trains is None or "recurrent" in trains

    @property
    def recordable(self) -> bool:
        """True when a GPU can record a step: no operation waits for its result."""
        return True

    @property
    def impulses(self) -> Impulses:
        """Exploratory impulses; they stay on when the network is tested."""
        return Impulses()

    def fitted(self, network: Network) -> Self:
        """Return these settings, with defaults that depend on the network filled in.

        Raises Inconsistent, with whole paths, when such a network cannot learn by this
        rule; here, when the network is not of a kind that the rule declares.
        """
        readout = network.readout.kind
        if network.form not in self.forms:
            self._refuse("network.form", network.form, f"form: {self.forms[0]}")
        if readout not in self.readouts:
            kind = f"readout: {{kind: {self.readouts[0]}}}"
            self._refuse("network.readout", readout, kind)
        if network.feedback > 0 and not self.takes_feedback:
            self._refuse("network.feedback", f"{network.feedback:g}", "feedback: 0")
        return self

    def fitted_to_task(self, task: TaskSettings) -> Self:
        """Return these settings, with defaults that depend on the task filled in.

        Raises Inconsistent, with whole paths, when the rule cannot learn such a task.
        """
        if self.decisions_alone and task.decides is None:
            raise Inconsistent(
                "task",
                f"got {task.name}; rule {self.name} learns decisions alone, and this "
                "task asks for an output at every step; use another task, or rule: "
                "bptt",
                "rule",
            )
        return self

    def _refuse(self, path: str, given: str, instead: str) -> None:
        text = f"got {given}; rule {self.name} does not learn in such a network"
        raise Inconsistent(path, f"{text}; use {instead}", "rule")

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, data: Any) -> Any:
        """Fill in what was not given: from the preset first, then from the defaults."""
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
