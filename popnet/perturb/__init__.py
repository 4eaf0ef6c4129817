"""The perturbations, by the name a sweep file uses.  A new one: one file, one line."""

from popnet.perturb import (
    epoch_durations,
    impulses,
    initial_state,
    synaptic_jitter,
    time_constants,
)
from popnet.perturb.situation import Perturbation as Perturbation
from popnet.perturb.situation import Situation as Situation
from popnet.perturb.situation import resting as resting

PERTURBATIONS: dict[str, Perturbation] = {
    "synaptic_jitter": Perturbation(
        synaptic_jitter.SynapticJitter, synaptic_jitter.apply
    ),
    "time_constants": Perturbation(time_constants.TimeConstants, time_constants.apply),
    "initial_state": Perturbation(initial_state.InitialState, initial_state.apply),
    "impulses": Perturbation(impulses.AddedImpulses, impulses.apply),
    "epoch_durations": Perturbation(
        epoch_durations.EpochDurations, epoch_durations.apply
    ),
}
