"""The provenance of a run: versions, machine, command and git commit."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

from popnet.config import ConfigError
from popnet.config.address import argument_shown, without_secrets
from popnet.plan import PHYSICS
from popnet.registry import lacking
from popnet.runs.untrusted import read_json

PACKAGES = (
    "popnet", "torch", "numpy", "scipy", "numba", "ray", "mlflow", "pyarrow",
    "pydantic", "safetensors",
)  # fmt: skip
ISA = ("avx512f", "avx2", "fma", "neon", "asimd")


def provenance(command: list[str], packages: Sequence[str] = ()) -> dict[str, Any]:
    """Return the versions, machine, command, git commit and physics of one launch.

    ``packages`` names the packages of other people whose entries the launch uses, each
    as "NAME VERSION".
    """
    others = dict(package.rsplit(" ", 1) for package in packages)
    return {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command,
        "physics": PHYSICS,
        "versions": {"python": platform.python_version(), **_versions(), **others},
        **({"packages": list(packages)} if packages else {}),
        "git_commit": _commit(),
        "machine": machine(),
    }


def read_provenance(folder: Path) -> dict[str, Any]:
    """Return a run's provenance; what an older popnet wrote may hold passwords.

    Raises ConfigError when the file cannot be read.
    """
    return _cleaned(read_json(folder / "provenance.json", dict))


def _cleaned(value: Any) -> Any:
    """Return a value of JSON without the secrets of the addresses in it."""
    if isinstance(value, dict):
        return {name: _cleaned(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_cleaned(inner) for inner in value]
    return without_secrets(value) if isinstance(value, str) else value


def refuse_packages(folder: Path, about: dict[str, Any]) -> None:
    """Raise ConfigError when a package of the run is missing or has another version.

    Networks made with another version have other keys.
    """
    listed = about.get("packages")
    listed = listed if isinstance(listed, list) else []
    named = [p for p in listed if isinstance(p, str)]
    missing = lacking(tuple(p for p in named if re.fullmatch(r"[\w.-]+ [\w.+!-]+", p)))
    if missing:
        raise ConfigError(
            f"{folder}: this machine {missing[0]}, with which the run was made and "
            "which the keys of its networks name. Its tables stay readable; install "
            "the package as it was. With another version, "
            f"`popnet launch {folder / 'sweep.yaml'}` trains its networks anew."
        )


def machine() -> dict[str, Any]:
    """Describe this machine; the last bits of results depend on its instruction set."""
    model, flags = _processor()
    return {
        "system": platform.platform(),
        "processor": model,
        "instruction_sets": [name for name in ISA if name in flags],
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
    }


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def _processor() -> tuple[str, set[str]]:
    info = Path("/proc/cpuinfo")
    text = info.read_text() if info.is_file() else ""
    fields: dict[str, str] = {}
    for line in text.splitlines():
        name, _, value = line.partition(":")
        fields[name.strip()] = value.strip()
    model = fields.get("model name") or platform.processor() or platform.machine()
    return model, set(fields.get("flags", fields.get("Features", "")).split())


def _commit() -> str | None:
    """Return the commit of popnet's checkout; None when it does not run from one."""
    here = Path(__file__).resolve().parent
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12"],
            cwd=here, capture_output=True, text=True, timeout=10, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None


def command_line() -> list[str]:
    """Return the command as typed, without the interpreter's path and secrets."""
    return [Path(sys.argv[0]).name, *map(argument_shown, sys.argv[1:])]
