"""popnet from Python: what each call means, and what it refuses in one sentence."""

import numpy as np
import pytest
import torch

import popnet as pn
from popnet.config import ConfigError
from popnet.core.cell import NONLINEARITIES, pick
from popnet.engine.population import start
from popnet.engine.train import begin
from popnet.plan import canonical, digest, network_key, packs
from popnet.work import serial

TASK = {"name": "delayed_response", "stimulus_s": 0.03, "delay_s": 0.02,
        "response_s": 0.03}  # fmt: skip
NETWORK = {"units": 12, "dt_s": 0.005}
RULE = {"name": "reward_hebbian", "wait_trials": 2}
JITTER = {"name": "synaptic_jitter", "levels": [0, 0.5]}


def drawn(networks=1, **given):
    network = {**NETWORK, **given.pop("network", {})}
    given = {"task": TASK, "rule": RULE, "seed": 5, **given}
    return pn.draw(networks=networks, network=network, **given)


def single(nets, index):
    """One network of a population, alone."""
    return pn.Nets(
        (nets.members[index],),
        pick(nets.params, torch.tensor([index])),
        nets.log[index : index + 1],
    )


@pytest.mark.parametrize(
    "grid",
    [
        {"network.nonlinearity": ["tanh", "one_plus_tanh", "relu"]},
        {"network.readout.unit": [0, 3]},
        {"network.clamped": [{}, {1: 1.0}, {4: -0.5}]},
    ],
    ids=str,
)
def test_every_network_is_recorded_by_its_own_cell(grid):
    nets = drawn(grid=grid)
    together = pn.record(nets)
    for index, member in enumerate(nets.members):
        alone = pn.record(single(nets, index))
        for got, expected in zip(together[:3], alone[:3], strict=True):
            np.testing.assert_array_equal(got[index], expected[0])
        net = member.config.network
        unit = net.readout.unit
        np.testing.assert_array_equal(
            together.output_PBTO[index, ..., 0], together.rates_PBTN[index, ..., unit]
        )
        phi, _ = NONLINEARITIES[net.nonlinearity]
        for held, value in net.clamped.items():
            rate = float(phi(torch.tensor(value)))
            assert np.allclose(together.rates_PBTN[index, ..., held], rate)


def test_a_recording_is_without_noise():
    grid = {"network.noise.recurrent": [0.0, 0.5], "network.noise.input": [0.0, 0.5]}
    nets = drawn(grid=grid)
    made = pn.record(nets)
    for rates, received in zip(made.rates_PBTN, made.input_PBTI, strict=True):
        np.testing.assert_array_equal(rates, made.rates_PBTN[0])
        np.testing.assert_array_equal(received, made.input_PBTI[0])


@pytest.mark.parametrize(
    ("path", "values", "named"),
    [
        ("task", [TASK, {**TASK, "delay_s": 0.04}], "task"),
        ("task.name", ["dnms", "dms"], "task"),
        ("network.dt_s", [0.005, 0.01], "network.dt_s"),
    ],
)
def test_networks_without_common_trials_are_not_recorded(path, values, named):
    task = "dnms" if path == "task.name" else TASK
    nets = drawn(task=task, grid={path: values})
    with pytest.raises(ConfigError, match=f"record: {named} differs"):
        pn.record(nets)


def test_only_networks_that_stack_train_together(monkeypatch):
    """On a GPU ``begin`` makes one population of what it is given."""
    given = []

    def on_a_gpu(members, device, _):
        given.append(members)
        return [start(members, device)]

    nets = drawn(2, grid={"network.nonlinearity": ["tanh", "relu"],
                          "network.gain": [1.2, 1.5]})  # fmt: skip
    alone = pn.train(nets, trials=6)
    monkeypatch.setattr(serial, "begin", on_a_gpu)
    together = pn.train(nets, trials=6)
    assert [len(packs(members)) for members in given] == [1, 1]
    assert [m.seed for m in together.members] == [m.seed for m in nets.members]
    for member, log in zip(together.members, together.log, strict=True):
        assert log.network == member
    torch.testing.assert_close(
        together.params.w_PNN, alone.params.w_PNN, rtol=1e-4, atol=1e-5
    )


