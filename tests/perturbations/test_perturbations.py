"""Each perturbation against the closed form in its docstring."""

import numpy as np
import pytest
import torch
from scipy import stats

from popnet.config import ConfigError, Impulses, PerturbationSettings, check
from popnet.engine.population import untrained
from popnet.engine.test_plan import planned_tests
from popnet.perturbations import PERTURBATIONS, resting
from popnet.tasks import TASKS

CPU = torch.device("cpu")


def perturbed(name, level, situation, seed, **given):
    settings, apply = PERTURBATIONS[name]
    return apply(settings(**given), level, situation, seed)


def test_relative_jitter_is_a_factor_of_mean_1_and_this_sd(rest):
    situation, seed = rest()
    w = situation.params.w_PNN
    for level in (0.05, 0.5):
        new = perturbed("synaptic_jitter", level, situation, seed).params.w_PNN
        xi = ((new / w - 1) / level).numpy().ravel()
        assert stats.kstest(xi, "norm").pvalue > 1e-3
        assert abs(xi.mean()) < 4 / 60 and abs(xi.std() - 1) < 4 / (60 * np.sqrt(2))


@pytest.mark.parametrize("density", [1.0, 0.3])
def test_absolute_jitter_is_in_units_of_the_weights_that_are_present(density, rest):
    situation, seed = rest(gain=0.0, density=density)
    # weights as a rule may leave them, of another size than gain / sqrt(N)
    present = np.random.default_rng(1).random((1, 60, 60)) < density
    w = torch.from_numpy(present * np.random.default_rng(2).normal(0, 7, (1, 60, 60)))
    mask = None if density == 1.0 else torch.from_numpy(present.astype(float))
    params = situation.params._replace(w_PNN=w, mask_PNN=mask)
    situation = situation._replace(params=params)
    given = {"mode": "absolute"}
    new = perturbed("synaptic_jitter", 0.2, situation, seed, **given).params.w_PNN
    size = np.sqrt(np.mean(w.numpy()[present] ** 2))
    xi = (new - w).numpy()[present] / (0.2 * size)
    assert stats.kstest(xi, "norm").pvalue > 1e-3
    assert not (new - w).numpy()[~present].any()
    if density < 1:
        return
    both = np.corrcoef(xi, situation.params.w_PNN.numpy().ravel())[0, 1]
    assert abs(both) < 4 / 60, "independent of the weights"


