"""popnet k8s submit with the real kubectl, against a small API server."""

import json
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from helpers.api_server import KINDS, ApiServer
from popnet.cli.main import app
from typer.testing import CliRunner

TOP = Path(__file__).parents[2]
SWEEP = str(TOP / "configs" / "quickstart.yaml")
OPTIONS = ["--image", "reg.example/popnet:1", "--workers", "2", "--namespace", "lab"]
APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


@pytest.fixture
def served(tmp_path, monkeypatch):
    """A server, and a kubectl that knows it."""
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed (Debian: kubernetes-client)")
    servers = []

    def make(kinds=KINDS):
        server = ApiServer(kinds)
        servers.append(server)
        (tmp_path / "config").write_text(server.kubeconfig())
        monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
        monkeypatch.setenv("HOME", str(tmp_path))
        return server

    yield make
    for server in servers:
        server.shutdown()
        server.server_close()


class Answer(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


def run(*words):
    """popnet k8s in this process; kubectl is a process of its own, the real one."""
    done = CliRunner().invoke(app, ["k8s", *words])
    return Answer(done.exit_code, done.stdout, done.stderr)


def refused(*words):
    done = run("submit", SWEEP, *OPTIONS, *words)
    assert done.returncode == 2 and done.stdout == "", done
    assert done.stderr.startswith("popnet: ") and done.stderr.count("\n") <= 2
    assert "Traceback" not in done.stderr
    return done.stderr


def test_the_server_gets_what_was_rendered(served):
    server = served()
    done = run("submit", SWEEP, *OPTIONS)
    assert done.returncode == 0, done.stderr
    config, job = done.stdout.splitlines()
    assert config.startswith("configmap/quickstart-") and config.endswith(" created")
    assert job.startswith("rayjob.ray.io/quickstart-") and job.endswith(" created")
    assert "kubectl -n lab get rayjob -w" in done.stderr
    text = run("render", SWEEP, *OPTIONS).stdout
    kept = list(server.objects.values())
    for one in kept:
        del one["metadata"]["annotations"][APPLIED]
    assert kept == list(yaml.safe_load_all(text))
    assert [path.rsplit("/", 1)[0] for path in server.objects] == [
        "/api/v1/namespaces/lab/configmaps",
        "/apis/ray.io/v1/namespaces/lab/rayjobs",
    ]


@pytest.mark.usefixtures("kubectl")  # one of 2019 looks at the keys itself
def test_a_key_that_the_server_does_not_know_would_be_refused(served):
    server = served()
    run("submit", SWEEP, *OPTIONS)
    assert len(server.changes()) == 2
    assert all(query["fieldValidation"] == "Strict" for _, _, query in server.changes())


def test_the_same_again_changes_nothing(served):
    server = served()
    run("submit", SWEEP, *OPTIONS)
    before = json.dumps(server.objects), len(server.changes())
    done = run("submit", SWEEP, *OPTIONS)
    assert done.returncode == 0
    assert all(line.endswith(" unchanged") for line in done.stdout.splitlines())
    assert (json.dumps(server.objects), len(server.changes())) == before
    assert "--again" in done.stderr


def test_again_begins_anew(served):
    server = served()
    run("submit", SWEEP, *OPTIONS)
    before = len(server.changes())
    done = run("submit", SWEEP, *OPTIONS, "--again")
    assert done.returncode == 0, done.stderr
    methods = [method for method, _, _ in server.changes()[before:]]
    assert methods == ["DELETE", "DELETE", "POST", "POST"]
    assert len(server.objects) == 2


def test_a_refusal_is_passed_on_and_leaves_nothing(served):
    server = served()
    server.refuse = lambda method, path, _body: (
        (403, "Forbidden", 'user "me" cannot create rayjobs in the namespace "lab"')
        if method == "POST" and "rayjobs" in path
        else None
    )
    assert 'user "me" cannot create rayjobs' in refused()
    assert server.objects == {} and server.changes() == []


def test_a_cluster_without_the_operator_is_said(served):
    server = served({"v1": KINDS["v1"]})
    said = refused()
    assert "RayJob" in said and "ray.io/v1" in said
    assert server.objects == {} and server.changes() == []


def test_a_server_that_is_away_is_said(served):
    server = served()
    server.shutdown()
    server.server_close()
    assert "127.0.0.1" in refused()


def test_an_unknown_context_is_said(served):
    served()
    assert "elsewhere" in refused("--context", "elsewhere")


def test_a_wrong_option_asks_nothing(served):
    server = served()
    assert "--queue" in refused("--queue", "a;rm -rf /")
    assert server.asked == []


def test_without_kubectl(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "kubectl is not installed" in refused()