def test_results_come_back_in_the_members_order(monkeypatch):
    monkeypatch.setattr(serial, "begin", lambda *given: begin(*given)[::-1])
    nets = drawn(2, grid={"network.nonlinearity": ["tanh", "relu"]})
    mixed = [nets.members[i] for i in (2, 0, 3, 1)]
    params = pick(nets.params, torch.tensor([2, 0, 3, 1]))
    done = pn.train(pn.Nets(tuple(mixed), params, ()), trials=3)
    for index, log in enumerate(done.log):
        assert log.network.seed == mixed[index].seed
        assert torch.equal(done.params.w_PNN[[index]], log.final.w_PNN)
        assert torch.equal(params.w_PNN[[index]], log.initial.w_PNN)


def test_a_cap_of_trials_is_in_the_key():
    nets = drawn(2, train={"trials": 8})
    capped = pn.train(nets, trials=np.int64(5))
    same = pn.train(nets, trials=8)
    for before, after, unchanged, log in zip(
        nets.members, capped.members, same.members, capped.log, strict=True
    ):
        assert after.config.train.trials == log.trials == 5
        assert type(after.config.train.trials) is int
        assert after.key == network_key(after.config, after.seed) != before.key
        length = len(before.condition) // 2
        assert after.condition == digest(canonical(after.config), size=length)
        assert unchanged == before
    planned = drawn(2, train={"trials": 5}).members
    assert [m.key for m in planned] == [m.key for m in capped.members]
    assert [m.condition for m in planned] == [m.condition for m in capped.members]


@pytest.mark.parametrize("trials", [-1, 2.5, "many", 4])
def test_a_cap_that_means_nothing_is_refused(trials):
    nets = drawn(train={"until": {"accuracy": 0.9, "window": 8}})
    with pytest.raises(ConfigError, match=r"^popnet\.train: trials [^\n]*$"):
        pn.train(nets, trials=trials)


def test_numpy_s_numbers_are_numbers():
    spreads = np.linspace(0.0, 0.3, 3)
    plain = drawn(grid={"network.tau_s.spread": spreads.tolist()})
    given = pn.draw(
        networks=np.int64(1), seed=np.int32(5), task=TASK,
        rule={"name": np.str_("reward_hebbian"), "wait_trials": np.int64(2)},
        network={"units": np.int16(12), "dt_s": np.float64(0.005)},
        grid={"network.tau_s.spread": spreads},
    )  # fmt: skip
    assert given.members == plain.members
    listed = drawn(grid={"network.tau_s.spread": [np.float64(s) for s in spreads]})
    assert listed.members == plain.members
    clamped = drawn(network={"clamped": {np.int64(3): np.float64(0.5)}})
    assert clamped.members[0].config.network.clamped == {3: 0.5}


def test_numpy_s_numbers_are_numbers_afterwards():
    nets = drawn(2)
    levels = np.linspace(0, 0.5, 2)
    plain = pn.perturb(nets, JITTER, trials=2)
    given = pn.perturb(nets, {**JITTER, "levels": levels}, trials=np.int64(2))
    np.testing.assert_array_equal(given[0], plain[0])
    np.testing.assert_array_equal(given[1], levels)
    other = {**TASK, "delay_s": np.float64(0.04)}
    pn.evaluate(nets, task=other, trials=np.int64(1))


def test_what_is_no_setting_is_refused():
    with pytest.raises(ConfigError, match=r"draw: .*object.* is a object; expected"):
        drawn(network={"gain": object()})


