"""Sweep files that are meant to do harm: bombs, tags, huge numbers, other files."""

import io
import json
import os
import resource
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers.harmless import LINEAR, SWEEP

BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]\n"
    for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)
DEEP = "network: " + "[" * 20_000 + "]" * 20_000
WRONG_TEXTS = {
    "alias bomb": (BOMB, "aliases counted"),
    "alias of itself": (SWEEP + "grid: &g {network.gain: *g}\n", "alias"),
    "python object": (SWEEP + "after: !!python/object:os.system {}\n", "tag"),
    "python apply": (
        SWEEP + "after: !!python/object/apply:os.system ['touch owned']\n", "tag"),
    "python name": (SWEEP + "after: !!python/name:os.system ''\n", "tag"),
    "python module": (SWEEP + "after: !!python/module:os ''\n", "tag"),
    "python tuple": (SWEEP + "after: {perturb: !!python/tuple [1]}\n", "tag"),
    "own tag": (SWEEP + "after: !evil {}\n", "evil"),
    "binary tag": (SWEEP + "after: {trials: !!binary aGk=}\n", "tag"),
    "set tag": (SWEEP + "after: !!set {a, b}\n", "tag"),
    "duplicate key": (SWEEP + "seed: 4\n", "twice"),
    "duplicate inside": (SWEEP + "machine: {workers: 1, workers: 2}\n", "twice"),
    "merge key": (SWEEP + "machine:\n  <<: {workers: 1}\n", "<<"),
    "deep nesting": (DEEP, "nested too deeply"),
    "two documents": (SWEEP + "---\n" + SWEEP, "document"),
    "key that is a list": (SWEEP + "? [a, b]\n: 1\n", "cannot be a key"),
    "NUL byte": (SWEEP.encode() + b"machine: {device: c\x00pu}\n", "control"),
    "escape code": (SWEEP.encode() + b"\x1b[2Jmachine: {}\n", "control"),
    "UTF-16": (SWEEP.encode("utf-16"), "not UTF-8"),
    "UTF-32": (SWEEP.encode("utf-32"), "not UTF-8"),
    "latin-1": (SWEEP.replace("tiny", "t\xefny").encode("latin-1"), "not UTF-8"),
    "BOM in the middle": (SWEEP.encode() + b"\xef\xbb\xbfmachine: {}\n", "yaml"),
    "a program": (b"\x7fELF\x02\x01\x01" + bytes(range(256)), "not UTF-8"),
    "a pickle": (b"\x80\x04\x95cposix\nsystem\n(S'touch owned'\ntR.", "not UTF-8"),
    "an archive": (b"PK\x03\x04" + b"\x00" * 64, "control"),
    "text alone": (b"rm -rf /\n", "key: value"),
}  # fmt: skip


@pytest.mark.parametrize("kind", WRONG_TEXTS)
def test_a_file_that_is_no_sweep_is_refused(sweep, refused, kind):
    text, word = WRONG_TEXTS[kind]
    assert word in refused("plan", sweep(text=text))


HUGE = {
    "units": ("network.units=1000000000", "units"),
    "units as a float": ("network.units=1e9", "units"),
    "units of 400 digits": (f"network.units={'9' * 400}", "units"),
    "negative units": ("network.units=-5", "units"),
    "no units": ("network.units=0", "units"),
    "trials": (f"train.trials={10**30}", "trials"),
    "negative trials": ("train.trials=-1", "trials"),
    "networks": (f"networks={10**12}", "networks"),
    "negative networks": ("networks=-2", "networks"),
    "networks true": ("networks=true", "networks"),
    "seed of a thousand digits": (f"seed={'7' * 1000}", "seed"),
    "NaN": ("network.gain=.nan", "gain"),
    "infinity": ("rule.learning_rate=.inf", "learning_rate"),
    "true for a number": ("network.gain=true", "gain"),
    "text for a number": ("network.gain='1.5'", "gain"),
    "subnormal step": ("network.dt_s=1e-320", "dt_s"),
    "endless trial": ("task.delay_s=1e12", "delay_s"),
    "samples": ("grid.network.gain={sample: 1000000000, low: 0, high: 1}", "sample"),
    "samples of all": ("grid.network.gain={sample: 1, low: -1e400, high: 1}", "low"),
    "levels NaN": ("after={perturb: [{name: synaptic_jitter, levels: [.nan]}]}", "l"),
    "window": ("train.until={accuracy: 0.9, window: 99999999999}", "window"),
    "workers": ("machine.workers=-1", "workers"),
}


@pytest.mark.parametrize("command", ["plan", "launch"])
@pytest.mark.parametrize("kind", HUGE)
def test_numbers_that_no_machine_has_are_refused(sweep, refused, command, kind):
    option, word = HUGE[kind]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert word in refused(command, sweep(), "--set", option)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < 50_000  # KiB


