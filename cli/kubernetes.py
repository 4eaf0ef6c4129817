"""``popnet k8s``: runs a sweep as a job of the KubeRay operator."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from . import launching
from .shell import (
    DONE,
    SOME_FAILED,
    WRONG,
    Overrides,
    SweepFile,
    give,
    guarded,
    say,
)

app = typer.Typer(
    name="k8s",
    help="A sweep as a job on Kubernetes (KubeRay); see k8s/README.md.",
    no_args_is_help=True,
)

Option = typer.Option
UsageError: Any = typer.BadParameter.__mro__[1]
"""The exception that typer raises for an unknown option."""
Image = Annotated[str, Option("--image", help="the image, with its tag")]
Workers = Annotated[int, Option("--workers", help="worker pods, at most")]
Least = Annotated[
    int | None,
    Option("--least", help="worker pods, at least; default: no autoscaler"),
]
Cpus = Annotated[int, Option("--cpus", help="per worker")]
Gpus = Annotated[int, Option("--gpus", help="per worker")]
GpuType = Annotated[
    str | None, Option("--gpu-type", help="label=value of the nodes to use")
]
Memory = Annotated[
    int | None, Option("--memory", help="GiB per worker; default: by the networks")
]
Claim = Annotated[str, Option("--claim", help="volume claim for runs")]
Storage = Annotated[
    str | None, Option("--storage", help="URI of the store of networks")
]
Tracking = Annotated[str | None, Option("--tracking-uri", help="an MLflow server")]
SecretName = Annotated[
    str | None,
    Option("--secret", help="a Secret whose keys become environment variables"),
]
Namespace = Annotated[str, Option("--namespace", "-n", help="of Kubernetes")]
Queue = Annotated[str | None, Option("--queue", help="a Kueue queue")]
Spot = Annotated[bool, Option("--spot", help="workers may run on spot nodes")]
Retries = Annotated[int, Option("--retries", help="new clusters after a failure")]
Keep = Annotated[int, Option("--keep-s", help="seconds the ended cluster stays")]
RayVersion = Annotated[
    str | None, Option("--ray-version", help="the image's; default: the one here")
]


@app.command()
@guarded
def render(
    sweep: SweepFile,
    image: Image,
    workers: Workers = 1,
    least: Least = None,
    cpus: Cpus = 4,
    gpus: Gpus = 0,
    gpu_type: GpuType = None,
    memory: Memory = None,
    claim: Claim = "popnet-runs",
    storage: Storage = None,
    tracking_uri: Tracking = None,
    secret: SecretName = None,
    namespace: Namespace = "popnet",
    queue: Queue = None,
    spot: Spot = False,
    retries: Retries = 3,
    keep_s: Keep = 600,
    ray_version: RayVersion = None,
    set_: Overrides = None,
) -> None:
    """The sweep as a ConfigMap and a RayJob, as YAML on stdout."""
    given = dict(locals())
    give(_rendered(given.pop("sweep"), given.pop("set_"), given).rstrip("\n"))


@app.command()
@guarded
def submit(
    sweep: SweepFile,
    image: Image,
    workers: Workers = 1,
    least: Least = None,
    cpus: Cpus = 4,
    gpus: Gpus = 0,
    gpu_type: GpuType = None,
    memory: Memory = None,
    claim: Claim = "popnet-runs",
    storage: Storage = None,
    tracking_uri: Tracking = None,
    secret: SecretName = None,
    namespace: Namespace = "popnet",
    queue: Queue = None,
    spot: Spot = False,
    retries: Retries = 3,
    keep_s: Keep = 600,
    ray_version: RayVersion = None,
    set_: Overrides = None,
    context: Annotated[
        str | None, Option("--context", help="of kubectl; default: its current one")
    ] = None,
    again: Annotated[
        bool, Option("--again", help="run a job that has ended once more")
    ] = False,
) -> None:
    """What render writes, applied with this machine's kubectl."""
    given = dict(locals())
    context, again = given.pop("context"), given.pop("again")
    text = _rendered(given.pop("sweep"), given.pop("set_"), given)
    from popnet.kubernetes import submit as apply_manifests

    for line in apply_manifests(text, context, again):
        give(line)
    say(f"watch: kubectl -n {namespace} get rayjob -w")
    if not again:
        say("a job that is `unchanged` does not run again; --again starts it anew")


def _rendered(sweep: Path, changes: list[str] | None, options: dict[str, Any]) -> str:
    from importlib.metadata import version

    from popnet.catalogue import load_sweep
    from popnet.kubernetes import as_yaml, job
    from popnet.kubernetes import render as objects

    settings = job(
        **{**options, "ray_version": options["ray_version"] or version("ray")}
    )
    plan, source = load_sweep(sweep, changes)
    return as_yaml(objects(plan, source, settings))


@app.command(
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True}
)
@guarded
def start(
    ctx: typer.Context,
    sweep: SweepFile,
    nodes: Annotated[int, Option("--nodes", help="workers to wait for")],
    node_cpus: Annotated[int, Option("--node-cpus", help="of each")],
    node_gpus: Annotated[int, Option("--node-gpus", help="of each")] = 0,
    patience_s: Annotated[
        float, Option("--patience-s", help="then as many as have come will do")
    ] = 900.0,
) -> None:
    """What a job runs: popnet launch once the workers are there (its options too).

    The operator makes a new cluster whenever the job fails.  That helps a lost node and
    no wrong sweep file, which stops the job for good.  Diverged networks end in code 0.
    """
    from popnet.catalogue import load_sweep
    from popnet.config import ConfigError
    from popnet.config.address import without_secrets

    try:
        command = _launch_command()
        # an option unknown to this image's popnet is refused here too
        parsed = command.make_context("popnet launch", [str(sweep), *ctx.args])
        load_sweep(sweep)
    except (ConfigError, UsageError) as error:
        say(f"popnet: {without_secrets(str(error))}")
        _stop_own_job()
        raise typer.Exit(WRONG) from None
    from popnet.sweep.autoscaling import wait_for_workers

    each = {"CPU": float(node_cpus)} | ({"GPU": float(node_gpus)} if node_gpus else {})
    wait_for_workers("auto", nodes, each, patience_s, say)
    try:
        with parsed:
            command.invoke(parsed)
    except typer.Exit as ended:
        if ended.exit_code != SOME_FAILED:
            raise
        say("the diverged networks are recorded and would diverge again: code 0")
        raise typer.Exit(DONE) from None


def _launch_command() -> Any:
    """Return ``popnet launch`` as a command that raises its errors.

    So an error is not mistaken for an exit code.
    """
    launch_app = typer.Typer(add_completion=False, rich_markup_mode=None)
    launch_app.command()(inspect.unwrap(launching.launch))
    return typer.main.get_command(launch_app)


def _stop_own_job() -> None:
    """Make Ray stop this job: STOPPED is final, FAILED would be tried again."""
    about = json.loads(os.environ.get("RAY_JOB_CONFIG_JSON_ENV_VAR", "{}"))
    number = about.get("metadata", {}).get("job_submission_id")
    if number is None:
        return
    say("that would be wrong on every new cluster: stopping the job")
    ray = [sys.executable, "-P", "-m", "ray.scripts.scripts"]
    subprocess.run([*ray, "job", "stop", "--no-wait", number], check=False)
    time.sleep(30)  # Ray ends this process
