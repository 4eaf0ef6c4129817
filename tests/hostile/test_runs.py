"""A folder of runs from a stranger, or one that was harmed: read with care."""

import json
import sqlite3

import pandas as pd
import pytest
import yaml
from helpers.harmless import SWEEP
from helpers.resigned import put_text

from popnet.config.reading import write_text
from popnet.plan import PHYSICS

READING = ["status", "show", "report"]


# --- what stands in a run ------------------------------------------------------------

BROKEN = {
    "cut": b'{"physics": ',
    "list": b"[1, 2]",
    "bytes": b"\xff\xfe\x00\x01",
    "empty": b"",
    "deep": b"[" * 100_000,
    "number": b"3",
}


@pytest.mark.parametrize("kind", BROKEN)
def test_broken_provenance_is_said(run, asked, kind):
    (run.folder / "provenance.json").write_bytes(BROKEN[kind])
    said = asked("status")
    assert "provenance.json" in said and "popnet launch" in said


@pytest.mark.parametrize("kind", [k for k in BROKEN if k != "list"])
def test_broken_findings_are_said(run, asked, kind):
    (run.folder / "findings.json").write_bytes(BROKEN[kind])
    assert "findings.json" in asked("report")


def test_findings_of_another_form_are_said(run, asked):
    rows = [{"claim": "x", "__class__": "os.system", "value": None}]
    (run.folder / "findings.json").write_text(json.dumps(rows))
    assert "findings.json" in asked("report")


@pytest.mark.parametrize("physics", [PHYSICS + 1, "5", None, [5], {"a": 1}])
def test_a_run_of_another_physics_is_not_mixed_in(run, asked, physics):
    about = json.loads((run.folder / "provenance.json").read_text())
    about |= {"physics": physics, "versions": "\x1b[2J"}
    put_text(run.folder / "provenance.json", json.dumps(about))
    assert "physics" in asked("status")


REPLACED = {
    "another text": b"just text\n",
    "a bomb": b"a: &a [x, x]\nb: [*a, *a]\n",
    "a program": bytes(range(256)),
    "a tag": b"name: !!python/object/apply:os.system ['x']\n",
    "a name that leads out": SWEEP.replace("tiny", "../tiny").encode(),
}


@pytest.mark.parametrize("kind", REPLACED)
@pytest.mark.parametrize("command", READING)
def test_a_sweep_file_replaced_by_something_else_is_said(run, asked, kind, command):
    (run.folder / "sweep.yaml").write_bytes(REPLACED[kind])
    assert "sweep.yaml" in asked(command)


@pytest.mark.parametrize("kind", ["cut", "text", "other columns", "empty"])
def test_a_table_that_is_none_is_said(run, asked, kind):
    path = run.folder / "networks.parquet"
    data = path.read_bytes()
    if kind == "other columns":
        pd.DataFrame({"secret": [1]}).to_parquet(path)
    else:
        path.write_bytes({"cut": data[:-9], "text": b"text", "empty": b""}[kind])
    said = asked("show")
    assert "networks.parquet" in said and "popnet launch" in said


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_plan_is_said_and_written_anew_by_launch(run, again, kind):
    from popnet.catalogue import load_sweep
    from popnet.sweep.launch import prepare

    (run.folder / "plan.json").write_bytes(BROKEN[kind])
    plan, source = load_sweep(again)
    assert any("plan.json" in n for n in prepare(plan, source, run.out).notes)
    assert json.loads((run.folder / "plan.json").read_text())["name"] == "tiny"


@pytest.mark.parametrize("kind", ["text", "another database"])
def test_a_broken_mlflow_database_is_said(run, asked, kind):
    path = run.out / "mlflow.db"
    if kind == "text":
        path.write_bytes(b"no database" * 100)
    else:
        with sqlite3.connect(path) as database:
            database.execute("create table runs (x)")
        database.close()
    assert "mlflow.db" in asked("sync")


# --- keys, options, expressions ------------------------------------------------------


