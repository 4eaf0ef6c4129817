"""The name of a folder of runs is kept, whatever happens to the file it stands in."""

import shutil

import pytest

from popnet.runs import create_run
from popnet.runs.store_identity import FILE, store_identity


@pytest.fixture
def out(tiny, tmp_path):
    from popnet.config import dump

    plan, source = tiny()
    create_run(tmp_path / "runs", plan, dump(plan, source), {"command": ["popnet"]})
    return tmp_path / "runs"


def test_it_is_the_same_again_and_another_elsewhere(out, tmp_path):
    known = store_identity(out)
    assert len(known) == 32 and store_identity(out) == known
    shutil.move(out, tmp_path / "moved")
    assert store_identity(tmp_path / "moved") == known
    (tmp_path / "new").mkdir()
    assert store_identity(tmp_path / "new") != known


def test_any_flipped_bit_leaves_it(out):
    known, path = store_identity(out), out / FILE
    whole = path.read_bytes()
    for place in range(len(whole)):
        data = bytearray(whole)
        data[place] ^= 1 << (place % 7)
        path.write_bytes(data)
        assert store_identity(out) == known
        assert path.read_bytes() in (whole, bytes(data))


@pytest.mark.parametrize("text", ["", "0" * 32 + "\n", "junk", None])
def test_another_or_a_missing_one_is_told_by_the_runs(out, text):
    known = store_identity(out)
    (out / FILE).unlink()
    if text is not None:
        (out / FILE).write_text(text)
    assert store_identity(out) == known


def test_an_older_one_without_a_checksum_is_kept(tmp_path):
    (tmp_path / FILE).write_text("ab" * 16 + "\n")
    assert store_identity(tmp_path) == "ab" * 16
    assert store_identity(tmp_path) == "ab" * 16


def test_a_changed_name_does_not_double_mlflow(own_run):
    from mlflow import MlflowClient

    from popnet.tracking import sync
    from popnet.tracking.client import embedded_uri

    made = sync(own_run)
    (own_run.out / FILE).write_text("cd" * 16 + "\n")
    again = sync(own_run)
    assert (again.experiment_id, again.created) == (made.experiment_id, 0)
    found = MlflowClient(embedded_uri(own_run.out)).search_experiments()
    assert sorted(e.name for e in found) == ["Default", "tiny"]
