"""What a valid sweep file means: grid, zip, samples, presets, defaults, short forms."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

from popnet.catalogue import CATALOGUE, load_sweep
from popnet.config import Impulses, LoadedSweep, load, read_text
from popnet.config.grid import axes
from popnet.config.network import Readout

Planner = Callable[..., LoadedSweep]


def column(plan: LoadedSweep, *path: str) -> list[Any]:
    """One setting, condition by condition."""
    values: list[Any] = []
    for condition in plan.conditions:
        value: Any = condition.config
        for part in path:
            value = getattr(value, part)
        values.append(value)
    return values


def test_a_grid_is_every_combination_the_first_axis_slowest(plan: Planner) -> None:
    got = plan("grid:\n  network.gain: [1.2, 1.5]\n  network.tau_s.spread: [0, 0.4]\n")
    pairs = list(
        zip(
            column(got, "network", "gain"),
            column(got, "network", "tau_s", "spread"),
            strict=True,
        )
    )
    assert pairs == [(1.2, 0.0), (1.2, 0.4), (1.5, 0.0), (1.5, 0.4)]
    assert got.varied == ["network.gain", "network.tau_s.spread"]
    assert got.conditions[3].values == {
        "network.gain": 1.5,
        "network.tau_s.spread": 0.4,
    }
    assert {s.mean for s in column(got, "network", "tau_s")} == {0.030}


def test_a_grid_path_reaches_inside_short_forms(plan: Planner) -> None:
    got = plan(
        "grid:\n  network.tau_s.spread: [0.1, 0.2]\n  task.delay_s: [0.3]\n",
        "network.tau_s=0.05",
    )
    taus = column(got, "network", "tau_s")
    assert [(t.mean, t.spread) for t in taus] == [(0.05, 0.1), (0.05, 0.2)]
    assert {t.delay_s for t in column(got, "task")} == {0.3}


def test_without_a_grid_there_is_one_condition(plan: Planner) -> None:
    got = plan()
    assert [c.values for c in got.conditions] == [{}]
    assert got.varied == []


def test_zip_goes_through_its_lists_together(plan: Planner) -> None:
    got = plan(
        "grid:\n  zip:\n"
        "    - {rule.learning_rate: [0.1, 0.03], task.delay_s: [0.2, 0.8]}\n"
        "    - {network.gain: [1.2, 1.5, 1.8]}\n"
    )
    triples = [
        (c.config.rule.learning_rate, c.config.task.delay_s, c.config.network.gain)  # type: ignore[attr-defined]
        for c in got.conditions
    ]
    assert triples == [
        (0.1, 0.2, 1.2), (0.1, 0.2, 1.5), (0.1, 0.2, 1.8),
        (0.03, 0.8, 1.2), (0.03, 0.8, 1.5), (0.03, 0.8, 1.8),
    ]  # fmt: skip


def test_one_zip_group_needs_no_list(plan: Planner) -> None:
    lines = "grid: {{zip: {}}}\n"
    group = "{network.gain: [1.2, 1.5], train.trials: [10, 20]}"
    alone, listed = plan(lines.format(group)), plan(lines.format(f"[{group}]"))
    assert [c.config for c in alone.conditions] == [c.config for c in listed.conditions]


def test_cases_are_combined_one_after_the_other(plan: Planner) -> None:
    got = plan(
        "grid:\n  cases:\n"
        "    - {rule.learning_rate: [0.1, 0.03], network.gain: [1.5]}\n"
        "    - {network.gain: [1.2, 1.8], rule.learning_rate: [0.1]}\n"
        "  task.delay_s: [0.2, 0.8]\n"
    )
    triples = [
        (c.config.rule.learning_rate, c.config.network.gain, c.config.task.delay_s)  # type: ignore[attr-defined]
        for c in got.conditions
    ]
    assert triples == [
        (rate, gain, delay)
        for rate, gain in [(0.1, 1.5), (0.03, 1.5), (0.1, 1.2), (0.1, 1.8)]
        for delay in (0.2, 0.8)
    ]


def test_task_and_rule_may_come_from_the_grid_alone(plan: Planner, base: str) -> None:
    bare = base.replace("task: dnms\n", "").replace("rule: reward_hebbian\n", "")
    got = plan(
        "grid:\n  task: [dnms, {name: dms, delay_s: 0.4}]\n"
        "  zip:\n    rule.name: [bptt, reward_hebbian]\n"
        "    rule.learning_rate: [0.001, 0.1]\n",
        text=bare,
    )
    assert [t.name for t in column(got, "task")] == ["dnms", "dnms", "dms", "dms"]
    assert [r.learning_rate for r in column(got, "rule")] == [0.001, 0.1] * 2


SAMPLES = "grid:\n  rule.learning_rate: {sample: 4000, law: %s}\n"
BOUNDS = {
    "uniform, low: 0.2, high: 0.6": stats.uniform(0.2, 0.4),
    "log_uniform, low: 0.001, high: 0.1": stats.loguniform(0.001, 0.1),
    "normal, mean: 0.5, sd: 0.05": stats.norm(0.5, 0.05),
}


@pytest.mark.parametrize("law", BOUNDS)
def test_samples_follow_their_law_seed_7(law: str) -> None:
    text = "seed: 7\nnetworks: 1\n" + SAMPLES % law
    values = [point["rule.learning_rate"] for point in axes(read_text(text))[0]]
    assert len(set(values)) == 4000
    assert stats.kstest(values, BOUNDS[law].cdf).pvalue > 0.001


def test_whole_number_samples_cover_both_ends_seed_7(plan: Planner) -> None:
    spec = "{sample: 200, law: integer, low: 3, high: 6}"
    got = plan(f"grid:\n  train.trials: {spec}\n")
    assert sorted(t.trials for t in column(got, "train")) == [3, 4, 5, 6]


def test_samples_depend_on_seed_and_path_only(plan: Planner) -> None:
    spec = "{sample: 5, law: uniform, low: 0.1, high: 0.9}"
    lines = f"grid:\n  rule.learning_rate: {spec}\n"
    first = [r.learning_rate for r in column(plan(lines), "rule")]
    again = plan(lines, "name=other", "networks=9", "train.trials=50")
    assert [r.learning_rate for r in column(again, "rule")] == first
    other = plan(lines, "seed=8")
    assert not set(r.learning_rate for r in column(other, "rule")) & set(first)
    path = plan(lines.replace("rule.learning_rate", "network.gain"))
    assert not set(column(path, "network", "gain")) & set(first)
    more = plan(lines.replace("sample: 5", "sample: 8"))
    assert [r.learning_rate for r in column(more, "rule")][:5] == first


def test_preset_paper_changes_the_constants_of_the_text(plan: Planner) -> None:
    code = plan().sweep.rule
    paper = plan("", "rule.preset=paper").sweep.rule
    names = ("learning_rate", "max_update", "baseline_decay", "error_factor")
    assert [getattr(code, n) for n in names] == [0.1, 3e-4, 0.75, True]
    assert [getattr(paper, n) for n in names] == [0.5, 1e-4, 0.33, False]
    assert code.impulses == Impulses(
        rate_hz=3.0, amplitude=16.0, into="drive", quiet_s=0.004
    )
    assert paper.impulses == Impulses(
        rate_hz=3.0, amplitude=15.0, into="drive", quiet_s=0.004
    )


def test_explicit_values_win_over_the_preset(plan: Planner) -> None:
    rule: Any = plan("", "rule.preset=paper", "rule.learning_rate=0.2").sweep.rule
    assert (rule.learning_rate, rule.max_update) == (0.2, 1e-4)


@pytest.mark.parametrize(
    ("preset", "amplitude"), [("published_code", 16.0), ("paper", 15.0)]
)
def test_one_impulse_setting_leaves_the_others_as_they_are(
    plan: Planner, preset: str, amplitude: float
) -> None:
    given = ("rule.exploration.rate_hz=5.0", f"rule.preset={preset}")
    got = plan("", *given).sweep.rule.impulses
    assert got == Impulses(
        rate_hz=5.0, amplitude=amplitude, into="drive", quiet_s=0.004
    )


def test_the_criterion_given_replaces_the_default_one(plan: Planner) -> None:
    until = plan("", "train.until={error: 0.1}").sweep.train.until
    assert until is not None
    assert (until.accuracy, until.error, until.window) == (None, 0.1, 100)
    assert plan("", "train.until=null").sweep.train.until is None


def test_each_rule_brings_its_own_network(plan: Planner) -> None:
    hebbian = plan().sweep.network
    assert hebbian.readout == Readout(kind="unit", unit=0)
    assert hebbian.clamped == {1: 1.0, 10: 1.0, 11: -1.0}
    bptt = plan("", "rule=bptt").sweep.network
    assert bptt.readout == Readout(kind="linear", scale=1.0)
    assert bptt.clamped == {}


def test_what_is_given_goes_into_the_rules_network(plan: Planner) -> None:
    bptt = plan("", "rule=bptt", "network.readout={scale: 2.0}").sweep.network
    assert bptt.readout == Readout(kind="linear", scale=2.0)
    unit = plan("", "rule=bptt", "network.readout={kind: unit, unit: 3}").sweep.network
    assert unit.readout == Readout(kind="unit", unit=3)
    linear = plan("", "network.readout={kind: linear}").sweep.network
    assert linear.readout == Readout(kind="linear")
    clamped = plan("", "network.clamped={5: 0.5}").sweep.network
    assert clamped.clamped == {5: 0.5}
    none = plan("", "network.clamped={}").sweep.network
    assert none.clamped == {}


def test_a_spread_keeps_the_default_mean(plan: Planner) -> None:
    net = plan("", "network.tau_s={spread: 0.4}", "network.slope={spread: 0.1}")
    assert net.sweep.network.tau_s.mean == 0.030
    assert net.sweep.network.slope.mean == 1.0


def test_a_name_alone_is_an_entry_with_its_defaults(plan: Planner) -> None:
    short = "after:\n  perturb: [time_constants]\n  other_tasks: [dms]\n"
    long = short.replace("[time_constants]", "[{name: time_constants}]").replace(
        "[dms]", "[{name: dms}]"
    )
    one, other = plan(short).sweep, plan(long).sweep
    assert one.after == other.after
    assert one.after.perturb[0].levels == (0.0, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0)
    spelt = plan("", "task={name: dnms}", "rule={name: reward_hebbian}").sweep
    assert (spelt.task, spelt.rule) == (plan().sweep.task, plan().sweep.rule)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001), ("1E+1", 10.0), (".5", 0.5), ("+2", 2), ("-3.", -3.0),
        ("1_000", 1000), ("5e0", 5.0), ("'1e-3'", "1e-3"), ("true", True),
        ("no", False),
        ("null", None), ("~", None), ("010", "010"), ("0", 0), ("1:30", "1:30"),
        ("2026-11-22", "2026-11-22"), ("0x10", "0x10"), ("1e", "1e"), ("e3", "e3"),
        (".inf", float("inf")), ("=", "="),
    ],
)  # fmt: skip
def test_scalars(text: str, value: object) -> None:
    got = read_text(f"value: {text}").raw["value"]
    assert got == value
    assert type(got) is type(value)


def test_whole_numbers_may_stand_for_numbers(plan: Planner) -> None:
    one, other = plan("", "network.gain=2"), plan("", "network.gain=2.0")
    assert one.sweep.network == other.sweep.network
    assert type(one.sweep.network.gain) is float


def test_a_byte_order_mark_and_windows_lines_are_read(base: str, tmp_path: Any) -> None:
    path = tmp_path / "windows.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + base.replace("\n", "\r\n").encode())
    got, source = load_sweep(path)
    assert got.sweep.seed == 7
    assert source.lines[("networks",)] == 3


def test_a_grid_of_equal_conditions_has_them_once(plan: Planner) -> None:
    got = plan("grid:\n  network.gain: [1, 1.0, 1.5]\n")
    assert column(got, "network", "gain") == [1.0, 1.5]


def test_one_condition_per_grid_point_of_a_large_grid(plan: Planner) -> None:
    values = np.round(np.linspace(0.5, 2.0, 30), 6).tolist()
    got = plan(f"grid:\n  network.gain: {values}\n  train.trials: [1, 2, 3]\n")
    assert column(got, "network", "gain") == [v for v in values for _ in range(3)]


def test_a_value_may_come_again_within_a_zipped_column():
    text = (
        "name: a\nseed: 1\nnetworks: 1\ntask: dnms\nrule: reward_hebbian\n"
        "grid:\n  zip:\n    - {rule.learning_rate: [0.1, 0.1, 0.03], "
        "network.gain: [1.2, 1.5, 1.5]}\n"
    )
    plan = load(read_text(text), CATALOGUE)
    assert len(plan.conditions) == 3


BOUNDED = "{mean: 0.03, law: lognormal, low: 0.01, high: 0.1}"


def test_a_grid_of_spreads_may_begin_with_0_where_the_law_has_bounds(
    plan: Planner,
) -> None:
    spreads = "grid:\n  network.tau_s.spread: [0.0, 0.2]\n"
    got = plan(spreads, f"network.tau_s={BOUNDED}")
    assert [t.spread for t in column(got, "network", "tau_s")] == [0.0, 0.2]


def test_a_mean_may_be_close_to_one_of_its_bounds(plan: Planner) -> None:
    law = "{mean: 0.03, law: normal, spread: 0.03, low: 0.029}"
    assert plan("", f"network.tau_s={law}").sweep.network.tau_s.low == 0.029


def test_short_trainings_keep_the_default_criterion(plan: Planner) -> None:
    default = plan().sweep.train.until
    assert plan("", "train={trials: 5}").sweep.train.until == default
    spelt = "train={trials: 5, until: {accuracy: 0.95}}"
    assert plan("", spelt).sweep.train == plan("", "train={trials: 5}").sweep.train


def test_a_window_may_be_as_long_as_training_and_0_trials_are_a_control(
    plan: Planner,
) -> None:
    until = "train.until={accuracy: 0.9, window: 50}"
    got = plan("grid:\n  train.trials: [0, 50]\n", until)
    assert [t.trials for t in column(got, "train")] == [0, 50]
