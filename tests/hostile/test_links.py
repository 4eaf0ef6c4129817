"""Links and pipes in a folder of runs lead nowhere."""

import os
import shutil

import pytest

LINKS = ["sweep.yaml", "provenance.json", "plan.json", "networks.parquet", ".lock",
         "curves.parquet", "report", "findings.json"]  # fmt: skip


@pytest.mark.parametrize("name", LINKS)
def test_a_link_in_a_run_is_not_followed(run, again, refused, outside, name):
    place = run.folder / name
    if place.is_file():
        place.unlink()
    place.symlink_to(outside if name == "report" else outside / "secret")
    assert "link" in refused("launch", again, "--out", run.out)
    if name != "sweep.yaml":  # its text is asked for first
        assert "link" in refused("report", run.folder)
    else:
        refused("show", run.folder)


@pytest.mark.parametrize("name", ["", "weights", "index", "networks", ".lock"])
def test_a_link_in_the_store_is_not_followed(run, again, refused, outside, name):
    place = run.store.folder / name
    if place.is_dir():
        shutil.move(place, outside / "moved")
    place.unlink(missing_ok=True)
    place.symlink_to(outside / "moved" if name != ".lock" else outside / "secret")
    assert "link" in refused("launch", again, "--out", run.out)
    assert "link" in refused("status", run.folder)


def test_a_run_that_is_a_link_is_not_written_to(here, sweep, refused, outside):
    (here / "runs").mkdir()
    (here / "runs" / "tiny").symlink_to(outside)
    assert "leads out of" in refused("launch", sweep())


def test_a_dangling_link_is_not_filled(here, sweep, refused):
    (here / "runs").mkdir()
    (here / "runs" / "tiny").symlink_to(here / "nowhere")
    assert "leads out of" in refused("launch", sweep())


@pytest.mark.parametrize("name", [".lock", "networks.parquet", "provenance.json"])
def test_a_pipe_in_a_run_keeps_nobody_waiting(run, again, refused, name):
    (run.folder / name).unlink(missing_ok=True)
    os.mkfifo(run.folder / name)
    assert "pipe" in refused("launch", again, "--out", run.out)
    assert "pipe" in refused("show", run.folder)
