"""A launch keeps its networks where told, merges them, and follows no link out."""

import re

import pandas as pd
import pytest

from popnet.config import ConfigError
from popnet.store.compaction import Bounds, compact
from popnet.sweep import launch as launching
from popnet.sweep.launch import launch, prepare
from popnet.tracking import filling
from popnet.work.shard import Shard


@pytest.fixture(autouse=True)
def _tables_alone(monkeypatch):
    """No MLflow, no report; starting Ray is a failure."""
    monkeypatch.setattr(filling, "sync", lambda *_: None)
    monkeypatch.setattr("popnet.report.write_report", lambda _: None)
    monkeypatch.setattr(launching, "joined", lambda *_: pytest.fail("Ray would start"))


def test_many_small_batches_are_merged_before_tables_are_written(
    own_run, tiny, monkeypatch
):
    before, some = own_run.table(), own_run.networks[0].key
    rows = own_run.store.table("networks", "networks", "key", {some}).to_pylist()
    arrays = {f"{some}/{n}": a for n, a in own_run.store.tensors(some).items()}
    tables, tensors = {"networks": rows}, {"weights": arrays}
    own_run.store.commit("networks", [some], tables, tensors, "again")
    monkeypatch.setattr(launching, "compact", lambda s: compact(s, Bounds(least=2)))
    launch(*tiny(), own_run.out)
    (batch,) = own_run.store.batches("networks")
    assert len(batch.replaces) == 2
    after = own_run.table()
    assert set(after["weights_file"]) == {batch.file("weights")}
    pd.testing.assert_frame_equal(
        after.drop(columns="weights_file"), before.drop(columns="weights_file")
    )


@pytest.mark.parametrize("link", ["tiny", "store", "store/weights", "tiny/report"])
def test_a_launch_through_a_link_that_leads_out_changes_nothing(tiny, tmp_path, link):
    out, victim = tmp_path / "runs", tmp_path / "victim"
    victim.mkdir()
    (out / link).parent.mkdir(parents=True)
    (out / link).symlink_to(victim)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ConfigError, match="is a link that leads out of"):
        launch(*tiny(), out)
    assert sorted(tmp_path.rglob("*")) == before and list(victim.iterdir()) == []


def test_a_launch_that_names_another_place_changes_nothing(own_run, tiny, tmp_path):
    before = sorted(own_run.out.rglob("*"))
    with pytest.raises(ConfigError, match=r"keeps its networks in .*store; --storage"):
        launch(*tiny(), own_run.out, storage=str(tmp_path / "other"))
    assert sorted(own_run.out.rglob("*")) == before


def test_the_place_is_remembered_and_a_long_audit_is_said(tiny, tmp_path, monkeypatch):
    out, far = tmp_path / "runs", tmp_path / "far"
    prepared = prepare(*tiny(), out, str(far))
    shard = Shard(prepared.run.store.address, "cpu", 3600)
    shard.work(3600, prepared.todo[0].networks)
    assert (far / "index").is_dir() and not (out / "store").exists()
    monkeypatch.setattr(launching, "SLOW_S", 0.0)
    again = prepare(*tiny(), out)
    assert again.todo == [] and again.run.store.folder == far
    assert re.fullmatch(r"checked 0 MB of .* in 0 s \(\d+ MB/s\)", again.notes[-1])
