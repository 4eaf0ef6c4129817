"""What a worker is sent stays sealed until it is known to have the packages."""

import os
import pickle
import subprocess
import sys
from contextlib import nullcontext

import pytest
import yaml
from ray.exceptions import RayTaskError

from popnet.catalogue import CATALOGUE
from popnet.config import ConfigError, Machine, load, read_text
from popnet.plan import networks, packs, shards
from popnet.sweep import cluster, ray_tasks
from popnet.sweep.diagnosis import installed
from popnet.sweep.interruption import Interruption
from popnet.sweep.same_code import other_code
from popnet.sweep.sealed import (
    MissingPackage,
    need,
    opened_networks,
    sealed,
    sealed_pack,
)
from popnet.sweep.shard_actors import ActorSettings, ShardActor, cause
from popnet.sweep.stages import joined

REFLEX = "popnet-reflex 1.0"
SWEEP = {
    "name": "workers", "seed": 3, "networks": 4, "network": {"units": 12, "dt_s": 0.01},
    "task": "antisaccade", "rule": "delta", "train": {"trials": 8, "until": None},
    "grid": {"rule.learning_rate": [0.1, 0.2]},
}  # fmt: skip


@pytest.fixture
def pack(reflex):
    assert reflex.is_dir()
    (one,) = packs(networks(load(read_text(yaml.safe_dump(SWEEP)), CATALOGUE)))
    return one


def in_another_environment(code, given):
    """Run code in a process that lacks popnet-reflex; ``given`` is on its stdin."""
    own = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    code = f"import pickle, sys\ngiven = sys.stdin.buffer.read()\n{code}"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, input=given, capture_output=True, env=own)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def test_networks_come_out_as_they_went_in(pack):
    on_the_way = pickle.loads(pickle.dumps(sealed_pack(pack)))
    back = opened_networks(on_the_way.networks)
    assert on_the_way.name == pack.name and back == pack.networks
    # networks of a condition share their configuration, as they did before
    assert len({id(n.config) for n in back}) == 2
    grown = sealed_pack(pack._replace(networks=pack.networks * 50))
    assert len(pickle.dumps(grown)) < 2 * len(pickle.dumps(sealed_pack(pack))) + 60_000


def test_a_pack_is_handed_out_by_a_process_that_lacks_the_package(pack):
    parts = shards(sealed_pack(pack), 2, 2, 1)
    assert [len(part) for part in parts] == [2, 2, 2, 2]
    code, told, _ = in_another_environment(
        "print(*(n.key for n in pickle.loads(given).networks))",
        pickle.dumps(sealed_pack(pack)),
    )
    assert code == 0 and told.split() == [n.key for n in pack.networks]


def test_what_is_sealed_is_not_looked_at_without_the_package(pack):
    given = pickle.dumps(sealed(pack, (REFLEX,)))
    code, _, told = in_another_environment("pickle.loads(given).opened()", given)
    assert code == 1 and "No module named" not in told
    last = told.strip().splitlines()[-1]
    assert "MissingPackage: machine " in last
    assert last.endswith(f" lacks the package {REFLEX}")
    assert sealed(pack, (REFLEX,)).opened() == pack
    # the module alone, without its name and version, would not do
    code, _, told = in_another_environment("pickle.loads(given)", pickle.dumps(pack))
    assert code == 1 and "No module named 'popnet_reflex'" in told


@pytest.mark.usefixtures("reflex")
def test_another_version_is_told():
    with pytest.raises(MissingPackage, match=r"has the package popnet-reflex 1.0, not"):
        need(("popnet-reflex 1.1",))
    need((REFLEX,))


def test_an_actor_refuses_a_machine_that_lacks_the_package(tmp_path):
    settings = ActorSettings(str(tmp_path), "cpu", 60.0, "", ("not-there 3.0",))
    with pytest.raises(MissingPackage) as error:
        ShardActor(settings)
    text = str(error.value)
    assert text.startswith("machine ") and text.endswith(
        "lacks the package not-there 3.0"
    )
    # as Ray passes it on: the last line, without the module's name
    raised = f"ray::ShardActor\n  lines\npopnet.sweep.sealed.MissingPackage: {text}"
    assert cause(RuntimeError(raised)) == text


