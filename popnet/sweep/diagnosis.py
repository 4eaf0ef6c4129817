"""Tries whether Ray, the store and MLflow can be used."""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from popnet.config import ConfigError
from popnet.registry import lacking
from popnet.store.atomic_files import is_full
from popnet.store.backend import Backend
from popnet.store.local_disk import LocalDisk
from popnet.store.location import backend_of, choose
from popnet.store.shared_mark import marked, sees
from popnet.sweep.same_code import code_here, other_code
from popnet.sweep.sealed import Packages

Check = tuple[str, bool | None, str]
"""(check, passed, message); ``passed`` is None for information only."""


def check(
    out: Path, address: str | None, storage: str | None = None
) -> Iterator[Check]:
    """Try threads, kernels, the store, the embedded MLflow store, and Ray."""
    yield _device()
    yield _kernels()
    yield _store(out)
    yield _mlflow(out)
    yield from _ray(choose(out, storage), address)


def _device() -> Check:
    """Check that one torch thread is used on a CPU; report the GPUs there are."""
    import torch

    from popnet.kernels import reproducible

    if torch.cuda.is_available():
        return "device", True, f"{torch.cuda.device_count()} GPU(s)"
    with reproducible():
        threads = torch.get_num_threads()
    return "threads", threads == 1, f"CPU; {threads} torch thread per actor"


def _kernels() -> Check:
    """Check that compiled kernels are cached; a message says why not as usual."""
    from popnet.kernels.compile_cache import where

    folder, refused = where()
    why = f" ({'; '.join(refused)})" if refused else ""
    if folder is None:
        return (
            "kernels", None,
            f"compiled anew by every process, as they cannot be kept{why}; name a "
            "folder of yours in NUMBA_CACHE_DIR",
        )  # fmt: skip
    return "kernels", True, f"compiled once and kept in {folder}{why}"


def _store(out: Path) -> Check:
    """Check that the folder of runs, or its first existing parent, can be written."""
    folder = out.resolve()
    while not folder.exists():
        folder = folder.parent
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".popnet-") as probe:
            probe.write(b"popnet")
    except OSError as error:
        return "store", False, f"{folder} cannot be written: {error.strerror}"
    return "store", True, f"{folder} can be written"


def _mlflow(out: Path) -> Check:
    """Check that the embedded MLflow store, where there is one, can be read."""
    path = out / "mlflow.db"
    if not path.is_file():
        return "mlflow", None, f"{path} is made by the first launch"
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
            (runs,) = database.execute("select count(*) from runs").fetchone()
    except sqlite3.Error as error:
        return "mlflow", False, f"{path} cannot be read: {error}"
    return "mlflow", True, f"{path} holds {runs} runs"


def _ray(backend: Backend, address: str | None) -> Iterator[Check]:
    """Check that Ray can be started or joined, then that its nodes share the store."""
    from popnet.sweep.cluster import cores, ray_running

    began = time.monotonic()
    try:
        with ray_running(address, cores()) as ray:
            nodes = [n for n in ray.nodes() if n["Alive"]]
            cpus = ray.cluster_resources().get("CPU", 0)
            seconds = time.monotonic() - began
            yield (
                "ray", True,
                f"{'joined' if address else 'started'} in {seconds:.0f} s: "
                f"{len(nodes)} node(s), {cpus:g} CPUs; authentication: "
                f"{os.environ.get('RAY_AUTH_MODE', 'as Ray chooses')}",
            )  # fmt: skip
            yield from same_code(ray)
            try:
                yield from shared(ray, backend)
            except OSError as error:
                why = error.strerror or error
                yield "storage", False, f"{backend.address} cannot be written: {why}"
    except (ConfigError, RuntimeError, OSError) as error:
        text = str(error).strip().splitlines()[0]
        yield "ray", False, f"{text} (Ray 2.59 and later need RAY_AUTH_MODE=token)"


def shared(ray: Any, backend: Backend) -> Iterator[Check]:
    """Check that every node reads and writes the place where networks are stored.

    Of a folder that does not exist yet, the first existing parent is checked.  Raises
    OSError when the head cannot write, such as to a full disk.
    """
    if isinstance(backend, LocalDisk):
        folder = backend.folder.resolve()
        while not folder.exists():
            folder = folder.parent
        marker = folder / f".popnet-{time.time_ns()}"
        probe, argument, place = _sees, str(marker), str(folder)
    else:
        marker, probe = None, _reaches
        argument = place = backend.address
    try:
        if marker is not None:
            marker.write_text("popnet")
        for node in [n for n in ray.nodes() if n["Alive"]]:
            at = node["NodeManagerAddress"]
            task = ray.remote(num_cpus=0, resources={f"node:{at}": 0.001})(probe)
            passed, message = ray.get(task.remote(argument), timeout=60)
            yield "storage", passed, f"{place}: node {at} {message}"
    finally:
        if marker is not None:
            marker.unlink(missing_ok=True)


def installed(ray: Any, packages: Packages) -> Iterator[Check]:
    """Check that every node has the packages, in these versions.

    One without CPUs, too: where tests share the CPUs they may run there.
    """
    for node in [n for n in ray.nodes() if n["Alive"]] if packages else []:
        at = node["NodeManagerAddress"]
        task = ray.remote(num_cpus=0, resources={f"node:{at}": 0.001})(lacking)
        missing = ray.get(task.remote(packages), timeout=60)
        message = "; ".join(missing) or f"has {', '.join(packages)}"
        yield "packages", not missing, f"node {at} {message}"


def same_code(ray: Any) -> Iterator[Check]:
    """Check that every node runs the code of this process.

    A node that does not answer is passed over: its actors are asked again.
    """
    launched = code_here()
    asked = {}
    for node in [n for n in ray.nodes() if n["Alive"]]:
        at = node["NodeManagerAddress"]
        task = ray.remote(num_cpus=0, resources={f"node:{at}": 0.001})(other_code)
        asked[at] = task.remote(launched)
    for at, answer in asked.items():
        try:
            other = ray.get(answer, timeout=60)
        except ray.exceptions.GetTimeoutError:
            continue
        except ray.exceptions.RayError as error:  # an older popnet, or none at all
            last = str(error).strip().splitlines()[-1].strip()
            other = f"cannot run this popnet: {last[:120]}"
        yield "code", other is None, f"node {at} {other or 'runs this popnet'}"


def _sees(path: str) -> tuple[bool | None, str]:
    """Check that this node sees and writes a folder; a full disk passes as None."""
    marker = Path(path)
    if not marker.is_file():
        return False, "does NOT see it"
    own = marker.with_name(f"{marker.name}-{os.getpid()}")
    try:
        own.write_text("popnet")
    except OSError as error:
        if is_full(error):
            return None, f"sees it, but it is full: {error.strerror}"
        return False, f"CANNOT write it: {error.strerror}"
    finally:
        with suppress(OSError):
            own.unlink()
    return True, "sees and writes it"


def _reaches(address: str) -> tuple[bool, str]:
    """Check that this node finds in an object store what it has written there."""
    try:
        backend = backend_of(address)
        with marked(backend) as mark:
            if sees(backend, mark):
                return True, "sees and writes it"
        return False, "does NOT see what it wrote"
    except (OSError, ConfigError) as error:
        return False, f"does NOT reach it: {str(error).splitlines()[0][:120]}"
