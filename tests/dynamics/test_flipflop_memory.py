"""A trained 3-bit flip-flop holds its eight memories in eight stable fixed points."""

import numpy as np
import pytest

import popnet as pn

TASK = {"name": "flipflop", "bits": 3, "pulse_s": 0.01, "trial_s": 0.5}
NETWORK = {
    "units": 64,
    "gain": 1.0,
    "nonlinearity": "tanh",
    "dt_s": 0.01,
    "tau_s": 0.01,
    "readout": {"kind": "linear"},
}
TRAIN = {
    "trials": 500_000,
    "until": {"error": 0.001, "window": 640, "in_a_row": 2},
}


@pytest.mark.slow
def test_eight_stable_points_each_at_one_corner_of_the_cube():
    """Sussillo & Barak, Neural Comput 2013;25:626, fig. 3: 2^3 memories, and saddles
    between neighbours.  Here the outputs at the stable points are the eight corners.
    A cube has 8 corners, 12 edges, 6 faces and a middle, 27 points: 100 starts may miss
    one of them, so that there are 400.
    """
    rule = {"name": "bptt", "learning_rate": 2e-3, "batch_trials": 64}
    nets = pn.draw(TASK, rule=rule, networks=3, network=NETWORK, seed=3, train=TRAIN)
    nets = pn.train(nets, progress=False)
    assert nets.status_P == ["converged"] * 3
    found = pn.fixed_points(nets, starts=400)
    wout_PON = nets.params.wout_PON.double().numpy()
    for (at_rest,), wout_ON in zip(found, wout_PON, strict=True):
        assert at_rest.stable_F.sum() == 8
        output_FO = np.tanh(at_rest.x_FN[at_rest.stable_F]) @ wout_ON.T
        np.testing.assert_allclose(np.abs(output_FO), 1, atol=0.15)
        assert len({tuple(bits) for bits in np.sign(output_FO).astype(int)}) == 8
        # one saddle or nearly so on each of the twelve edges
        assert 8 <= (at_rest.index_F == 1).sum() <= 16
