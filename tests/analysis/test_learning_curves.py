"""Learning curves of networks that stop at different trials."""

import numpy as np
import pandas as pd
import pytest

from popnet.analysis.learning_curves import carried_forward, population_curve

CURVES = pd.DataFrame(
    {
        "key": ["a", "a", "b", "b", "b"],
        "trial": [50, 80, 50, 100, 150],
        "error": [1.0, 0.2, 1.0, 0.8, 0.6],
    }
)


def test_a_stopped_network_counts_on_with_its_last_block():
    wide = carried_forward(CURVES, "error")
    assert list(wide.index) == [50, 80, 100, 150]
    assert list(wide["a"]) == [1.0, 0.2, 0.2, 0.2]
    assert list(wide["b"]) == [1.0, 1.0, 0.8, 0.6]


@pytest.mark.parametrize("lost", [np.nan, np.inf])
def test_a_block_without_a_finite_value_is_as_if_not_recorded(lost):
    more = pd.DataFrame({"key": ["a"], "trial": [120], "error": [lost]})
    found = carried_forward(pd.concat([CURVES, more]), "error")
    pd.testing.assert_frame_equal(found, carried_forward(CURVES, "error"))


def test_the_band_of_two_networks_is_between_them():
    band = population_curve(CURVES, "error")
    assert list(band.columns) == ["q25", "median", "q75"]
    assert band.loc[150].tolist() == pytest.approx([0.3, 0.4, 0.5])


def test_no_curves_no_band():
    assert population_curve(CURVES.iloc[:0], "error").empty
