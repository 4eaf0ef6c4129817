"""A stranger's folder of networks: nothing in it is run, followed or waited for."""

import os
import pickle
import zipfile

import numpy as np
import pytest
from helpers.foreign import kinds, put

from popnet.config import ConfigError
from popnet.formats import read_folder

RAN = []


class Bomb:
    def __reduce__(self):
        return RAN.append, ("it ran",)


@pytest.fixture
def folder(tmp_path):
    RAN.clear()
    yield put(tmp_path / "f", kinds())
    assert RAN == []


def refused(folder, words):
    with pytest.raises(ConfigError) as caught:
        read_folder(folder)
    text = str(caught.value)
    assert words in text and "\n" not in text, text


def test_an_object_that_would_run_is_skipped_or_refused(folder):
    bomb = np.empty(1, dtype=object)
    bomb[0] = Bomb()
    np.savez(folder / "ok.npz", **kinds()["a0"], extra=bomb)
    read_folder(folder)
    np.savez(folder / "bad.npz", W_rec=bomb)
    refused(folder, "bad.npz: no recurrent weights or rates among its keys (W_rec (no")
    (folder / "bad.npz").unlink()
    np.save(folder / "bad.npy", bomb)
    refused(folder, "bad.npy: not a npy file of plain numbers (it holds objects")


def test_a_pickle_by_any_name_is_not_opened(folder):
    for name in ("x.pt", "y.pkl"):
        (folder / name).write_bytes(pickle.dumps(Bomb()))
    assert "not read: x.pt, y.pkl" in read_folder(folder).notes[0]
    for ending in ("npy", "npz", "safetensors"):
        path = folder / f"bad.{ending}"
        path.write_bytes(pickle.dumps(Bomb()))
        refused(folder, f"bad.{ending}: not a {ending} file of plain numbers")
        path.unlink()


def test_a_bomb_of_zeros_is_not_unpacked(folder):
    packed = zipfile.ZipFile(folder / "bad.npz", "w", zipfile.ZIP_DEFLATED)
    with packed as archive, archive.open("W_rec.npy", "w", force_zip64=True) as file:
        for _ in range(1025):
            file.write(bytes(2**20))
    refused(folder, "bad.npz: unpacks to more than 1,073,741,824 bytes.")


def test_a_header_that_lies_is_refused(folder):
    np.save(folder / "bad.npy", np.ones((2, 3, 4)))
    data = (folder / "bad.npy").read_bytes().replace(b"(2, 3, 4)", b"(9, 9, 9)")
    (folder / "bad.npy").write_bytes(data)
    refused(folder, "shorter than its header says")


def test_links_and_pipes_are_refused(folder, tmp_path):
    os.symlink(folder / "a0.npz", folder / "link.npz")
    refused(folder, "link.npz is a link")
    (folder / "link.npz").unlink()
    os.mkfifo(folder / "pipe.npy")
    refused(folder, "pipe.npy: cannot be read: it is not a file of its own")
    (folder / "pipe.npy").unlink()
    (tmp_path / "elsewhere.yaml").write_text("weights: pre_post\n")
    os.symlink(tmp_path / "elsewhere.yaml", folder / "compare.yaml")
    refused(folder, "compare.yaml is a link")


def test_a_truncated_file_is_named(folder):
    data = (folder / "a0.npz").read_bytes()
    (folder / "a0.npz").write_bytes(data[: len(data) // 2])
    refused(folder, "a0.npz: not a npz file of plain numbers")
