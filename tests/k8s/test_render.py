"""A sweep rendered: the same networks, plain names, and nothing that a shell reads."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from popnet.catalogue import CATALOGUE, load_sweep
from popnet.config import ConfigError, load, read_text
from popnet.kubernetes import as_yaml, job, object_name
from popnet.kubernetes.job import Job
from popnet.kubernetes.rendering import entrypoint, memory_gib
from popnet.plan import networks, shard_bytes

TOP = Path(__file__).parents[2]
IMAGE = {"image": "reg.example/popnet:1", "ray_version": "2.60.0"}
LABEL = re.compile(r"[a-z]([-a-z0-9]{0,45}[a-z0-9])?")


def sweep(**changes):
    """A small sweep, loaded."""
    raw = {
        "name": "a", "seed": 1, "networks": 4, "task": {"name": "dnms"},
        "rule": {"name": "reward_hebbian"}, "network": {"units": 20}, **changes,
    }  # fmt: skip
    source = read_text(yaml.safe_dump(raw))
    return load(source, CATALOGUE), source


def test_the_job_gets_the_very_networks(rendered):
    """Keys of what travels, read as the start-up line reads it, equal the file's."""
    config, _ = yaml.safe_load_all(as_yaml(rendered("quickstart")))
    travelled = load(read_text(config["data"]["sweep.yaml"]), CATALOGUE)
    here, _ = load_sweep(TOP / "configs" / "quickstart.yaml")
    assert [n.key for n in networks(travelled)] == [n.key for n in networks(here)]
    assert len(networks(here)) == 24


# --- names ---------------------------------------------------------------------------


@given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", fullmatch=True))
def test_every_name_of_a_sweep_becomes_a_label(name):
    made = object_name(name, "")
    assert LABEL.fullmatch(made) and len(made) <= 47
    assert object_name(name, "") == made


@pytest.mark.parametrize(
    ("one", "other"),
    [("a.b", "a_b"), ("A", "a"), ("a-", "a"), ("x" * 60, "x" * 61), ("1", "sweep-1")],
)
def test_names_that_look_alike_stay_apart(one, other):
    assert object_name(one, "") != object_name(other, "")


def test_a_sweep_that_has_grown_is_another_job(rendered):
    names = [
        rendered(**changes)[1]["metadata"]["name"]
        for changes in ({}, {}, {"workers": 2})
    ]
    assert names[0] == names[1] != names[2]
    grown = (TOP / "configs" / "quickstart.yaml").read_text()
    grown = grown.replace("[0.0, 0.2, 0.4]", "[0.0, 0.2, 0.3, 0.4]", 1)
    assert rendered(text=grown)[1]["metadata"]["name"] not in names


# --- what is asked for ---------------------------------------------------------------


def test_fixed_or_scaled(rendered):
    cluster = rendered("quickstart", workers=3)[1]["spec"]["rayClusterSpec"]
    (group,) = cluster["workerGroupSpecs"]
    assert not cluster["enableInTreeAutoscaling"] and "autoscalerOptions" not in cluster
    counts = [group[k] for k in ("minReplicas", "replicas", "maxReplicas")]
    assert counts == [3, 3, 3]
    cluster = rendered("grid")[1]["spec"]["rayClusterSpec"]
    (group,) = cluster["workerGroupSpecs"]
    counts = [group[k] for k in ("minReplicas", "replicas", "maxReplicas")]
    assert cluster["enableInTreeAutoscaling"] and counts == [0, 0, 8]


