"""Rounds, their order and what is made of them, with a clock turned by hand."""

import timing
from timing import SGEMM, Effort, Side, interleaved, ratio, with_sgemm


class Clock:
    """Each side takes the seconds it is given, round after round."""

    def __init__(self):
        self.now, self.calls = 0.0, []

    def __call__(self):
        return self.now

    def side(self, name, *seconds, units=1.0):
        left = list(seconds)

        def run():
            self.calls.append(name)
            self.now += left.pop(0) if len(left) > 1 else left[0]

        return Side(name, run, units)


def test_sides_take_turns_after_two_calls_that_do_not_count():
    clock = Clock()
    sides = [clock.side("a", 9.0, 1.0), clock.side("b", 5.0, 1.0)]
    rates = interleaved(sides, Effort(2, 0.0), clock)
    assert clock.calls == ["a", "a", "b", "b", *"abab"]
    assert rates == {"a": [1.0, 1.0], "b": [1.0, 1.0]}


def test_a_quick_side_is_called_until_it_took_long_enough():
    clock = Clock()
    sides = [clock.side("quick", 0.125, units=3.0), clock.side("slow", 2.0)]
    rates = interleaved(sides, Effort(1, 0.5), clock)
    assert clock.calls[4:] == ["quick"] * 4 + ["slow"]
    assert rates == {"quick": [24.0], "slow": [0.5]}


def test_ratios_are_taken_within_a_round():
    # the machine becomes 10 times slower in mid-way: the ratio does not notice
    found = ratio([20.0, 2.0, 2.4], [10.0, 1.0, 1.0])
    assert found == (2.0, 2.0, 2.4)
    # medians of each, divided, would give 1.0
    assert ratio([1.0, 3.0, 2.0], [2.0, 1.0, 4.0]).median == 0.5


def test_the_faster_of_two_matrix_products_counts_in_every_round(monkeypatch):
    clock = Clock()
    sides = [
        clock.side(f"{SGEMM} torch", 1.0, 1.0, 0.5, 1.0, units=4.0),
        clock.side(f"{SGEMM} NumPy", 1.0, 1.0, 1.0, 0.25, units=4.0),
    ]
    monkeypatch.setattr(timing, "sgemm_sides", lambda: sides)
    monkeypatch.setattr(
        timing, "interleaved", lambda given, effort: interleaved(given, effort, clock)
    )
    rates = with_sgemm([clock.side("a", 1.0)], Effort(2, 0.0))
    assert rates == {"a": [1.0, 1.0], SGEMM: [8.0, 16.0]}


def test_the_work_of_a_matrix_product():
    sides = timing.sgemm_sides()
    assert [side.units for side in sides] == [17.179869184] * 2
