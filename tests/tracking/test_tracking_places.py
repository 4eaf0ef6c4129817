"""Where MLflow is filled: its store, its server, and what is said of wrong ones."""

import os
import socket
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from helpers.made_up_run import active, check_whole, fake

from popnet import tracking
from popnet.config.address import Address
from popnet.tracking import client


def test_a_folder_of_the_same_name_elsewhere_gets_its_own_experiment(
    out: Path, tmp_path: Path
) -> None:
    uri = client.embedded_uri(out)
    other = fake(tmp_path / "other", spreads=(0.0,))
    tracking.sync(fake(out, spreads=(0.2,)), uri)
    report = tracking.sync(other, uri)
    assert report.experiment.startswith("spread-")
    assert len(active(out)) == 2
    assert len(active(out, name=report.experiment)) == 2
    assert not (tmp_path / "other" / "mlflow.db").exists()


def test_a_moved_folder_is_filled_at_its_new_place(out: Path, tmp_path: Path) -> None:
    tracking.sync(fake(out))
    moved = out.rename(tmp_path / "moved")
    assert tracking.sync(fake(moved)).created == 4
    check_whole(moved, fake(moved))
    assert not out.exists()


def test_stores_made_at_once_in_several_threads_are_whole(tmp_path: Path) -> None:
    def make(name: str) -> set[str]:
        address = Address(client.embedded_uri(tmp_path / name))
        client.prepare(address, tmp_path / name / "artifacts")
        with closing(sqlite3.connect(tmp_path / name / "mlflow.db")) as database:
            return {
                row[0] for row in database.execute("SELECT name FROM sqlite_master")
            }

    quiet = client.quiet_mlflow(Address(client.embedded_uri(tmp_path)))
    with quiet, ThreadPoolExecutor(3) as threads:
        one, two, three = threads.map(make, "abc")
    assert one == two == three


@pytest.mark.parametrize("listening", [False, True], ids=["refuses", "is silent"])
def test_a_server_that_is_away_is_one_sentence_soon(out: Path, listening: bool) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        if listening:
            server.listen()
        uri = f"http://me:secret@127.0.0.1:{server.getsockname()[1]}"
        began = time.monotonic()
        with pytest.raises(tracking.TrackingError) as error:
            tracking.sync(fake(out), uri)
    assert time.monotonic() - began < 20
    message = str(error.value)
    assert "127.0.0.1" in message
    assert "Nothing recorded is lost" in message
    assert "popnet sync" in message
    assert str(out / "spread") in message
    assert "--tracking-uri" in message
    assert "secret" not in message
    assert "\n" not in message
    assert ("connection refused" in message) != listening


class Broken(BaseHTTPRequestHandler):
    """A server that answers everything with 500."""

    def answer(self) -> None:
        self.send_response(500)
        self.end_headers()

    do_GET = do_POST = answer

    def log_message(self, *_: object) -> None:
        pass


def test_a_server_that_is_broken_is_one_sentence_soon(out: Path) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Broken) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        began = time.monotonic()
        with pytest.raises(
            tracking.TrackingError, match="could not be filled"
        ) as error:
            tracking.sync(fake(out), f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
    assert time.monotonic() - began < 20
    assert "\n" not in str(error.value) and "(status 500" in str(error.value)


def test_a_folder_is_no_store(out: Path) -> None:
    with pytest.raises(tracking.TrackingError, match="give a server"):
        tracking.sync(fake(out), "./mlruns")
    assert list(Path.cwd().iterdir()) == []


def test_a_path_that_no_address_can_hold_is_said(tmp_path: Path) -> None:
    with pytest.raises(tracking.TrackingError, match=r"with % or \?"):
        tracking.sync(fake(tmp_path / "a%20b"))


def test_the_environment_is_left_as_it_was(out: Path) -> None:
    before = dict(os.environ)
    tracking.sync(fake(out, spreads=()))
    assert dict(os.environ) == before


def test_the_page_is_served_on_loopback(out: Path, tmp_path: Path) -> None:
    run = fake(out)
    assert tracking.page(run).endswith("/#/experiments")
    report = tracking.sync(run)
    assert f"/experiments/{report.experiment_id}/runs?" in tracking.page(run, port=5001)
    for given in (run, out, str(out)):
        command, environment = tracking.serve_command(given, port=5001)
        assert command[command.index("--host") + 1] == "127.0.0.1"
        assert command[command.index("--port") + 1] == "5001"
        assert f"sqlite:///{out.resolve()}/mlflow.db" in command
        assert environment["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"
        assert environment["MLFLOW_DISABLE_TELEMETRY"] == "true"
        assert environment["PATH"] == os.environ["PATH"]
    with pytest.raises(tracking.TrackingError, match="no MLflow store"):
        tracking.serve_command(tmp_path)
