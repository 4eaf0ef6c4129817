"""What is drawn where: read back from the artists, against the tables."""

import numpy as np
import pandas as pd
import pytest

from popnet.report.comparison import comparisons, pair_groups
from popnet.report.error_curves import error_curves
from popnet.report.generalisation import generalisation
from popnet.report.heatmap import around_chance
from popnet.report.perturbations import heading, level_positions, robustness
from popnet.report.population import load
from popnet.report.registry_words import (
    chance,
    level_title,
    memoryless_score,
    metric_kind,
    own_task,
    task_of,
)
from popnet.report.style import house_style
from popnet.report.trials_to_criterion import convergence

FAILED = {(0, 2): "unconverged", (1, 4): "diverged", (2, 5): "unconverged"}


@pytest.fixture(autouse=True)
def style():
    with house_style():
        yield


def lines(axes, label):
    return [line for line in axes.get_lines() if line.get_label() == label]


def axes_of(section, figure=0):
    return section.drawings[figure].figure.axes


def test_failures_stand_at_the_cap_with_their_own_marker(make_run):
    axes = axes_of(convergence(load(make_run(failed=FAILED, cap=3000))))[0]
    marks = {s: lines(axes, s) for s in ("converged", "unconverged", "diverged")}
    assert [list(m.get_ydata()) for m in marks["unconverged"]] == [[3000], [3000]]
    assert [list(m.get_ydata()) for m in marks["diverged"]] == [[3000]]
    shapes = {s: {m.get_marker() for m in ms} for s, ms in marks.items()}
    assert shapes == {"converged": {"o"}, "unconverged": {"^"}, "diverged": {"x"}}


def test_every_converged_network_is_one_point_at_its_trials(make_run):
    run = make_run(failed=FAILED)
    axes = axes_of(convergence(load(run)))[0]
    drawn = np.concatenate([m.get_ydata() for m in lines(axes, "converged")])
    table = run.networks[run.networks["status"] == "converged"]
    assert sorted(drawn) == sorted(table["trials_to_criterion"].astype(float))


def test_a_network_stands_at_the_same_offset_in_every_condition(make_run):
    axes = axes_of(convergence(load(make_run())))[0]
    shifts = [m.get_xdata() - x for x, m in enumerate(lines(axes, "converged"))]
    assert np.allclose(shifts[0], shifts[1])
    assert np.unique(np.round(shifts[0], 6)).size == 6
    assert np.abs(shifts[0]).max() < 0.33


def test_ticks_and_title_count_the_failures(make_run):
    section = convergence(load(make_run(failed=FAILED)))
    axes = axes_of(section)[0]
    ticks = [tick.get_text() for tick in axes.get_xticklabels()]
    assert ticks == ["0\n5/6", "0.4\n5/6", "0.8\n5/6"]
    title = section.drawings[0].figure.get_suptitle()
    assert "diverged: 1" in title
    assert "not converged: 2" in title


def test_shares_of_converged_networks_count_failures_in_the_whole(make_run):
    axes = axes_of(convergence(load(make_run(failed=FAILED))))[1]
    ends = [line.get_ydata()[-1] for line in axes.get_lines()]
    assert ends == pytest.approx([5 / 6] * 3)


def test_pairs_are_joined_only_along_a_single_axis(make_run):
    one = axes_of(convergence(load(make_run())))[0]
    grid = {"network.tau_s.spread": [0.0, 0.4], "rule.learning_rate": [0.05, 0.1]}
    two = axes_of(convergence(load(make_run(grid))))[0]
    joined = [
        [ax for ax in a.get_lines() if len(ax.get_xdata()) == 2] for a in (one, two)
    ]
    assert len(joined[0]) == 2 * 6
    assert joined[1] == []


def test_no_criterion_no_figure(make_run):
    run = make_run()
    run.networks["status"] = "trained"
    section = convergence(load(run))
    assert section.drawings == []
    assert "train.until" in section.words


