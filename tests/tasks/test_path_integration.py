"""Path integration against a ball that bounces, step by step."""

import math

import numpy as np
import pytest
from scipy import stats

from popnet.tasks import TASKS

NAME = "path_integration"
ZEROS = np.zeros(40, dtype=np.int64)


@pytest.mark.parametrize("dt_s", [0.001, 0.01])
def test_in_two_dimensions_angle_and_speed_add_up_to_the_position(draw, dt_s):
    settings, (inputs, target, mask) = draw(NAME, ZEROS, dt_s)
    still = round(0.05 / dt_s)
    assert inputs.shape == (40, round(1.05 / dt_s), 4) and mask.all()
    assert settings.outputs == 2 and np.abs(target).max() <= 5
    assert not inputs[:, still:, :2].any() and not inputs[:, :still, 2:].any()
    for given, asked in zip(inputs[:5], target[:5], strict=True):
        x, y = 5 * given[0, 0], 5 * given[0, 1]
        for step, (angle, speed) in enumerate(given[:, 2:]):
            x += 10 * speed * math.cos(angle) * dt_s
            y += 10 * speed * math.sin(angle) * dt_s
            assert asked[step] == pytest.approx([x, y], abs=1e-9)
    assert (inputs[..., 3] >= 0).all() and inputs[..., 3].max() <= 1 + 1e-12


def test_in_three_dimensions_there_is_an_elevation(draw):
    settings, (inputs, target, _) = draw(NAME, ZEROS, 0.01, dimensions=3)
    assert settings.inputs == inputs.shape[2] == 6 and target.shape[2] == 3
    for given, asked in zip(inputs[:5], target[:5], strict=True):
        x, y, z = 5 * given[0, :3]
        for step, (azimuth, elevation, speed) in enumerate(given[:, 3:]):
            x += 0.1 * speed * math.cos(elevation) * math.cos(azimuth)
            y += 0.1 * speed * math.cos(elevation) * math.sin(azimuth)
            z += 0.1 * speed * math.sin(elevation)
            assert asked[step] == pytest.approx([x, y, z], abs=1e-9)
    assert np.abs(inputs[..., 4]).max() <= np.pi / 2


@pytest.mark.parametrize("dimensions", [2, 3])
def test_walls_reflect_as_they_do_a_ball(draw, dimensions):
    given = {"dimensions": dimensions, "fastest": 60.0}
    _, (_, free, _) = draw(NAME, ZEROS, 0.01, box=1e4, **given)
    _, (_, inside, _) = draw(NAME, ZEROS, 0.01, **given)
    bounces = 0
    for trial in range(len(ZEROS)):
        place, way = inside[trial, 4].copy(), np.ones(dimensions)
        for step in range(5, free.shape[1]):
            place += way * (free[trial, step] - free[trial, step - 1])
            for axis in range(dimensions):
                if abs(place[axis]) > 5:
                    place[axis] = math.copysign(10, place[axis]) - place[axis]
                    way[axis] *= -1
                    bounces += 1
            assert inside[trial, step] == pytest.approx(place, abs=1e-7)
    assert bounces > 100


@pytest.mark.parametrize("leg_s", [0.1, 0.03, 0.017])
def test_a_path_is_the_same_at_every_time_step(draw, leg_s):
    given = {"leg_s": leg_s, "fastest": 30.0}
    _, (_, fine, _) = draw(NAME, ZEROS, 0.001, **given)
    _, (_, coarse, _) = draw(NAME, ZEROS, 0.01, **given)
    np.testing.assert_allclose(coarse, fine[:, 9::10], atol=1e-11)


@pytest.mark.parametrize("movement", ["angle", "vector"])
def test_a_longer_path_or_more_of_them_only_add(draw, movement):
    _, (inputs, target, _) = draw(NAME, ZEROS, 0.01, movement=movement)
    _, (fewer, _, _) = draw(NAME, ZEROS[:7], 0.01, movement=movement)
    np.testing.assert_array_equal(fewer, inputs[:7])
    _, longer = draw(NAME, ZEROS, 0.01, movement=movement, path_s=2.0)
    assert longer.target_BTO.shape[1] == 205
    np.testing.assert_allclose(longer.target_BTO[:, :105], target, atol=1e-12)
    np.testing.assert_allclose(longer.input_BTI[:, :105], inputs, atol=1e-9)


def test_a_vector_is_the_same_movement(draw, correct):
    for dimensions in (2, 3):
        given = {"dimensions": dimensions}
        _, angle = draw(NAME, ZEROS, 0.01, **given)
        settings, vector = draw(NAME, ZEROS, 0.01, movement="vector", **given)
        np.testing.assert_array_equal(angle.target_BTO, vector.target_BTO)
        moved = 10 * 0.01 * vector.input_BTI[..., dimensions:].cumsum(1)
        start = vector.target_BTO[:, :1]
        np.testing.assert_allclose(start + moved, vector.target_BTO, atol=1e-9)
        assert correct(settings, vector, 0.01).all()


def test_starts_directions_and_speeds_have_their_laws(draw):
    # one leg in a box without walls to meet; the elevation's law is that of a sphere
    given = {"dimensions": 3, "leg_s": 1.0, "box": 1e6}
    _, (inputs, _, _) = draw(NAME, np.zeros(1500, dtype=np.int64), 0.01, **given)
    start, azimuth, elevation, speed = (
        inputs[:, 0, :3], inputs[:, -1, 3], inputs[:, -1, 4], inputs[:, -1, 5],
    )  # fmt: skip
    for axis in range(3):
        assert stats.kstest(start[:, axis], stats.uniform(-1, 2).cdf).pvalue > 1e-3
    whole = stats.uniform(-np.pi, 2 * np.pi).cdf
    assert stats.kstest(azimuth, whole).pvalue > 1e-3
    assert stats.kstest(np.sin(elevation), stats.uniform(-1, 2).cdf).pvalue > 1e-3
    assert stats.kstest(speed, stats.uniform(0, 1).cdf).pvalue > 1e-3
    rows = np.corrcoef(np.stack([*start.T, azimuth, elevation, speed]))
    assert np.abs(rows - np.eye(6)).max() < 4 / np.sqrt(1500)


def test_in_the_plane_all_directions_are_as_likely(draw):
    given = {"leg_s": 1.0, "box": 1e6}
    _, (inputs, _, _) = draw(NAME, np.zeros(1500, dtype=np.int64), 0.01, **given)
    whole = stats.uniform(-np.pi, 2 * np.pi).cdf
    assert stats.kstest(inputs[:, -1, 2], whole).pvalue > 1e-3
    assert stats.kstest(inputs[:, -1, 3], stats.uniform(0, 1).cdf).pvalue > 1e-3


@pytest.mark.parametrize(("off", "right"), [(0.22, True), (0.23, False)])
def test_a_path_is_right_up_to_a_squared_error_of_5_hundredths(
    draw, correct, off, right
):
    settings, trials = draw(NAME, ZEROS, 0.01)
    answer = TASKS[NAME].observe(settings, trials.input_BTI, 0.01)
    moved = correct(settings, trials, 0.01, output=answer + off)
    assert (moved == right).all()
    stay = np.repeat(answer[:, :1], answer.shape[1], axis=1)
    assert correct(settings, trials, 0.01, output=stay).mean() < 0.1
