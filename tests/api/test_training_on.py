"""pn.train goes on from what it is given; parameters set by hand are used, and said."""

import numpy as np
import pytest
import torch

import popnet as pn
from popnet.core.cell import pick
from popnet.engine import train as engine_train
from popnet.rules import RULES
from popnet.status import Status

TASK = {"name": "delayed_response", "stimulus_s": 0.03, "delay_s": 0.02,
        "response_s": 0.03}  # fmt: skip
NETWORK = {"units": 12, "dt_s": 0.005}


def drawn(rule="bptt", networks=2, **given):
    train = given.pop("train", {"trials": 400, "until": None})
    return pn.draw(TASK, rule=rule, networks=networks, network=NETWORK, train=train,
                   seed=5, **given)  # fmt: skip


def train(nets, trials=None):
    return pn.train(nets, trials=trials, progress=False)


def assert_alike(one, other):
    for name, a, b in zip(one._fields, one, other, strict=True):
        assert (a is None and b is None) or torch.equal(a, b), name


def assert_same(one, other):
    """Two populations in every bit of all that training leaves, but for the leaves."""
    assert one.members == other.members
    assert_alike(one.params, other.params)
    for a, b in zip(one.log, other.log, strict=True):
        assert a.network == b.network
        for field in ("status", "trials", "trials_to_criterion", "final_accuracy"):
            assert getattr(a, field) == getattr(b, field), field
        np.testing.assert_array_equal(a.final_error, b.final_error)
        for field in ("curve_trial_C", "curve_error_C", "curve_accuracy_C"):
            np.testing.assert_array_equal(getattr(a, field), getattr(b, field))
        assert_alike(a.initial, b.initial)


def learning_steps(monkeypatch):
    """The trials of each learning step from now on, in a list that grows."""
    taken = []
    learn = engine_train._learn

    def counted(population, trials):
        before = population.progress.trial_P.clone()
        after, ended = learn(population, trials)
        taken.append(int((after.progress.trial_P - before).sum()))
        return after, ended

    monkeypatch.setattr(engine_train, "_learn", counted)
    return taken


@pytest.mark.parametrize("rule", RULES.own)
def test_training_in_parts_is_training_at_once(rule, monkeypatch):
    """In every bit, and the first trials are not learned a second time."""
    settings = {"name": rule, **RULES[rule].settings.example}
    nets = drawn(settings)
    first = train(nets, 30)
    taken = learning_steps(monkeypatch)
    parts = train(first, 72)
    learned = sum(taken)
    whole = train(nets, 72)
    assert_same(parts, whole)
    further = [b.trials - a.trials for a, b in zip(first.log, parts.log, strict=True)]
    assert learned == sum(further) > 0
    assert parts.key_P == whole.key_P == [m.key for m in whole.members]


@pytest.mark.parametrize("rule", ["bptt", {"name": "reward_hebbian", "wait_trials": 2}])
def test_a_total_that_is_reached_teaches_nothing_more(rule, monkeypatch):
    trained = train(drawn(rule), 40)
    taken = learning_steps(monkeypatch)
    assert_same(train(trained), trained)
    assert sum(taken) == 0


def test_a_network_that_met_its_criterion_or_diverged_has_ended():
    rule = {"name": "reward_hebbian", "wait_trials": 2}
    until = {"accuracy": 0.6, "window": 10}
    nets = drawn(rule, 6, train={"trials": 400, "until": until})
    first = train(nets, 20)
    assert 0 < first.status_P.count(Status.CONVERGED) < 6, first.status_P
    assert_same(train(first, 60), train(nets, 60))
    wild = drawn({"name": "bptt", "learning_rate": 1e30, "batch_trials": 4})
    first = train(wild, 40)
    assert set(first.status_P) == {Status.DIVERGED}
    assert_same(train(first, 60), train(wild, 60))


def test_fewer_trials_than_were_learned_from_are_refused():
    trained = train(drawn(), 40)  # two batches of 32
    assert train(trained, 33).log[0].trials == 64, "as at once"
    with pytest.raises(pn.ConfigError, match=r"trials 32: network 0 has learned from "):
        train(trained, 32)


