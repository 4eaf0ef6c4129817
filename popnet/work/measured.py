"""Computes the measures that a sweep asks of recorded networks.

C blocks of trials, N units.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from popnet.canonical import settings_text
from popnet.config import Network, NetworkConfig
from popnet.core.cell import Params, closed
from popnet.core.draw import cell_of
from popnet.engine.activity import in_bins
from popnet.engine.episodes import initial_states
from popnet.engine.evaluate import common_trials, run
from popnet.engine.test_plan import AskedMeasure
from popnet.kernels import reproducible
from popnet.measures import (
    MEASURES,
    ChoicesSeen,
    CurveSeen,
    NetworkSeen,
    NetworkTrials,
    WeightsSeen,
    number,
)
from popnet.perturbations import resting
from popnet.plan import PlannedNetwork
from popnet.seeding import Seed, philox_key
from popnet.store.store import Store

BINS = 40
"""Points, at most, of a measure over the time of a trial."""


def weights_seen(initial: Params, final: Params, net: Network) -> WeightsSeen:
    """Return the weights of a network (P = 1) as measures need them."""
    with reproducible():
        initial_NN, final_NN = (closed(p).w_PNN[0].numpy() for p in (initial, final))
    unit = net.readout.unit if net.readout.kind == "unit" else None
    return WeightsSeen(initial_NN, final_NN, final.tau_PN[0].numpy(), unit)


def network_seen(
    network: PlannedNetwork, initial: Params, final: Params
) -> NetworkSeen:
    """Return a whole network (P = 1) as measures need it, in float64."""
    config, seed = network.config, network.seed
    net, task = config.network, config.task

    def drawn(count: int) -> NetworkTrials:
        per_type = -(-count // task.types)
        trials, types_B = common_trials(task, per_type, net.dt_s, seed.sweep)
        numbers = range(len(types_B))
        x0_BN = initial_states(net, seed, "evaluation/initial_state", numbers)

        def tensor(array: Any) -> Tensor:
            return torch.from_numpy(np.array(array))[None]

        return NetworkTrials(
            tensor(trials.input_BTI).double(),
            tensor(trials.target_BTO).double(),
            tensor(trials.mask_BTO),
            tensor(x0_BN).double(),
        )

    with reproducible():
        before, after = (_in_float64(closed(params)) for params in (initial, final))
    gamma = None
    if getattr(config.rule, "parametrisation", "") == "mean_field":
        gamma = float(config.rule.gamma)  # type: ignore[attr-defined]
    noise = net.noise.input > 0 or net.noise.recurrent > 0
    clean = not (noise or net.initial_state > 0)
    cell, at_rest = cell_of(net), task.rest_inputs
    return NetworkSeen(before, after, cell, drawn, gamma, clean, {}, rest_LI=at_rest)


PER_STRENGTH = 80
"""Trials, at least, of each strength of evidence."""


def choices_seen(network: PlannedNetwork, final: Params) -> ChoicesSeen:
    """Return the decisions of a network (P = 1) on evidence of every strength.

    Each strength has trials and noise of its own; a decision is the sign of the mean
    output over the scored steps, and an output of exactly 0 is none.
    """
    config, seed = network.config, network.seed
    situation, task = resting(final, config), config.task
    evidence, plus = [], []
    for i, strength in enumerate(task.strengths or ()):
        graded = situation._replace(task=task.of_strength(strength))
        own = Seed(philox_key(seed.sweep, "strength", i), seed.number)
        ran = run(graded, own, -(-PER_STRENGTH // task.types))
        asked = ran.mask_PBTO & (ran.target_PBTO != 0)
        said, right = (
            torch.sign((part * asked).sum((2, 3), dtype=torch.float64)[0]).numpy()
            for part in (ran.output_PBTO, ran.target_PBTO)
        )
        evidence.append(strength * right)
        plus.append(np.where(said == 0, np.nan, (1 + said) / 2))
    return ChoicesSeen(np.concatenate(evidence), np.concatenate(plus))


def _in_float64(params: Params) -> Params:
    made = (None if leaf is None else leaf.cpu().double() for leaf in params)
    return Params(*made)  # type: ignore[arg-type]


def curves_seen(
    store: Store, networks: Iterable[PlannedNetwork]
) -> dict[str, CurveSeen]:
    """Read recorded learning curves as measures need them, by key."""
    configs = {n.key: n.config for n in networks}
    ended = store.table("networks", "networks", "key", set(configs))
    if ended is None:
        return {}
    keys, needed = (ended[c].to_pylist() for c in ("key", "trials_to_criterion"))
    met = dict(zip(keys, needed, strict=True))
    points: dict[str, list[dict[str, Any]]] = {key: [] for key in configs}
    curves = store.table("networks", "curves", "key", set(configs))
    for row in [] if curves is None else curves.to_pylist():
        points[row["key"]].append(row)
    return {
        key: _curve_seen(points[key], met[key], config)
        for key, config in configs.items()
        if key in met
    }


def _curve_seen(
    points: list[dict[str, Any]], met: float | None, config: NetworkConfig
) -> CurveSeen:
    points = sorted(points, key=lambda point: point["trial"])
    trial_C, error_C, accuracy_C = (
        np.array([point[c] for point in points], dtype=np.float64)
        for c in ("trial", "error", "accuracy")
    )
    until = config.train.until
    wanted = None if until is None else until.accuracy
    criterion = float("nan") if wanted is None else wanted
    return CurveSeen(trial_C, error_C, accuracy_C, met, criterion)


def measured_rows(
    key: str, asked: Sequence[AskedMeasure], seen: Mapping[str, Any], steps: int = 1
) -> Iterator[dict[str, Any]]:
    """Yield rows of the store's table ``measures``, one for each asked measure.

    ``seen``: the data by the kind that a measure needs; ``steps``: time steps per bin
    of measures over time.
    """
    for one in asked:
        settings, test = one.settings, one.test
        found = MEASURES[settings.name].of(settings, seen[settings.needs])
        over_time = settings.over_time
        yield {
            "key": key,
            "identity": one.identity,
            "measure": settings.name,
            "measure_settings": settings_text(settings),
            "state": "" if test is None else test.kind,
            "name": "" if test is None else test.name,
            "settings": "{}" if test is None else test.settings,
            "level": 0.0 if test is None else test.level,
            "value": None if over_time else number(found),
            "over_time": in_bins(found, steps, axis=0).tolist() if over_time else None,
        }
