"""What lies beside a sweep file is imported by no process of a launch."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

import popnet
from popnet.catalogue import load_sweep
from popnet.plan import networks
from popnet.work.serial import train

SWEEP = {
    "name": "beside", "seed": 3, "networks": 2, "task": "dnms",
    "network": {"units": 12, "dt_s": 0.01, "tau_s": {"mean": 0.07}},
    "rule": "reward_hebbian", "train": {"trials": 8, "until": None},
    "after": {"trials": 1},
}  # fmt: skip
COMMAND = Path(sys.executable).with_name("popnet")
NAMES = ("torch", "numba", "safetensors", "ray", "queue", "sitecustomize", "popnet")
LAUNCH = "import popnet as pn; pn.launch('s.yaml', out='runs')"


def folder_with(tmp_path, names=()):
    """A folder with a sweep file, and modules that leave a trace when imported."""
    tmp_path.mkdir(exist_ok=True)
    (tmp_path / "s.yaml").write_text(yaml.safe_dump(SWEEP))
    for name in names:
        folder = tmp_path / name if name == "popnet" else tmp_path
        folder.mkdir(exist_ok=True)
        file = "__init__.py" if name == "popnet" else f"{name}.py"
        trace = str(tmp_path / "imported")
        (folder / file).write_text(f"open({trace!r}, 'a').write({name!r} + chr(10))\n")
    return tmp_path


def launched(folder, arguments, **environment):
    done = subprocess.run(
        arguments, cwd=folder, text=True, capture_output=True,
        env={**os.environ, **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    (path,) = folder.glob("runs/*/networks.parquet")
    table = pd.read_parquet(path)
    assert len(table) == 2
    return table


@pytest.mark.slow
def test_a_launch_runs_nothing_that_lies_beside_its_file(tmp_path):
    full = folder_with(tmp_path / "full", NAMES)
    table = launched(full, [COMMAND, "launch", "s.yaml", "--out", "runs"])
    plan, _ = load_sweep(full / "s.yaml")
    alone = train(networks(plan))  # in this process, which has other modules
    for row in table.itertuples():
        found = alone[row.key]
        assert (row.status, row.final_error) == (found.status, found.final_error)
    assert not (full / "imported").exists()


@pytest.mark.slow
def test_nor_does_a_launch_from_python(tmp_path):
    """popnet and sitecustomize are what Python itself takes from there before.

    With -c the folder is on the path, and with PYTHONPATH a second time.
    """
    full = folder_with(tmp_path / "full", NAMES[:-2])
    launched(full, [sys.executable, "-c", LAUNCH], PYTHONPATH=".")
    assert not (full / "imported").exists()


@pytest.mark.slow
def test_workers_import_the_popnet_that_launches(tmp_path):
    """A checkout that is not installed, and that the working directory alone shows."""
    folder = folder_with(tmp_path / "checkout")
    source = Path(popnet.__file__).parent
    shutil.copytree(source, folder / "popnet", ignore=shutil.ignore_patterns("__pyc*"))
    with (folder / "popnet" / "work" / "shard.py").open("a") as file:
        file.write(f"open({str(folder / 'imported')!r}, 'w').close()\n")
    launched(folder, [sys.executable, "-c", LAUNCH])
    assert (folder / "imported").exists()
