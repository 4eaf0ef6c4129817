"""Checks for what the KubeRay operator and Kueue refuse although the schema allows it.

The operator reports such errors only in the status of a job that was accepted; these
checks report them before.  The rules are those of KubeRay 1.7's validation and of
Kueue's documentation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from popnet.kubernetes.names import LONGEST

LONGEST_CLUSTER = 53
QUEUE = "kueue.x-k8s.io/queue-name"
MODES = ("K8sJobMode", "HTTPMode", "SidecarMode", "InteractiveMode")
"""Modes that the operator accepts; the schema accepts any text."""
TOKEN_SINCE = (2, 52)
"""The first version of Ray with token authentication."""

Object = dict[str, Any]


def problems(document: Object) -> list[str]:
    """Return the problems of a RayJob or RayCluster; other kinds are not checked."""
    kind = document.get("kind")
    if kind not in ("RayJob", "RayCluster"):
        return []
    longest = LONGEST if kind == "RayJob" else LONGEST_CLUSTER
    found = list(_name(document["metadata"]["name"], longest))
    if kind == "RayJob":
        found += [*_job(document), *_queue(document)]
        cluster = document["spec"].get("rayClusterSpec")
    else:
        cluster = document["spec"]
    if cluster is not None:
        found += [*_groups(cluster), *_scaling(cluster), *_access(cluster)]
    return [f"{kind} {document['metadata']['name']}: {text}." for text in found]


def _name(name: str, longest: int) -> Iterator[str]:
    if len(name) > longest:
        yield f"its name has {len(name)} characters, at most {longest} are allowed"
    if not re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", name):
        yield "its name must be of a-z, 0-9 and -, beginning with a letter"


def _job(document: Object) -> Iterator[str]:
    spec = document["spec"]
    shut_down = spec.get("shutdownAfterJobFinishes", False)
    selector = spec.get("clusterSelector")
    mode = spec.get("submissionMode", "K8sJobMode")
    retries = spec.get("backoffLimit", 0)
    ttl = spec.get("ttlSecondsAfterFinished", 0)
    if mode not in MODES:
        yield f"submissionMode {mode}: it must be one of {', '.join(MODES)}"
    if spec.get("suspend") and not shut_down:
        yield "suspend needs shutdownAfterJobFinishes: true"
    if spec.get("suspend") and selector:
        yield "suspend cannot be used with clusterSelector"
    if not selector and "rayClusterSpec" not in spec:
        yield "rayClusterSpec or clusterSelector must be given"
    if selector and not selector.get("ray.io/cluster"):
        yield "clusterSelector must name a ray.io/cluster"
    if ttl < 0:
        yield "ttlSecondsAfterFinished cannot be negative"
    if ttl > 0 and not shut_down:
        yield "ttlSecondsAfterFinished needs shutdownAfterJobFinishes: true"
    if retries < 0:
        yield "backoffLimit cannot be negative"
    if retries > 0 and (selector or mode == "InteractiveMode"):
        yield "backoffLimit cannot be used with clusterSelector or InteractiveMode"
    for key in ("activeDeadlineSeconds", "preRunningDeadlineSeconds"):
        if spec.get(key, 1) <= 0:
            yield f"{key} must be positive"
    if mode == "SidecarMode":
        for key in ("submitterPodTemplate", "submitterConfig", "clusterSelector"):
            if spec.get(key):
                yield f"{key} cannot be used with SidecarMode"
    yield from _deletion(spec, shut_down)


def _deletion(spec: Object, shut_down: bool) -> Iterator[str]:
    strategy = spec.get("deletionStrategy")
    if strategy is None:
        return
    rules = strategy.get("deletionRules")
    both = "onSuccess" in strategy and "onFailure" in strategy
    if rules and shut_down:
        yield "deletionRules exclude shutdownAfterJobFinishes and its time to live"
    if not rules and not both:
        yield "deletionStrategy needs deletionRules, or onSuccess and onFailure"


def _queue(document: Object) -> Iterator[str]:
    spec = document["spec"]
    if QUEUE not in document["metadata"].get("labels", {}):
        return
    cluster = spec.get("rayClusterSpec", {})
    if not spec.get("suspend"):
        yield "a queued job begins suspended: suspend: true"
    if cluster.get("enableInTreeAutoscaling"):
        yield "Kueue admits no autoscaling cluster: enableInTreeAutoscaling: false"
    if not spec.get("shutdownAfterJobFinishes"):
        yield "a queued job must give its place back: shutdownAfterJobFinishes: true"


def _groups(cluster: Object) -> Iterator[str]:
    scaling = cluster.get("enableInTreeAutoscaling", False)
    head = cluster["headGroupSpec"]
    for name, group in (
        ("head", head),
        *((g["groupName"], g) for g in cluster.get("workerGroupSpecs", [])),
    ):
        start = group.get("rayStartParams", {})
        if not group["template"]["spec"].get("containers"):
            yield f"group {name} has no container"
        if "labels" in start:
            yield f"group {name}: labels stand beside rayStartParams, not in it"
        if group.get("resources") and any(
            start.get(key) for key in ("num-cpus", "num-gpus", "memory", "resources")
        ):
            yield f"group {name}: resources are given twice, in rayStartParams too"
    for group in cluster.get("workerGroupSpecs", []):
        name = group["groupName"]
        least, most = group.get("minReplicas"), group.get("maxReplicas")
        if not scaling and (least is None or most is None):
            yield f"group {name}: minReplicas and maxReplicas are needed"
        if any(number is not None and number < 0 for number in (least, most)):
            yield f"group {name}: minReplicas and maxReplicas cannot be negative"
        if least is not None and most is not None and least > most:
            yield f"group {name}: minReplicas {least} is above maxReplicas {most}"
        if group.get("suspend") and scaling:
            yield f"group {name}: suspend cannot be used with the autoscaler"


def _scaling(cluster: Object) -> Iterator[str]:
    options = cluster.get("autoscalerOptions") or {}
    if options.get("idleTimeoutSeconds", 0) < 0:
        yield "autoscalerOptions.idleTimeoutSeconds cannot be negative"
    newest = options.get("version") == "v2"
    groups = [cluster["headGroupSpec"], *cluster.get("workerGroupSpecs", [])]
    if cluster.get("enableInTreeAutoscaling") and newest:
        for group in groups:
            restart = group["template"]["spec"].get("restartPolicy", "Never")
            if restart != "Never":
                yield "restartPolicy must be Never with autoscaler v2"
    for group in cluster.get("workerGroupSpecs", []):
        if "idleTimeoutSeconds" in group and not newest:
            yield f"group {group['groupName']}: idleTimeoutSeconds needs autoscaler v2"


def _access(cluster: Object) -> Iterator[str]:
    version = [int(n) for n in re.findall(r"\d+", cluster.get("rayVersion", ""))[:2]]
    auth = cluster.get("authOptions") or {}
    if auth.get("mode") == "token" and tuple(version) < TOKEN_SINCE:
        yield "token authentication needs rayVersion 2.52.0 or later"
    if auth.get("enableK8sTokenAuth"):
        yield "enableK8sTokenAuth is not for jobs; use mode: token"
    gcs = cluster.get("gcsFaultToleranceOptions") or {}
    if gcs.get("backend") == "rocksdb":
        yield "the rocksdb backend needs a feature gate that is off by default"
        for key in ("redisAddress", "redisUsername", "redisPassword"):
            if key in gcs:
                yield f"gcsFaultToleranceOptions.{key} is of redis, not of rocksdb"
    for key in ("networkPolicy", "tlsOptions", "historyServerOptions"):
        if key in cluster:
            yield f"{key} needs a feature gate that is off by default"
