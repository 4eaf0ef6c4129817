"""What a sweep says of the weights of networks whose output is fed back."""

import numpy as np


def test_feedback_counts_among_the_weights(make_run, tmp_path):
    run = make_run(
        tmp_path / "runs", rule={"name": "force"}, grid=None,
        after={"trials": 1, "compare": [{"name": "weights", "align": False}]},
    )  # fmt: skip
    table = run.table().set_index("key")
    inside = {}
    for key, row in table.iterrows():
        network = run.network(key)
        before, after = (
            w["recurrent"] + w["feedback"] @ w["readout"]
            for w in (network.initial, network.final)
        )
        np.testing.assert_array_equal(
            network.initial["recurrent"], network.final["recurrent"]
        )
        change = np.linalg.norm(after - before) / np.linalg.norm(before)
        assert row["weight_change"] > 0.01
        np.testing.assert_allclose(row["weight_change"], change, rtol=1e-4)
        radius = np.abs(np.linalg.eigvals(after.astype(np.float64))).max()
        np.testing.assert_allclose(row["spectral_radius"], radius, rtol=1e-4)
        inside[key] = after
        module = run.module(key)
        np.testing.assert_array_equal(module.wfb_PNO, network.final["feedback"])
    (pair,) = run.comparisons().to_dict("records")
    a, b = inside[pair["key_a"]], inside[pair["key_b"]]
    expected = np.linalg.norm(a - b) / np.sqrt((a**2).sum() + (b**2).sum())
    np.testing.assert_allclose(pair["value"], expected, rtol=1e-4)