@pytest.mark.parametrize(
    ("path", "values", "shown"),
    [
        ("network.units", [12, 20], "12, 20"),
        ("network.dtype", ["float32", "float64"], "float32, float64"),
        ("network.readout", [{"kind": "unit"}, {"kind": "linear"}], "unit, linear"),
        ("network.dale", [None, {"excitatory": 0.5}], "none, given"),
    ],
)
def test_networks_of_different_shapes_need_a_draw_each(path, values, shown):
    with pytest.raises(ConfigError) as caught:
        drawn(grid={path: values})
    text = str(caught.value)
    assert path in text and shown in text and "a call of its own" in text


def test_tasks_of_another_layout_need_a_draw_each():
    given = {"network": {"readout": {"kind": "linear"}}, "task": "dnms"}
    with pytest.raises(ConfigError, match=r"task .* differs"):
        tasks = ["dnms", {"name": "flipflop", "pulse_s": 0.005}]
        drawn(grid={"task": tasks}, **given)


def test_networks_of_any_valid_configuration_can_be_tested():
    """A law's bounds may be idle in one condition, a step unusual."""
    law = {"mean": 0.03, "law": "lognormal", "low": 0.012, "high": 0.1}
    nets = drawn(
        network={"tau_s": law},
        grid={"network.tau_s.spread": [0.0, 0.5]},
    )
    assert pn.evaluate(nets, trials=1).accuracy_P.shape == (2,)
    assert pn.perturb(nets, JITTER, trials=1)[0].shape == (2, 2)


@pytest.mark.parametrize(
    "ask",
    [
        lambda nets: pn.evaluate(nets, task="flipflop"),
        lambda nets: pn.evaluate(nets, trials=0),
        lambda nets: pn.perturb(nets, {"name": "epoch_durations", "epoch": "wait"}),
    ],
)
def test_what_no_network_could_be_tested_on_is_refused(ask):
    with pytest.raises(ConfigError):
        ask(drawn())


def test_what_a_sweep_file_may_not_say_is_not_drawn_either():
    """More impulses than steps: a launch refuses it, and nothing is clipped here."""
    rule = {"name": "reward_hebbian", "exploration": {"rate_hz": 5000.0}}
    with pytest.raises(pn.ConfigError, match=r"5000 Hz are more than one per 0\.001 s"):
        pn.draw("dnms", rule=rule)


def test_all_pairs_compare_as_a_launch_compares_them(tiny_run):
    """The square of each metric holds the numbers of the run's table."""
    run = tiny_run
    nets = pn.draw(
        "dnms", rule={"name": "reward_hebbian", "wait_trials": 5}, networks=2, seed=3,
        network={"units": 12, "dt_s": 0.01, "tau_s": {"mean": 0.07}},
        train={"trials": 40, "until": None}, grid={"network.tau_s.spread": [0.0, 0.4]},
    )  # fmt: skip
    nets = pn.train(nets, progress=False)
    table = run.comparisons()
    for metric in ("behaviour", {"name": "weights", "align": False}):
        square = pn.compare(nets, metric, progress=False)
        name = metric if isinstance(metric, str) else metric["name"]
        keys = [m.key for m in nets.members]
        rows = table[table["metric"] == name]
        assert len(rows) == 6 and np.isnan(np.diag(square)).all()
        for a, b, value in zip(
            rows["key_a"], rows["key_b"], rows["value"], strict=True
        ):
            assert square[keys.index(a), keys.index(b)] == value
            assert square[keys.index(b), keys.index(a)] == value


def test_what_cannot_be_compared_has_no_value_and_a_wrong_metric_is_refused():
    network = {"units": 12, "dt_s": 0.01, "tau_s": {"mean": 0.05}}
    grid = {"task.delay_s": [0.2, 0.3]}
    nets = pn.draw("dnms", networks=2, network=network, grid=grid)
    square = pn.compare(nets, "behaviour", progress=False)
    known = np.isfinite(square)
    assert known.sum() == 4 and known[0, 1] and known[2, 3] and not known[1, 2]
    with pytest.raises(pn.ConfigError, match="Did you mean 'weights'"):
        pn.compare(nets, "weight")
