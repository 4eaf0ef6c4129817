"""pn.fixed_points: what it returns, and what it refuses."""

import numpy as np
import pytest
import torch

import popnet as pn


def drawn(**network):
    settings = {"units": 16, "gain": 0.6, **network}
    return pn.draw("random_dots", rule="bptt", networks=2, network=settings, seed=3)


def test_one_list_for_each_network_with_each_rest_input():
    nets = drawn()
    found = pn.fixed_points(nets, starts=6)
    assert len(found) == 2 and [len(levels) for levels in found] == [11, 11]
    levels = [float(at.input_I[0]) for at in found[0]]
    np.testing.assert_allclose(levels, np.linspace(-0.1857, 0.1857, 11), atol=1e-12)
    for at in (at for levels in found for at in levels):
        assert at.x_FN.shape == (1, 16) and at.signature == (1,)
        assert at.kind_F.tolist() == ["root"] and at.unique_F.tolist() == [6]


def test_the_point_is_where_the_network_goes():
    """Run for 40 time constants at a constant input, it ends there."""
    nets = drawn(tau_s={"mean": 0.03})
    (at,), _ = pn.fixed_points(nets, inputs=[[0.4]], starts=6)
    p = nets.params
    x = np.zeros(16)
    w_NN, win_NI, bias_N = (
        t[0].double().numpy() for t in (p.w_PNN, p.win_PNI, p.bias_PN)
    )
    phi = {"tanh": np.tanh, "one_plus_tanh": lambda x: 1 + np.tanh(x)}[
        nets.members[0].config.network.nonlinearity
    ]
    slope_N, threshold_N = (t[0].double().numpy() for t in (p.slope_PN, p.threshold_PN))
    for _ in range(600):
        rate_N = phi(slope_N * (x - threshold_N))
        x += 0.1 * (-x + w_NN @ rate_N + 0.4 * win_NI[:, 0] + bias_N)
    np.testing.assert_allclose(at.x_FN[0], x, atol=1e-8)


def test_networks_changed_by_hand_are_those_that_are_looked_at():
    nets = drawn()
    bistable = torch.ones(2, 16, 16) * 2.0 / 16
    nets = nets._replace(params=nets.params._replace(w_PNN=bistable))
    params = nets.params
    if nets.members[0].config.network.nonlinearity == "tanh":
        found = pn.fixed_points(nets, inputs=[[0.0]], starts=40)
        assert found[0][0].signature == (2, 1)
    assert params.w_PNN is nets.params.w_PNN


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ("zero", "'zero'"), ([[1.0, 2.0]], "shape (1, 2)"), ([0.0], "shape (1,)"),
        ([[float("nan")]], "shape (1, 1)"), (np.empty((0, 1)), "shape (0, 1)"),
    ],
)  # fmt: skip
def test_inputs_that_do_not_fit_are_refused_in_a_line(inputs, said):
    with pytest.raises(pn.ConfigError) as refused:
        pn.fixed_points(drawn(), inputs=inputs)
    text = str(refused.value)
    assert said in text and "[L, 1]" in text and "\n" not in text
