"""No bit of a run or its store can change without a command saying so."""

import json
import random
import shutil
from pathlib import Path

import pytest
from popnet.cli.main import app
from typer.testing import CliRunner

from popnet import tracking
from popnet.config import dump
from popnet.runs import checksums, open_run
from popnet.runs.checksums import Damaged, read_checked, write_files
from popnet.runs.findings import Finding, write_findings
from popnet.store import checkpoints
from popnet.work import pending
from popnet.work.shard import Shard

FOLDERS = ("networks", "curves", "weights", "evaluations", "comparisons", "index")
FLIPS = 8
"""Bits that are flipped, one at a time, in each kind of file."""


def flip(path: Path, number: int) -> None:
    """Change one bit of a file; which one depends on the number."""
    data = bytearray(path.read_bytes())
    place = random.Random(f"{path.suffix} {number}").randrange(len(data))
    data[place] ^= 1 << (number % 7)
    path.write_bytes(bytes(data))


# --- the checksums themselves --------------------------------------------------------


def put(folder: Path, **texts: str) -> None:
    write_files(
        folder,
        {n: lambda part, t=text: part.write_text(t) for n, text in texts.items()},
    )


def test_what_was_written_is_read_and_what_was_changed_is_not(tmp_path):
    put(tmp_path, a="one", b="two")
    assert read_checked(tmp_path, "a") == b"one"
    put(tmp_path, a="three")
    assert (read_checked(tmp_path, "a"), read_checked(tmp_path, "b")) == (
        b"three",
        b"two",
    )
    (tmp_path / "b").write_text("twO")
    with pytest.raises(Damaged, match=r"b is damaged.*popnet launch"):
        read_checked(tmp_path, "b")
    (tmp_path / "older").write_text("of an older popnet")
    assert read_checked(tmp_path, "older") == b"of an older popnet"


@pytest.mark.parametrize("at", range(4))
def test_a_writer_killed_at_any_moment_leaves_whole_files(tmp_path, monkeypatch, at):
    put(tmp_path, a="old a", b="old b")
    calls = iter(range(9))
    real_sums, real_replace = checksums._write_sums, Path.replace

    def dies(real):
        def call(*args):
            if next(calls) == at:
                raise KeyboardInterrupt
            return real(*args)

        return call

    with monkeypatch.context() as patched:
        patched.setattr(checksums, "_write_sums", dies(real_sums))
        patched.setattr(Path, "replace", lambda p, to: (
            real_replace(p, to) if to.name == checksums.NAME
            else dies(real_replace)(p, to)
        ))  # fmt: skip
        with pytest.raises(KeyboardInterrupt):
            put(tmp_path, a="new a", b="new b")
    texts = [read_checked(tmp_path, name) for name in "ab"]
    assert all(text in (f"new {n}".encode(), f"old {n}".encode())
               for text, n in zip(texts, "ab", strict=True))  # fmt: skip
    put(tmp_path, a="later")
    assert read_checked(tmp_path, "a") == b"later"


def test_a_reader_beside_a_writer_reads_one_of_two_whole_files(tmp_path, monkeypatch):
    put(tmp_path, a="old")
    real, turns = checksums._sums, iter(range(9))

    def sums(folder):
        known = real(folder)
        if next(turns) == 0:  # it is replaced between the two readings
            put(folder, a="new")
        return known

    monkeypatch.setattr(checksums, "_sums", sums)
    assert read_checked(tmp_path, "a") == b"new"


@pytest.mark.parametrize("number", range(20))
def test_flipped_checksums_are_noticed(tmp_path, number):
    put(tmp_path, a="one")
    flip(tmp_path / checksums.NAME, number)
    try:
        assert read_checked(tmp_path, "a") == b"one"
    except Damaged as error:
        assert "popnet launch" in str(error)


# --- a run and its store -------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(tiny_run, tiny, tmp_path_factory):
    """A launched run with a study's findings; not to be changed."""
    from popnet.report.results import make_results

    out = tmp_path_factory.mktemp("whole") / "runs"
    shutil.copytree(tiny_run.out, out)
    run = open_run(out / "tiny")
    about = ("c", "says", "s", 1.0, 0.5, 1.5, "u", 4, 0.5, "undecided", "f", "")
    write_findings(run.folder, [Finding(*about)])
    make_results(run)
    (out.parent / "sweep.yaml").write_text(dump(*tiny()))
    return run


@pytest.fixture
def harmed(whole, tmp_path):
    """A copy of it to be harmed."""
    shutil.copytree(whole.out.parent, tmp_path / "copy")
    return open_run(tmp_path / "copy" / "runs" / "tiny")


@pytest.fixture
def launch(working, monkeypatch):
    """Launch a run's sweep again without Ray and MLflow; returns the exit code."""

    def work(run, todo, _, __, reporter):
        from popnet.work import serial

        for pack in todo:
            Shard(str(run.store.folder), "cpu", 3600).work(3600, pack.networks)
        serial.test_missing(run)
        serial.compare_missing(run)
        reporter.statuses = pending.statuses(run)

    working(work)
    monkeypatch.setattr(tracking, "is_filled", lambda *_: True)

    def launched(run):
        sweep = run.out.parent / "sweep.yaml"
        return popnet("launch", sweep, "--out", run.out)

    return launched


def popnet(*args):
    done = CliRunner().invoke(app, [str(a) for a in args])
    assert done.exception is None or isinstance(done.exception, SystemExit), done
    return done


