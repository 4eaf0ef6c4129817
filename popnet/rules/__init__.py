"""The learning rules, by the name a sweep file uses.  A new one: one file, one line."""

from popnet.registry import Registry
from popnet.rules import (
    bptt,
    eprop,
    evolution_strategies,
    force,
    full_force,
    genetic,
    policy_gradient,
    reward_hebbian,
    rflo,
)
from popnet.rules._rule import Episode as Episode
from popnet.rules._rule import Outcome as Outcome
from popnet.rules._rule import Rule as Rule

RULES: Registry[Rule] = Registry(
    "rules",
    Rule,
    {
        "reward_hebbian": Rule(
            reward_hebbian.RewardHebbian, reward_hebbian.init, reward_hebbian.step
        ),
        "bptt": Rule(bptt.BPTT, bptt.init, bptt.step, begin=bptt.begin),
        "eprop": Rule(eprop.EProp, eprop.init, eprop.step),
        "rflo": Rule(rflo.RFLO, rflo.init, rflo.step),
        "force": Rule(force.Force, force.init, force.step),
        "full_force": Rule(full_force.FullForce, full_force.init, full_force.step),
        "genetic": Rule(genetic.Genetic, genetic.init, genetic.step, genetic.draws),
        "evolution_strategies": Rule(
            evolution_strategies.EvolutionStrategies,
            evolution_strategies.init,
            evolution_strategies.step,
            evolution_strategies.draws,
        ),
        "policy_gradient": Rule(
            policy_gradient.PolicyGradient,
            policy_gradient.init,
            policy_gradient.step,
            policy_gradient.draws,
        ),
    },
)