def test_median_error_leaves_the_diverged_out_and_carries_the_stopped(make_run):
    run = make_run(networks=3, failed={(0, 2): "diverged"})
    run.curve_rows = pd.DataFrame(
        [
            (run.networks["key"][0], 100, 0.4, 0.9),
            (run.networks["key"][1], 100, 0.8, 0.5),
            (run.networks["key"][1], 200, 0.6, 0.7),
            (run.networks["key"][2], 100, 50.0, 0.5),
            (run.networks["key"][2], 200, np.inf, 0.5),
        ],
        columns=["key", "trial", "error", "accuracy"],
    )
    section = error_curves(load(run))
    (median,) = lines(axes_of(section)[0], "median")
    assert list(median.get_ydata()) == pytest.approx([0.6, 0.5])
    assert axes_of(section)[0].get_ylim()[1] < 1
    assert "2 blocks lie above the axis" in section.drawings[0].caption


def test_single_networks_are_drawn_and_capped_aloud(make_run):
    section = error_curves(load(make_run(networks=45)))
    keys = [x for x in axes_of(section)[0].get_lines() if len(x.get_label()) == 20]
    assert len(keys) == 40
    assert "At most 40 single networks" in section.drawings[0].caption


def test_accuracy_lines_are_means_over_the_networks_that_learned(make_run):
    run = make_run(failed=FAILED)
    axes = axes_of(robustness(load(run)))[0]
    table = run.evaluation_rows.merge(run.networks[["key", "condition", "status"]])
    table = table[table["name"] == "synaptic_jitter"]
    table = table[table["status"] == "converged"]
    for condition, own in table.groupby("condition"):
        (line,) = lines(axes, condition)
        expected = own.groupby("level")["accuracy"].mean()
        assert list(line.get_ydata()) == pytest.approx(list(expected))


def test_levels_are_in_order_and_evenly_spaced_only_if_uneven():
    positions, true_scale = level_positions([0.5, 0, 0.02, 0.1])
    assert (list(positions), true_scale) == ([0, 1, 2, 3], False)
    positions, true_scale = level_positions([0.5, -0.5, 0.25, 0])
    assert (list(positions), true_scale) == ([-0.5, 0, 0.25, 0.5], True)
    assert list(level_positions([0.3])[0]) == [0.3]


def test_level_labels_follow_the_levels(make_run):
    run = make_run()
    run.evaluation_rows = run.evaluation_rows.sample(frac=1, random_state=4)
    drawn = {}
    for axes in axes_of(robustness(load(run))):
        drawn[axes.get_title(loc="left")] = [
            t.get_text() for t in axes.get_xticklabels()
        ]
    assert drawn["impulses"] == ["0", "1", "3", "10", "30", "100"]
    assert drawn["epoch durations\nepoch=delay"][:3] == ["-0.5", "-0.25", "0"]


def test_names_mean_what_the_registries_say():
    given = '{"mode": "state", "rate": 3}'
    assert heading("added_impulses", given) == ("added impulses", "mode=state,rate=3")
    assert heading("a_(b") == ("a (b", "")
    assert "Hz" in level_title("impulses")
    assert level_title("never_seen") == "level"
    assert (chance(task_of("n_back")), chance(task_of("never_seen"))) == (0.125, 0.5)
    assert memoryless_score(task_of("never_seen")) is None
    assert metric_kind("never_seen") == metric_kind("weights") == "distance"


