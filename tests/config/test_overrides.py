"""--set path=value: sets anything in the file, and says so when it is wrong."""

from collections.abc import Callable
from pathlib import Path

import pytest

from popnet.catalogue import load_sweep
from popnet.config import ConfigError, LoadedSweep, Source, with_overrides

Planner = Callable[..., LoadedSweep]
AFTER = """\
after:
  perturb: [synaptic_jitter, {name: time_constants, levels: [0, 0.1]}]
"""


def test_overrides_reach_every_section(plan: Planner) -> None:
    sweep = plan(
        "",
        "name=renamed",
        "seed=11",
        "networks=5",
        "network.tau_s.spread=0.4",
        "network.tau_s.law=lognormal",
        "task=dms",
        "task.delay_s=0.4",
        "rule.exploration.amplitude=1e1",
        "train.until.window=50",
        "train.until.accuracy=0.9",
        "after.trials=3",
        "machine.device=cpu",
    ).sweep
    assert (sweep.name, sweep.seed, sweep.networks) == ("renamed", 11, 5)
    assert (sweep.network.tau_s.law, sweep.network.tau_s.spread) == ("lognormal", 0.4)
    assert (sweep.task.name, sweep.task.epochs_s["delay"]) == ("dms", 0.4)
    assert sweep.rule.impulses.amplitude == 10.0
    assert sweep.train.until is not None
    assert (sweep.train.until.window, sweep.train.until.accuracy) == (50, 0.9)
    assert (sweep.after.trials, sweep.machine.device) == (3, "cpu")


def test_a_later_override_wins(plan: Planner) -> None:
    assert plan("", "networks=5", "networks=6").sweep.networks == 6


def test_overrides_of_the_grid(plan: Planner) -> None:
    grid = "grid:\n  network.gain: [1.2, 1.5]\n"
    got = plan(grid, "grid.network.gain=[1.8]", "grid.train.trials=[1, 2]")
    points = [(c.config.network.gain, c.config.train.trials) for c in got.conditions]
    assert points == [(1.8, 1), (1.8, 2)]
    fresh = plan("", "grid.network.gain=[1.8, 1.9]")
    assert [c.config.network.gain for c in fresh.conditions] == [1.8, 1.9]


def test_overrides_inside_lists(plan: Planner) -> None:
    after = plan(
        AFTER, "after.perturb.0.mode=absolute", "after.perturb.1.levels=[0, 0.3]"
    ).sweep.after
    assert after.perturb[0].mode == "absolute"  # type: ignore[attr-defined]
    assert after.perturb[1].levels == (0.0, 0.3)


def test_the_file_itself_is_left_as_it_is(source: Callable[..., Source]) -> None:
    read = source("grid:\n  network.gain: [1.2]\n")
    with_overrides(read, ["network.units=30", "grid.network.gain=[1.5]"])
    assert read.raw["network"] == {"units": 20}
    assert read.raw["grid"] == {"network.gain": [1.2]}


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("network.gain=-1", "network.gain: got -1; expected a number, at least 0 "
         "(g: J ~ law with sd g/sqrt(N))."),
        ("network.gian=1", "network.gian: unknown key. Did you mean 'gain'?"),
        ("nework.gain=1", "nework: unknown key. Did you mean 'network' or 'networks'?"),
        ("task=dmsn", "task.name: unknown task 'dmsn'. Did you mean 'dms'"),
        ("seed.x=1", "seed.x: seed is 7, which has no settings inside."),
        ("after.perturb.2.levels=[0]",
         "after.perturb.2.levels: after.perturb is a list of 2; give an index from 0."),
        ("grid.network.gain=3",
         "grid.network.gain: got 3; expected a list of values."),
        ("grid.network.gain=[]",
         "grid.network.gain: the list is empty; give at least one value."),
        ("grid.network.gain=[1, -1]",
         "grid.network.gain: got -1; expected a number, at least 0"),
        ("network.units=5", "network.clamped: unit 10 does not exist in a network of 5 "
         "units (0 to 4) (network.clamped is a default of rule reward_hebbian; the "
         "file may set another)."),
    ],
)  # fmt: skip
def test_a_wrong_override_is_named_with_the_file(
    base: str, tmp_path: Path, option: str, message: str
) -> None:
    path = tmp_path / "sweep.yaml"
    path.write_text(base + AFTER)
    with pytest.raises(ConfigError) as caught:
        load_sweep(path, [option])
    assert str(caught.value).startswith(f"{path}, --set {option}: {message}")


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("network.gain", "--set network.gain: expected path=value."),
        ("=3", "--set =3: expected path=value."),
        ("network.gain=[1", "--set network.gain=[1, line 1, column 10: not valid YAML"),
        ("seed=1\nname: x", "--set seed=1 name: x: expected one value."),
    ],
)
def test_an_override_that_cannot_be_read_is_named(
    base: str, tmp_path: Path, option: str, message: str
) -> None:
    path = tmp_path / "sweep.yaml"
    path.write_text(base)
    with pytest.raises(ConfigError) as caught:
        load_sweep(path, [option])
    assert str(caught.value).startswith(message)


def test_a_wrong_line_of_the_file_keeps_its_number(base: str, tmp_path: Path) -> None:
    path = tmp_path / "sweep.yaml"
    path.write_text(base.replace("units: 20", "units: 20, gain: -1"))
    with pytest.raises(ConfigError) as caught:
        load_sweep(path, ["network.density=0.5"])
    assert str(caught.value).startswith(f"{path}, line 4: network.gain: got -1;")