def test_an_actor_trains_what_it_opens(pack, tmp_path):
    settings = ActorSettings(str(tmp_path), "cpu", 60.0, "", (REFLEX,))
    report = ShardActor(settings).begin(60.0, sealed_pack(pack).networks)
    assert report.done and report.finished == {"trained": 8}
    assert set(report.recorded) == {n.key for n in pack.networks}


class _Ray:
    """A cluster of two machines, the second of which lacks everything."""

    def __init__(self):
        self.asked = []

    def nodes(self):
        return [
            {"Alive": True, "NodeManagerAddress": "one"},
            {"Alive": True, "NodeManagerAddress": "two"},
            {"Alive": False, "NodeManagerAddress": "gone"},
        ]

    def remote(self, num_cpus, resources):
        assert num_cpus == 0  # it is asked also where all CPUs are taken
        (node,) = resources
        self.asked.append(node)
        return lambda function: self._Asked(node, function)

    class _Asked:
        def __init__(self, node, function):
            self.node, self.function = node, function

        def remote(self, packages):
            if self.function is other_code:
                return None
            lacks = self.node == "node:two"
            return [f"lacks the package {p}" for p in packages if lacks]

    def get(self, answer, **_):
        return answer

    def cluster_resources(self):
        return {"CPU": 2.0}


def test_every_node_is_asked():
    ray = _Ray()
    assert list(installed(ray, ())) == [] and ray.asked == []
    assert list(installed(ray, (REFLEX,))) == [
        ("packages", True, f"node one has {REFLEX}"),
        ("packages", False, f"node two lacks the package {REFLEX}"),
    ]
    assert ray.asked == ["node:one", "node:two"]


def test_a_launch_is_refused_before_it_trains(monkeypatch):

    monkeypatch.setattr(cluster, "ray_running", lambda *_: nullcontext(_Ray()))
    given = (None, Machine(workers=1), (), Interruption(), lambda _: None)
    with pytest.raises(ConfigError) as error, joined(*given, (REFLEX,)):
        pass
    text = str(error.value)
    assert text.startswith(f"node two lacks the package {REFLEX}. ")
    assert "pip install popnet-reflex==1.0" in text and "\n" not in text
    with joined(*given, ()):
        pass


class _Machines:
    """Ray's tasks on machines of which the first lacks the package."""

    def __init__(self):
        self.strategies = []

    def options(self, num_cpus, scheduling_strategy):
        assert num_cpus == 1
        self.strategies.append(scheduling_strategy)
        return self

    def remote(self, _, arguments):
        assert arguments.packages == ()  # the run's own sweep names none
        if len(self.strategies) > 1:
            return pickle.loads(arguments.pickled)
        lacks = MissingPackage("machine one lacks the package not-there 3.0")
        return RayTaskError("test", str(lacks), lacks).as_instanceof_cause()

    def wait(self, futures, **_):
        return futures[:1], futures[1:]

    def get(self, future):
        if isinstance(future, Exception):
            raise future
        return future


def test_what_a_machine_refuses_goes_to_another(tiny_run, monkeypatch):
    machines = _Machines()
    monkeypatch.setattr(ray_tasks, "ray", machines)
    monkeypatch.setattr(ray_tasks, "WAIT_S", 0.01)
    monkeypatch.setattr(ray_tasks.time, "sleep", lambda _: None)
    tasks = ray_tasks.FollowUpTasks(tiny_run, cpus=1, at_once=1)
    tasks._submit(machines, ("networks",))
    tasks.wait(lambda *_: None)
    assert machines.strategies == ["DEFAULT", "SPREAD"]
    assert list(tasks.notes) == ["machine one lacks the package not-there 3.0"]
