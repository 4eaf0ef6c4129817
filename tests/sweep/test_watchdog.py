"""The head of a cluster is missed when it is gone, and only then."""

import socket
import threading
import time

from popnet.sweep import watchdog


def missed_within(seconds, address, monkeypatch):
    gone = threading.Event()
    monkeypatch.setattr(watchdog, "EVERY_S", 0.02)
    monkeypatch.setattr(watchdog, "GONE_S", 0.1)
    with watchdog.watched(address, gone.set):
        return gone.wait(seconds)


def test_a_head_that_answers_is_not_missed_and_one_that_is_gone_is(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        assert not missed_within(0.4, address, monkeypatch)
    assert missed_within(5, address, monkeypatch)


def test_a_head_that_is_away_for_a_moment_is_not_missed(monkeypatch):
    monkeypatch.setattr(watchdog, "EVERY_S", 0.02)
    monkeypatch.setattr(watchdog, "GONE_S", 5.0)
    gone = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    with watchdog.watched(address, gone.set):
        time.sleep(0.2)
    assert not gone.is_set()