@pytest.mark.parametrize("mode", ["relative", "absolute"])
def test_jitter_grows_along_one_direction(mode, rest):
    situation, seed = rest()
    w = situation.params.w_PNN
    small, large = (
        perturbed("synaptic_jitter", s, situation, seed, mode=mode).params.w_PNN - w
        for s in (0.1, 0.4)
    )
    torch.testing.assert_close(large, 4 * small, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("mode", ["relative", "absolute"])
def test_jitter_keeps_absent_weights_absent_and_signs(mode, rest):
    situation, seed = rest(density=0.3, dale={"excitatory": 0.8})
    given = {"mode": mode}
    new = perturbed("synaptic_jitter", 2.0, situation, seed, **given).params
    assert not bool(new.w_PNN[new.mask_PNN == 0].any())
    assert bool((new.w_PNN * new.sign_PN[:, None, :] >= 0).all())


def test_time_constants_move_uniformly_around_themselves(rest):
    situation, seed = rest(units=400, tau_s={"half_width": 0.5})
    tau = situation.params.tau_PN
    for level in (0.1, 0.8):
        new = perturbed("time_constants", level, situation, seed).params.tau_PN
        u = ((new / tau - 1) / level).numpy().ravel()
        assert stats.kstest(u, stats.uniform(-1, 2).cdf).pvalue > 1e-3


def anew(rest, level=1.0, spread=0.5, **network):
    """Time constants before and after a new draw."""
    situation, seed = rest(units=400, **network)
    given = {"spread": spread}
    new = perturbed("new_time_constants", level, situation, seed, **given).params
    return situation.params.tau_PN[0].numpy(), new.tau_PN[0].numpy()


def test_new_time_constants_are_of_the_network_s_own_law(rest):
    old, new = anew(rest, tau_s={"mean": 0.04, "spread": 0.2})
    u = new / 0.04 - 1
    half = 0.5 * np.sqrt(3)
    assert stats.kstest(u, stats.uniform(-half, 2 * half).cdf).pvalue > 1e-3
    assert abs(np.corrcoef(old, new)[0, 1]) < 4 / np.sqrt(400), "drawn anew"
    _, normal = anew(rest, tau_s={"mean": 0.04, "law": "normal", "spread": 0.2})
    assert abs(normal.mean() - 0.04) < 4 * 0.02 / np.sqrt(400)
    assert abs(normal.std() - 0.02) < 4 * 0.02 / np.sqrt(800)
    assert (anew(rest, spread=0.0, tau_s={"spread": 0.3})[1] == 0.030).all()


def test_new_time_constants_are_paired_over_spreads_and_levels(rest):
    tau_s = {"mean": 0.04, "spread": 0.2}
    old, wide = anew(rest, tau_s=tau_s)
    _, narrow = anew(rest, spread=0.1, tau_s=tau_s)
    np.testing.assert_allclose(wide - 0.04, 5 * (narrow - 0.04), rtol=0, atol=1e-12)
    _, between = anew(rest, level=0.25, tau_s=tau_s)
    np.testing.assert_allclose(between, 0.75 * old + 0.25 * wide, rtol=1e-12)


@pytest.mark.parametrize("output_tau", ["drawn", "mean"])
def test_the_output_unit_s_new_time_constant_is_as_the_network_says(output_tau, rest):
    readout = {"kind": "unit", "unit": 7}
    _, new = anew(rest, tau_s=0.03, readout=readout, output_tau=output_tau)
    assert np.flatnonzero(new == 0.03).tolist() == ([7] if output_tau == "mean" else [])


def test_time_constants_stay_above_one_step(rest):
    situation, seed = rest(tau_s=0.0012, units=400)
    new = perturbed("time_constants", 1.0, situation, seed).params.tau_PN
    assert float(new.min()) == 0.001
    assert float(new.max()) <= 0.0024


def test_added_impulses_leave_the_rule_s_own_alone(rest):
    situation, seed = rest()
    new = perturbed("impulses", 10.0, situation, seed, amplitude=5.0, into="state")
    assert new.added_impulses == Impulses(rate_hz=10.0, amplitude=5.0, into="state")
    assert new.impulses == situation.config.rule.exploration
    assert new._replace(added_impulses=Impulses()) == situation


def test_initial_state_adds_to_the_half_width(rest):
    situation, seed = rest()
    assert perturbed("initial_state", 0.5, situation, seed).added_start == 0.5


@pytest.mark.parametrize("epoch", ["stimulus", "delay", "wait"])
def test_epochs_are_stretched_one_at_a_time(epoch, rest):
    situation, seed = rest()
    for level in (-0.5, 0.25, 1.0):
        given = {"epoch": epoch}
        task = perturbed("epoch_durations", level, situation, seed, **given).task
        for other in ("stimulus", "delay", "wait", "response"):
            factor = 1 + level if other == epoch else 1
            assert getattr(task, f"{other}_s") == pytest.approx(0.2 * factor)
        repeats = 2 if epoch == "stimulus" else 1
        assert task.steps(0.001) == 1000 + repeats * round(200 * level)


def test_all_epochs_are_stretched_together_but_the_scored_window(rest):
    situation, seed = rest()
    task = perturbed("epoch_durations", 0.5, situation, seed, epoch="all").task
    for epoch in ("stimulus", "delay", "wait"):
        assert getattr(task, f"{epoch}_s") == pytest.approx(0.3)
    assert task.response_s == pytest.approx(0.2)
    assert task.steps(0.001) == 1400


def test_the_delay_is_stretched_where_there_is_one_else_all(rest):
    situation, seed = rest()
    given = {"epoch": "delay_or_all"}
    task = perturbed("epoch_durations", 1.0, situation, seed, **given).task
    assert (task.delay_s, task.stimulus_s, task.wait_s) == (0.4, 0.2, 0.2)
    for other, epoch in (("flipflop", "trial"), ("path_integration", "path")):
        plain = TASKS[other].settings(name=other)
        moved = situation._replace(task=plain)
        task = perturbed("epoch_durations", 1.0, moved, seed, **given).task
        whole = plain.with_epochs({epoch: 2.0})
        assert task == whole != plain


@pytest.mark.parametrize("level", [0.0, 0.5])
def test_an_epoch_the_task_does_not_have_is_refused(level, rest):
    situation, seed = rest()
    message = "task 'dnms' has no epoch 'iti' to stretch; it has: stimulus, delay, wait"
    with pytest.raises(ValueError, match=message):
        perturbed("epoch_durations", level, situation, seed, epoch="iti")


@pytest.mark.parametrize(
    ("name", "given"),
    [("synaptic_jitter", {}), ("time_constants", {}),
     ("new_time_constants", {"spread": 0.5})],
)  # fmt: skip
def test_networks_are_jittered_by_draws_of_their_own(name, given, planned):
    new = []
    for member in planned(count=2, network={"units": 30, "dtype": "float64"}):
        # the same weights in both: only the seed of the perturbation differs
        params = untrained([planned(network={"units": 30, "dtype": "float64"})[0]], CPU)
        situation = resting(params, member.config)
        new.append(perturbed(name, 0.2, situation, member.seed, **given).params)
    leaf = "w_PNN" if name == "synaptic_jitter" else "tau_PN"
    assert not torch.equal(getattr(new[0], leaf), getattr(new[1], leaf))


@pytest.mark.parametrize(
    ("name", "given", "reason"),
    [
        ("impulses", {"levels": [0, 1000]}, None),
        ("epoch_durations", {"epoch": "delay"}, None),
        ("epoch_durations", {"epoch": "iti"}, "epoch: task 'dnms' has no epoch"),
        ("epoch_durations", {"epoch": "wait"}, "epoch: 'wait' lasts 0 s in task"),
        ("epoch_durations", {"epoch": "delay", "levels": [0, -0.999]},
         "levels: -0.999 leaves 0.0002 s of epoch 'delay'"),
        ("epoch_durations", {"epoch": "all"}, None),  # its wait of 0 s is no hindrance
        ("epoch_durations", {"epoch": "all", "levels": [-0.999]},
         "levels: -0.999 leaves 0.0002 s of epoch 'stimulus'"),
        ("synaptic_jitter", {"levels": [0, 1e6]}, None),
        ("time_constants", {}, None),
        ("initial_state", {}, None),
        ("new_time_constants", {"spread": 0.5}, None),
        ("new_time_constants", {"half_width": 0.8}, None),
        ("new_time_constants", {"half_width": 0.9}, "half_width: half_width 0.9 of"),
        ("new_time_constants", {"degree": 2}, "degree: is a setting of law: mittal"),
    ],
)  # fmt: skip
def test_each_says_itself_what_it_cannot_be_done_to(name, given, reason, planned):
    task, network = {"name": "dnms", "wait_s": 0.0}, {"dt_s": 0.002}
    (member,) = planned(task=task, network=network)
    found = PERTURBATIONS[name].settings(**given).refuse(member.config)
    assert (found is None) if reason is None else found.startswith(reason)


class Fatigue(PerturbationSettings):
    """A perturbation popnet does not have."""

    name: str = "fatigue"
    levels: tuple[float, ...] = (0.0, 1.0)
    depth: float = 2.0

    def refuse(self, config):
        dt_s = config.network.dt_s
        return f"depth: {self.depth:g} is too deep for {config.task.name} at {dt_s:g} s"


class FatigueLater(Fatigue):
    """The same, with a setting that was added later."""

    recovery: float = 0.5


def fatigued(plan, settings):
    """A plan that asks for this perturbation."""
    after = plan.sweep.after.model_copy(update={"perturb": (settings,)})
    return plan._replace(sweep=plan.sweep.model_copy(update={"after": after}))


def test_a_new_one_is_checked_without_the_engine_knowing_it(tiny):
    plan, source = tiny()
    with pytest.raises(ConfigError) as caught:
        check(fatigued(plan, Fatigue()), source)
    expected = "after.perturb.0.depth: 2 is too deep for dnms at 0.01 s."
    assert str(caught.value).endswith(expected)


def test_a_setting_added_later_does_not_test_everything_again(tiny, monkeypatch):
    plan, _ = tiny()
    known = PERTURBATIONS["synaptic_jitter"]
    monkeypatch.setitem(PERTURBATIONS.own, "fatigue", known)
    config = plan.conditions[0].config

    def identities(settings):
        tests = planned_tests(fatigued(plan, settings).sweep.after, config)
        return {t.level: t.identity for t in tests if t.kind == "perturbation"}

    before = identities(Fatigue())
    assert identities(FatigueLater()) == before
    assert identities(Fatigue(levels=(0.0, 1.0, 3.0))).items() > before.items()
    assert not set(identities(Fatigue(depth=3.0)).values()) & set(before.values())
    other = identities(FatigueLater(recovery=0.1))
    assert not set(other.values()) & set(before.values())
