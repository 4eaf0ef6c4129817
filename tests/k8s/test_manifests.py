"""Every manifest and rendering against the real schemas; a wrong field is found."""

import copy
import subprocess
from pathlib import Path

import pytest
import yaml

from popnet.kubernetes import problems

K8S = Path(__file__).parents[2] / "k8s"
# a patch is no whole object; kubectl's own files are read by kubectl
FILES = sorted(
    path for path in K8S.rglob("*.yaml")
    if path.name != "kustomization.yaml" and path != K8S / "s3" / "mlflow.yaml"
)  # fmt: skip
OVERLAYS = ["base", "s3", "job", "kueue", "interactive"]
JOBS = ["quickstart", "grid", "queued"]


@pytest.fixture(scope="session")
def documents(rendered, overlay):
    """The objects of a file, of an overlay or of a rendering, by its name."""

    def of(name):
        if name in JOBS:
            return rendered(name)
        if name in OVERLAYS:
            return overlay(name)
        return [d for d in yaml.safe_load_all((K8S / name).read_text()) if d]

    return of


SOURCES = [*JOBS, *OVERLAYS, *(str(path.relative_to(K8S)) for path in FILES)]


@pytest.mark.parametrize("name", SOURCES)
def test_it_is_valid(documents, complaints, name):
    found = documents(name)
    assert found
    for one in found:
        assert complaints(one) == []
        assert problems(one) == []


@pytest.mark.parametrize("name", OVERLAYS)
def test_kubectl_makes_the_same_of_an_overlay(overlay, kubectl, name):
    done = subprocess.run(
        [kubectl, "kustomize", str(K8S / name)], capture_output=True, text=True,
        check=True,
    )  # fmt: skip

    def sorted_by_name(objects):
        return sorted(objects, key=lambda o: (o["kind"], o["metadata"]["name"]))

    theirs = [one for one in yaml.safe_load_all(done.stdout) if one]
    assert sorted_by_name(theirs) == sorted_by_name(overlay(name))


# --- a wrong field -------------------------------------------------------------------

WRONG = [
    ("quickstart", "RayJob", "spec.ttlSecondAfterFinished", 5),
    ("quickstart", "RayJob", "spec.backoffLimit", "3"),
    ("grid", "RayJob", "spec.rayClusterSpec.autoscalerOptions.upscalingMode", "Fast"),
    ("grid", "RayJob", "spec.rayClusterSpec.autoscalerOptions.version", "v3"),
    ("grid", "RayJob", "spec.rayClusterSpec.authOptions.mode", "password"),
    ("grid", "RayJob", "spec.rayClusterSpec.workerGroupSpecs.0.maxReplicas", "8"),
    ("queued", "RayJob", "spec.rayClusterSpec.workerGroupSpecs.0.template.spec.image",
     "x"),
    ("queued", "RayJob", "spec.submitterPodTemplate.spec.containers.0.image_", "x"),
    ("interactive", "RayCluster", "spec.entrypoint", "popnet"),
    ("quickstart", "ConfigMap", "data.sweep", 3),
    ("base", "Namespace", "metadata.label", {}),
    ("base", "ServiceAccount", "automountServiceAccountTokens", True),
    ("base", "PersistentVolumeClaim", "spec.accessMode", ["ReadWriteMany"]),
    ("base", "NetworkPolicy", "spec.policyTypes", "Ingress"),
    ("base", "Service", "spec.ports.0.port", "5000"),
    ("base", "Deployment", "spec.template.spec.containers.0.envFrom", {"a": 1}),
    ("base", "StatefulSet", "spec.template.spec.containers.0.probe", {}),
]  # fmt: skip


def put(document, path, value):
    *way, last = [int(p) if p.isdigit() else p for p in path.split(".")]
    for part in way:
        document = document[part]
    document[last] = value


@pytest.mark.parametrize(("name", "kind", "path", "value"), WRONG)
def test_a_wrong_field_is_found(documents, complaints, name, kind, path, value):
    one = copy.deepcopy(next(d for d in documents(name) if d["kind"] == kind))
    put(one, path, value)
    said = " ".join(complaints(one))
    assert path.rsplit(".", 1)[-1] in said or str(value) in said


def test_a_wrong_field_of_every_kind_is_tried(documents):
    kinds = {d["kind"] for name in SOURCES for d in documents(name)}
    assert kinds == {kind for _, kind, _, _ in WRONG}


# --- least rights, nothing secret ----------------------------------------------------


def pods_of(part):
    """Every pod specification in an object."""
    if isinstance(part, list):
        return [pod for one in part for pod in pods_of(one)]
    if not isinstance(part, dict):
        return []
    own = [part] if "containers" in part else []
    return own + [pod for value in part.values() for pod in pods_of(value)]


