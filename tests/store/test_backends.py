"""Every kind of backend keeps the same promises: a folder, an S3 server, fsspec."""

import os
import pickle
import time
from pathlib import Path

import pytest

from popnet.config import ConfigError
from popnet.store.backend import OLD_S
from popnet.store.local_disk import LocalDisk
from popnet.store.location import backend_of
from popnet.store.object_store import ObjectStore


def put(backend, name, data):
    with backend.draft() as draft:
        draft.write_bytes(data)
        backend.put(draft, name)


def test_what_is_put_is_there_whole(backend):
    assert backend.listed("weights") == {}
    began = time.time()
    put(backend, "weights/ab.safetensors", b"\x00" * 1000 + b"\xff")
    put(backend, "weights/cd.safetensors", b"x")
    put(backend, "index/ab.json", b"{}")
    listed = backend.listed("weights")
    assert {n: a.bytes for n, a in listed.items()} == {
        "ab.safetensors": 1001, "cd.safetensors": 1,
    }  # fmt: skip
    for about in listed.values():  # in memory none is kept: never old
        assert abs(about.modified - began) < 60 or about.modified == float("inf")
    assert backend.read("weights/ab.safetensors")[-1] == 255
    with backend.open("weights/ab.safetensors") as handle:
        assert handle.size() == 1001
        assert handle.read_at(2, 999) == b"\x00\xff" and handle.read_at(9, 1000)


def test_a_later_file_takes_the_place_of_the_former(backend):
    put(backend, "weights/ab", b"first")
    put(backend, "weights/ab", b"second, longer")
    assert backend.read("weights/ab") == b"second, longer"
    put(backend, "weights/ab", b"3")
    assert backend.read("weights/ab") == b"3" and len(backend.listed("weights")) == 1


def test_files_move_and_go(backend):
    put(backend, "index/ab.json", b"{}")
    backend.move("index/ab.json", "index/ab.damaged")
    assert set(backend.listed("index")) == {"ab.damaged"}
    backend.remove("index/ab.damaged")
    backend.remove("index/ab.damaged")
    assert backend.listed("index") == {}


def test_what_is_not_there_is_said_so(backend):
    put(backend, "index/ab.json", b"{}")
    with pytest.raises(FileNotFoundError):
        backend.read("index/cd.json")
    with pytest.raises(FileNotFoundError):
        backend.open("index/cd.json")
    with pytest.raises(FileNotFoundError):
        backend.move("index/cd.json", "index/ef.json")


@pytest.mark.parametrize(
    "name",
    ["../ab", "/etc/passwd", "weights/../../ab", "weights/..", "weights", "ab/",
     "weights/a/b", "weights/.ab", "", "weights/a\n", "Weights/ab", "weights/é"],
)  # fmt: skip
def test_no_name_leads_out(backend, name):
    for use in (backend.read, backend.open, backend.remove, backend.at):
        with pytest.raises(ValueError, match="no name of a file"):
            use(name)
    with pytest.raises(ValueError, match="no name of a file"), backend.draft() as draft:
        draft.write_bytes(b"x")
        backend.put(draft, name)
    for pair in ((name, "index/ab"), ("index/ab", name)):
        with pytest.raises(ValueError, match="no name of a file"):
            backend.move(*pair)


def test_a_draft_that_is_not_put_leaves_nothing(backend):
    with pytest.raises(OSError, match="full"), backend.draft() as draft:
        draft.write_bytes(b"half")
        raise OSError("the disk is full")
    assert not draft.exists()
    assert all(backend.listed(f) == {} for f in ("index", "weights", "draft"))


