"""The options of a job on Kubernetes besides its sweep, each with a closed form.

Kubernetes replaces ``$(NAME)`` in a container's arguments, and the operator gives the
start-up line to a shell.  So no value may contain a quote, a blank, a newline or ``$``:
this module refuses text that a shell or YAML could interpret, and what is accepted is
quoted all the same.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationError, model_validator

from popnet.config import ConfigError, Settings
from popnet.config.address import Address, argument_shown
from popnet.config.reading import shown

LABEL = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
SUBDOMAIN = r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$"
IMAGE = (
    r"^[a-z0-9][A-Za-z0-9._/:-]{0,200}"
    r"(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}|@sha256:[0-9a-f]{64})$"
)
URI = r"^[a-z][a-z0-9+.-]{0,15}://[A-Za-z0-9_.,:/=%+?&-]{1,500}$"
_PART = r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
SELECTOR = rf"^({_PART}/)?{_PART}={_PART}$"
"""The form ``label=value`` of a node's label."""

Name = Annotated[str, Field(pattern=LABEL, description="a name of a-z, 0-9 and -")]
_ABOUT_ADDRESS = Field(
    pattern=URI,
    description="a URI such as s3://bucket/folder, without a password (--secret), a "
    "blank, a quote or $",
)


def _without_secrets(address: str) -> str:
    """Return an address.  Raises ValueError when there is a secret in it.

    A manifest can be read by everybody who may read jobs.
    """
    shown = Address(address)
    if shown.has_secrets:
        raise ValueError(
            f"{shown} has a secret (***) in it, which would stand in the manifest. "
            "Leave it out and put it into a Kubernetes Secret, named by --secret, "
            "whose keys become environment variables: MLFLOW_TRACKING_USERNAME and "
            "MLFLOW_TRACKING_PASSWORD or MLFLOW_TRACKING_TOKEN, PGUSER and PGPASSWORD, "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        )
    return address


_ADDRESS = Annotated[str, _ABOUT_ADDRESS, AfterValidator(_without_secrets)]


class Job(Settings):
    """The resources and places that a sweep uses on Kubernetes."""

    image: Annotated[
        str,
        Field(pattern=IMAGE, description="registry/name:tag, or a digest"),
    ]
    workers: Annotated[
        int, Field(ge=1, le=1000, description="a number of worker pods")
    ] = 1
    least: Annotated[
        int | None, Field(ge=0, le=1000, description="a number of worker pods")
    ] = None
    """Smallest number of workers.  None: no autoscaler, all workers throughout."""
    cpus: Annotated[int, Field(ge=1, le=512, description="CPUs of a worker")] = 4
    gpus: Annotated[int, Field(ge=0, le=16, description="GPUs of a worker")] = 0
    gpu_type: Annotated[
        str | None,
        Field(
            pattern=SELECTOR,
            description="label=value of nodes, for example "
            "nvidia.com/gpu.product=NVIDIA-A100-SXM4-40GB",
        ),
    ] = None
    memory: Annotated[
        int | None, Field(ge=1, le=4096, description="GiB of a worker")
    ] = None
    """GiB per worker.  None: as much as the sweep's networks need."""
    claim: Name = "popnet-runs"
    """Claim of a volume that every node can write."""
    storage: _ADDRESS | None = None
    tracking_uri: _ADDRESS | None = None
    secret: Annotated[
        str | None, Field(pattern=SUBDOMAIN, description="the name of a Secret")
    ] = None
    namespace: Name = "popnet"
    queue: Name | None = None
    spot: bool = False
    retries: Annotated[
        int, Field(ge=0, le=100, description="how often to begin again")
    ] = 3
    keep_s: Annotated[int, Field(ge=0, le=2_592_000, description="seconds")] = 600
    ray_version: Annotated[
        str, Field(pattern=r"^\d+\.\d+\.\d+$", description="a version such as 2.60.0")
    ]

    @model_validator(mode="after")
    def _together(self) -> Job:
        if self.least is not None and self.queue is not None:
            raise ValueError(
                "--least and --queue do not go together: Kueue admits a job of a "
                "fixed size; leave --least out"
            )
        if self.least is not None and self.least > self.workers:
            raise ValueError(
                f"--least {self.least} is more than --workers {self.workers}"
            )
        if self.gpu_type is not None and not self.gpus:
            raise ValueError("--gpu-type chooses among GPU nodes; give --gpus too")
        if self.image.endswith(":latest"):
            raise ValueError(
                "--image: the tag latest may be another image on every node; give a "
                "version or a digest"
            )
        return self


def job(**given: Any) -> Job:
    """Check the options of a job.  Raises ConfigError, naming the option at fault."""
    try:
        return Job(**{k: v for k, v in given.items() if v is not None})
    except ValidationError as error:
        first = error.errors()[0]
        if not first["loc"]:
            text = str(first["msg"]).removeprefix("Value error, ")
            raise ConfigError(f"{text}.") from None
        name = str(first["loc"][0])
        option = f"--{name.replace('_', '-')}"
        if first["type"] == "value_error":
            text = str(first["msg"]).removeprefix("Value error, ")
            raise ConfigError(f"{option}: {text}.") from None
        about = Job.model_fields[name].description or _ABOUT_ADDRESS.description
        bounds = "" if "pattern" in first["type"] else f" ({first['msg']})"
        value: Any = first["input"]
        value = argument_shown(value) if isinstance(value, str) else value
        raise ConfigError(
            f"{option}: {shown(value)} is not allowed; give {about}{bounds}."
        ) from None
