"""One actor or two, one network at a time or many: the same bits."""

import numpy as np
import pytest

from popnet import open_run

pytestmark = pytest.mark.slow

RULES = [{"name": "reward_hebbian"}, {"name": "bptt"}, {"name": "force"}]


def test_the_number_of_actors_changes_no_bit(popnet):
    trained = []
    for name, machine in (
        ("alone", {"workers": 1, "shard": 1}),
        ("shared", {"workers": 2, "shard": 4}),
    ):
        popnet.folder = popnet.folder / name  # a store of its own
        popnet.folder.mkdir()
        popnet.out = popnet.folder / "runs"
        popnet.launch(
            name=name, networks=4, machine=machine, grid={"rule": RULES},
            train={"trials": 160, "until": None}, after={"trials": 1},
        )  # fmt: skip
        run = open_run(popnet.out / name)
        trained.append({key: run.network(key).final for key in run.table()["key"]})
    one, two = trained
    assert set(one) == set(two) and len(one) == 12
    for key, tensors in one.items():
        for leaf, array in tensors.items():
            np.testing.assert_array_equal(array, two[key][leaf], err_msg=leaf)
