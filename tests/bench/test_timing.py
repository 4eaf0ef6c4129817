"""Rounds, their order and what is made of them, with a clock turned by hand."""

import os

import pytest
from side import Made, worked
from timing import Effort, Speed, faster_product, interleaved, ratio
from two_workers import gain


class Worker:
    """Does what it is told: one unit in so many seconds, round after round."""

    def __init__(self, name, calls, *seconds, system=0.0):
        self.name, self.calls, self.left, self.system = name, calls, [*seconds], system

    def begin(self, seconds):
        self.calls.append(f"{self.name} {seconds:g}")

    def end(self):
        self.calls.append(f"{self.name} ends")
        return 4.0, self.left.pop(0), self.system


def test_workers_take_turns_and_never_work_together():
    calls = []
    workers = [Worker("a", calls, 1.0, 2.0), Worker("b", calls, 4.0, 1.0, system=1.0)]
    speeds = interleaved(workers, Effort(2, 0.5))
    assert calls == ["a 0.5", "a ends", "b 0.5", "b ends"] * 2
    assert speeds == {"a": Speed([4.0, 2.0], 0.0), "b": Speed([1.0, 4.0], 0.4)}


def counted(seconds, units=3.0):
    """A clock, and work that takes so long by it."""
    now = [0.0]

    def run():
        now[0] += seconds

    return Made(run, units, {}), lambda: now[0]


def test_a_side_works_until_it_took_long_enough_and_once_at_least():
    made, clock = counted(0.125)
    assert worked(made, 0.5, clock)[:2] == (12.0, 0.5)
    made, clock = counted(2.0)
    assert worked(made, 0.5, clock)[:2] == (3.0, 2.0)
    assert worked(made, 0.0, clock)[:2] == (3.0, 2.0)


def test_the_part_of_the_system_is_counted():
    _, seconds, system = worked(Made(lambda: os.urandom(2**20), 1.0, {}), 0.1)
    assert 0.5 * seconds < system < 1.5 * seconds
    _, seconds, system = worked(Made(lambda: sum(range(1000)), 1.0, {}), 0.1)
    assert system < 0.2 * seconds


def test_ratios_are_taken_within_a_round():
    # the machine becomes 10 times slower in mid-way: the ratio does not notice
    found = ratio([20.0, 2.0, 2.4], [10.0, 1.0, 1.0])
    assert found == (2.0, 2.0, 2.4)
    # medians of each, divided, would give 1.0
    assert ratio([1.0, 3.0, 2.0], [2.0, 1.0, 4.0]).median == 0.5


def test_the_faster_of_two_matrix_products_counts_in_every_round():
    products = [Speed([8.0, 4.0], 0.0), Speed([4.0, 16.0], 0.0)]
    assert faster_product(products).rates == [8.0, 16.0]


def test_two_workers_gain_by_what_they_do_together(monkeypatch):
    calls = []
    pair = [Worker("a", calls, 1, 1), Worker("b", calls, 1, 1)]
    # 4 units each: alone in 2 s and 1 s, together in 2 s
    times = iter([0.0, 2.0, 2.0, 3.0, 3.0, 5.0])
    monkeypatch.setattr("two_workers.time.perf_counter", lambda: next(times))
    assert gain(pair, 0.5) == pytest.approx(4 / 3)
    assert calls[-4:] == ["a 0.5", "b 0.5", "a ends", "b ends"]
