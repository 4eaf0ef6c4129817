"""Workers run the code of the launch, or say in a line that they do not."""

import filecmp
import os
import sys
from pathlib import Path

import pytest

from popnet.config import ConfigError
from popnet.sweep import diagnosis, same_code, stages
from popnet.sweep.same_code import (
    Code,
    OtherCode,
    code_here,
    difference,
    job_config,
    need_same,
    other_code,
    path_to_this_popnet,
)
from popnet.sweep.sealed import sealed
from popnet.sweep.shard_actors import ActorSettings, ShardActor, cause

HERE = code_here()
EDITED = HERE._replace(sources="0")
OLDER = HERE._replace(versions=(*HERE.versions[:-1], "pyarrow 1.0"))


def test_the_code_is_every_source_file_and_the_versions(monkeypatch, tmp_path):
    folder = tmp_path / "popnet"
    (folder / "work").mkdir(parents=True)
    (folder / "cli").mkdir()
    monkeypatch.setattr(same_code, "FOLDER", folder)

    def code(name, text):
        (folder / name).write_text(text)
        code_here.cache_clear()
        return code_here()

    first = code("__init__.py", "")
    monkeypatch.undo()
    code_here.cache_clear()
    assert code_here() == HERE and first.versions == HERE.versions
    monkeypatch.setattr(same_code, "FOLDER", folder)
    second = code("work/shard.py", "")
    third = code("work/shard.py", "1")
    assert len({first, second, third}) == 3
    assert code("cli/main.py", "commands run in no worker") == third
    monkeypatch.undo()
    code_here.cache_clear()


def test_other_code_is_told_in_a_line():
    need_same(HERE)
    assert other_code(HERE) is None
    with pytest.raises(OtherCode, match=r"^machine \S+ has another popnet in .*$"):
        need_same(EDITED)
    found = next(v for v in HERE.versions if v.startswith("pyarrow"))
    assert difference(OLDER, HERE) == f"has {found}, the launch pyarrow 1.0"
    raised = "ray::ShardActor\n  lines\npopnet.sweep.same_code.OtherCode: machine a has"
    assert cause(RuntimeError(raised)) == "machine a has"


def test_nothing_is_opened_and_no_actor_begins_on_other_code(tmp_path):
    parcel = sealed({"a": 1}, ())
    assert parcel.opened() == {"a": 1}
    with pytest.raises(OtherCode):
        parcel._replace(code=EDITED).opened()
    settings = ActorSettings(str(tmp_path), "cpu", 60.0, code=EDITED)
    with pytest.raises(OtherCode):
        ShardActor(settings)


def test_a_machine_with_other_code_is_refused_before_anything_is_done(monkeypatch):
    class Ray:
        exceptions = pytest.importorskip("ray").exceptions

        @staticmethod
        def nodes():
            return [
                {"Alive": True, "NodeManagerAddress": "10.0.0.1"},
                {"Alive": True, "NodeManagerAddress": "10.0.0.2"},
                {"Alive": False, "NodeManagerAddress": "10.0.0.3"},
            ]

        @staticmethod
        def remote(**options):
            (at,) = options["resources"]

            class Task:
                def __init__(self, function):
                    self.function = function

                def remote(self, launched):
                    return at, self.function(launched)

            return Task

        @staticmethod
        def get(answer, **_):
            at, other = answer
            if at.endswith("2"):
                raise failure
            return other

    failure = Ray.exceptions.GetTimeoutError("lost")
    stages._check_code(Ray)
    assert [text for _, _, text in diagnosis.same_code(Ray)] == [
        "node 10.0.0.1 runs this popnet"
    ]
    failure = Ray.exceptions.RayError("ray::x\nModuleNotFoundError: No module named")
    with pytest.raises(ConfigError, match=r"node 10\.0\.0\.2 cannot run this popnet: "):
        stages._check_code(Ray)
    monkeypatch.setattr(diagnosis, "code_here", lambda: EDITED)
    with pytest.raises(ConfigError, match=r"node 10\.0\.0\.1 has another popnet"):
        stages._check_code(Ray)


def test_the_job_gives_workers_no_folder_of_the_driver():
    from ray.core.generated.common_pb2 import JobConfig

    given = job_config()
    given._py_driver_sys_path.extend(["/here", "/there"])
    assert not JobConfig.FromString(given._serialize()).py_driver_sys_path


def test_processes_are_led_to_this_popnet_and_to_nothing_beside(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", f":.:{tmp_path}:/elsewhere")
    leading, *others = path_to_this_popnet()["PYTHONPATH"].split(os.pathsep)
    assert others == ["/elsewhere"]
    assert os.listdir(leading) == ["popnet"]
    copy, own = Path(leading, "popnet/work"), same_code.FOLDER / "work"
    assert filecmp.dircmp(copy, own).diff_files == []
    copied = (copy / "shard.py").stat().st_mtime_ns
    assert copied == (own / "shard.py").stat().st_mtime_ns
    monkeypatch.delenv("PYTHONPATH")
    assert path_to_this_popnet() == {"PYTHONPATH": leading}
    assert isinstance(HERE, Code) and same_code.__name__ in sys.modules
