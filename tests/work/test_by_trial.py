"""Activity trial by trial, a network against itself, certificates, whole networks."""

from typing import ClassVar, Literal

import numpy as np
import pytest
import torch

from popnet.config import Compared, MeasureSettings, MetricSettings, Observed
from popnet.core.rollout import drive, readout, rollout
from popnet.measures import MEASURES, Measure
from popnet.metrics import METRICS, Certified, Metric
from popnet.store.parameters import params_of, stage_of
from popnet.work import comparison, pending

NOISY = {"units": 14, "noise": {"recurrent": 0.05}}


class Apart(MetricSettings):
    """The root mean square difference of single trials."""

    summary: ClassVar[str] = "how far single trials lie apart"
    needs: ClassVar[Compared] = ("trials",)
    certified: ClassVar[bool] = True
    name: Literal["apart"] = "apart"
    again: bool = False


class Loss(MeasureSettings):
    """The mean square error of a network that is run by a measure."""

    summary: ClassVar[str] = "mean square error"
    needs: ClassVar[Observed] = "network"
    name: Literal["own_loss"] = "own_loss"


def both(_, subject):
    return {"one": subject.trained_BTN, "other": subject.again_BTN}


def apart(settings, a, b):
    second = "other" if settings.again else "one"
    pairs = zip(a, b, strict=True)
    found = [np.sqrt(np.mean((x["one"] - y[second]) ** 2)) for x, y in pairs]
    value_M = np.array(found, float)
    return Certified(value_M, 0.5 * value_M, np.full(len(value_M), 3))


def own_loss(_, seen):
    trials = seen.trials(3)
    assert trials.input_PBTI.dtype == torch.float64 and len(trials.x0_PBN[0]) >= 3
    driven = drive(seen.final, trials.input_PBTI, None)
    rates = rollout(seen.final, seen.cell, driven, trials.x0_PBN).r_PBSN[:, :, 1:]
    error = (readout(seen.final, seen.cell, rates) - trials.target_PBTO).square()
    return float((error * trials.mask_PBTO).sum() / trials.mask_PBTO.sum())


@pytest.fixture(autouse=True)
def entries(monkeypatch):
    metric = Metric(Apart, both, apart, lambda _: None)
    monkeypatch.setitem(METRICS.own, "apart", metric)
    monkeypatch.setitem(MEASURES.own, "own_loss", Measure(Loss, own_loss))


AFTER = {
    "trials": 1,
    "compare": ["apart", {"name": "apart", "again": True}],
    "measures": ["own_loss"],
}


def test_each_network_is_compared_with_itself_where_that_is_asked(make_run, tmp_path):
    run = make_run(tmp_path, "tested", after=AFTER, network=NOISY)
    keys = [n.key for n in run.networks]
    asked = {m.of_itself: set() for m in run.sweep.after.compare}
    for settings, pairs in pending.comparisons(run, pending.statuses(run)):
        asked[settings.of_itself] |= set(pairs)
    assert asked[True] == {(key, key) for key in keys}
    assert asked[False] == {(a, b) for a in keys for b in keys if a < b}


def test_the_table_holds_values_with_their_certificates(make_run, tmp_path):
    after = {**AFTER, "compare": [*AFTER["compare"], "weights"]}
    table = make_run(tmp_path, after=after, network=NOISY).comparisons()
    certain = table[table["metric"] == "apart"]
    assert certain["bound"].to_numpy() == pytest.approx(certain["value"] / 2)
    assert (certain["starts"] == 3).all()
    rest = table[table["metric"] == "weights"]
    assert rest["bound"].isna().all() and rest["starts"].isna().all() and len(rest)
    # other noise in the same trials: a network lies nearer to itself than to most
    itself = certain["key_a"] == certain["key_b"]
    assert certain[itself]["value"].max() < certain[~itself]["value"].median()
    assert certain[itself]["value"].min() > 0


def test_without_noise_a_network_does_the_same_again(make_run, tmp_path):
    quiet = {**NOISY, "noise": {"recurrent": 0.0}, "initial_state": 0.0}
    table = make_run(tmp_path, after=AFTER, network=quiet).comparisons()
    itself = table["key_a"] == table["key_b"]
    assert (table[itself]["value"] == 0).all() and (table[~itself]["value"] > 0).all()


def test_trials_are_those_of_the_network_run_step_by_step(make_run, tmp_path):
    quiet = {**NOISY, "noise": {"recurrent": 0.0}, "initial_state": 0.0}
    run = make_run(tmp_path, "trained", after=AFTER, network=quiet)
    network = run.networks[0]
    weights = run.store.many_tensors([network.key])[network.key]
    final = params_of(stage_of(weights, "final"))
    subject = comparison.subject_of(network, final, ["trials"])
    assert len(subject.input_BTI) == len(subject.trained_BTN) >= 32
    x_BN = np.zeros((len(subject.input_BTI), 14))
    rates = []
    w, win, b, tau = (
        leaf[0].double().numpy()
        for leaf in (final.w_PNN, final.win_PNI, final.bias_PN, final.tau_PN)
    )
    dt_s = network.config.network.dt_s
    for unit, value in network.config.network.clamped.items():
        x_BN[:, int(unit)] = value
    fixed = [int(unit) for unit in network.config.network.clamped]
    for step in range(subject.input_BTI.shape[1]):
        total = np.tanh(x_BN) @ w.T + subject.input_BTI[:, step] @ win.T + b
        moved = x_BN + dt_s / tau * (total - x_BN)
        moved[:, fixed] = x_BN[:, fixed]
        x_BN = moved
        rates.append(np.tanh(x_BN))
    np.testing.assert_allclose(subject.trained_BTN, np.stack(rates, 1), atol=2e-5)


def test_a_measure_may_run_the_whole_network(make_run, tmp_path):
    quiet = {**NOISY, "noise": {"recurrent": 0.0}, "initial_state": 0.0}
    task = {"name": "flipflop", "bits": 1}
    run = make_run(tmp_path, after=AFTER, network=quiet, task=task, rule="bptt")
    table = run.table()
    # flip-flop scores the mean square: the test's own error, on other trials
    assert table["own_loss"].to_numpy() == pytest.approx(table["error"], rel=0.5)
    assert table["own_loss"].nunique() == len(table)
