"""Two actors with many networks each, or one network in this process: the same bits."""

import pytest

from popnet import open_run
from popnet.catalogue import load_sweep
from popnet.plan import networks
from popnet.store.parameters import tensors_of
from popnet.work.serial import train

pytestmark = pytest.mark.slow

RULES = [{"name": "reward_hebbian"}, {"name": "bptt"}, {"name": "force"}]


def test_the_number_of_actors_changes_no_bit(popnet):
    popnet.launch(
        name="shared", networks=4, machine={"workers": 2, "shard": 4},
        grid={"rule": RULES}, train={"trials": 160, "until": None}, after={"trials": 1},
    )  # fmt: skip
    run = open_run(popnet.out / "shared")
    plan, _ = load_sweep(popnet.folder / "shared.yaml")
    planned = networks(plan)
    assert {n.key for n in planned} == set(run.table()["key"]) and len(planned) == 12
    for network in planned:
        alone = tensors_of(train([network])[network.key].final)
        shared = run.network(network.key).final
        assert alone.keys() == shared.keys()
        for leaf, array in alone.items():
            assert array.tobytes() == shared[leaf].tobytes(), leaf