def test_a_task_is_known_by_its_settings_and_not_by_its_name_alone():
    two = task_of("delayed_discrimination", '{"channels": 2}')
    assert chance(two) == 0.25 and memoryless_score(two) == pytest.approx((7 / 9) ** 2)
    assert task_of("delayed_discrimination", '{"pulses": 2}') is None
    assert task_of("dnms", "of another popnet") is None
    # a table of tasks with other settings has nulls in it, and whole numbers as floats
    row = {"key": "k", "task.name": "delayed_discrimination", "task.channels": 3.0,
           "task.delay_s": 0.4, "task.pulse": np.nan, "task.env": None,
           "rule.name": "bptt"}  # fmt: skip
    assert own_task(row) == type(two)(channels=3, delay_s=0.4)
    waves = {"task.name": "sum_of_sines", "task.amplitudes": "[1.0, 0.5]"}
    assert own_task(waves).amplitudes == (1.0, 0.5)
    gym = {"task.name": "neurogym", "task.guessed": 0.125, "task.classes": 9,
           "task.timing_ms.delay": 800.0, "task.options": "{}"}  # fmt: skip
    assert chance(own_task(gym)) == 0.125
    assert own_task(gym).timing_ms == {"delay": 800.0}


def dashed_at(axes, dashes):
    """Heights of the lines across the axes that have these dashes."""
    across = [line for line in axes.get_lines() if list(line.get_xdata()) == [0, 1]]
    style = [line.get_linestyle() for line in across]
    return [line.get_ydata()[0] for line, one in zip(across, style, strict=True)
            if one == dashes]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "channels", "guessed", "without"),
    [("dnms", None, [0.5], []), ("delayed_discrimination", 2, [0.25], [(7 / 9) ** 2])],
)
def test_chance_and_the_score_without_memory_are_lines(
    make_run, name, channels, guessed, without
):
    run = make_run()
    run.networks["task.name"], run.networks["task.channels"] = name, channels
    section = robustness(load(run))
    for axes in axes_of(section):
        assert dashed_at(axes, "--") == pytest.approx(guessed)
        assert dashed_at(axes, ":") == pytest.approx(without)
    caption = section.drawings[0].caption
    assert f"dashed: chance ({guessed[0]:g})" in caption
    assert ("without a memory" in caption) == bool(without)


def test_other_tasks_are_headed_by_their_own_chance_and_memoryless_score(make_run):
    run = make_run()
    rows = run.evaluation_rows
    given = {"name": "delayed_discrimination", "settings": '{"channels": 2}'}
    other = rows[rows["name"] == "dms"].assign(**given)
    run.evaluation_rows = pd.concat([rows, other])
    heads = [
        t.get_text() for t in axes_of(generalisation(load(run)))[0].get_xticklabels()
    ]
    (head,) = [h for h in heads if h.startswith("delayed_discrimination")]
    assert head.splitlines()[1:] == ["chance 0.25", "without memory 0.605"]
    assert all("chance 0.5" in h and "without" not in h for h in heads if h != head)


def test_colours_turn_at_chance_wherever_it_is():
    values = np.array([[0.0, 0.25, 1.0], [0.0, 0.5, np.nan]])
    places = around_chance(values, np.array([[0.25], [0.0]]))
    assert places[0] == pytest.approx([0.0, 0.5, 1.0])
    assert places[1, :2] == pytest.approx([0.5, 0.75])
    assert np.isnan(places[1, 2])
    assert around_chance(np.array([[1.0, 0.5]]), 1.0).tolist() == [[0.5, 0.25]]


def test_many_conditions_become_heat_maps_that_show_them_all(make_run):
    grid = {"network.tau_s.spread": [i / 20 for i in range(20)]}
    run = make_run(grid, networks=2)
    section = robustness(load(run))
    image = axes_of(section)[0].get_images()[0].get_array()
    assert image.shape == (20, 6)
    last = run.networks[run.networks["network.tau_s.spread"] == 0.95]["key"]
    own = run.evaluation_rows[run.evaluation_rows["key"].isin(last)]
    own = own[own["name"].str.startswith("synaptic") & (own["level"] == 0.5)]
    assert len(own) == 2
    assert image[-1, -1] == pytest.approx(own["accuracy"].mean())


