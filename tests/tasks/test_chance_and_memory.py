"""Chance, the best score without a memory, and the silence that a memory bridges."""

from itertools import product

import numpy as np
import pytest

from popnet.tasks import TASKS
from popnet.tasks.neurogym import guessing

ON = ["xor", "go_nogo", "perceptual_decision_ongoing", "selective_integration_ongoing"]
OVER = [
    "xor_delayed", "go_nogo_delayed", "perceptual_decision_delayed",
    "selective_integration_delayed",
]  # fmt: skip


def of(name, **given):
    return TASKS[name].settings(**given)


@pytest.mark.parametrize(("channels", "share"), [(1, 0.5), (2, 0.25), (3, 0.125)])
def test_two_or_three_comparisons_are_guessed_less_often_than_one(channels, share):
    assert of("delayed_discrimination", channels=channels).chance == share


def test_the_second_of_two_stimuli_alone_is_often_enough():
    # f2 alone: right in 8 7 6 5 4 5 6 7 8 of 8; frequencies alone: 4 of 10 are certain
    assert of("delayed_discrimination").memoryless_score == pytest.approx(56 / 72)
    three = of("delayed_discrimination", channels=3)
    assert three.memoryless_score == pytest.approx((56 / 72) ** 3)
    assert of("parametric_memory").memoryless_score == pytest.approx(0.7)
    assert of("parametric_memory", separation_hz=24.0).memoryless_score == 1
    for name in ("dnms", "dms", "dnms_long", "dnms_variable", "delayed_response"):
        assert of(name).memoryless_score == 0.5, name
    assert of("order").memoryless_score == 1, "BA cannot end with A"


@pytest.mark.parametrize(
    ("lowest", "highest", "closest"), [(2, 10, 1), (20, 40, 1), (1, 7, 3), (3, 30, 2)]
)
def test_a_sign_and_a_size_are_guessed_by_the_best_of_all_answers(
    lowest, highest, closest
):
    values = range(lowest, highest + 1)
    pairs = [(a, b) for a, b in product(values, values) if abs(a - b) >= closest]
    sizes = np.arange(0.0015, 1, 0.001)  # between all sizes and all of their limits

    def best(some):
        change = np.array([b - a for a, b in some])
        near = abs(abs(change[:, None]) / highest - sizes) < 0.05
        return max(
            (near & (np.sign(change) == s)[:, None]).sum(0).max() for s in (1, -1)
        )

    settings = of("delayed_discrimination", lowest=lowest, highest=highest,
                  closest=closest, difference=True)  # fmt: skip
    assert settings.chance == pytest.approx(best(pairs) / len(pairs))
    alone = sum(best([p for p in pairs if p[1] == v]) for v in {b for _, b in pairs})
    assert settings.memoryless_score == pytest.approx(alone / len(pairs))


def test_a_flip_flop_without_pulses_is_a_guess_of_each_bit():
    for bits in (1, 2, 4):
        still = of("flipflop", pulse=0.0, bits=bits)
        assert still.chance == still.memoryless_score == pytest.approx(0.5**bits)
        assert still.memory_demand_s == pytest.approx(0.099)
    always = of("flipflop", pulse=1.0)
    assert (always.memory_demand_s, always.memoryless_score) == (0, None)


@pytest.mark.parametrize(
    ("name", "bridged_s"),
    [("dnms", 0.6), ("dnms_long", 1.2), ("dnms_variable", 1.0), ("order", 0.4),
     ("delayed_response", 0.6), ("n_back", 1.2), ("parametric_memory", 3.3),
     ("perceptual_decision", 0.2), ("selective_integration", 0.2),
     ("xor", 0.0), ("go_nogo", 0.0), ("random_dots", 0.0), ("multisensory", 0.0)],
)  # fmt: skip
def test_tasks_that_are_scored_after_their_evidence_ask_for_a_memory(name, bridged_s):
    settings = of(name)
    assert settings.memory_demand_s == pytest.approx(bridged_s)
    assert (settings.memoryless_score is None) == (bridged_s == 0)


def test_four_tasks_and_more_are_on_either_side_and_all_share_a_layout():
    declared = {name: of(name) for name in TASKS.own if name != "neurogym"}
    layout = {n: s for n, s in declared.items() if (s.inputs, s.outputs) == (5, 1)}
    asked = [n for n, s in layout.items() if s.memory_demand_s]
    assert {*ON} <= layout.keys() - asked and {*OVER} <= {*asked}
    assert len(ON) == len(OVER) == 4


@pytest.mark.parametrize("delay_s", [0.0, 0.4])
@pytest.mark.parametrize(("on", "over"), list(zip(ON, OVER, strict=True)))
def test_a_task_and_its_delayed_version_differ_in_what_stays_on_alone(
    draw, correct, on, over, delay_s
):
    types = np.arange(40) % of(on).types
    shown, still = draw(on, types, delay_s=delay_s)
    after, gone = draw(over, types, delay_s=delay_s)
    np.testing.assert_array_equal(still.target_BTO, gone.target_BTO)
    np.testing.assert_array_equal(still.mask_BTO, gone.mask_BTO)
    np.testing.assert_array_equal(still.input_BTI[:, :501], gone.input_BTI[:, :501])
    evidence = list({c for own in shown.evidence_channels for c in own} & {1, 2})
    assert not gone.input_BTI[:, 501:, evidence].any()
    assert (still.input_BTI[:, 501:, evidence] != 0).any((1, 2)).all()
    others = [c for c in range(5) if c not in evidence]
    np.testing.assert_array_equal(still.input_BTI[..., others],
                                  gone.input_BTI[..., others])  # fmt: skip
    assert shown.memory_demand_s == 0
    assert after.memory_demand_s == pytest.approx(0.2 + delay_s)
    assert correct(shown, still).all() and correct(after, gone).all()


def test_what_was_published_is_scored_after_the_evidence():
    for name in ("perceptual_decision", "selective_integration"):
        published = of(name)
        assert (published.scored, published.delay_s) == ("after", 0), name
        assert published.steps(0.001) == 700
    for name in ("xor", "go_nogo"):
        assert (of(name).scored, of(name).steps(0.001)) == ("during", 700)


def test_an_epoch_that_lasts_no_time_is_none():
    assert list(of("xor").epochs_s) == ["stimulus", "response"]
    assert list(of("xor_delayed").epochs_s) == ["stimulus", "delay", "response"]
    longer = of("perceptual_decision_delayed").with_epochs({"delay": 2.0})
    assert longer.memory_demand_s == pytest.approx(1.0)


def test_classes_are_guessed_evenly_unless_one_is_clearly_more_frequent():
    assert guessing(np.array([1, 2] * 95 + [2] * 10)) == 0.5
    assert guessing(np.arange(320) % 32) == 1 / 32
    assert guessing(np.array([1] * 150 + [0] * 50)) == 0.75
    assert guessing(np.ones(200, dtype=int)) == 1
