"""The order, names and colours of conditions."""

import pandas as pd
import pytest
from matplotlib.colors import to_rgb

from popnet.report.conditions import (
    arrange,
    axis_title,
    evenly,
    facets,
    named,
    unit_of,
    wrapped,
)
from popnet.report.style import palette


def table(varied, rows):
    frame = pd.DataFrame(rows, columns=varied)
    label = [
        ", ".join(f"{p}={v}" for p, v in zip(varied, r, strict=True)) for r in rows
    ]
    return frame.assign(label=label, condition=[f"c{i}" for i in range(len(rows))])


def test_numbers_ascend_whatever_the_order_of_the_table():
    found = arrange(table(["a.gain"], [(10.0,), (2.0,), (0.5,)]), ["a.gain"])
    assert [c.tick for c in found] == ["0.5", "2", "10"]
    assert [c.id for c in found] == ["c2", "c1", "c0"]


def test_words_keep_the_order_of_the_table():
    found = arrange(table(["rule.name"], [("zeta",), ("bptt",)]), ["rule.name"])
    assert [c.tick for c in found] == ["zeta", "bptt"]


def test_a_crossed_grid_has_facets_that_share_colours():
    varied = ["a.spread", "a.rate"]
    rows = [(s, r) for r in (0.1, 0.05) for s in (0.4, 0.0)]
    found = arrange(table(varied, rows), varied)
    assert [(c.tick, c.facet) for c in found] == [
        ("0", "rate=0.05"),
        ("0", "rate=0.1"),
        ("0.4", "rate=0.05"),
        ("0.4", "rate=0.1"),
    ]
    assert found[0].colour == found[1].colour != found[2].colour == found[3].colour
    assert [[c.tick for c in g] for g in facets(found, 9)] == [["0", "0.4"]] * 2
    assert axis_title(varied, found) == "a.spread"


def test_zipped_axes_are_one_facet_with_full_labels():
    varied = ["a.spread", "a.rate"]
    found = arrange(table(varied, [(0.0, 1.0), (0.4, 2.0)]), varied)
    assert [c.facet for c in found] == ["", ""]
    assert found[1].tick == "a.spread=0.4, a.rate=2.0"
    assert len({c.colour for c in found}) == 2
    assert axis_title(varied, found) == "condition"


def test_an_axis_that_no_column_shows_leaves_full_labels():
    frame = table(["a.spread"], [(0.4,), (0.0,), (0.4,), (0.0,)])
    frame["label"] = ["t=x, s=0.4", "t=x, s=0", "t=y, s=0.4", "t=y, s=0"]
    found = arrange(frame, ["a.spread"])
    assert [c.tick for c in found] == [
        "t=x, s=0",
        "t=y, s=0",
        "t=x, s=0.4",
        "t=y, s=0.4",
    ]
    assert len({c.colour for c in found}) == 4
    assert axis_title(["a.spread"], found) == "condition"


def test_a_path_that_is_no_column_is_left_to_the_labels():
    frame = table(["a.spread"], [(0.4,), (0.0,)])
    found = arrange(frame, ["network.tau_s", "a.spread"])
    assert [c.tick for c in found] == ["0", "0.4"]
    found = arrange(frame.drop(columns="a.spread"), ["network.tau_s"])
    assert [c.tick for c in found] == ["a.spread=0.4", "a.spread=0.0"]
    assert len({c.colour for c in found}) == 2
    assert axis_title([], found) == "condition"


def test_facets_wrap_into_panels_of_a_given_size():
    found = arrange(table(["x"], [(i,) for i in range(7)]), ["x"])
    assert [[c.tick for c in g] for g in facets(found, 3)] == [
        ["0", "1", "2"],
        ["3", "4", "5"],
        ["6"],
    ]


def test_nothing_varied_is_one_condition():
    frame = pd.DataFrame({"condition": ["c", "c"], "label": ["", ""]})
    (only,) = arrange(frame, [])
    assert (only.label, only.tick) == ("all networks", "all networks")
    assert axis_title([], [only]) == ""


@pytest.mark.parametrize("count", [1, 2, 5, 7, 8, 30])
@pytest.mark.parametrize("ordered", [True, False])
def test_colours_differ_and_are_dark_enough_on_white(count, ordered):
    colours = palette(count, ordered=ordered)
    assert len(set(colours)) == count
    for colour in colours:
        linear = [
            v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4
            for v in to_rgb(colour)
        ]
        luminance = sum(
            w * v for w, v in zip((0.2126, 0.7152, 0.0722), linear, strict=True)
        )
        assert 1.05 / (luminance + 0.05) > 2.1, f"{colour} vanishes on white"


def test_units_come_from_the_name_of_the_setting():
    assert unit_of("network.dt_s") == "s"
    assert unit_of("network.tau_s.mean") == "s"
    assert unit_of("network.tau_s.spread") == ""
    assert unit_of("rule.impulses_hz") == "Hz"


def test_values_are_written_as_a_person_would():
    values = (0.30000000000000004, 4, True, None, "x", [1, 2], float("nan"))
    assert [named(v) for v in values] == [
        "0.3", "4", "True", "none", "x", "[1, 2]", "none",
    ]  # fmt: skip


def test_evenly_keeps_both_ends():
    assert evenly(list(range(10)), 4) == [0, 3, 6, 9]
    assert evenly([1, 2], 4) == [1, 2]


def test_labels_break_between_settings_and_are_cut_when_too_long():
    assert wrapped("spread=0.2, rate=0.1", 12) == "spread=0.2\nrate=0.1"
    assert wrapped("spread=0.2, rate=0.1", 30) == "spread=0.2, rate=0.1"
    assert wrapped("x" * 30, 10) == "x" * 9 + "…"
