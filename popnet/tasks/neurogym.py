"""Tasks of the NeuroGym package, by their names.

Molano-Mazon et al., PsyArXiv 2022, 10.31234/osf.io/aqc9n; package neurogym, installed
by ``pip install 'popnet[neurogym]'``.  For environments whose trials have a ground
truth, of classes, at each step.

Trials are drawn by the package itself, each from a stream of popnet's (its own
``seed`` has 32 bits) and in an environment made for it: each is the first trial of a
session, and what an environment keeps from trial to trial, such as the block and the
rule of HierarchicalReasoning, stands where it begins.  They are drawn at the time step
of the network.  A trial's observations are the
inputs; the output of the right class is asked to be 1 and the others 0, at every step
of the trial.  NeuroGym's trials may differ in length: a trial here lasts ``trial_s``,
with silence that is not scored after the end of a shorter one; a longer one is drawn
again.  By default ``trial_s`` is the longest of 200 trials, rounded up to 0.1 s.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import warnings
from collections.abc import Callable
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from popnet.config import ConfigError, Inconsistent, Silence, TaskSettings, nearest
from popnet.config.settings import Seconds
from popnet.seeding import stream
from popnet.tasks._evidence import streams
from popnet.tasks._fresh_environment import first_trial
from popnet.tasks._trials import Trials

FILLED = ("version", "channels", "classes", "trial_s")
LOOKED_AT, LOOKED_AT_MS = 200, 1
"""So many trials are looked at, at this time step."""
MOST_DRAWN = 1000
INSTALL = "pip install 'popnet[neurogym]'"


class NeuroGym(TaskSettings):
    """A NeuroGym environment as a supervised task.

    The package is asked when a sweep file is read, and its version, the sizes and the
    trial's duration are filled in; they are part of a network's key.  A sweep file
    where they stand already, as in the folder of a run, is read without the package;
    but to train or test networks it must be there, in that version.  Chance is found
    from the classes that are right at the end of a number of trials, and filled in as
    well.
    """

    reference: ClassVar[str] = "Molano-Mazon et al. 2022; package neurogym"
    summary: ClassVar[str] = "a task of the NeuroGym package, by its name"

    after_colon: ClassVar[str] = "env"
    requires_package: ClassVar[str] = "neurogym"
    target_kind: ClassVar[Literal["signs", "classes", "values"]] = "classes"
    silence: ClassVar[Silence] = "judged as a class of its own"

    name: Literal["neurogym"] = "neurogym"  # type: ignore[assignment]
    env: Annotated[str, Field(description="as NeuroGym calls it")] = (
        "PerceptualDecisionMaking-v0"
    )
    timing_ms: Annotated[
        dict[str, float], Field(description="periods: durations, in milliseconds")
    ] = {}  # noqa: RUF012  (pydantic copies it)
    options: Annotated[
        dict[str, Any], Field(description="further arguments of the environment")
    ] = {}  # noqa: RUF012
    trial_s: Annotated[Seconds, Field(description="chosen, or filled in")] = 1.0
    channels: Annotated[int, Field(ge=0, description="inputs: filled in")] = 0
    classes: Annotated[int, Field(ge=0, description="outputs: filled in")] = 0
    version: Annotated[str, Field(description="of the package: filled in")] = ""
    guessed: Annotated[
        float, Field(ge=0, le=1, description="share of trials guessed right: filled in")
    ] = 0.5

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, data: Any) -> Any:
        if not isinstance(data, dict) or all(key in data for key in FILLED):
            return data
        fields = {k: info.default for k, info in cls.model_fields.items()}
        env, timing_ms, options = (
            data.get(key, fields[key]) for key in ("env", "timing_ms", "options")
        )
        kinds = (str, dict, dict)
        if not all(map(isinstance, (env, timing_ms, options), kinds)):
            return data  # its fields say what is wrong
        found = _described(env, _arguments(timing_ms, options))
        shortest_s, longest_s = found.pop("lengths_s")
        found["trial_s"] = data.get("trial_s", longest_s)
        for key in (*FILLED, "guessed"):
            if data.get(key, found[key]) != found[key]:
                text = f"got {data[key]!r}; it is {found[key]!r} here; leave it out"
                raise Inconsistent(key, text, "env")
        given = found["trial_s"]
        if isinstance(given, (int, float)) and given < shortest_s:
            text = f"got {given:g}; the shortest of {LOOKED_AT} trials needs"
            raise Inconsistent("trial_s", f"{text} {shortest_s:g}", "env")
        return {**data, **found}

    @property
    def inputs(self) -> int:
        """Numbers in an observation."""
        return self.channels

    @property
    def outputs(self) -> int:
        """One per class."""
        return self.classes

    @property
    def types(self) -> int:
        """The environment chooses."""
        return 1

    @property
    def chance(self) -> float:
        """One in so many choices, or more where one choice is right more often."""
        return self.guessed

    @property
    def epochs_s(self) -> dict[str, float]:
        """One epoch: the environment's own periods may be random."""
        return {"trial": self.trial_s}

    def check_sources(self) -> None:
        """Raise Inconsistent unless the package is there in the same version."""
        found = _package().__version__
        if found != self.version:
            raise Inconsistent(
                "version",
                f"networks of neurogym {self.version} need that version, and here is "
                f"{found}; install it, or leave out {', '.join(FILLED)}",
                "env",
            )


@lru_cache(maxsize=1)
def _package() -> Any:
    """The neurogym package, imported quietly."""
    if importlib.util.find_spec("neurogym") is None:
        text = f"needs the package neurogym, which is not installed; {INSTALL}"
        raise Inconsistent("name", text, "env")
    with warnings.catch_warnings(action="ignore"):
        return importlib.import_module("neurogym")


