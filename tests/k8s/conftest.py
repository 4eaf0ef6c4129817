"""The operator's schema made strict, three jobs, the manifests as kubectl has them."""

import json
import os
import shlex
import shutil
import subprocess
from pathlib import Path

import jsonschema
import kubernetes_validate
import pytest
import yaml
from popnet.cli.main import app
from typer.testing import CliRunner

from popnet.catalogue import CATALOGUE, load_sweep
from popnet.config import load, read_text
from popnet.kubernetes import job, render

TOP = Path(__file__).parents[2]
K8S = TOP / "k8s"
KUBERNETES = "1.31"
"""KubeRay 1.7 asks for 1.26 or later."""

GRID = """
name: Grid.of_Rules
seed: 1
networks: 20
network: {units: 64, dt_s: 0.01, tau_s: {mean: 0.07}}
task: {name: dnms}
rule: {name: bptt}
train: {trials: 500}
grid: {network.tau_s.spread: [0.0, 0.4], network.gain: [1.2, 1.5]}
"""
JOBS = {
    "quickstart": {},
    "grid": {
        "image": "reg.example/popnet:0.1.0-cu126", "workers": 8, "least": 0, "cpus": 6,
        "gpus": 2, "gpu_type": "nvidia.com/gpu.product=NVIDIA-H100-80GB-HBM3",
        "spot": True, "tracking_uri": "http://mlflow:5000", "secret": "popnet-mlflow",
    },
    "queued": {
        "queue": "lab", "storage": "s3://lab-networks/first?region=eu-central-1",
        "secret": "popnet-s3", "namespace": "lab", "workers": 3,
    },
}  # fmt: skip


def crd_folder():
    """Where the operator's definitions are, if anywhere."""
    given = os.environ.get("POPNET_KUBERAY_CRD")
    for folder in (
        [given]
        if given
        else [
            TOP.parent / "shared/data/kuberay",
            TOP.parents[1] / "shared/data/kuberay",
        ]
    ):
        if (Path(folder) / "rayjobs.yaml").is_file():
            return Path(folder)
    return None


def strict(schema):
    """As the API server reads it: unknown keys refused, defaults filled in first."""
    if isinstance(schema, list):
        return [strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: strict(value) for key, value in schema.items()}
    inside = schema.get("properties")
    if isinstance(inside, dict) and schema.get("type") == "object":
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            made.setdefault("additionalProperties", False)
        given = [k for k in schema.get("required", []) if "default" not in inside[k]]
        made["required"] = given
    return made


@pytest.fixture(scope="session")
def kuberay():
    """``kuberay(document)``: what the real schema of KubeRay says against it."""
    folder = crd_folder()
    if folder is None:
        pytest.skip(
            "no KubeRay definitions: neither POPNET_KUBERAY_CRD nor "
            "../shared/data/kuberay has rayjobs.yaml"
        )
    validators = {}
    for file, kind in (("rayjobs", "RayJob"), ("rayclusters", "RayCluster")):
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        crd = yaml.load((folder / f"{file}.yaml").read_text(), Loader=loader)
        (version,) = (v for v in crd["spec"]["versions"] if v["name"] == "v1")
        schema = strict(version["schema"]["openAPIV3Schema"])
        validators[kind] = jsonschema.Draft202012Validator(schema)

    def complaints(document):
        assert document["apiVersion"] == "ray.io/v1"
        found = validators[document["kind"]].iter_errors(document)
        return [f"{e.json_path}: {e.message[:200]}" for e in found]

    return complaints


def pytest_terminal_summary(terminalreporter):
    """Say which definitions were used, or that none were."""
    folder = crd_folder()
    used = folder or "none found; jobs were not checked against KubeRay's schema"
    terminalreporter.write_line(f"KubeRay's definitions: {used}")


@pytest.fixture(scope="session")
def complaints(request):
    """The same for a document of any kind."""

    def of(document):
        if document["apiVersion"].startswith("ray.io/"):
            return request.getfixturevalue("kuberay")(document)
        try:
            kubernetes_validate.validate(document, KUBERNETES, strict=True)
        except kubernetes_validate.ValidationError as error:
            return [error.message]
        return []

    return of


@pytest.fixture(scope="session")
def rendered():
    """``rendered("grid", workers=2)``: the objects of one of the three jobs."""

    def make(name="quickstart", text=None, **changes):
        if name == "quickstart" and text is None:
            plan, source = load_sweep(TOP / "configs" / "quickstart.yaml")
        else:
            source = read_text(text or GRID)
            plan = load(source, CATALOGUE)
        given = {"image": "reg.example/popnet:0.1.0-cpu", "ray_version": "2.60.0"}
        return render(plan, source, job(**given | JOBS[name] | changes))

    return make


@pytest.fixture(scope="session")
def kubectl():
    """The real kubectl, where its kustomize is of this decade."""
    program = shutil.which("kubectl")
    if program is None:
        pytest.skip("kubectl is not installed: overlays are merged by the tests only")
    done = subprocess.run(
        [program, "version", "--client", "-o", "json"], capture_output=True, check=True
    )
    if "kustomizeVersion" not in json.loads(done.stdout):
        pytest.skip("this kubectl's kustomize is of 2019 and knows no `patches`")
    return program


@pytest.fixture(scope="session")
def overlay():
    """``overlay("kueue")``: the objects of a folder of k8s/, patches put in."""

    def make(name):
        folder = K8S / name
        about = yaml.safe_load((folder / "kustomization.yaml").read_text())
        objects = []
        for resource in about["resources"]:
            path = (folder / resource).resolve()
            inner = make(str(path)) if path.is_dir() else None
            objects += inner or [d for d in yaml.safe_load_all(path.read_text()) if d]
        for one in objects:
            if "namespace" in about and one["kind"] != "Namespace":
                one["metadata"]["namespace"] = about["namespace"]
        for patch in about.get("patches", []):
            if "patch" in patch:
                (one,) = [o for o in objects if o["kind"] == patch["target"]["kind"]]
                for change in yaml.safe_load(patch["patch"]):
                    _changed(one, change)
            else:
                over = yaml.safe_load((folder / patch["path"]).read_text())
                (one,) = [o for o in objects if _same(o, over)]
                objects[objects.index(one)] = _laid_over(one, over)
        return objects

    return make


def _same(one, other):
    names = [(o["kind"], o["metadata"]["name"]) for o in (one, other)]
    return names[0] == names[1]


def _changed(node, change):
    """One step of RFC 6902."""
    parts = [p.replace("~1", "/") for p in change["path"].split("/")[1:]]
    *way, last = [int(p) if p.isdigit() else p for p in parts]
    for part in way:
        node = node[part]
    if change["op"] == "remove":
        del node[last]
    else:
        assert change["op"] == "add" or last in node
        node[last] = change["value"]


def _laid_over(old, new):
    """A strategic merge: mappings merge, lists of named things merge by name."""
    if isinstance(old, dict) and isinstance(new, dict):
        both = {k: _laid_over(old[k], new[k]) for k in new if k in old}
        return old | new | both
    named = isinstance(new, list) and all(
        isinstance(n, dict) and "name" in n for n in new
    )
    if not named or not isinstance(old, list):
        return new
    others = {n["name"]: n for n in new}
    kept = [_laid_over(o, others.pop(o["name"], {})) for o in old]
    return [*others.values(), *kept]


@pytest.fixture
def popnet_command(monkeypatch):
    """What a line of the README prints, run from the top of the repository."""

    def run(line):
        monkeypatch.chdir(TOP)
        program, *words = shlex.split(line)
        assert program == "popnet"
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, done.stderr
        return done.stdout

    return run
