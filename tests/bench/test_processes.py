"""Sides in processes of their own: what they load, hand over and leave behind."""

import textwrap

import ours_force
import ours_hebbian
import pytest
from case import PRODUCT, Claim, timed, untimed, within
from cases import CLEVER, COMMON, CUBES, DGER, IN_PLACE, NEW_P, NODES
from processes import Process, Side, running
from same import Different
from timing import Effort


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """By the module of the other side: folders with what popnet's side gives."""
    made = {n: tmp_path_factory.mktemp(n) for n in ("today_numpy", "today_force")}
    network = {"units": 40, "dt_s": 0.005}
    ours_hebbian.learning(made["today_numpy"], 1, network=network)
    ours_force.learning(made["today_force"], 200, steps=20)
    return made


LOOPS = [CUBES, NODES, CLEVER, COMMON, NEW_P, IN_PLACE, DGER]


@pytest.mark.parametrize("one", LOOPS, ids=lambda one: one.name)
def test_a_loop_in_numpy_has_a_process_with_nothing_else(folders, one):
    with Process(one) as process:
        process.make(folders[one.factory.split(":")[0]] / "made.npz")
        # dger is scipy's
        assert process.loaded == (["scipy"] if one == DGER else [])


@pytest.fixture
def small(tmp_path, monkeypatch):
    """Sides of a module written here, by the name of their factory."""
    (tmp_path / "small.py").write_text(
        textwrap.dedent("""\
        import os
        from side import Made, give, given

        def ours(folder, size=1.0):
            print("not an answer")
            give(folder, W=[size])
            return Made(lambda: sum(range(10_000)), 30.0, {"W": [size], "W before": 0})

        def theirs(folder, more=0.0):
            found = given(folder)["W"] + more
            return Made(lambda: sum(range(10_000)), 3.0, {"W": found})

        def broken(folder):
            raise ValueError("no")

        def threads(folder):
            found = float(os.environ["OMP_NUM_THREADS"])
            return Made(lambda: None, 1.0, {"W": [found]})

        def product(folder):
            return Made(lambda: sum(range(10_000)), 3.0, {})
        """)
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return lambda name, **settings: Side(name, f"small:{name}", settings)


def test_sides_that_do_not_agree_are_not_timed(small):
    with running("bench", [small("ours", size=2.0), small("theirs")]) as processes:
        processes[1].begin(0.0)
        assert processes[1].end()[0] == 3.0
    with pytest.raises(Different, match="bench, theirs: W"):
        running("bench", [small("ours"), small("theirs", more=0.1)]).__enter__()


def test_every_side_has_one_thread(small, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    with running("bench", [small("ours", size=1.0), small("threads")]) as processes:
        assert len(processes) == 2


def test_a_process_that_ends_by_itself_is_named(small):
    with pytest.raises(SystemExit, match="broken: its process ended by itself, with 1"):
        running("bench", [small("broken")]).__enter__()


def test_no_process_is_left_behind(small):
    with running("bench", [small("ours"), small("theirs")]) as processes:
        pass
    for process in processes:
        with pytest.raises((ValueError, SystemExit)):
            process.begin(0.0)


def test_rows_of_a_case_are_its_claims_in_order(small):
    claims = [Claim(small("theirs"), 2.0, 5.0), Claim(PRODUCT)]
    made = timed("learning", "trials", small("ours"), claims, work=0.1)
    pair = [small("product"), small("product")._replace(name="another")]
    with running("", pair) as products:
        rows = made.measure(Effort(3, 0.01), products)
    assert [row.against for row in rows] == ["theirs", "sgemm"]
    assert [(row.floor, row.aim) for row in rows] == [(2.0, 5.0), (None, None)]
    # the same work counts for 30 units here, 3 there; of 0.1 GFLOP each
    assert 5 < rows[0].ratio.median < 20
    assert 0.5 < rows[1].ratio.median < 2
    rate, _, _ = rows[0].popnet.partition(", ")  # what the system took may follow
    assert rate.endswith(" trials/s") and "GFLOP/s" in rows[1].popnet


@pytest.mark.parametrize(("allowed_s", "missed"), [(100.0, False), (1e-6, True)])
def test_a_limit_is_a_floor_of_1(small, allowed_s, missed):
    """90 units are three runs, of less than a millisecond each."""
    (row,) = within("pairs", 90, allowed_s, small("ours")).measure(Effort(3, 0.01), [])
    assert row.missed == missed and row.theirs.endswith(" s")
    (units, seconds), (word, unit) = (row.popnet.split(), row.theirs.split())
    assert seconds == unit == "s" and float(units) < 1
    ratio = allowed_s / row.ratio.median
    assert 1e-4 < ratio < 0.1 and float(word) == pytest.approx(allowed_s, abs=0.01)


def test_what_could_not_be_timed_is_a_row_that_says_why():
    (row,) = untimed("rotations", "fastDSA: nowhere").measure(Effort(1, 0.1), [])
    assert (row.against, row.theirs) == ("fastDSA: nowhere", "not timed")
    assert not row.missed