def _arguments(timing_ms: dict[str, float], options: dict[str, Any]) -> str:
    """What the environment is made with, as text."""
    for key, instead in (("dt", "network.dt_s"), ("timing", "task.timing_ms")):
        if key in options:
            raise Inconsistent("options", f"has {key}, which {instead} sets")
    timing = {"timing": timing_ms} if timing_ms else {}
    return json.dumps({**options, **timing}, sort_keys=True)


@lru_cache(maxsize=64)
def _maker(env: str, arguments: str, dt_ms: float) -> Callable[[], Any]:
    """Return what makes such an environment.  Raises Inconsistent if nothing does."""
    package = _package()
    known = package.envs.registration.ALL_EXTENDED_ENVS
    if env not in known:  # gymnasium would import any module named here
        hint = nearest(env, list(known))
        raise Inconsistent("env", f"NeuroGym has no environment {env!r}.{hint}")
    registration = importlib.import_module("gymnasium.envs.registration")
    spec = registration.spec(env)
    create = registration.load_env_creator(spec.entry_point)
    given = {**spec.kwargs, **json.loads(arguments), "dt": dt_ms}

    def make() -> Any:
        with warnings.catch_warnings(action="ignore"):
            return create(**given).unwrapped

    try:
        made = make()
        made.new_trial()
    except Exception as error:
        text = " ".join(str(error).split())
        raise Inconsistent("env", f"{env} cannot be made: {text}") from None
    if not hasattr(made, "gt") or not hasattr(made.action_space, "n"):
        text = f"{env} has no ground truth of classes at each step to learn from"
        raise Inconsistent("env", text)
    return make


@lru_cache(maxsize=64)
def _looked_at(env: str, arguments: str) -> tuple[tuple[float, float], float]:
    """The shortest and longest trial, in seconds, rounded up to 0.1 s; chance.

    Raises Inconsistent unless the trials differ and the truth is a class at each step.
    """
    make = _maker(env, arguments, LOOKED_AT_MS)
    random = stream("neurogym", env, arguments)
    classes = int(make().action_space.n)
    steps, last, kinds = [], [], set()
    for own in streams(random, LOOKED_AT):
        seen, right_T = first_trial(make, own, whole=True)
        _check_classes(env, right_T, classes)
        steps.append(len(right_T))
        last.append(right_T[-1])
        kinds.add((seen.tobytes(), right_T.tobytes()))
    if len(kinds) == 1:
        text = f"{env} gives the same trial again and again: an option fixes its seed"
        raise Inconsistent("options", text, "env")
    shortest, longest = (
        -(-n * LOOKED_AT_MS // 100) / 10 for n in (min(steps), max(steps))
    )
    return (shortest, longest), guessing(np.array(last))


def guessing(last_B: NDArray[Any]) -> float:
    """Share of trials that the best guess gets right, from their last right classes.

    1 / K for K classes; where one is right more often, by more than 4 standard errors,
    its share.
    """
    _, counts = np.unique(last_B, return_counts=True)
    even, most = 1 / len(counts), counts.max() / len(last_B)
    room = 4 * np.sqrt(even * (1 - even) / len(last_B))
    return float(most if most > even + room else even)


def _check_classes(env: str, right_T: NDArray[Any], classes: int) -> None:
    """Raise Inconsistent unless every truth is one of the classes."""
    wrong = (right_T < 0) | (right_T >= classes) | (right_T % 1 != 0)
    if right_T.ndim != 1 or wrong.any():
        what = right_T[wrong].flat[0] if wrong.any() else right_T[0]
        raise Inconsistent(
            "env",
            f"{env} has a ground truth of {what}, which is none of its {classes} "
            "classes: a number or several are no class to learn",
        )


def _described(env: str, arguments: str) -> dict[str, Any]:
    """What is filled in, of an environment."""
    made = _maker(env, arguments, LOOKED_AT_MS)()
    lengths_s, guessed = _looked_at(env, arguments)
    return {
        "version": _package().__version__,
        "channels": int(np.prod(made.observation_space.shape)),
        "classes": int(made.action_space.n),
        "lengths_s": lengths_s,
        "guessed": guessed,
    }


def draw(
    settings: NeuroGym,
    types_B: NDArray[np.int64],
    dt_s: float,
    random: np.random.Generator,
) -> Trials:
    """Trials of the environment.  Raises ConfigError without the package."""
    count, steps = len(types_B), settings.steps(dt_s)
    try:
        settings.check_sources()
        arguments = _arguments(settings.timing_ms, settings.options)
        make = _maker(settings.env, arguments, round(1000 * dt_s, 6))
    except Inconsistent as error:
        raise ConfigError(f"task.{error.path}: {error}.") from None
    inputs = np.zeros((count, steps, settings.channels))
    target = np.zeros((count, steps, settings.classes))
    mask = np.zeros(target.shape, dtype=bool)
    for trial, own in enumerate(streams(random, count)):
        seen, right_T = _fitting(settings, make, own, steps)
        length = len(right_T)
        inputs[trial, :length] = seen.reshape(length, -1)
        target[trial, np.arange(length), right_T] = 1
        mask[trial, :length] = True
    return Trials(inputs, target, mask)


def _fitting(
    settings: NeuroGym, make: Callable[[], Any], own: np.random.Generator, steps: int
) -> tuple[NDArray[np.floating], NDArray[np.int64]]:
    """The first trial of the stream that is not too long."""
    for _ in range(MOST_DRAWN):
        seen, right_T = first_trial(make, own)
        if len(right_T) <= steps:
            return seen, right_T
    raise ConfigError(
        f"task.trial_s: none of {MOST_DRAWN:,} trials of {settings.env} was at most "
        f"{settings.trial_s:g} s long."
    )
