"""The learning rules, by the name a sweep file uses.  A new one: one file, one line."""

from popnet.rules import bptt, force, reward_hebbian
from popnet.rules.learning import Episode as Episode
from popnet.rules.learning import Outcome as Outcome
from popnet.rules.learning import Rule as Rule

RULES: dict[str, Rule] = {
    "reward_hebbian": Rule(
        reward_hebbian.RewardHebbian, reward_hebbian.init, reward_hebbian.step
    ),
    "bptt": Rule(bptt.BPTT, bptt.init, bptt.step),
    "force": Rule(force.Force, force.init, force.step),
}