def by_hand(nets, which=(0,)):
    """Networks of which some have no recurrent weights and five times the input."""
    w_PNN, win_PNI = nets.params.w_PNN.clone(), nets.params.win_PNI.clone()
    for index in which:
        w_PNN[index] = 0
        win_PNI[index] *= 5
    return nets._replace(params=nets.params._replace(w_PNN=w_PNN, win_PNI=win_PNI))


@pytest.mark.parametrize("rule", ["bptt", "genetic", "full_force"])
@pytest.mark.parametrize("trained", [False, True])
def test_parameters_set_by_hand_are_where_training_begins(rule, trained):
    nets = drawn({"name": rule, **RULES[rule].settings.example})
    if trained:
        nets = train(nets, 16)
    changed = by_hand(nets)
    done, usual = train(changed, 48), train(nets, 48)
    first, second = torch.tensor([0]), torch.tensor([1])
    assert_alike(done.log[0].initial, pick(changed.params, first))
    assert not torch.equal(done.params.w_PNN[0], usual.params.w_PNN[0])
    # its neighbour is what it was
    assert_alike(pick(done.params, second), pick(usual.params, second))


def test_a_step_from_weights_set_by_hand_is_taken_from_them():
    """One small plain step: weights of 0 stay near 0, those drawn do not come back."""
    rule = {"name": "bptt", "optimiser": "sgd", "learning_rate": 1e-4}
    changed = by_hand(drawn(rule), (0, 1))
    done = train(changed, 1)
    moved = done.params.w_PNN.abs().amax((1, 2))
    assert bool(((moved > 0) & (moved <= 1.01e-4)).all())
    near = (done.params.win_PNI - changed.params.win_PNI).abs().max()
    assert float(near) <= 1.01e-4


def test_networks_set_by_hand_have_no_key_and_say_so():
    nets = drawn()
    keys = [m.key for m in nets.members]
    assert nets.key_P == keys and "key" not in repr(nets)
    changed = by_hand(nets)
    assert changed.key_P == ["", keys[1]] and changed.by_hand_P == [True, False]
    assert repr(changed) == (
        "Nets(2 networks of 12 units; task delayed_response; rule bptt; untrained; "
        "1 without a key: parameters set by hand)"
    )
    assert pn.record(changed).key_P == changed.key_P
    done = train(changed, 32)
    assert done.key_P == [m.key for m in done.members]
    assert done.key_P[0] == "" and done.key_P[1] == train(nets, 32).key_P[1] != ""
    assert "2 trained; 1 without a key" in repr(done)
    on = train(done, 64)
    assert on.key_P[0] == "" and on.log[0].trials == 64
    assert_same(on, train(changed, 64))
    changed.params.w_PNN[1, 0, 0] += 1  # in place
    assert changed.key_P == ["", ""]


def test_parameters_of_another_shape_are_refused():
    nets = drawn()
    wrong = nets._replace(params=nets.params._replace(w_PNN=torch.zeros(2, 5, 5)))
    with pytest.raises(pn.ConfigError, match=r"^popnet\.train: .*w_PNN has the shape "):
        train(wrong)


def test_a_recording_says_what_its_trials_were():
    made = pn.record(drawn(), trials=3)
    count, steps = made.target_BTO.shape[:2]
    assert made.type_B.tolist() == [0, 1] * 3 and count == 6
    assert made.mask_BTO.shape == made.target_BTO.shape and made.mask_BTO.dtype == bool
    assert made.mask_BTO[:, -6:].all() and not made.mask_BTO[:, :-6].any()
    np.testing.assert_allclose(made.time_T, 0.005 * np.arange(1, steps + 1))
    assert made.time_T[-1] == pytest.approx(0.08) and made.rates_PBTN.shape[2] == steps
    last_B = np.sign(made.target_BTO[:, -1, 0])
    np.testing.assert_array_equal(last_B, last_B[0] * (1 - 2 * made.type_B))


def test_levels_come_back_as_they_were_given():
    nets = drawn()
    given = [0.5, 0, 2.0, 0.5, 0]
    jitter = {"name": "synaptic_jitter", "levels": given}
    accuracy, levels = pn.perturb(nets, jitter, trials=4)
    np.testing.assert_array_equal(levels, given)
    alone, _ = pn.perturb(nets, jitter | {"levels": [0, 0.5, 2.0]}, trials=4)
    np.testing.assert_array_equal(accuracy, alone[:, [1, 0, 2, 1, 0]])
