"""A study's figures, read back from their artists against the tables."""

import warnings

import numpy as np
import pytest
from helpers.made_up_study import GRADES, INTO, LEVEL, MadeUpStudy
from matplotlib.patches import Rectangle
from scipy.stats import binomtest

from popnet.report.style import house_style, palette
from popnet.studies.heterogeneity import layout, matrix_figures
from popnet.studies.heterogeneity.degeneracy_figure import (
    BEFORE,
    UNRELATED,
    WITHIN,
    degeneracy,
    paired,
)
from popnet.studies.heterogeneity.dynamics_figures import (
    distance_over_time,
    dynamics,
)
from popnet.studies.heterogeneity.learning_figures import learning, learning_errors
from popnet.studies.heterogeneity.matrix_figures import tau_matrix, transfer
from popnet.studies.heterogeneity.robustness_figures import robustness
from popnet.studies.heterogeneity.strips import median_interval
from popnet.studies.heterogeneity.tables import read

TASKS = ["xor", "dnms", "order"]
LEVELS = [1.0, 0.0, 0.4]  # not in order
MARKS = ("converged", "unconverged", "diverged")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("figures")
    made = MadeUpStudy(out, TASKS, ["drive", "state"], LEVELS, 7, cap=1500)
    fates = set(made.networks["status"])
    assert fates == {"converged", "unconverged", "diverged"}, "the seed must give all"
    return made


@pytest.fixture(scope="module")
def study(run):
    return read(run)


@pytest.fixture(autouse=True)
def style():
    with house_style():
        yield


def drawn(axes, labels):
    lines = [line for line in axes.get_lines() if line.get_label() in labels]
    return np.concatenate([line.get_ydata() for line in lines] or [[]])


def panel(figure, title):
    (found,) = [a for a in figure.axes if a.get_title(loc="left").startswith(title)]
    return found


def test_memory_tasks_come_first_and_levels_are_in_order(study):
    assert layout.in_order(study) == ["dnms", "order", "xor"]
    assert layout.families(study) == [["dnms", "order"], ["xor"]]
    assert study.levels == [0.0, 0.4, 1.0]
    assert study.configurations == ["into=drive", "into=state"]
    shades = palette(3, ordered=True)
    assert list(layout.shades(study).items()) == list(
        zip(study.levels, shades, strict=True)
    )


def test_every_network_is_one_mark_at_its_trials_or_at_the_cap(study, run):
    (drawing,) = learning(study).drawings
    for task in TASKS:
        axes = panel(drawing.figure, task)
        own = run.networks[run.networks["task.name"] == task]
        met = own["status"] == "converged"
        assert sorted(drawn(axes, ["converged"])) == sorted(
            own.loc[met, "trials_to_criterion"]
        )
        for status in MARKS[1:]:
            count = int((own["status"] == status).sum())
            assert list(drawn(axes, [status])) == [1500] * count
        assert [t.get_text() for t in axes.get_xticklabels()] == ["0", ".4", "1"]
        assert np.all(np.diff(axes.get_xticks()) > 0)
        (said,) = [t.get_text() for t in axes.texts]
        assert said == f"{met.sum()} of {len(own)} met it"
    assert f"{len(run.networks)} networks" in drawing.caption


def test_a_mark_stands_nearest_to_its_own_level_in_its_configuration_s_lane(study):
    axes = panel(learning(study).drawings[0].figure, "dnms")
    for line in axes.get_lines():
        if line.get_label() == "converged":
            first = line.get_color() == palette(2, ordered=False)[0]
            levels = np.array(study.levels)
            x = np.asarray(line.get_xdata())
            away = x - levels[np.abs(x[:, None] - levels).argmin(1)]
            assert np.all(away < 0 if first else away > 0)


