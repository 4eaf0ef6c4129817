"""What `popnet doctor` and a launch on a cluster ask of every machine's disk."""

import errno
import os
from contextlib import nullcontext
from pathlib import Path

import pytest

from popnet.config import ConfigError, Machine
from popnet.store.local_disk import LocalDisk
from popnet.sweep import cluster, diagnosis, watchdog
from popnet.sweep.interruption import Interruption
from popnet.sweep.stages import joined


class Cluster:
    """Of one machine that runs what it is asked at once."""

    def nodes(self):
        return [{"Alive": True, "NodeManagerAddress": "10.0.0.7"}]

    def remote(self, **_):
        return lambda probe: type("Task", (), {"remote": staticmethod(probe)})

    def cluster_resources(self):
        return {"CPU": 2.0}

    def get(self, answer, timeout):  # noqa: ARG002
        return answer

    def get_runtime_context(self):
        return type("Context", (), {"gcs_address": "10.0.0.7:6379"})


@pytest.fixture
def harmed(monkeypatch):
    """Lets every write but the first, which is the head's, end with an error."""

    def harm(number, first=False):
        write, calls = Path.write_text, []

        def written(self, text):
            calls.append(self)
            if len(calls) > 1 or first:
                write(self, "")
                raise OSError(number, os.strerror(number))
            return write(self, text)

        monkeypatch.setattr(Path, "write_text", written)

    return harm


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_seen_and_said(tmp_path, harmed, code):
    harmed(code)
    ((what, fit, said),) = diagnosis.shared(Cluster(), LocalDisk(tmp_path / "runs"))
    assert what == "storage" and fit is None and "it is full" in said
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_cannot_be_written_is_not_fit(tmp_path, harmed):
    harmed(errno.EROFS)
    ((_, fit, said),) = diagnosis.shared(Cluster(), LocalDisk(tmp_path))
    assert fit is False and "10.0.0.7 CANNOT write it: Read-only" in said
    assert list(tmp_path.iterdir()) == []


def test_a_head_whose_disk_is_full_leaves_nothing(tmp_path, harmed):
    harmed(errno.ENOSPC, first=True)
    with pytest.raises(OSError, match="No space left"):
        list(diagnosis.shared(Cluster(), LocalDisk(tmp_path)))
    assert list(tmp_path.iterdir()) == []


def test_the_doctor_does_not_blame_ray_for_a_full_disk(tmp_path, harmed, monkeypatch):
    harmed(errno.ENOSPC, first=True)
    monkeypatch.setattr(cluster, "ray_running", lambda *_: nullcontext(Cluster()))
    ray, code, storage = diagnosis._ray(LocalDisk(tmp_path), "head:1")
    assert ray[:2] == ("ray", True) and code[:2] == ("code", True)
    assert storage[:2] == ("storage", False) and "No space left" in storage[2]


@pytest.mark.parametrize(("code", "joins"), [(errno.ENOSPC, True), (errno.EIO, False)])
def test_a_launch_is_refused_for_a_blind_machine_alone(
    tmp_path, harmed, monkeypatch, code, joins
):
    harmed(code)
    monkeypatch.setattr(cluster, "ray_running", lambda *_: nullcontext(Cluster()))
    monkeypatch.setattr(watchdog, "watched", lambda *_: nullcontext())
    within = joined(
        "head:1", Machine(), [LocalDisk(tmp_path)], Interruption(), lambda _: None
    )
    told = nullcontext() if joins else pytest.raises(ConfigError, match="Give an --out")
    with told, within as resources:
        assert resources.cpus == 2