def test_tasks_by_condition_with_the_trained_task_first(make_run):
    run = make_run(failed=FAILED)
    run.evaluation_rows = run.evaluation_rows.iloc[::-1]
    section = generalisation(load(run))
    plain, flipped = axes_of(section)[:2]
    assert plain.get_xticklabels()[0].get_text() == "dnms"
    values = plain.get_images()[0].get_array()
    learned = run.networks[run.networks["status"] == "converged"]
    first = learned[learned["network.tau_s.spread"] == 0.0]["accuracy"].mean()
    assert values[0, 0] == pytest.approx(first)
    assert flipped.get_images()[0].get_array()[0, 0] == pytest.approx(1 - first)
    assert plain.texts[0].get_text() == f"{first:.2f}"
    assert "1 diverged, 2 not converged" in section.drawings[0].caption


def test_a_matrix_is_ordered_by_condition_then_index(make_run):
    run = make_run(networks=3)
    run.networks = run.networks.iloc[::-1].reset_index(drop=True)
    order = run.networks.sort_values(["network.tau_s.spread", "index"])["key"]
    place = {key: i for i, key in enumerate(order)}
    section = comparisons(load(run))
    assert [d.name for d in section.drawings] == [
        "comparison_behaviour",
        "comparison_weights",
    ]
    matrix = axes_of(section)[0].get_images()[0].get_array()
    rows = run.comparison_rows[run.comparison_rows["metric"] == "behaviour"]
    for row in rows.itertuples():
        assert matrix[place[row.key_a], place[row.key_b]] == row.value


def test_pairs_fall_into_within_and_between(make_run):
    run = make_run(networks=4, failed={(0, 1): "unconverged"})
    pairs = run.comparison_rows[run.comparison_rows["metric"] == "weights"]
    groups = {n: len(v) for n, _, v in pair_groups(pairs, load(run))}
    assert groups == {
        "within spread=0.0": 3,
        "within spread=0.4": 6,
        "within spread=0.8": 6,
        "within, all conditions": 15,
        "between, same index": 3 + 3 + 4,
        "between, other index": (3 * 4 * 2 + 4 * 4) - 10,
    }


def test_all_unconverged_are_used_and_said_so(make_run):
    failed = {(c, i): "unconverged" for c in range(3) for i in range(2)}
    section = robustness(load(make_run(networks=2, failed=failed)))
    assert "No network reached its criterion" in section.drawings[0].caption
    assert len(axes_of(section)[0].get_lines()) > 3


NONE_IN_0_4 = {(1, i): "unconverged" for i in range(6)}
NONE_IN_0_4_ALL_DIVERGED_IN_0_8 = NONE_IN_0_4 | {(2, i): "diverged" for i in range(6)}


def legend_of(section):
    return [t.get_text() for t in section.drawings[0].figure.legends[0].get_texts()]


def test_a_condition_in_which_nothing_converged_is_drawn_and_named(make_run):
    run = make_run(failed=NONE_IN_0_4 | {(0, 1): "unconverged"})
    section = robustness(load(run))
    assert legend_of(section) == [
        "0  (n = 5)",
        "0.4  (n = 6, none converged: all shown)",
        "0.8  (n = 6)",
    ]
    table = run.evaluation_rows.merge(run.networks[["key", "condition", "label"]])
    table = table[table["name"] == "synaptic_jitter"]
    own = table[table["label"] == "spread=0.4"]
    (line,) = lines(axes_of(section)[0], own["condition"].iloc[0])
    expected = own.groupby("level")["accuracy"].mean()
    assert list(line.get_ydata()) == pytest.approx(list(expected))
    caption = section.drawings[0].caption
    assert "all that stayed finite are shown: spread=0.4." in caption
    assert "Left out: 1 not converged." in caption


