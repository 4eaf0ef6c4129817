"""Each rule of the operator: a job that breaks it, and what is said."""

import copy

import pytest

from popnet.kubernetes import problems
from popnet.kubernetes.validation import QUEUE

GONE = object()
CLUSTER = "spec.rayClusterSpec"
GROUP = f"{CLUSTER}.workerGroupSpecs.0"
BROKEN = [
    ("its name has 48", {"metadata.name": "a" * 48}),
    ("beginning with a letter", {"metadata.name": "2nd"}),
    ("beginning with a letter", {"metadata.name": "Second"}),
    ("submissionMode K8sJob:", {"spec.submissionMode": "K8sJob"}),
    ("suspend needs", {"spec.suspend": True, "spec.shutdownAfterJobFinishes": False,
                       "spec.ttlSecondsAfterFinished": 0}),
    ("suspend cannot", {"spec.suspend": True,
                        "spec.clusterSelector": {"ray.io/cluster": "x"},
                        "spec.backoffLimit": 0}),
    ("rayClusterSpec or clusterSelector", {CLUSTER: GONE}),
    ("must name a ray.io/cluster", {"spec.clusterSelector": {"a": "b"},
                                    "spec.backoffLimit": 0}),
    ("ttlSecondsAfterFinished cannot", {"spec.ttlSecondsAfterFinished": -1}),
    ("ttlSecondsAfterFinished needs", {"spec.shutdownAfterJobFinishes": False}),
    ("backoffLimit cannot be negative", {"spec.backoffLimit": -1}),
    ("backoffLimit cannot be used", {"spec.submissionMode": "InteractiveMode"}),
    ("backoffLimit cannot be used",
     {"spec.clusterSelector": {"ray.io/cluster": "x"}}),
    ("activeDeadlineSeconds must", {"spec.activeDeadlineSeconds": 0}),
    ("preRunningDeadlineSeconds must", {"spec.preRunningDeadlineSeconds": -5}),
    ("submitterPodTemplate cannot", {"spec.submissionMode": "SidecarMode"}),
    ("submitterConfig cannot", {"spec.submissionMode": "SidecarMode",
                                "spec.submitterPodTemplate": GONE,
                                "spec.submitterConfig": {"backoffLimit": 1}}),
    ("deletionRules exclude",
     {"spec.deletionStrategy": {"deletionRules": [{"policy": "DeleteSelf"}]}}),
    ("deletionStrategy needs", {"spec.deletionStrategy": {"onSuccess": {}}}),
    ("begins suspended", {f"metadata.labels.{QUEUE}": "lab"}),
    ("admits no autoscaling", {f"metadata.labels.{QUEUE}": "lab",
                               "spec.suspend": True,
                               f"{CLUSTER}.enableInTreeAutoscaling": True}),
    ("give its place back", {f"metadata.labels.{QUEUE}": "lab",
                             "spec.suspend": True,
                             "spec.ttlSecondsAfterFinished": 0,
                             "spec.shutdownAfterJobFinishes": False}),
    ("has no container", {f"{GROUP}.template.spec.containers": []}),
    ("labels stand beside", {f"{GROUP}.rayStartParams.labels": "a=b"}),
    ("given twice", {f"{GROUP}.resources": {"CPU": "4"}}),
    ("minReplicas and maxReplicas are needed", {f"{GROUP}.minReplicas": GONE}),
    ("cannot be negative", {f"{GROUP}.minReplicas": -1}),
    ("is above", {f"{GROUP}.minReplicas": 5}),
    ("suspend cannot be used with the autoscaler",
     {f"{GROUP}.suspend": True, f"{CLUSTER}.enableInTreeAutoscaling": True}),
    ("idleTimeoutSeconds cannot",
     {f"{CLUSTER}.autoscalerOptions": {"idleTimeoutSeconds": -1}}),
    ("restartPolicy must be Never",
     {f"{CLUSTER}.autoscalerOptions": {"version": "v2"},
      f"{CLUSTER}.enableInTreeAutoscaling": True,
      f"{GROUP}.template.spec.restartPolicy": "Always"}),
    ("idleTimeoutSeconds needs autoscaler v2", {f"{GROUP}.idleTimeoutSeconds": 9}),
    ("2.52.0 or later", {f"{CLUSTER}.rayVersion": "2.51.1"}),
    ("2.52.0 or later", {f"{CLUSTER}.rayVersion": GONE}),
    ("enableK8sTokenAuth is not", {f"{CLUSTER}.authOptions.enableK8sTokenAuth": True}),
    ("rocksdb backend needs",
     {f"{CLUSTER}.gcsFaultToleranceOptions": {"backend": "rocksdb"}}),
    ("is of redis", {f"{CLUSTER}.gcsFaultToleranceOptions":
                     {"backend": "rocksdb", "redisAddress": "x"}}),
    ("networkPolicy needs", {f"{CLUSTER}.networkPolicy": {}}),
    ("tlsOptions needs", {f"{CLUSTER}.tlsOptions": {}}),
    ("historyServerOptions needs", {f"{CLUSTER}.historyServerOptions": {}}),
]  # fmt: skip


def broken(job, changes):
    job = copy.deepcopy(job)
    for path, value in changes.items():
        node, rest = job, path
        while True:
            key, _, more = rest.partition(".")
            if rest.startswith("kueue"):  # a label's name has dots
                key, more = rest, ""
            if not more:
                break
            node, rest = node[int(key) if key.isdigit() else key], more
        if value is GONE:
            del node[key]
        else:
            node[key] = value
    return job


@pytest.fixture(scope="session")
def job(rendered):
    return rendered("quickstart")[1]


def test_a_sound_job_is_not_spoken_of(job):
    assert problems(job) == []


@pytest.mark.parametrize(("said", "changes"), BROKEN)
def test_a_broken_rule_is_said(job, said, changes):
    found = problems(broken(job, changes))
    assert any(said in one for one in found), found
    assert all(one.startswith("RayJob ") and one.endswith(".") for one in found)


@pytest.mark.parametrize("changes", [changes for _, changes in BROKEN])
def test_one_defect_is_not_said_of_everything(job, changes):
    assert len(problems(broken(job, changes))) <= 2


def test_a_clusters_name_may_be_longer_than_a_jobs(job):
    cluster = {**job, "kind": "RayCluster", "spec": job["spec"]["rayClusterSpec"]}
    cluster["metadata"] = {"name": "a" * 53}
    assert problems(cluster) == []
    cluster["metadata"] = {"name": "a" * 54}
    assert len(problems(cluster)) == 1


def test_other_kinds_are_left_to_their_schemas():
    assert problems({"kind": "ConfigMap", "metadata": {"name": "A"}}) == []
