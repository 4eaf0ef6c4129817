"""The perturbations, by the name a sweep file uses.  A new one: one file, one line."""

from popnet.perturbations import (
    epoch_durations,
    impulses,
    initial_state,
    new_time_constants,
    synaptic_jitter,
    time_constants,
)
from popnet.perturbations._situation import Perturbation as Perturbation
from popnet.perturbations._situation import Situation as Situation
from popnet.perturbations._situation import parts as parts
from popnet.perturbations._situation import resting as resting
from popnet.registry import Registry

PERTURBATIONS: Registry[Perturbation] = Registry(
    "perturbations",
    Perturbation,
    {
        "synaptic_jitter": Perturbation(
            synaptic_jitter.SynapticJitter, synaptic_jitter.apply
        ),
        "time_constants": Perturbation(
            time_constants.TimeConstants, time_constants.apply
        ),
        "new_time_constants": Perturbation(
            new_time_constants.NewTimeConstants, new_time_constants.apply
        ),
        "initial_state": Perturbation(initial_state.InitialState, initial_state.apply),
        "impulses": Perturbation(impulses.AddedImpulses, impulses.apply),
        "epoch_durations": Perturbation(
            epoch_durations.EpochDurations, epoch_durations.apply
        ),
    },
)