def test_a_condition_with_nothing_keeps_its_legend_and_its_row(make_run):
    population = load(make_run(failed=NONE_IN_0_4_ALL_DIVERGED_IN_0_8))
    section = robustness(population)
    assert legend_of(section)[2] == "0.8  (n = 0, all diverged)"
    assert "so nothing is shown: spread=0.8." in section.drawings[0].caption
    tasks = generalisation(population)
    axes = axes_of(tasks)[0]
    assert [t.get_text() for t in axes.get_yticklabels()] == [
        "spread=0.0",
        "spread=0.4\n(none converged: all shown)",
        "spread=0.8\n(all diverged)",
    ]
    values = np.ma.filled(axes.get_images()[0].get_array(), np.nan)
    assert np.isnan(values).all(axis=1).tolist() == [False, False, True]
    pairs = comparisons(population)
    rows = [t.get_text() for t in axes_of(pairs)[1].get_yticklabels()]
    assert rows[1] == "within spread=0.4\nnone converged: all shown  (15)"
    assert rows[2] == "within spread=0.8\nall diverged  (0)"
    caption = pairs.drawings[0].caption
    assert "Not in the matrix, all diverged: spread=0.8." in caption


def test_a_condition_not_tested_yet_keeps_its_place(make_run):
    run = make_run()
    last = run.networks.loc[run.networks["label"] == "spread=0.8", "key"]
    run.evaluation_rows = run.evaluation_rows[~run.evaluation_rows["key"].isin(last)]
    assert legend_of(robustness(load(run)))[2] == "0.8  (n = 0, nothing recorded yet)"


def test_heat_maps_name_the_conditions_in_which_nothing_converged(make_run):
    grid = {"network.tau_s.spread": [i / 20 for i in range(20)]}
    run = make_run(grid, networks=1, failed={(3, 0): "unconverged", (4, 0): "diverged"})
    section = robustness(load(run))
    rows = [t.get_text() for t in axes_of(section)[0].get_yticklabels()]
    assert len(rows) == 20
    assert rows[3] == "spread=0.15 (none converged: all shown)"
    assert rows[4] == "spread=0.2 (all diverged)"
    assert "(n = 0\N{EN DASH}1)" in section.drawings[0].caption


def test_a_network_that_diverged_after_its_criterion_stands_at_the_cap(make_run):
    run = make_run(failed={(1, 4): "diverged"}, cap=3000)
    lost = run.networks["status"] == "diverged"
    run.networks.loc[lost, "trials_to_criterion"] = 700
    axes = axes_of(convergence(load(run)))[0]
    (mark,) = lines(axes, "diverged")
    assert list(mark.get_ydata()) == [3000]


def test_a_median_at_the_cap_is_said_to_be_a_bound(make_run):
    said = "the true value lies above what is drawn"
    some = {(0, i): "unconverged" for i in range(3)}
    assert said in convergence(load(make_run(failed=some))).drawings[0].caption
    assert said not in convergence(load(make_run())).drawings[0].caption


def test_pairs_that_were_not_compared_are_counted(make_run):
    run = make_run(networks=2, failed={(0, 0): "diverged"})
    whole = comparisons(load(run)).drawings[0].caption
    assert "pairs of the" not in whole
    run.comparison_rows = run.comparison_rows.iloc[4:]
    run.comparison_rows.loc[run.comparison_rows.index[-2:], "value"] = np.nan
    caption = comparisons(load(run)).drawings[0].caption
    assert "have the same task or size" in caption
    assert "7 of the 10 pairs of the 5 networks that did not diverge" in caption


def test_an_axis_without_a_column_falls_back_to_labels(make_run):
    run = make_run(failed=FAILED)
    run.networks = run.networks.drop(columns="network.tau_s.spread")
    population = load(run)
    section = convergence(population)
    ticks = [t.get_text() for t in axes_of(section)[0].get_xticklabels()]
    assert ticks == ["spread=0.0\n5/6", "spread=0.4\n5/6", "spread=0.8\n5/6"]
    assert legend_of(robustness(population))[0] == "spread=0.0  (n = 5)"