def test_gpu_spot_and_queue(rendered):
    (group,) = rendered("grid")[1]["spec"]["rayClusterSpec"]["workerGroupSpecs"]
    pod = group["template"]["spec"]
    limits = pod["containers"][0]["resources"]["limits"]
    assert limits["nvidia.com/gpu"] == "2" == group["rayStartParams"]["num-gpus"]
    assert limits["cpu"] == "6" == group["rayStartParams"]["num-cpus"]
    assert pod["nodeSelector"] == {"nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3"}
    keys = [t["key"] for t in pod["tolerations"]]
    assert keys[0] == "nvidia.com/gpu" and "cloud.google.com/gke-spot" in keys
    queued = rendered("queued")[1]
    assert queued["spec"]["suspend"] is True
    assert queued["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "lab"
    assert queued["metadata"]["namespace"] == "lab"
    (group,) = queued["spec"]["rayClusterSpec"]["workerGroupSpecs"]
    assert "tolerations" not in group["template"]["spec"]
    assert rendered("quickstart")[1]["spec"]["suspend"] is False


def test_the_start_up_line(rendered):
    words = shlex.split(rendered("queued")[1]["spec"]["entrypoint"])
    assert words[:4] == ["popnet", "k8s", "start", "/sweep/sweep.yaml"]
    options = dict(zip(words[4::2], words[5::2], strict=True))
    assert options == {
        "--nodes": "3", "--node-cpus": "4", "--node-gpus": "0", "--address": "auto",
        "--out": "/runs", "--storage": "s3://lab-networks/first?region=eu-central-1",
    }  # fmt: skip


def test_memory_follows_the_networks():
    """By hand: 4 CPUs of 1 worker, 4 shards each: 16 shards of 4,000 / 16 networks."""
    asked = Job(**IMAGE)
    small, _ = sweep()
    assert memory_gib(small, asked) == 5  # 4 processes of 1 GiB, 0.5 GiB shared
    large, _ = sweep(networks=4000, network={"units": 800})
    (condition,) = large.conditions
    shard = shard_bytes(condition.config, 250) / 2**30
    assert memory_gib(large, asked) == int(4.5 + 4 * shard / 0.75) + 1 == 15
    halves, _ = sweep(networks=4000, network={"units": 800}, machine={"shard": 125})
    assert memory_gib(halves, asked) == int(4.5 + 4 * shard / 1.5) + 1
    # one actor on a GPU; the CPUs test networks
    assert memory_gib(small, Job(**IMAGE, gpus=1)) == 8
    assert memory_gib(large, Job(**IMAGE, memory=7)) == 7


# --- hostile values ------------------------------------------------------------------

BAD = [
    "a'b", 'a"b', "a\nb", "a b", "$(id)", "`id`", "$(RAY_AUTH_TOKEN)", "$$", "; rm",
    "a: b", "- a", "{a}", "|", "> /etc/passwd", "\x00", "a\n---\nkind: Secret", "", "#",
    "--out=/etc", "\u2028", "../..", "é",
]  # fmt: skip
OPTIONS = ["image", "claim", "storage", "tracking_uri", "secret", "namespace", "queue",
           "gpu_type", "ray_version"]  # fmt: skip


@pytest.mark.parametrize("value", BAD)
@pytest.mark.parametrize("option", OPTIONS)
def test_what_a_shell_or_yaml_could_read_is_refused(option, value):
    hidden = {"storage": "s3://", "tracking_uri": "http://", "image": "r/p:"}
    for given_value in {value, hidden.get(option, "a") + value}:
        if (option, given_value) in FINE:
            continue
        with pytest.raises(ConfigError) as refused:
            job(**{**IMAGE, "gpus": 1, option: given_value})
        assert str(refused.value).count("\n") == 0
        assert f"--{option.replace('_', '-')}" in str(refused.value)


FINE = {
    ("claim", "a"), ("secret", "a"), ("namespace", "a"), ("queue", "a"),
    ("storage", "s3://--out=/etc"), ("storage", "s3://../.."),
    ("tracking_uri", "http://--out=/etc"), ("tracking_uri", "http://../.."),
    ("secret", "a../.."),
}  # fmt: skip


@pytest.mark.parametrize(
    "given_values",
    [
        {"storage": "s3://key:password@bucket"},
        {"tracking_uri": "http://user:password@mlflow:5000"},
        {"image": "reg.example/popnet:latest"},
        {"image": "localhost:5000/popnet"},
        {"image": "reg.example/popnet"},
        {"least": 3, "workers": 2},
        {"least": 1, "workers": 2, "queue": "lab"},
        {"gpu_type": "a=b"},
        {"workers": 0},
        {"cpus": 1.5},
        {"memory": 10**9},
        {"keep_s": -1},
    ],
)
def test_values_that_cannot_be(given_values):
    with pytest.raises(ConfigError) as refused:
        job(**{**IMAGE, **given_values})
    assert str(refused.value).startswith("--") and "\n" not in str(refused.value)
    assert "password" not in str(refused.value).replace("without a password", "") or (
        "@" in str(given_values)
    )


URI = st.from_regex(
    r"[a-z][a-z0-9+.-]{0,9}://[A-Za-z0-9_.,:/=%+&-]{1,60}", fullmatch=True
)


@given(URI, URI)
def test_a_shell_reads_the_words_that_were_meant(storage, tracking):
    line = entrypoint(job(**IMAGE, storage=storage, tracking_uri=tracking))
    assert shlex.split(line)[-4:] == ["--storage", storage, "--tracking-uri", tracking]
    assert "$" not in line and "\n" not in line


def test_a_real_shell_runs_one_command(tmp_path):
    """Quoted twice over, as the submitting pod's shell and Ray's read it in turn."""
    line = entrypoint(job(**IMAGE, storage="s3://b/f&b=2", tracking_uri="http://h"))
    (tmp_path / "popnet").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    (tmp_path / "popnet").chmod(0o755)
    shown = "import shlex, sys; print(shlex.join(sys.argv[1:]))"
    first = subprocess.run(
        ["bash", "-ce", f"python3 -c {shlex.quote(shown)} {line} ;"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    done = subprocess.run(
        first.stdout.strip(), shell=True, capture_output=True, text=True, check=True,
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
    )  # fmt: skip
    assert done.stdout.splitlines() == shlex.split(line)[1:] and done.stderr == ""


@given(
    st.text(max_size=30) | st.sampled_from(["1e3", "010", "0x1f", "yes", "~", "1:30"])
)
def test_a_text_is_read_back_as_that_text(value):
    """By a reader of YAML 1.1, and by JSON's rules for what is in quotes."""
    text = as_yaml([{"value": value, "list": [value, value]}])
    assert yaml.safe_load(text) == {"value": value, "list": [value, value]}
    line = text.splitlines()[1].removeprefix("value: ")
    # what stands bare is a word: no reader of any version takes it for a number
    assert line[0] in '"|/' or re.fullmatch(r"[A-Za-z][A-Za-z0-9_./-]*", line)


@pytest.mark.parametrize("word", ["y", "No", "ON", "null", "True", "1e3", "0o7", ".5"])
def test_a_text_in_doubt_is_quoted(word):
    assert as_yaml([{"a": word}]) == f'---\na: "{word}"\n'


@pytest.mark.parametrize(
    "name", ["a;rm", "a'b", "$(id)", "a\nb", "../a", "a b", "x" * 65]
)
def test_a_sweeps_name_is_refused_when_it_is_read(name):
    with pytest.raises(ConfigError):
        sweep(name=name)


def test_a_file_that_would_stay_behind_is_said(tmp_path, rendered):
    import numpy as np

    path = tmp_path / "targets.npz"
    np.savez(path, targets=np.zeros((8, 20, 6), np.float32), rate_hz=1000.0)
    text = "{name: a, seed: 1, networks: 1, rule: bptt, network: {dt_s: 0.01}, task: "
    text += f"{{name: reaching, targets: {path}}}}}"
    with pytest.raises(ConfigError, match=r"task\.targets: the file .* not travel"):
        rendered(text=text)


def test_a_file_too_long_for_a_config_map_is_said(rendered, monkeypatch):
    monkeypatch.setattr("popnet.kubernetes.rendering.LARGEST", 100)
    with pytest.raises(ConfigError, match="Kubernetes passes on at most 100"):
        rendered("grid")


@pytest.mark.parametrize(
    "options",
    [
        {"tracking_uri": "postgresql://db/x?user=me&password=hunter2"},
        {"tracking_uri": "http://h:5000/x?token=hunter2"},
        {"tracking_uri": "http://me:hunter2@h:5000"},
        {"tracking_uri": "http://me:hun ter2@h"},
        {"storage": "s3://bucket/x?secret_key=hunter2"},
        {"storage": "s3://key:hunter2@bucket/x"},
    ],
)
def test_a_secret_in_an_address_is_refused_and_not_shown(options):
    with pytest.raises(ConfigError) as caught:
        job(image="lab/popnet:1", ray_version="2.60.0", **options)
    said = str(caught.value)
    assert "--secret" in said and "\n" not in said
    assert "hunter2" not in said and "hun ter2" not in said
    (option,) = options
    assert said.startswith(f"--{option.replace('_', '-')}: ")