def test_a_grid_of_10_to_the_12_is_counted_not_made(sweep, refused):
    paths = ("network.gain", "rule.learning_rate", "network.input_scale",
             "network.initial_state")  # fmt: skip
    values = json.dumps([i / 1000 for i in range(1, 1001)])
    grid = "grid:\n" + "".join(f"  {path}: {values}\n" for path in paths)
    said = refused("plan", sweep(grid))
    assert "1,000,000,000,000 conditions" in said and "at most 1,000,000" in said


def test_a_file_of_200_mb_is_not_read(sweep, refused):
    path = sweep()
    with path.open("wb") as file:
        file.truncate(200_000_000)
    assert "larger than" in refused("launch", path)


NAMES = ["../x", "..", ".", "/tmp/x", "a/b", "a\\b", "~", ".hidden", "", "x\n", "a b",
         "con\x07", "store", "artifacts", "mlflow.db", "x" * 65, "${HOME}", "$(id)",
         "é", "a;b", "-rf"]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_name_cannot_lead_out_of_the_folder(sweep, refused, name):
    (file,) = [sweep(text=SWEEP.replace("tiny", json.dumps(name), 1))]
    assert "name" in refused("launch", file)
    if name and name.isprintable():
        assert "name" in refused("launch", sweep(), "--set", f"name={name!r}")


SETS = ["__class__=x", "network.__class__.__init__=x", "network.__dict__={}",
        "__proto__.units=5", "network.model_config={}", "name=../x", "grid.__class__=1",
        "network.units.__add__=1", "task.name=os.system", "rule={name: eval}",
        "after.compare=[__import__]", "machine.device=cuda; rm -rf /", "=", "network",
        "network.units=!!python/name:os.system ''", "network=&a [*a]",
        "network.tau_s=[1, 2", "grid=3", "a.b.c=1"]  # fmt: skip


@pytest.mark.parametrize("option", SETS)
def test_set_reaches_settings_alone(sweep, refused, option):
    refused("launch", sweep(), "--set", option)


def archive(path, **arrays):
    np.savez(path, **arrays)
    return path


def one_array():
    with io.BytesIO() as file:
        np.save(file, np.zeros((3, 3, 3)))
        return file.getvalue()


def bomb(path):
    """An archive of some kilobytes whose targets are 8 GB of zeros."""
    import zipfile

    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (10, 100, 1000000)"
        header = (header + b", }").ljust(117) + b"\n"
        with file.open("targets.npy", "w", force_zip64=True) as member:
            member.write(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little"))
            member.write(header)
            for _ in range(2000):
                member.write(bytes(1_000_000))
    return path


DATA = {
    "pickled objects": lambda p: archive(p, targets=np.array([{}], dtype=object)),
    "text": lambda p: p.write_text("root:x:0:0:root"),
    "one array": lambda p: p.write_bytes(one_array()),
    "other arrays": lambda p: archive(p, secret=np.zeros(3)),
    "NaN": lambda p: archive(p, targets=np.full((3, 3, 3), np.nan)),
    "fifo": os.mkfifo,
    "folder": lambda p: p.mkdir(),
    "5 GB": lambda p: (p.touch(), os.truncate(p, 5_000_000_000)),
    "missing": Path.exists,
    "cut short": lambda p: (archive(p, targets=np.zeros((3, 3, 3))),
                            os.truncate(p, 100)),
}  # fmt: skip


@pytest.mark.parametrize("kind", DATA)
def test_a_file_of_data_is_one_of_plain_numbers(here, sweep, refused, kind):
    path = here / "data.npz"
    DATA[kind](path)
    text = LINEAR.replace("{name: dnms}", f"{{name: reaching, targets: {path}}}")
    text = text.replace("{name: reward_hebbian, wait_trials: 5}", "{name: bptt}")
    assert str(path) in refused("plan", sweep(text=text))


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/random", "/proc/self/mem", "/etc"])
def test_a_device_or_a_folder_is_no_data(sweep, refused, path):
    text = LINEAR.replace("{name: dnms}", f"{{name: reaching, targets: {path}}}")
    said = refused("plan", sweep(text=text))
    assert "task.targets" in said and "cannot be read" in said


def test_an_archive_that_swells_is_not_unpacked(here, sweep, refused):
    path = bomb(here / "data.npz")
    assert path.stat().st_size < 5_000_000
    text = LINEAR.replace("{name: dnms}", f"{{name: reaching, targets: {path}}}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert "larger than" in refused("plan", sweep(text=text))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < 300_000


@pytest.mark.skipif(sys.platform == "win32", reason="fifos")
def test_a_fifo_is_no_sweep_file(here, refused):
    os.mkfifo(here / "sweep.yaml")
    assert "not a file of its own" in refused("plan", here / "sweep.yaml")


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/stdin"])
def test_a_device_is_no_sweep_file(here, refused, path):
    (here / "link.yaml").symlink_to(path)
    refused("plan", here / "link.yaml")