QUICK, SLOW = ("show", "status", "export"), ("retrain", "report")


def answers(run, key, commands):
    """What each command says of a run: its output, or None where it refuses."""
    options = {
        "show": ("--json", "--columns", "all"),
        "status": ("--json",),
        "export": (key, "--file", run.out.parent / "n.npz"),
        "retrain": (key,),
        "report": (),
    }
    found = {}
    for command in commands:
        done = popnet(command, run.folder, *options[command])
        if done.exit_code == 2:
            assert done.stderr.count("\n") == 1 and done.stdout == "", done.stderr
            found[command] = None
        else:
            assert done.exit_code == 0, (command, done.stdout, done.stderr)
            found[command] = done.stdout.replace(str(run.out.parent), "")
    return found


def kinds():
    names = ["sweep.yaml", "plan.json", "provenance.json", "findings.json"]
    names += [f"{n}.parquet" for n in ("networks", "curves", "evaluations")]
    names += ["dynamics.parquet", "comparisons.parquet", checksums.NAME, ".made.json"]
    names += ["report/index.html"]
    return [f"tiny/{name}" for name in names] + [f"store/{f}" for f in FOLDERS]


def same_tables(run, whole):
    """Tables and report are those of the run that was not harmed."""
    left = {"recorded_at", "weights_file"}
    for name in ("table", "curves", "evaluations", "comparisons"):
        now, then = getattr(run, name)(), getattr(whole, name)()
        keep = [c for c in then.columns if c not in left]
        assert now[keep].equals(then[keep]), name


@pytest.fixture(scope="module")
def right(whole, tmp_path_factory):
    """What the commands say of a run that was not harmed."""
    copy = tmp_path_factory.mktemp("right") / "copy"
    shutil.copytree(whole.out.parent, copy)
    run = open_run(copy / "runs" / "tiny")
    found = answers(run, whole.networks[0].key, QUICK + SLOW)
    assert None not in found.values()
    return found


@pytest.mark.slow
@pytest.mark.parametrize("kind", kinds())
def test_a_flipped_bit_is_refused_or_harmless_and_launch_mends_it(
    harmed, whole, right, launch, kind
):
    key = whole.networks[0].key
    place = harmed.out / kind
    files = sorted(p for p in place.iterdir() if p.is_file()) if place.is_dir() else []
    for number in reversed(range(FLIPS)):
        file = files[number % len(files)] if files else place
        before = file.read_bytes()
        flip(file, number)
        commands = QUICK if number else QUICK + SLOW
        for command, said in answers(harmed, key, commands).items():
            assert said in (None, right[command]), (command, number)
        file.write_bytes(before)
    flip(file, 0)
    done = launch(harmed)
    assert done.exit_code == 0, (done.stdout, done.stderr)
    same_tables(open_run(harmed.folder), whole)
    assert answers(harmed, key, QUICK).keys() == set(QUICK)
    assert None not in answers(harmed, key, QUICK).values()


def test_a_launch_from_a_damaged_copy_in_the_run_is_refused(harmed):
    """A flipped bit in a seed would train another sweep."""
    path = harmed.folder / "sweep.yaml"
    path.write_text(path.read_text().replace("seed: 3", "seed: 1"))
    for command in ("launch", "plan"):
        done = popnet(command, path, "--out", harmed.out)
        assert done.exit_code == 2 and "not as the launch wrote it" in done.stderr


def test_a_damaged_entry_of_the_store_is_said(harmed):
    entry = sorted((harmed.out / "store" / "index").iterdir())[0]
    entry.write_bytes(entry.read_bytes()[:-9])
    for command in ("status", "report"):
        done = popnet(command, harmed.folder)
        assert done.exit_code == 2 and entry.name in done.stderr


@pytest.mark.usefixtures("launch")
@pytest.mark.parametrize("number", range(12))
def test_a_damaged_place_of_the_networks_is_refused_and_mended(
    harmed, tmp_path, number
):
    far = tmp_path / "far"
    shutil.move(harmed.out / "store", far)
    from popnet.store.location import backend_of, remember

    remember(harmed.out, backend_of(far))
    flip(harmed.out / "storage.json", number)
    done = popnet("status", harmed.folder, "--json")
    if done.exit_code == 0:
        assert json.loads(done.stdout)["recorded"] == 4
        return
    assert done.exit_code == 2 and "storage.json" in done.stderr
    sweep = harmed.out.parent / "sweep.yaml"
    done = popnet("launch", sweep, "--out", harmed.out, "--storage", far)
    assert done.exit_code == 0 and "nothing to train" in done.stdout
    assert json.loads(popnet("status", harmed.folder, "--json").stdout)["recorded"] == 4


def test_a_flipped_checkpoint_is_none(tmp_path):
    """What is loaded of it is what was saved."""
    import numpy as np

    keys = ["ab" * 10, "cd" * 10]
    saved = {"progress.trial_P": np.array([5, 5]), "w": np.arange(6.0).reshape(2, 3)}
    checkpoints.save(tmp_path, "shard", [(keys, saved)])
    (path,) = tmp_path.glob("checkpoints/*.safetensors")
    whole = path.read_bytes()
    for number in range(200):
        flip(path, number)
        for key, tensors in checkpoints.load(tmp_path, keys).networks.items():
            row = keys.index(key)
            assert all((tensors[n] == saved[n][[row]]).all() for n in tensors), number
        for left in tmp_path.glob("checkpoints/*"):
            left.unlink()
        path.write_bytes(whole)