def test_medians_count_failures_at_the_cap(study, run):
    axes = panel(learning(study).drawings[0].figure, "dnms")
    lines = [line for line in axes.get_lines() if line.get_label() == "median"]
    table = run.networks.assign(t=run.networks["trials_to_criterion"].fillna(1500))
    table.loc[table["status"] == "diverged", "t"] = 1500
    table = table[table["task.name"] == "dnms"]
    for line, into in zip(lines, ["drive", "state"], strict=True):
        own = table[table[INTO] == into].groupby(LEVEL)["t"].median()
        assert np.allclose(line.get_ydata(), own.sort_index())


def test_the_interval_of_a_median_holds_it_as_often_as_it_says():
    for count in range(6, 30):
        low, middle, high = median_interval(np.arange(count))
        assert middle == (count - 1) / 2
        assert low + high == count - 1
        outside = binomtest(int(low), count, 0.5, alternative="less").pvalue
        assert 1 - 2 * outside >= 0.95
        inner = binomtest(int(low) + 1, count, 0.5, alternative="less").pvalue
        assert 1 - 2 * inner < 0.95
    assert np.isnan(median_interval(range(5))[[0, 2][0]])
    assert median_interval([3, np.nan, np.inf]).median == 3


def test_every_defined_value_of_dynamics_and_error_is_a_mark(study, run):
    table = study.networks
    figure = learning_errors(study).drawings[0].figure
    for row, column in ((0, "area"), (3, "variance")):
        shown = np.concatenate(
            [drawn(a, MARKS) for a in figure.axes[row * 3 : row * 3 + 3]]
        )
        assert sorted(shown) == sorted(table[column].dropna())
    figure = dynamics(study).drawings[0].figure
    trained = run.dynamics_rows[run.dynamics_rows["state"] == "trained"]
    for row, column in enumerate(["pca_dimension", "participation_ratio", "speed"]):
        shown = [drawn(a, MARKS) for a in figure.axes[row * 3 : row * 3 + 3]]
        assert sorted(np.concatenate(shown)) == sorted(trained[column])
    labels = [a.get_ylabel() for a in figure.axes if a.get_ylabel()]
    assert len(labels) == 7
    assert "speed of the\ntrajectory (1/s)" in labels


def test_distance_over_time_is_the_median_of_those_that_learned(study, run):
    figure = distance_over_time(study).drawings[0].figure
    axes = figure.axes[0]  # the first configuration, the first task
    (line,) = [a for a in axes.get_lines() if a.get_label() == "0.4"]
    assert line.get_color() == layout.shades(study)[0.4]
    facts = run.networks.set_index("key")
    here = (facts["task.name"] == "dnms") & (facts[INTO] == "drive")
    keys = facts.index[here & (facts[LEVEL] == 0.4) & (facts.status == "converged")]
    rows = run.dynamics_rows
    rows = rows[rows["key"].isin(keys) & (rows["state"] == "trained")]
    middle = np.median(np.stack(list(rows["condition_distance_t"])), axis=0)
    assert np.allclose(line.get_ydata(), middle)
    assert np.allclose(line.get_xdata()[:2], [0.01, 0.03])


def test_robustness_is_a_mean_over_those_that_met_the_criterion(study, run):
    first, second = robustness(study).drawings
    assert (first.name, second.name) == ("robustness", "robustness_2")
    axes = first.figure.axes[0]
    order = [line.get_label() for line in axes.get_lines()][:3]
    assert order == ["0", "0.4", "1"]
    (line,) = [a for a in axes.get_lines() if a.get_label() == "1"]
    facts = run.networks.set_index("key")
    here = (facts["task.name"] == "dnms") & (facts[INTO] == "drive")
    keys = facts.index[here & (facts[LEVEL] == 1) & (facts.status == "converged")]
    rows = run.evaluation_rows
    rows = rows[rows["key"].isin(keys) & (rows["name"] == "synaptic_jitter")]
    means = rows.groupby("level")["accuracy"].mean().sort_index()
    assert np.allclose(line.get_ydata(), means)
    assert len(means) == len(GRADES["synaptic_jitter"])
    asked = [t.get_text() for a in first.figure.axes for t in a.texts]
    assert asked == ["not asked"]  # xor has no delay
    assert "met the criterion" in first.caption


