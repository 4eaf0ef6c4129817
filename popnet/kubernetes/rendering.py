"""Renders a validated sweep as Kubernetes objects: a ConfigMap and a RayJob."""

from __future__ import annotations

import math
import re
import shlex
from typing import Any

import yaml

from popnet.config import ConfigError, LoadedSweep, Source, dump, whereabouts
from popnet.config.network_config import NetworkConfig
from popnet.kubernetes import pods
from popnet.kubernetes.job import Job
from popnet.kubernetes.names import object_name
from popnet.kubernetes.pods import Object
from popnet.kubernetes.validation import problems
from popnet.plan import shard_bytes

LARGEST = 1_000_000
"""Largest sweep file, in bytes: a ConfigMap may have 1 MiB."""
PROCESS_GIB = 1.0
"""Memory of a process that trains or tests, one per CPU, with its share of Ray's own
processes; measured 0.3 to 0.6 GiB."""
CUDA_GIB = 3.0
"""Further host memory of CUDA's libraries per GPU, an allowance."""
SHARED_GIB = 0.5
"""Memory that processes share; it counts as the pod's.  See ``pods``."""
SHARDS_PER_WORKER = 4
"""Shards of a pack per worker on CPUs; see ``plan.shards``."""


def render(plan: LoadedSweep, source: Source, job: Job) -> list[Object]:
    """Return the ConfigMap and the RayJob that launch the sweep.

    Raises ConfigError when the sweep is too large or reads another file, or when the
    operator would refuse the job.
    """
    _check_self_contained(plan, source)
    text = dump(plan, source)
    if len(text.encode()) > LARGEST:
        raise ConfigError(
            f"{source.file}: {len(text.encode()):,} bytes with its defaults filled in; "
            f"Kubernetes passes on at most {LARGEST:,}. Split the sweep."
        )
    name = object_name(plan.sweep.name, text + job.model_dump_json())
    about = {
        "name": name,
        "namespace": job.namespace,
        "labels": {"app.kubernetes.io/name": "popnet"},
        "annotations": {"popnet/sweep": plan.sweep.name},
    }
    config = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": about,
        "data": {"sweep.yaml": text},
    }
    documents = [config, _ray_job(plan, job, name, about)]
    if wrong := [text for one in documents for text in problems(one)]:
        raise ConfigError(" ".join(wrong))
    return documents


def _ray_job(plan: LoadedSweep, job: Job, name: str, about: Object) -> Object:
    cluster: Object = {
        "rayVersion": job.ray_version,
        # the operator makes the token, a Secret given to every pod of the cluster
        "authOptions": {"mode": "token"},
        "enableInTreeAutoscaling": job.least is not None,
        "headGroupSpec": pods.head(job, name),
        "workerGroupSpecs": [pods.workers(job, name, memory_gib(plan, job))],
    }
    if job.least is not None:
        cluster["autoscalerOptions"] = pods.autoscaler()
    spec: Object = {
        "entrypoint": entrypoint(job),
        "submissionMode": "K8sJobMode",
        "submitterPodTemplate": pods.submitter(job),
        # each retry is a new cluster, which continues from the records on the volume
        "backoffLimit": job.retries,
        "shutdownAfterJobFinishes": True,
        "ttlSecondsAfterFinished": job.keep_s,
        "suspend": job.queue is not None,
        "rayClusterSpec": cluster,
    }
    if job.queue is not None:
        labels = {**about["labels"], "kueue.x-k8s.io/queue-name": job.queue}
        about = {**about, "labels": labels}
    return {
        "apiVersion": "ray.io/v1",
        "kind": "RayJob",
        "metadata": about,
        "spec": spec,
    }


def entrypoint(job: Job) -> str:
    """Return the start-up line: one command with every word quoted for a shell."""
    words = ["popnet", "k8s", "start", pods.SWEEP_FILE]
    words += ["--nodes", str(job.workers), "--node-cpus", str(job.cpus)]
    words += ["--node-gpus", str(job.gpus)]
    words += ["--address", "auto", "--out", pods.RUNS]
    if job.storage is not None:
        words += ["--storage", job.storage]
    if job.tracking_uri is not None:
        words += ["--tracking-uri", job.tracking_uri]
    return shlex.join(words)


def memory_gib(plan: LoadedSweep, job: Job) -> int:
    """Return a worker's memory: as asked for, or as its processes and shards need."""
    if job.memory is not None:
        return job.memory
    actors = job.gpus or job.cpus
    networks = plan.sweep.networks * len(plan.conditions)
    turns = 1 if job.gpus else SHARDS_PER_WORKER
    share = max(1, math.ceil(networks / (job.workers * actors * turns)))
    share = min(share, plan.sweep.machine.shard or share)
    largest = max(shard_bytes(c.config, share, "cpu") for c in plan.conditions)
    # plan.shard_capacity leaves a quarter of the memory free
    shards = actors * largest / 2**30 / 0.75
    processes = PROCESS_GIB * job.cpus + CUDA_GIB * job.gpus
    return math.ceil(SHARED_GIB + processes + shards)


def _check_self_contained(plan: LoadedSweep, source: Source) -> None:
    """Raise ConfigError when a sweep reads another file of this machine."""
    for condition in plan.conditions:
        _check_files(condition.config, source)
    for task in plan.sweep.after.other_tasks:
        for field in whereabouts(task):
            if getattr(task, field) is not None:
                raise _local_file(source, "after.other_tasks", getattr(task, field))


def _check_files(config: NetworkConfig, source: Source) -> None:
    for section in ("task", "rule"):
        settings = getattr(config, section)
        for field in whereabouts(settings):
            if getattr(settings, field) is not None:
                place = f"{section}.{field}"
                raise _local_file(source, place, getattr(settings, field))


def _local_file(source: Source, place: str, path: str) -> ConfigError:
    return ConfigError(
        f"{source.file}: {place}: the file {path} is on this machine and does not "
        "travel with the job; only sweeps that read no other file can be rendered."
    )


class _Writer(yaml.SafeDumper):
    """Writes YAML without ambiguity: text that could be another type is quoted."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        """Return True, so that a value that occurs twice is written twice."""
        return True


_WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}


def _text(writer: yaml.SafeDumper, value: str) -> yaml.Node:
    style = None
    if "\n" in value:
        style = "|"
    elif not re.fullmatch(r"[A-Za-z/][A-Za-z0-9_./-]*", value) or (
        value.lower() in _WORDS
    ):
        style = '"'
    return writer.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Writer.add_representer(str, _text)


def as_yaml(documents: list[Object]) -> str:
    """Return the objects as YAML documents, one after the other."""
    return "".join(
        "---\n" + yaml.dump(one, Dumper=_Writer, sort_keys=False, width=10_000)
        for one in documents
    )