def test_each_gives_results_in_order_and_raises(backend):
    assert backend.each(lambda n: n * n, range(50)) == [n * n for n in range(50)]
    with pytest.raises(ZeroDivisionError):
        backend.each(lambda n: 1 // n, [1, 0])


def test_an_address_opens_the_same_place_elsewhere(backend):
    put(backend, "index/ab.json", b"{}")
    assert backend_of(backend.address).read("index/ab.json") == b"{}"
    assert pickle.loads(pickle.dumps(backend)).read("index/ab.json") == b"{}"
    assert backend_of(backend) is backend and "index/ab.json" in backend.at(
        "index/ab.json"
    )


def test_paths_and_uris_are_told_apart(tmp_path):
    for where in (tmp_path / "a b", str(tmp_path / "a b"), (tmp_path / "a b").as_uri()):
        found = backend_of(where)
        assert isinstance(found, LocalDisk) and found.folder == tmp_path / "a b"
    assert backend_of("rel/store").address == str(Path("rel/store").resolve())
    found = backend_of("s3://bucket/x?region=eu-west-1")
    assert isinstance(found, ObjectStore)
    assert found.at("index/a") == "s3://bucket/x/index/a?region=eu-west-1"


WRONG = {
    "http://host/x": "http:// is not known; allowed: a path, file://, s3://",
    "s3:///x": "expected s3://BUCKET/FOLDER",
    "file://host/x": "expected file:///PATH",
    "file:///": "expected file:///PATH",
    "s3://KEY:SECRET@bucket/x": "does not belong in an address",
}


@pytest.mark.parametrize("uri", WRONG)
def test_a_wrong_address_is_told_and_no_secret_with_it(uri):
    with pytest.raises(ConfigError) as caught:
        backend_of(uri)
    assert WRONG[uri] in str(caught.value) and "\n" not in str(caught.value)
    assert "SECRET" not in str(caught.value).replace("AWS_SECRET", "")


def test_a_place_that_does_not_answer_is_told(s3):
    for uri, told in (
        (f"s3://nobody/x{s3}", "there is no bucket 'nobody'; make it first"),
        (f"s3://bucket/x{s3}&colour=red", "olour"),
    ):
        with pytest.raises(ConfigError, match=told):
            backend_of(uri).reach()
    backend_of(f"s3://bucket/x{s3}").reach()


def test_links_in_a_folder_are_no_files(tmp_path):
    (tmp_path / "secret").write_text("x")
    (tmp_path / "store" / "index").mkdir(parents=True)
    (tmp_path / "store" / "index" / "ab.json").symlink_to(tmp_path / "secret")
    assert LocalDisk(tmp_path / "store").listed("index") == {}


def test_old_drafts_of_killed_writers_go_and_nothing_else(tmp_path):
    backend = LocalDisk(tmp_path)
    put(backend, "weights/ab", b"x")
    old, new = time.time() - OLD_S - 60, time.time() - OLD_S + 60
    names = {
        ".draft.123.0123abcd": old, "weights/.ab.json.77.0123abcd": old,
        ".draft.9.0123abcd": new, ".lock": old, "weights/ab": old, ".mine": old,
        "weights/.notes.0123abcd": old,
    }  # fmt: skip
    for name, when in names.items():
        (tmp_path / name).write_bytes(b"x")
        os.utime(tmp_path / name, (when, when))
    backend.tidy()
    left = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()}
    assert left == set(names) - set(list(names)[:2])


def test_half_an_upload_is_no_object(s3, monkeypatch):
    """The server has less than was sent: said, and what was there is not trusted."""
    backend = backend_of(f"s3://bucket/half{s3}")
    put(backend, "weights/ab", b"whole")
    system, base = backend._opened

    class Short:
        type_name = "s3"

        def open_output_stream(self, path):
            stream = system.open_output_stream(path)

            class Half:
                close = stream.close

                def write(self, data):
                    stream.write(data.to_pybytes()[:-1])

            return Half()

        get_file_info = system.get_file_info

    monkeypatch.setitem(backend.__dict__, "_opened", (Short(), base))
    with pytest.raises(OSError, match="4 of 5 bytes arrived"):
        put(backend, "weights/cd", b"other")
