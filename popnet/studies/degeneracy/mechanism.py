"""The mechanism of a few networks of each condition: the slow modes at trials' ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from popnet.analysis.slow_modes import SlowModes, slow_modes, step_map
from popnet.core.draw import cell_of
from popnet.core.module import RateNetwork
from popnet.engine.evaluate import common_trials
from popnet.store.parameters import params_of
from popnet.studies.degeneracy.factors import Family

if TYPE_CHECKING:
    import pandas as pd

    from popnet.runs import Run
    from popnet.runs.run import RecordedNetwork

EACH = 3
"""Networks of a condition."""
MODES = 6
STATES = 4
"""Trials at whose last step a network is linearised."""
COLUMNS_OF = ("modulus", "time_constant_s", "input_overlap", "readout_overlap")


def modes_of(
    run: Run, networks: pd.DataFrame, families: tuple[Family, ...]
) -> pd.DataFrame:
    """Slow modes of the first networks of each condition that met its criterion.

    One row per network and mode, slowest first (rank 1): means over states.  Networks
    with another nonlinearity than tanh, in the form of rates, with feedback or without
    a linear readout are left out.
    """
    import pandas as pd

    wanted = {c for family in families for c in family.conditions}
    met = networks[~networks["failed"] & networks["condition"].isin(wanted)]
    rows = []
    for condition, own in met.groupby("condition", sort=False):
        for key in own.sort_values("seed")["key"].head(EACH):
            found = modes_of_network(run.network(str(key)))
            rows += [
                {"condition": condition, "key": key, "rank": rank + 1, **mode}
                for rank, mode in enumerate(found)
            ]
    return pd.DataFrame(rows, columns=["condition", "key", "rank", *COLUMNS_OF])


def modes_of_network(network: RecordedNetwork) -> list[dict[str, float]]:
    """The slow modes of one network, means over its states at the ends of trials."""
    settings = network.config.network
    params = params_of(network.final)
    plain = (settings.nonlinearity, settings.form) == ("tanh", "current")
    if not plain or params.wout_PON is None or params.wfb_PNO is not None:
        return []
    w_NN, win_NI, wout_ON, tau_N, gain_N = (
        one[0].double().numpy()
        for one in (
            params.w_PNN, params.win_PNI, params.wout_PON, params.tau_PN,
            params.slope_PN,
        )
    )  # fmt: skip
    dt_s = settings.dt_s
    found = []
    for rate_N in _last_rates(network):
        slope_N = gain_N * (1 - rate_N**2)
        a_NN = step_map(w_NN, slope_N, tau_N, dt_s)
        into_NI = (dt_s / tau_N)[:, None] * win_NI
        found.append(slow_modes(a_NN, into_NI, wout_ON * slope_N, dt_s, MODES))
    return _means(found, dt_s)


def _last_rates(network: RecordedNetwork) -> np.ndarray:
    """The rates at the last step of the first trials, of different types, [B, N]."""
    config = network.config
    per_type = -(-STATES // config.task.types)
    trials, _ = common_trials(config.task, per_type, config.network.dt_s, 0)
    chosen = np.linspace(0, len(trials.input_BTI) - 1, STATES).astype(int)
    params = params_of(network.final)
    module = RateNetwork(params, cell_of(config.network))
    inputs = torch.tensor(trials.input_BTI[chosen], dtype=params.w_PNN.dtype)
    with torch.no_grad():
        _, rates_BTN = module(inputs)
    return rates_BTN[:, -1].double().numpy()


def _means(found: list[SlowModes], dt_s: float) -> list[dict[str, float]]:
    """One dict per rank, means over states of the modulus and of both overlaps."""
    modulus_BM = np.array([np.abs(one.eigenvalue_M) for one in found])
    modulus_M = modulus_BM.mean(axis=0)
    inputs_M = np.mean([one.input_overlap_M for one in found], axis=0)
    readout_M = np.mean([one.readout_overlap_M for one in found], axis=0)
    with np.errstate(divide="ignore"):
        time_constant_M = -dt_s / np.log(modulus_M)
    columns = (modulus_M, time_constant_M, inputs_M, readout_M)
    return [
        dict(zip(COLUMNS_OF, map(float, row), strict=True))
        for row in zip(*columns, strict=True)
    ]