def test_the_matrix_has_training_down_and_test_across_with_own_first(study, run):
    axes = tau_matrix(study).drawings[0].figure.axes[0]
    assert [t.get_text() for t in axes.get_xticklabels()] == ["own", "0", "0.4", "1"]
    rows = [t.get_text().split()[0] for t in axes.get_yticklabels()]
    assert rows == ["0", "0.4", "1"]
    numbers = {t.get_position(): t.get_text() for t in axes.texts}
    facts = run.networks.set_index("key")
    here = (facts["task.name"] == "dnms") & (facts[INTO] == "drive")
    own = facts[here & (facts[LEVEL] == 0.4) & (facts.status == "converged")]
    tests = run.evaluation_rows
    tests = tests[tests["key"].isin(own.index)]
    new = tests[tests["settings"] == '{"spread": 1.0}']["accuracy"].mean()
    assert numbers[(3, 1)] == f"{new:.2f}"
    assert numbers[(0, 1)] == f"{own['accuracy'].mean():.2f}"
    frames = [p for p in axes.patches if isinstance(p, Rectangle)]
    assert [round(p.get_x() + 0.46) for p in frames] == [1, 2, 3]


def test_transfer_outlines_the_own_task_and_related_pairs(study, monkeypatch):
    related = {("xor", "dnms"): 1, ("dnms", "xor"): -1}
    monkeypatch.setattr(matrix_figures, "RELATED", related)
    axes = transfer(study).drawings[0].figure.axes[0]
    solid, dashed = set(), set()
    for patch in axes.patches:
        place = (round(patch.get_y() + 0.44), round(patch.get_x() + 0.46))
        (solid if patch.get_linestyle() == "solid" else dashed).add(place)
    assert solid == {(0, 0), (1, 1), (2, 2)}
    assert dashed == {(0, 2), (2, 0)}
    flipped = transfer(study).drawings[0].figure.axes[1]
    both = [
        {t.get_position(): float(t.get_text()) for t in a.texts}
        for a in (axes, flipped)
    ]
    assert all(both[0][p] + both[1][p] == pytest.approx(1, abs=0.011) for p in both[0])


def test_pairs_are_of_one_task_and_of_different_draws(study, run):
    facts = study.met.set_index("key")
    expected = {WITHIN: 0, BEFORE: 0, UNRELATED: 0}
    for row in run.comparison_rows.itertuples():
        if row.metric != "weights":
            continue
        if row.key_a not in facts.index or row.key_b not in facts.index:
            continue
        a, b = facts.loc[row.key_a], facts.loc[row.key_b]
        if a["condition"] != b["condition"] or a["seed"] == b["seed"]:
            continue
        before, unrelated = "untrained" in row.settings, "shuffled" in row.settings
        expected[BEFORE if before else UNRELATED if unrelated else WITHIN] += 1
    found = paired(study)
    found = found[found["metric"] == "weights"]
    assert set(found["settings"]) == {'{"align": false}'}
    assert dict(found["group"].value_counts()) == expected
    names = [a.get_title(loc="left") for a in degeneracy(study).drawings[0].figure.axes]
    assert names == ["accuracy", "behaviour", "trajectories", "weights"]


@pytest.mark.parametrize(("tasks", "intos"), [(1, 1), (9, 6)])
def test_any_number_of_tasks_and_configurations_fits(tmp_path, tasks, intos):
    names = ["dnms", "dms", "order", "delayed_response", "dnms_long", "xor"]
    names += ["go_nogo", "perceptual_decision", "selective_integration"]
    run = MadeUpStudy(
        tmp_path, names[:tasks], [f"c{i}" for i in range(intos)], [0.0, 1.0], 2
    )
    run.comparison_rows = run.comparison_rows.iloc[:0]
    study = read(run)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figures = learning_errors(study).drawings
        figures[-1].figure.draw_without_rendering()
    marks = sum(drawn(a, MARKS).size for d in figures for a in d.figure.axes[:5])
    assert marks
    titles = [a.get_title(loc="left") for d in figures for a in d.figure.axes]
    assert sum(bool(title) for title in titles) == tasks
