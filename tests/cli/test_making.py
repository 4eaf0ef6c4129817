"""popnet export, retrain and report on a small finished run."""

import json

import numpy as np
import pytest
import torch
from helpers.resigned import put_text
from safetensors.numpy import load_file, save_file

from popnet.runs import open_run
from popnet.store.atomic_files import sha256
from popnet.store.audit import audit


@pytest.fixture
def key(tiny_run):
    return tiny_run.networks[2].key


# --- export --------------------------------------------------------------------------


@pytest.mark.parametrize("to", ["npz", "torch"])
def test_export_holds_the_recorded_network(popnet, tiny_run, tmp_path, key, to):
    path = tmp_path / "deep" / "network"
    done = popnet("export", tiny_run.folder, key[:8], "--to", to, "--file", path)
    assert done.code == 0 and done.err == ""
    assert done.out.startswith(f"wrote {path}: ") and "[post, pre]" in done.out
    network = tiny_run.network(key)
    if to == "npz":
        with np.load(path) as handle:
            held = {n: handle[n] for n in handle.files}
        settings = str(held.pop("settings"))
    else:
        loaded = torch.load(path, weights_only=True)
        settings = loaded.pop("settings")
        held = {n: t.numpy() for n, t in loaded.items()}
    assert json.loads(settings) == network.config.model_dump(mode="json")
    expected = {f"initial.{n}": a for n, a in network.initial.items()}
    expected |= {f"final.{n}": a for n, a in network.final.items()}
    assert set(held) == set(expected)
    for name, array in expected.items():
        assert held[name].dtype == array.dtype
        assert held[name].tobytes() == array.tobytes()


@pytest.mark.parametrize(("to", "ending"), [("npz", "npz"), ("torch", "pt")])
def test_export_names_its_file_by_the_key(
    popnet, tiny_run, tmp_path, key, monkeypatch, to, ending
):
    monkeypatch.chdir(tmp_path)
    assert popnet("export", tiny_run.folder, key, "--to", to).code == 0
    assert [p.name for p in tmp_path.iterdir()] == [f"{key}.{ending}"]


def test_export_refuses_what_it_cannot_do(refused, tiny_run, tmp_path, key):
    path = tmp_path / "x"
    text = refused("export", tiny_run.folder, key, "--to", "matlab", "--file", path)
    assert "--to 'matlab': allowed torch, npz." in text
    text = refused("export", tiny_run.folder, "xyz", "--file", path)
    assert "no network's key begins with 'xyz'; keys are like" in text
    text = refused("export", tiny_run.folder, "", "--file", path)
    assert "no network's key begins with ''" in text
    folder = tmp_path / "folder"
    folder.mkdir()
    assert str(folder) in refused("export", tiny_run.folder, key, "--file", folder)
    assert list(tmp_path.iterdir()) == [folder] and not list(folder.iterdir())


def test_a_network_not_trained_yet_cannot_be_exported(refused, make_run, tmp_path):
    run = make_run(tmp_path / "runs", "planned")
    key = run.networks[0].key
    path = tmp_path / "x"
    for command in (["export", run.folder, key, "--file", path], ["retrain", run.folder, key]):  # fmt: skip # noqa: E501
        assert f"network {key} is not trained yet" in refused(*command)
    assert not path.exists()


# --- retrain -------------------------------------------------------------------------


def alter(run, key, change):
    """Change a network's recorded weights and their checksum with them."""
    name = run.store.files_of([key])[key]
    path = run.store.folder / name
    tensors = load_file(path)
    change(tensors[f"{key}/final.recurrent"])
    save_file(tensors, path)
    entry = run.store.folder / "index" / f"{path.stem[:24]}.json"
    about = json.loads(entry.read_text())
    about.pop("checksum")
    about["files"][name] = {"sha256": sha256(path), "bytes": path.stat().st_size}
    entry.write_text(json.dumps(about))


def test_every_network_retrained_alone_is_identical(popnet, tiny_run):
    for network in tiny_run.networks:
        done = popnet("retrain", tiny_run.folder, network.key[:10])
        assert done.code == 0
        assert done.out == f"{network.key}: identical (40 trials, trained)\n"
        assert done.err == f"training {network.key} ({network.label}) alone ...\n"


def test_retrain_sees_the_last_bit(popnet, own_run, key):
    def change(weights):
        weights[3, 4] = np.nextafter(weights[3, 4], np.float32(9))

    alter(own_run, key, change)
    again = open_run(own_run.folder)
    assert audit(again.store, {key}).problems == []  # altered, but not damaged
    done = popnet("retrain", own_run.folder, key)
    assert done.code == 1 and done.out.startswith(f"{key}: differs by up to ")
    largest = float(done.out.split("by up to ")[1].split(". Recorded on")[0])
    assert 0 < largest < 1e-6
    other = own_run.networks[0].key
    assert popnet("retrain", own_run.folder, other).code == 0


def test_retrain_sees_what_is_no_number(popnet, own_run, key):
    alter(own_run, key, lambda weights: weights.__setitem__((0, 0), np.nan))
    done = popnet("retrain", own_run.folder, key)
    assert done.code == 1 and f"{key}: differs" in done.out


def test_retrain_says_where_it_was_recorded(popnet, own_run, key):
    machine = {"processor": "Some CPU", "instruction_sets": ["avx2", "fma"]}
    put_text(own_run.folder / "provenance.json", json.dumps({"machine": machine}))
    alter(own_run, key, lambda weights: weights.__iadd__(1))
    done = popnet("retrain", own_run.folder, key)
    said = "weights are the same bit for bit on CPUs of one instruction set."
    assert f"Recorded on Some CPU (avx2, fma); {said}" in done.out


def test_damaged_weights_are_said_and_not_compared(popnet, own_run, key):
    path = own_run.store.folder / own_run.store.files_of([key])[key]
    path.write_bytes(path.read_bytes()[:-1])
    done = popnet("retrain", own_run.folder, key)
    assert done.code == 2 and done.out == "" and str(path) in done.err
    assert "checksum does not match" in done.err and done.err.count("\n") == 1


# --- report --------------------------------------------------------------------------


def test_report_makes_tables_and_page_again(popnet, own_run):
    for path in own_run.folder.glob("*.parquet"):
        path.unlink()
    done = popnet("report", own_run.folder)
    page = own_run.folder / "report" / "index.html"
    assert done.code == 0 and done.out == f"{page}\n" and done.err == ""
    assert page.is_file() and len(own_run.table()) == 4
    assert len(list(own_run.folder.glob("*.parquet"))) == 5


def test_ui_without_a_store_says_how_to_make_one(refused, tiny_run, tmp_path):
    assert "`popnet sync RUN` makes one" in refused("ui", tiny_run.folder)
    assert "no MLflow store" in refused("ui", tmp_path)
