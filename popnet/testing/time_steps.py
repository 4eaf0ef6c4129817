"""A time step is how exactly a network is run, no part of the experiment.

Every rule and every perturbation must do as much per second at dt_s as at half of it,
but for the error of Euler's scheme, of the order of dt / tau: no constant of it may be
counted in steps.  P networks, B trials, T time steps.
"""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from popnet.core.impulses import ImpulseList
from popnet.engine.activity import rates_of
from popnet.engine.population import Population, start, untrained
from popnet.kernels import reproducible
from popnet.perturbations import PERTURBATIONS, resting
from popnet.rules import RULES, Episode
from popnet.testing.checking import example_of
from popnet.testing.learning import episode_of, members_of, step_of
from popnet.testing.networks import CPU, leaves_of, planned

STEPS = 4
"""Learning steps whose effect is compared."""
FORMS = ("current", "rate")


def halved(episode: Episode) -> Episode:
    """The same trials in steps of half the length, impulses with the same areas."""

    def twice(leaf: Tensor) -> Tensor:
        return leaf.repeat_interleave(2, 2)

    assert episode.noise_PBTN is None, "noise has no value between steps"
    lists = episode.impulses
    assert not isinstance(lists, Tensor), "on the CPU impulses are lists"
    if lists is not None:
        lists = [[_halved(one) for one in row] for row in lists]
    return episode._replace(
        input_PBTI=twice(episode.input_PBTI), target_PBTO=twice(episode.target_PBTO),
        mask_PBTO=twice(episode.mask_PBTO), impulses=lists,
    )  # fmt: skip


def _halved(those: ImpulseList) -> ImpulseList:
    """Each at the beginning of its step, as long as half of it and twice the size."""
    return ImpulseList(2 * those.step, those.unit, 2 * those.size)


def learned(population: Population, halve: bool) -> dict[str, Tensor]:
    """What learning steps change in parameters and state, by name.

    ``halve``: in halves of the network's steps, on the same trials.
    """
    cell, settings = population.cell, population.config.rule
    if halve:
        population = replace(population, cell=cell._replace(dt_s=cell.dt_s / 2))
    params, state = population.params, population.state
    # a sequential rule may have to know the error of each trial type first
    more = population.config.task.types if settings.sequential else 0
    with reproducible():
        for step in range(STEPS + more):
            # beyond the waiting time of rules that have one
            episode = episode_of(population, params, 1000 + step * settings.batch)
            params, state, _ = step_of(
                population, params, state, halved(episode) if halve else episode
            )
    return {
        leaf: now - leaves_of(before)[leaf]
        for before, after in ((population.params, params), (population.state, state))
        for leaf, now in leaves_of(after).items()
    }


def apart(one: Tensor, other: Tensor) -> float:
    """Norm of the difference of two effects, as a share of the larger one's."""
    size = max(float(one.norm()), float(other.norm()))
    return float((one - other).norm()) / size if size else 0.0


def a_rule_learns_the_same_at_half_the_time_step(name: str) -> None:
    """The same trials change parameters and state alike, within ``dt_tolerance``."""
    population = start(members_of(name, dtype="float64"), CPU)
    own, half = (learned(population, halve) for halve in (False, True))
    allowed = population.config.rule.dt_tolerance
    assert any(bool(change.any()) for change in own.values()), "it learns nothing"
    far = {leaf: apart(own[leaf], half[leaf]) for leaf in own}
    far = {leaf: share for leaf, share in far.items() if share > allowed}
    assert not far, (
        f"at half the time step it learns another thing, {_shares(far)}; allowed "
        f"{allowed:.0%}: is a constant of it counted in steps?"
    )


def _shares(of: dict[str, float]) -> str:
    return ", ".join(f"{name} by {share:.0%}" for name, share in of.items())


PER_TYPE = 40
"""Trials of each type over which the effect of a perturbation is a mean."""


def moved(name: str, form: str, level: float, dt_s: float) -> float:
    """R.m.s. change of the rates of an untrained network under a perturbation.

    Trials whose length has changed are compared from their ends.
    """
    settings = example_of(PERTURBATIONS[name].settings)
    rule = next(rule for rule, about in RULES.items() if form in about.settings.forms)
    about = {"form": form, "tau_s": {"spread": 0.3}, **settings.small_network}
    (member,) = planned(
        settings.small_task, {"name": rule}, {**about, "dt_s": dt_s}, 1
    )  # fmt: skip
    rest = resting(untrained([member], CPU), member.config)
    other = PERTURBATIONS[name].apply(settings, level, rest, member.seed)
    one, two = (rates_of(s, member.seed, PER_TYPE) for s in (rest, other))
    both = min(one.shape[1], two.shape[1])
    return float((two[:, -both:] - one[:, -both:]).square().mean().sqrt())


def a_perturbation_does_the_same_at_half_the_time_step(name: str) -> None:
    """At the last level it moves the rates alike, within ``dt_tolerance``."""
    settings = example_of(PERTURBATIONS[name].settings)
    level, allowed = settings.levels[-1], settings.dt_tolerance
    dt_s = settings.small_network.get("dt_s", 0.001)
    for form in FORMS:
        own, half = (moved(name, form, level, dt) for dt in (dt_s, dt_s / 2))
        share = abs(own - half) / max(own, half)
        assert share <= allowed, (
            f"at level {level:g} and half the time step it moves rates by {half:.3g}, "
            f"else by {own:.3g}; allowed {allowed:.0%}: is a constant of it counted in "
            "steps?"
        )