@pytest.mark.parametrize("key", ["../x", "/etc/passwd", "", "*", "zz", "0x1", "\x1b[2J",
                                 "__class__", "a" * 10_000])  # fmt: skip
@pytest.mark.parametrize("command", ["export", "retrain"])
def test_a_key_is_one_of_the_runs(asked, command, key):
    assert "key" in asked(command, "--", key)


def test_an_export_is_not_written_over_a_folder_or_into_none(run, refused, here):
    key = run.networks[0].key
    refused("export", run.folder, key, "--file", here / "runs")
    refused("export", run.folder, key, "--file", "/proc/x/y.npz")
    refused("export", run.folder, key, "--to", "pickle")


CODE = ["__import__('os').system('x')", "status==__import__('os')", "status; rm",
        "1==1 or True", "@status==1", "status==converged) or (1==1", "a"*300 + "==1",
        "status.__class__==1", "lambda: 0", "`status`==1"]  # fmt: skip


@pytest.mark.parametrize("text", CODE)
def test_expressions_are_no_code(run, popnet_or_refused, text):
    assert popnet_or_refused("show", run.folder, "--where", text)
    assert popnet_or_refused("show", run.folder, "--by", text)
    assert popnet_or_refused("show", run.folder, "--columns", text)


@pytest.fixture
def popnet_or_refused(refused):
    """Refused; a comparison with an odd text is none and finds no network."""
    from popnet.cli.main import app
    from typer.testing import CliRunner

    def call(*args):
        done = CliRunner().invoke(app, [str(a) for a in args])
        if done.exit_code == 0:
            return done.stdout == "no networks\n"
        return refused(*args)

    return call


def test_out_that_is_a_file_is_said(here, sweep, refused):
    (here / "file").write_text("x")
    refused("launch", sweep(), "--out", here / "file")
    refused("launch", sweep(), "--out", here / "file" / "deeper")


ADDRESSES = ["user:hunter2@host:6379", "http://user:hunter2@host", "host",
             "host:99999x", "--flag", "a b:1", "ray://x:1/../y", "host:1;rm -rf /",
             "\x00:1", "", "local"]  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_is_one_and_its_secrets_are_not_told(sweep, refused, address):
    assert "hunter2" not in refused("launch", sweep(), f"--address={address}")


URIS = ["gopher://x", "javascript:alert(1)", "http://", "http://[::1", "//host",
        "ftp://user:hunter2@host/x", "http://user:hunter2@:port", "",
        "x\x1b[2J"]  # fmt: skip


@pytest.mark.parametrize("uri", URIS)
def test_a_tracking_uri_is_one_and_its_secrets_are_not_told(run, sweep, refused, uri):
    assert "hunter2" not in refused("launch", sweep(), f"--tracking-uri={uri}")
    assert "hunter2" not in refused("sync", run.folder, f"--tracking-uri={uri}")


def test_a_server_that_is_away_is_named_without_its_password(run):
    from popnet.cli.main import app
    from typer.testing import CliRunner

    uri = "http://user:hunter2@127.0.0.1:9"
    done = CliRunner().invoke(app, ["sync", str(run.folder), "--tracking-uri", uri])
    assert done.exit_code == 2 and "***@127.0.0.1" in done.stderr
    assert "hunter2" not in done.stdout + done.stderr


def test_a_password_is_not_written_down(monkeypatch):
    from popnet.runs.provenance import command_line

    typed = ["popnet", "launch", "--tracking-uri=postgresql://me:hunter2@db/x"]
    monkeypatch.setattr("sys.argv", typed)
    assert command_line()[-1] == "--tracking-uri=postgresql://***@db/x"


def test_the_sweeps_here_are_right(sweep):
    """Else every refusal above could be of something else."""
    from popnet.cli.main import app
    from typer.testing import CliRunner

    assert CliRunner().invoke(app, ["plan", str(sweep())]).exit_code == 0
    assert yaml.safe_load(write_text(yaml.safe_load(SWEEP)))["name"] == "tiny"
