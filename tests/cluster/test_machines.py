"""A launch on several machines: lost ones, blind ones, told to stop; the same bits."""

import signal
import sqlite3

import pytest
from helpers.machines import Machines
from helpers.pace import wait_until

from popnet.store import Store

pytestmark = pytest.mark.cluster


def mlflow_networks(lab) -> list[str]:
    """Keys of the networks that MLflow has, one per run."""
    query = (
        "SELECT key_tag.value FROM runs JOIN tags AS key_tag USING (run_uuid)"
        " JOIN tags AS kind USING (run_uuid) WHERE key_tag.key = 'popnet.key' AND"
        " kind.key = 'popnet.kind' AND kind.value = 'network'"
        " AND lifecycle_stage = 'active'"
    )
    with sqlite3.connect(lab.out / "mlflow.db") as database:
        return [key for (key,) in database.execute(query)]


def test_a_machine_lost_in_the_middle_changes_no_bit(lab, laptop):
    process = lab.launch()
    lab.training(process)
    try:
        wait_until(
            lambda: all(lab.machines.named(n, "ray::Shard") for n in (1, 2)),
            "actors on both machines",
        )  # fmt: skip
        lab.machines.kill(2)
        told = lab.ends(process)
    finally:
        lab.machines.start(2)
    assert lab.bits() == laptop
    assert sorted(mlflow_networks(lab)) == sorted(laptop)
    assert "lost" in told


def test_a_launch_that_is_told_to_stop_goes_on_from_where_it_was(lab, laptop):
    process = lab.launch()
    lab.training(process)
    process.send_signal(signal.SIGTERM)
    told = lab.ends(process, code=3)
    assert "Continue with" in told
    lab.ends(lab.launch())
    assert lab.bits() == laptop


def test_machines_without_a_common_disk_keep_networks_on_a_server(lab, laptop, s3_at):
    if not isinstance(lab.machines, Machines):
        pytest.skip("raylets at one address share their disk")
    uri = f"s3://bucket/shared{s3_at(lab.machines.gateway)}"
    for number in (1, 2):
        lab.machines.hide(number, lab.out.parent)
    try:
        process = lab.launch("--storage", uri)
        lab.training(process, backend=Store(uri).backend)
        lab.machines.named(1, "ray::Shard")[0].kill()
        lab.ends(process)
    finally:
        for number in (1, 2):
            lab.machines.show(number, lab.out.parent)
    assert not (lab.out / "store").exists()
    assert lab.bits() == laptop


def test_a_machine_that_sees_another_disk_is_told_before_anything_is_written(lab):
    if not isinstance(lab.machines, Machines):
        pytest.skip("raylets at one address share their disk")
    lab.machines.hide(1, lab.out.parent)
    try:
        told = lab.ends(lab.launch(), code=2)
    finally:
        lab.machines.show(1, lab.out.parent)
    assert lab.machines.ip(1) in told and "does NOT see" in told
    assert not lab.out.exists()
