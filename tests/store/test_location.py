"""Where a folder of runs keeps its networks: remembered, and never left by a link."""

import json
import os

import pytest
from helpers.batches import A, commit

from popnet.config import ConfigError
from popnet.runs.untrusted import refuse_links
from popnet.store import Store
from popnet.store.local_disk import LocalDisk
from popnet.store.location import backend_of, choose, remember, storage_of


def everything(folder):
    return {p: p.is_file() and p.read_bytes() for p in folder.rglob("*")}


def test_without_a_choice_it_is_the_folder_itself(tmp_path):
    for out in (tmp_path / "none", tmp_path):
        assert storage_of(out).address == str(out / "store")
        assert choose(out, None).address == choose(out, str(out / "store")).address
        remember(out, choose(out, None))
    assert everything(tmp_path) == {}


@pytest.mark.parametrize("form", ["path", "uri", "relative"])
def test_a_choice_is_remembered(tmp_path, monkeypatch, form):
    out, far = tmp_path / "runs", tmp_path / "far away" / "lab"
    monkeypatch.chdir(tmp_path)
    given = {"path": str(far), "uri": far.as_uri(), "relative": "far away/lab"}[form]
    backend = choose(out, given)
    assert not out.exists() and not far.exists()
    out.mkdir()
    remember(out, backend)
    assert json.loads((out / "storage.json").read_text())["storage"] == str(far)
    monkeypatch.chdir("/")
    for known in (storage_of(out), choose(out, None), choose(out, str(far))):
        assert isinstance(known, LocalDisk) and known.address == str(far)


def test_an_object_store_is_remembered_without_secrets(tmp_path, s3):
    uri = f"s3://bucket/lab{s3}"
    remember(tmp_path, choose(tmp_path, uri))
    text = (tmp_path / "storage.json").read_text()
    assert json.loads(text)["storage"] == uri
    assert storage_of(tmp_path).address == uri
    with pytest.raises(ConfigError, match="does not belong in an address"):
        choose(tmp_path, "s3://me:secret@bucket/lab")


@pytest.mark.parametrize("noted", [True, False])
def test_another_place_is_told_and_nothing_changes(tmp_path, noted):
    out = tmp_path / "runs"
    known = tmp_path / "far" if noted else out / "store"
    out.mkdir()
    remember(out, backend_of(known))
    if not noted:
        commit(Store(out / "store"), [A])
    before = everything(tmp_path)
    with pytest.raises(ConfigError) as caught:
        choose(out, str(tmp_path / "other"))
    said = str(caught.value)
    assert said.startswith(f"{out} keeps its networks in {known}; --storage ")
    assert str(out / "storage.json") in said and "\n" not in said
    assert everything(tmp_path) == before
    assert choose(out, str(known)).address == str(known)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"storage": 3}', '"/x"', "\xff"])
def test_a_spoilt_note_is_told(tmp_path, text):
    (tmp_path / "storage.json").write_bytes(text.encode("latin1"))
    with pytest.raises(ConfigError, match=r"storage\.json: expected"):
        storage_of(tmp_path)


LINKS = ("sweep", "store", "artifacts", "mlflow.db", "storage.json", "store/weights",
         "store/.lock", "store/index", "sweep/report", "sweep/.lock",
         "sweep/networks.parquet", "sweep/report/deep/index.html")  # fmt: skip


@pytest.mark.parametrize("there", [True, False], ids=["", "to nothing"])
@pytest.mark.parametrize("link", LINKS)
def test_a_link_that_leads_out_is_refused(tmp_path, link, there):
    out, path = tmp_path / "runs", tmp_path / "runs" / link
    path.parent.mkdir(parents=True)
    target = tmp_path / "runs-of-others"  # begins as the folder does
    if there:
        target.mkdir()
    path.symlink_to(target)
    before = everything(tmp_path)
    with pytest.raises(ConfigError) as caught:
        refuse_links(out, "sweep", LocalDisk(out / "store"))
    assert str(path) in str(caught.value) and str(target) in str(caught.value)
    assert everything(tmp_path) == before


@pytest.fixture
def linked(tmp_path):
    """A folder of runs that is a link itself, with a run."""
    real = tmp_path / "scratch" / "runs"
    for below in ("sweep/report", "store/index", "old"):
        (real / below).mkdir(parents=True)
    (tmp_path / "runs").symlink_to(real)
    return tmp_path / "runs"


def test_a_linked_folder_and_the_links_of_others_are_fine(linked, tmp_path):
    (linked / "archive").symlink_to(tmp_path)  # not of this launch
    refuse_links(linked, "sweep", LocalDisk(linked / "store"))
    refuse_links(tmp_path / "new", "sweep", LocalDisk(tmp_path / "new" / "store"))


@pytest.mark.parametrize("link", ["sweep/latest", "sweep/report/latest", "store/mine"])
def test_a_link_that_stays_inside_is_refused_too(linked, link):
    (linked / link).symlink_to(linked / "store" / "index")
    with pytest.raises(ConfigError, match="is a link"):
        refuse_links(linked, "sweep", LocalDisk(linked / "store"))


def test_a_link_in_a_store_elsewhere_is_refused(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "weights").symlink_to(tmp_path)
    with pytest.raises(ConfigError, match="far/weights is a link that leads out of"):
        refuse_links(tmp_path / "runs", "sweep", LocalDisk(tmp_path / "far"))


def test_a_note_that_is_a_pipe_keeps_nobody_waiting(tmp_path):
    os.mkfifo(tmp_path / "storage.json")
    with pytest.raises(ConfigError, match=r"storage\.json: expected"):
        storage_of(tmp_path)
