"""Makes of one file's weights and rates all that metrics may see of a network.

B trials, T steps, N units, I inputs, K trial types.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from popnet.config import ConfigError
from popnet.formats.running import run_on
from popnet.formats.statements import Statements
from popnet.formats.weights import FoundWeights, WeightArrays
from popnet.metrics import Subject

Array = NDArray[np.float64]


class Common(NamedTuple):
    """What all networks of a folder share."""

    stated: Statements
    input_BTI: Array | None


def subject_of_file(
    weights: FoundWeights | None,
    rates_BTN: Array | None,
    common: Common,
    path: Path,
) -> tuple[Subject, str, list[str]]:
    """Return all that metrics may see of a network, in words too, and notes."""
    stated, holds, notes = common.stated, [], []
    _check_units(weights, rates_BTN, stated, path)
    roles = stated.units_with_a_role
    made = Subject(fixed_units=roles)
    if weights is not None:
        holds.append("weights")
        made = _weighed(made, weights)
        if common.input_BTI is not None and weights.final.input is None:
            notes.append(f"{path.name}: not run, since it has no input weights")
        elif common.input_BTI is not None and rates_BTN is None:
            holds.append("activity, run")
            made = _driven(made, weights, common, path)
    if rates_BTN is not None:
        holds.append("activity, recorded")
        made = made._replace(trained_BTN=rates_BTN.astype(np.float32))
    if made.trained_BTN is not None:
        made = _by_type(made, stated, path)
    units = made.final_NN if made.final_NN is not None else made.trained_BTN
    assert units is not None
    return made, f"{units.shape[-1]} units: {'; '.join(holds)}", notes


def _check_units(
    weights: FoundWeights | None,
    rates_BTN: Array | None,
    stated: Statements,
    path: Path,
) -> None:
    """Refuse a unit with a role that a network does not have."""
    arrays = (None if weights is None else weights.final.recurrent, rates_BTN)
    counts = {array.shape[-1] for array in arrays if array is not None}
    if len(counts) > 1:
        raise ConfigError(
            f"{path}: its weights and its rates are of {min(counts)} and {max(counts)} "
            "units; they must be of one network."
        )
    last, unit = max(counts) - 1, max(stated.units_with_a_role, default=0)
    if unit > last:
        raise ConfigError(
            f"{path}: compare.yaml names unit {unit}; its units are 0 to {last}."
        )


def _weighed(subject: Subject, weights: FoundWeights) -> Subject:
    """Add recurrent weights, with the output fed back as one more way."""
    initial = weights.initial
    return subject._replace(
        final_NN=_closed(weights.final),
        initial_NN=None if initial is None else _closed(initial),
    )


def _closed(weights: WeightArrays) -> NDArray[np.float32]:
    whole_NN = weights.recurrent
    if weights.feedback is not None and weights.readout is not None:
        whole_NN = whole_NN + weights.feedback @ weights.readout
    return whole_NN.astype(np.float32)


def _driven(
    subject: Subject, weights: FoundWeights, common: Common, path: Path
) -> Subject:
    """Add what the network does on the folder's inputs."""
    stated, input_BTI = common.stated, common.input_BTI
    assert input_BTI is not None
    ran = run_on(weights.final, stated, input_BTI, path)
    untrained = None
    if weights.initial is not None and weights.initial.input is not None:
        untrained = run_on(weights.initial, stated, input_BTI, path).rates_BTN
    response = ran.output_BTO
    if response is not None:
        response = response.reshape(len(response), -1)
    return subject._replace(
        input_BTI=input_BTI.astype(np.float32), trained_BTN=ran.rates_BTN,
        untrained_BTN=untrained, response=response,
    )  # fmt: skip


def _by_type(subject: Subject, stated: Statements, path: Path) -> Subject:
    """Add means over the trials of each type; by default each trial is its own."""
    trained_BTN, untrained_BTN = subject.trained_BTN, subject.untrained_BTN
    assert trained_BTN is not None
    types = stated.trial_types
    if types is None:
        return subject._replace(trained_KTN=trained_BTN, untrained_KTN=untrained_BTN)
    if len(types) != len(trained_BTN):
        raise ConfigError(
            f"{path}: has {len(trained_BTN)} trials, and trial_types names "
            f"{len(types)}."
        )
    return subject._replace(
        trained_KTN=_means(trained_BTN, types),
        untrained_KTN=None if untrained_BTN is None else _means(untrained_BTN, types),
    )


def _means(rates_BTN: NDArray[np.float32], types: Sequence[int]) -> NDArray[np.float32]:
    type_B = np.asarray(types)
    means = [rates_BTN[type_B == kind].mean(0) for kind in sorted(set(types))]
    return np.stack(means)
