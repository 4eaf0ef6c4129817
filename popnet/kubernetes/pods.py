"""The pods of a Ray cluster, with no more rights than they need.

They comply with Kubernetes' *restricted* pod security standard: no root user, no
capability, a read-only root file system.
"""

from __future__ import annotations

from typing import Any

from popnet.kubernetes.job import Job

Object = dict[str, Any]

USER, GROUP = 1000, 1000
"""The image's user and group; the volumes' files belong to the group."""
GRACE_S = 60
"""Seconds from SIGTERM to SIGKILL: time for a checkpoint before a spot node is lost."""
OBJECT_STORE_BYTES = 256 * 2**20
"""Size of Ray's object store: popnet passes paths, not arrays, between processes."""
SPOT = (
    ("cloud.google.com/gke-spot", "true"),
    ("kubernetes.azure.com/scalesetpriority", "spot"),
    ("eks.amazonaws.com/capacityType", "SPOT"),
)
"""Taints of the spot nodes of the three large providers."""
SWEEP_FILE, RUNS = "/sweep/sweep.yaml", "/runs"

CONFINED: Object = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
_POD: Object = {
    "runAsNonRoot": True,
    "runAsUser": USER,
    "runAsGroup": GROUP,
    "fsGroup": GROUP,
    "fsGroupChangePolicy": "OnRootMismatch",
    "seccompProfile": {"type": "RuntimeDefault"},
}
_SCRATCH = [{"name": "scratch", "mountPath": "/tmp"}]
HOME: Object = {"name": "HOME", "value": "/tmp"}
"""The image's own home is read-only; compiled kernels and Ray's files go here."""


def head(job: Job, name: str) -> Object:
    """Return the head group: Ray and the process that launches; it trains nothing."""
    pod = _ray_pod(job, name, "ray-head", _amounts("2", "8Gi"), _HEAD_PORTS)
    if job.least is not None:
        # the autoscaler, beside the head, changes the number of workers: where no
        # account is named here, the operator makes one with that right and no other
        del (
            pod["spec"]["serviceAccountName"],
            pod["spec"]["automountServiceAccountToken"],
        )
    start = {"dashboard-host": "0.0.0.0", "num-cpus": "0", **_STORE}
    return {"rayStartParams": start, "template": pod}


def workers(job: Job, name: str, memory_gib: int) -> Object:
    """Return the group of workers, which train."""
    amounts = _amounts(str(job.cpus), f"{memory_gib}Gi")
    if job.gpus:
        for kind in amounts.values():
            kind["nvidia.com/gpu"] = str(job.gpus)
    pod = _ray_pod(job, name, "ray-worker", amounts)
    spec = pod["spec"]
    tolerated = []
    if job.gpus:
        tolerated.append(
            {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}
        )
    if job.spot:
        tolerated += [
            {"key": key, "operator": "Equal", "value": value, "effect": "NoSchedule"}
            for key, value in SPOT
        ]
    if tolerated:
        spec["tolerations"] = tolerated
    if job.gpu_type is not None:
        key, value = job.gpu_type.split("=", 1)
        spec["nodeSelector"] = {key: value}
    group: Object = {
        "groupName": "gpu" if job.gpus else "cpu",
        "replicas": job.workers if job.least is None else job.least,
        "minReplicas": job.workers if job.least is None else job.least,
        "maxReplicas": job.workers,
        "rayStartParams": {
            "num-cpus": str(job.cpus), "num-gpus": str(job.gpus), **_STORE
        },
        "template": pod,
    }  # fmt: skip
    return group


def submitter(job: Job) -> Object:
    """Return the pod that passes the start-up line to Ray and shows its output."""
    container = {
        "name": "ray-job-submitter",
        "image": job.image,
        "env": [HOME],
        "resources": _amounts("500m", "1Gi"),
        "securityContext": CONFINED,
        "volumeMounts": _SCRATCH,
    }
    spec = {**_spec([container]), "restartPolicy": "Never"}
    spec["volumes"] = [{"name": "scratch", "emptyDir": {}}]
    return {"spec": spec}


def autoscaler() -> Object:
    """Return the options of the autoscaler, which runs beside the head."""
    return {
        "version": "v2",
        "idleTimeoutSeconds": 300,
        "resources": _amounts("500m", "1Gi"),
        "securityContext": CONFINED,
        "env": [HOME],
        "volumeMounts": _SCRATCH,
    }


_STORE = {"object-store-memory": str(OBJECT_STORE_BYTES)}
_HEAD_PORTS = (
    {"name": "gcs-server", "containerPort": 6379},
    {"name": "dashboard", "containerPort": 8265},
    {"name": "client", "containerPort": 10001},
)


def _ray_pod(
    job: Job, name: str, container: str, amounts: Object, ports: tuple[Object, ...] = ()
) -> Object:
    ray: Object = {
        "name": container,
        "image": job.image,
        # the operator sets up token mode; where it does not, Ray refuses to start
        # rather than accept anybody's requests
        "env": [HOME, {"name": "RAY_AUTH_MODE", "value": "token"}],
        "resources": amounts,
        "securityContext": CONFINED,
        "volumeMounts": [
            {"name": "runs", "mountPath": RUNS},
            {"name": "sweep", "mountPath": "/sweep", "readOnly": True},
            *_SCRATCH,
            {"name": "shared-memory", "mountPath": "/dev/shm"},
        ],
    }
    if ports:
        ray["ports"] = list(ports)
    if job.secret is not None:
        ray["envFrom"] = [{"secretRef": {"name": job.secret}}]
    spec = _spec([ray])
    spec["terminationGracePeriodSeconds"] = GRACE_S
    spec["volumes"] = [
        {"name": "runs", "persistentVolumeClaim": {"claimName": job.claim}},
        {"name": "sweep", "configMap": {"name": name}},
        {"name": "scratch", "emptyDir": {}},
        {
            "name": "shared-memory",
            "emptyDir": {"medium": "Memory", "sizeLimit": "512Mi"},
        },
    ]
    return {"metadata": {"labels": {"app.kubernetes.io/name": "popnet"}}, "spec": spec}


def _spec(containers: list[Object]) -> Object:
    return {
        "serviceAccountName": "popnet",
        "automountServiceAccountToken": False,
        "securityContext": _POD,
        "containers": containers,
    }


def _amounts(cpu: str, memory: str) -> Object:
    """Return equal requests and limits, so that no pod is evicted for its memory."""
    return {
        "requests": {"cpu": cpu, "memory": memory},
        "limits": {"cpu": cpu, "memory": memory},
    }