@pytest.mark.parametrize("name", [*JOBS, *OVERLAYS])
def test_pods_hold_to_the_restricted_standard(documents, name):
    """https://kubernetes.io/docs/concepts/security/pod-security-standards"""
    for pod in pods_of(documents(name)):
        about = pod["securityContext"]
        assert about["runAsNonRoot"] is True and about["runAsUser"] > 0
        assert about["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
        allowed = {"configMap", "emptyDir", "persistentVolumeClaim"}
        assert all(set(v) - {"name"} <= allowed for v in pod["volumes"])
        for container in pod["containers"]:
            own = container["securityContext"]
            assert own["allowPrivilegeEscalation"] is False
            assert own["capabilities"] == {"drop": ["ALL"]}
            assert own["readOnlyRootFilesystem"] is True
            assert "hostPort" not in str(container.get("ports"))
            assert set(container["resources"]) == {"requests", "limits"}
            mounts = {m["name"] for m in container["volumeMounts"]}
            assert mounts <= {v["name"] for v in pod["volumes"]} | {"data"}


@pytest.mark.parametrize("name", [*JOBS, *OVERLAYS])
def test_only_the_autoscaler_may_ask_the_api_server(documents, name):
    for one in documents(name):
        pods = pods_of(one)
        spec = one.get("spec", {})
        scaling = spec.get("rayClusterSpec", spec).get("enableInTreeAutoscaling")
        asking = [p for p in pods if p.get("automountServiceAccountToken") is not False]
        assert len(asking) == (1 if scaling else 0)
        assert not any("serviceAccountName" in pod for pod in asking)


@pytest.mark.parametrize("name", [*JOBS, *OVERLAYS])
def test_no_manifest_holds_a_secret(documents, name):
    for one in documents(name):
        assert one["kind"] != "Secret"
        for pod in pods_of(one):
            for variable in (v for c in pod["containers"] for v in c.get("env", [])):
                if any(w in variable["name"] for w in ("PASSWORD", "TOKEN", "SECRET")):
                    assert set(variable) == {"name", "valueFrom"}
                assert "://" not in variable.get("value", "") or (
                    "@" not in variable["value"] or ":$(" in variable["value"]
                )


def test_whatever_is_not_allowed_is_denied(documents):
    """One rule denies all, both ways, to every pod; none lets the world in."""
    policies = [d["spec"] for d in documents("base") if d["kind"] == "NetworkPolicy"]
    assert {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]} in policies
    for policy in policies:
        for rule in policy.get("ingress", []):
            assert rule["from"] and not any("ipBlock" in who for who in rule["from"])
        for rule in policy.get("egress", []):
            assert rule["to"]


def test_every_claim_account_and_config_is_there(documents):
    """What pods refer to is made by the base, or named in the README as to be made."""
    base = documents("base")
    there = {(d["kind"], d["metadata"]["name"]) for d in base}
    readme = (K8S / "README.md").read_text()
    jobs = documents("job")
    there |= {(d["kind"], d["metadata"]["name"]) for d in jobs}
    for pod in pods_of([*base, *jobs, *documents("interactive")]):
        assert ("ServiceAccount", pod.get("serviceAccountName", "popnet")) in there
        for volume in pod["volumes"]:
            if "persistentVolumeClaim" in volume:
                claim = volume["persistentVolumeClaim"]["claimName"]
                assert ("PersistentVolumeClaim", claim) in there
            if "configMap" in volume:
                assert ("ConfigMap", volume["configMap"]["name"]) in there
        for container in pod["containers"]:
            keys = [v.get("valueFrom", {}) for v in container.get("env", [])]
            names = [k["secretKeyRef"]["name"] for k in keys if k]
            names += [s["secretRef"]["name"] for s in container.get("envFrom", [])]
            assert all(f"create secret generic {name}" in readme for name in names)


def test_the_example_is_what_the_readme_says(popnet_command):
    """k8s/job/rayjob.yaml is the output of the command in k8s/README.md."""
    lines = (K8S / "README.md").read_text().splitlines()
    (command,) = [line for line in lines if line.startswith("popnet k8s render")]
    assert popnet_command(command) == (K8S / "job" / "rayjob.yaml").read_text()


def test_the_queue_takes_a_job_of_fixed_size(documents):
    (job,) = [d for d in documents("kueue") if d["kind"] == "RayJob"]
    assert job["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "popnet"
    cluster = job["spec"]["rayClusterSpec"]
    (group,) = cluster["workerGroupSpecs"]
    assert job["spec"]["suspend"] and not cluster["enableInTreeAutoscaling"]
    assert group["replicas"] == group["minReplicas"] == group["maxReplicas"] == 4


def test_the_bucket_takes_the_place_of_the_volume(documents):
    (server,) = [d for d in documents("s3") if d["kind"] == "Deployment"]
    (container,) = server["spec"]["template"]["spec"]["containers"]
    (place,) = [a for a in container["args"] if "artifacts-destination" in a]
    assert "=s3://" in place and len(container["env"]) > 5
