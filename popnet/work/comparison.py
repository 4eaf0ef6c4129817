"""Compares recorded networks in pairs, and records the values.

First each network is prepared, then pairs of prepared networks are compared.  Costly
preparations are recorded, so that they are made once for each network.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from popnet.canonical import settings_text
from popnet.config import MetricSettings, NetworkConfig
from popnet.core.cell import Params, closed
from popnet.engine.activity import activity, by_trial, trajectory, trial_inputs
from popnet.engine.evaluate import response
from popnet.engine.population import untrained
from popnet.kernels import reproducible
from popnet.measures import network_at_rest
from popnet.metrics import (
    METRICS,
    WITHIN,
    Certified,
    Prepared,
    Subject,
    certified,
    metric_identity,
)
from popnet.perturbations import resting
from popnet.plan import PlannedNetwork, digest
from popnet.store.parameters import params_of, stage_of, tensors_of
from popnet.store.store import Store
from popnet.work.measured import network_seen

Arrays = Mapping[str, NDArray[Any]]


class Pair(NamedTuple):
    """Two networks to be compared, key_a < key_b."""

    key_a: str
    key_b: str


def prepared_kind(settings: MetricSettings) -> str:
    """Return the kind of the store's batches that hold this metric's preparations."""
    return f"prepared {metric_identity(settings)}"


def prepare_networks(
    folder: str, networks: Mapping[str, PlannedNetwork], settings: MetricSettings
) -> int:
    """Prepare networks for a metric and record it; returns how many."""
    store = Store(folder)
    made = _prepared(store, networks, settings)
    arrays = {
        f"{key}/{name}": array
        for key, found in made.items()
        for name, array in found.items()
    }
    if made:
        store.commit(prepared_kind(settings), made, {}, {"prepared": arrays})
    return len(made)


def compare_networks(
    folder: str,
    pairs: Sequence[Pair],
    networks: Mapping[str, PlannedNetwork],
    settings: MetricSettings,
) -> int:
    """Compare pairs of networks by one metric and record it; returns how many."""
    store = Store(folder)
    keys = {key for pair in pairs for key in pair}
    if settings.stored:
        kind = prepared_kind(settings)
        prepared: dict[str, Any] = store.many_tensors(keys, "prepared", kind)
    else:
        prepared = _prepared(store, {key: networks[key] for key in keys}, settings)
    identity = metric_identity(settings)
    about = {"metric": settings.name, "settings": settings_text(settings)}
    found = _values(settings, pairs, prepared)
    rows = [
        {"key_a": a, "key_b": b, **about, "identity": identity, "value": float(value)}
        for (a, b), value in zip(pairs, found.value_M, strict=True)
    ]
    if settings.certified:
        for row, bound, starts in zip(rows, found.bound_M, found.starts_M, strict=True):
            row |= {"bound": float(bound), "starts": int(starts)}
    what = digest(identity, *(f"{a}{b}" for a, b in pairs))
    store.commit("comparisons", keys, {"comparisons": rows}, {}, what)
    return len(rows)


def _values(
    settings: MetricSettings, pairs: Sequence[Pair], prepared: Mapping[str, Prepared]
) -> Certified:
    """Return values of pairs; NaN where one of the two could not be prepared."""
    known = np.array([a in prepared and b in prepared for a, b in pairs], dtype=bool)
    complete = [pair for pair, both in zip(pairs, known, strict=True) if both]
    made = certified(np.full(len(pairs), np.nan))
    if complete:
        one, other = (
            [prepared[key] for key in keys] for keys in zip(*complete, strict=True)
        )
        found = certified(METRICS[settings.name].compare(settings, one, other))
        for every, some in zip(made, found, strict=True):
            every[known] = some
    return made


def _prepared(
    store: Store, networks: Mapping[str, PlannedNetwork], settings: MetricSettings
) -> dict[str, dict[str, NDArray[Any]]]:
    """Prepare each network of which everything that the metric needs is recorded."""
    prepare = METRICS[settings.name].prepare
    return {
        key: prepare(settings, subject)
        for key, subject in _subjects(store, networks, settings.needs).items()
    }


def _subjects(
    store: Store, networks: Mapping[str, PlannedNetwork], needs: Iterable[str]
) -> dict[str, Subject]:
    """Read from the store what a metric needs of each network.

    A network of which something is not recorded, such as activity, is left out.
    Activity trial by trial is not recorded, but made anew from the weights.
    """
    needs = set(needs)
    weighed = {"weights", "trials", "rest"} & needs
    found: dict[str, dict[str, dict[str, NDArray[Any]]]] = {
        folder: store.many_tensors(networks if wanted else (), folder)
        for folder, wanted in (
            ("weights", weighed),
            ("responses", "response" in needs),
            ("trajectories", "activity" in needs),
        )
    }
    subjects = {}
    for key, network in networks.items():
        weights, responses, kept = (some.get(key, {}) for some in found.values())
        given = weights if "weights" in needs else {}
        subject = _subject(network.config, given, responses, kept)
        if {"trials", "rest"} & needs and weights:
            initial, final = (
                params_of(stage_of(weights, stage)) for stage in ("initial", "final")
            )
            subject = _with_runs(subject, network, initial, final, needs)
        subjects[key] = subject
    wanted = [field for need in needs for field in WITHIN[need]]
    return {
        key: subject
        for key, subject in subjects.items()
        if all(getattr(subject, field) is not None for field in wanted)
    }


def subject_of(network: PlannedNetwork, final: Params, needs: Iterable[str]) -> Subject:
    """Compute what a metric needs of a network (P = 1) in memory."""
    config, seed = network.config, network.seed
    initial = untrained([network], torch.device("cpu"))
    weights, responses, kept = {}, {}, {}
    if "weights" in needs:
        stages = {"initial": initial, "final": final}
        weights = {
            f"{stage}.{name}": array
            for stage, params in stages.items()
            for name, array in tensors_of(params).items()
        }
    if "response" in needs:
        responses = {"response": response(final, config, seed)}
    if "activity" in needs:
        dt_s = config.network.dt_s
        kept = {
            state: trajectory(activity(resting(params, config), seed), dt_s)
            for state, params in (("untrained", initial), ("trained", final))
        }
    subject = _subject(config, weights, responses, kept)
    return _with_runs(subject, network, initial, final, set(needs))


def _with_runs(
    subject: Subject,
    network: PlannedNetwork,
    initial: Params,
    final: Params,
    needs: set[str],
) -> Subject:
    """Add what is made by running the network anew, where it is needed."""
    if "trials" in needs:
        subject = subject._replace(**_by_trial(network, initial, final))
    if "rest" in needs:
        rest = network_at_rest(network_seen(network, initial, final))
        subject = subject._replace(rest=rest)
    return subject


def _by_trial(
    network: PlannedNetwork, initial: Params, final: Params
) -> dict[str, NDArray[Any]]:
    """Run a network (P = 1) on common trials, untrained, trained, and once more."""
    config, seed = network.config, network.seed
    with reproducible():
        runs = {
            "untrained_BTN": by_trial(resting(initial, config), seed),
            "trained_BTN": by_trial(resting(final, config), seed),
            "again_BTN": by_trial(resting(final, config), seed, again=True),
        }
    return {"input_BTI": trial_inputs(config, seed), **runs}


def _subject(
    config: NetworkConfig, weights: Arrays, responses: Arrays, kept: Arrays
) -> Subject:
    net = config.network
    fixed = set(net.clamped)
    if net.readout.kind == "unit":
        fixed.add(net.readout.unit)
    recurrent = {
        # the output fed back is one more way from unit to unit
        f"{stage}_NN": closed(params_of(stage_of(weights, stage)))
        .w_PNN[0]
        .float()
        .numpy()
        for stage in (("initial", "final") if weights else ())
    }
    return Subject(
        fixed_units=tuple(sorted(fixed)),
        response=responses.get("response"),
        untrained_KTN=kept.get("untrained"),
        trained_KTN=kept.get("trained"),
        initial_NN=recurrent.get("initial_NN"),
        final_NN=recurrent.get("final_NN"),
    )
