"""The container's start-up line on a real Ray, in an environment made like the image's.

There is no Docker where the tests run.  So: the files that the Dockerfile copies, the
wheel it builds, a clean environment, the extra it installs; then Ray's head as the
operator starts it, with a token, and the rendered line as the submitting pod hands it
over.  Only the two paths of the line, mounts in a pod, are folders of the test.
"""

import os
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
import tomllib
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from helpers.pace import PATIENCE_S

TOP = Path(__file__).parents[2]
RAY = "python -m ray.scripts.scripts"
SWEEP = """
name: first
seed: 3
networks: 2
network: {units: 12, dt_s: 0.01, tau_s: {mean: 0.05}}
task: {name: dnms}
rule: {name: bptt, batch_trials: 4}
train: {trials: 16, until: null}
grid: {rule.learning_rate: [0.001, 1.0e+30]}
after: {trials: 1, compare: [weights]}
"""

pytestmark = pytest.mark.slow


def run(command, env, **options):
    return subprocess.run(
        ["bash", "-ce", command], env=env, capture_output=True, text=True, check=False,
        timeout=PATIENCE_S, **options,
    )  # fmt: skip


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """The environment of a container: wheel and extra in a clean venv."""
    folder = tmp_path_factory.mktemp("image")
    dockerfile = (TOP / "k8s" / "Dockerfile").read_text()
    copied = [line.split()[1:-1] for line in dockerfile.splitlines()
              if line.startswith("COPY ") and "--from" not in line]  # fmt: skip
    names = [name for line in copied for name in line]
    assert {"pyproject.toml", "popnet", "cli"} <= set(names)
    source = folder / "source"
    source.mkdir()
    for name in names:
        if (TOP / name).is_dir():
            shutil.copytree(TOP / name, source / name, symlinks=True,
                            ignore=shutil.ignore_patterns("__pycache__"))  # fmt: skip
        else:
            shutil.copy(TOP / name, source / name)
    (source / "popnet" / "cli").unlink(missing_ok=True)  # a link of a check-out
    env = {
        k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "RAY_ADDRESS")
    }
    built = run(f"{sys.executable} -m build --wheel {source}", env)
    assert built.returncode == 0, built.stderr
    venv = folder / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    env["PATH"] = f"{venv}/bin:{env['PATH']}"
    (wheel,) = (source / "dist").glob("*.whl")
    done = run(f"pip install --quiet --no-deps {wheel}", env)
    assert done.returncode == 0, done.stderr
    # what is installed here counts as installed: only what the extra adds is fetched
    env["PYTHONPATH"] = sysconfig.get_path("purelib")
    extra = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]
    wanted = shlex.join(extra["optional-dependencies"]["cluster"])
    done = run(f"pip install --quiet {wanted}", env)
    assert done.returncode == 0, done.stderr
    home = folder / "home"
    home.mkdir()
    return env | {"HOME": str(home), "RAY_AUTH_MODE": "token",
                  "RAY_USAGE_STATS_ENABLED": "0"}  # fmt: skip


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture(scope="module")
def head(image):
    """Ray's head with a token; (environment, address of its job server)."""
    env = image | {"RAY_AUTH_TOKEN": secrets.token_hex(32)}
    scratch = tempfile.mkdtemp(prefix="kr", dir="/tmp")  # a socket's path must be short
    port, gcs = free_port(), free_port()
    command = (
        f"exec {RAY} start --head --block --num-cpus 2 --port {gcs} "
        f"--dashboard-port {port} --temp-dir {scratch} --object-store-memory 100000000"
    )
    process = subprocess.Popen(
        ["bash", "-c", command], env=env, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        address = f"http://127.0.0.1:{port}"
        ready = (
            'import urllib.request as u; r = u.urlopen("'
            f'{address}/api/gcs_healthz", timeout=5); '
            'exit(0 if b"success" in r.read() else 1)'
        )
        for _ in range(60):  # the operator's own question
            if run(f"python -c {shlex.quote(ready)}", env).returncode == 0:
                break
            time.sleep(1)
        yield env, address
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
        shutil.rmtree(scratch, ignore_errors=True)


@pytest.fixture
def handed_over(head, rendered, tmp_path):
    """Run a rendered job's line as the operator's submitting pod does."""
    env, address = head

    def run_job(number, file_text=None):
        config, job = rendered("quickstart", text=SWEEP, cpus=2)
        file = tmp_path / "sweep.yaml"
        file.write_text(file_text or config["data"]["sweep.yaml"])
        line = job["spec"]["entrypoint"]
        assert "/sweep/sweep.yaml" in line and " --out /runs" in line
        line = line.replace("/sweep/sweep.yaml", str(file))
        line = line.replace(" --out /runs", f" --out {tmp_path / 'runs'}")
        at = f"--address {address}"
        return run(
            f"{RAY} job submit {at} --no-wait --submission-id {number} -- {line} ; "
            f"{RAY} job logs {at} --follow {number} ; {RAY} job status {at} {number}",
            env,
        )

    return run_job


def test_the_line_ends_in_a_finished_run(handed_over, tmp_path):
    """Two networks diverge; they are recorded, and the job has succeeded."""
    done = handed_over("first")
    said = done.stdout + done.stderr
    assert "'first' succeeded" in said, said[-3000:]
    assert "1 of 1 workers are there" in said and "all 4 networks done" in said
    assert "2 networks diverged" in said and "would diverge again: code 0" in said
    table = pq.read_table(tmp_path / "runs" / "first" / "networks.parquet")
    assert sorted(table["status"].to_pylist()) == ["diverged"] * 2 + ["trained"] * 2
    assert (tmp_path / "runs" / "first" / "report" / "index.html").is_file()
    again = handed_over("second")  # as a retry on a new cluster begins
    said = again.stdout + again.stderr
    assert "'second' succeeded" in said and "nothing to train" in said


def test_a_wrong_file_stops_the_job_for_good(handed_over, tmp_path):
    """STOPPED is complete to the operator; FAILED would be a new cluster."""
    text = yaml.safe_load(SWEEP) | {"networks": -2}
    done = handed_over("third", yaml.safe_dump(text))
    said = done.stdout + done.stderr
    assert "networks: got -2" in said and "'third' was stopped" in said, said[-3000:]
    assert not (tmp_path / "runs").exists()


def test_nobody_comes_in_without_the_token(head):
    env, address = head
    command = f"{RAY} job submit --address {address} -- touch /tmp/never"
    for other in ({"RAY_AUTH_TOKEN": "0" * 64}, {"RAY_AUTH_MODE": "disabled"}):
        stranger = {k: v for k, v in env.items() if k != "RAY_AUTH_TOKEN"} | other
        done = run(command, stranger)
        assert done.returncode != 0 and "AuthenticationError" in done.stderr
