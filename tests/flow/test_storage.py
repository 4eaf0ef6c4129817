"""Networks kept on an S3 server by the real command: the same bits as in a folder."""

import json
import time

import numpy as np
import pandas as pd
import pytest

from popnet import open_run
from popnet.store import Store
from popnet.store.audit import audit

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def kept(popnet_in, tmp_path_factory, s3):
    """The command, after a launch into S3; where that is, and what was told."""
    popnet, uri = popnet_in(tmp_path_factory.mktemp("kept")), f"s3://bucket/flow{s3}"
    return popnet, uri, popnet("launch", popnet.write(), "--storage", uri)


def test_a_launch_into_s3_is_a_launch_into_a_folder(finished, kept):
    popnet, uri, done = kept
    assert "all 6 networks done (6 trained)" in done.stdout, done.stdout
    assert not (popnet.out / "store").exists()
    assert json.loads((popnet.out / "storage.json").read_text())["storage"] == uri
    text = "".join(p.read_text() for p in popnet.out.glob("**/*.json"))
    assert "secret" not in text.replace("does not", "")

    here, far = (open_run(p.out / "flow") for p in (finished, popnet))
    keys = sorted(here.table()["key"])
    assert sorted(far.table()["key"]) == keys and far.store.recorded() == set(keys)
    for key in keys:
        for stage in ("initial", "final"):
            one, other = (getattr(r.network(key), stage) for r in (here, far))
            assert one.keys() == other.keys()
            for name in one:
                assert one[name].tobytes() == other[name].tobytes(), (key, name)
    for read in ("curves", "evaluations", "comparisons"):
        one, other = (getattr(r, read)() for r in (here, far))
        pd.testing.assert_frame_equal(one, other, check_exact=True)
    assert audit(Store(uri), set(keys)).problems == []


def test_commands_find_the_networks_of_a_run_in_s3(finished, kept):
    popnet, _, _ = kept
    here = open_run(finished.out / "flow")
    keys = sorted(here.table()["key"])
    run = popnet.out / "flow"
    assert '"recorded": 6' in popnet("status", run, "--json").stdout
    assert "identical" in popnet("retrain", run, keys[0]).stdout
    popnet("export", run, keys[1], "--file", popnet.folder / "w.npz")
    with np.load(popnet.folder / "w.npz") as arrays:
        np.testing.assert_array_equal(
            arrays["final.recurrent"], here.network(keys[1]).final["recurrent"]
        )
    again = popnet("launch", popnet.write())
    assert "nothing to train" in again.stdout
    other = popnet("launch", popnet.write(), "--storage", "elsewhere", code=2)
    assert "keeps its networks in s3://bucket/flow" in other.stderr
    assert not (popnet.folder / "elsewhere").exists()


@pytest.mark.nightly
def test_a_killed_launch_goes_on_from_its_checkpoints_in_s3(finished, popnet, s3):
    uri = f"s3://bucket/killed{s3}"
    process = popnet.start("--storage", uri)
    backend = Store(uri).backend
    for _ in range(1200):
        assert process.poll() is None, process.communicate()
        if backend.listed("checkpoints"):
            break
        time.sleep(0.1)
    popnet.kill_driver(process)
    before = Store(uri).recorded()
    assert len(before) < 6
    popnet("launch", popnet.write(), "--storage", uri)
    here, far = (open_run(p.out / "flow") for p in (finished, popnet))
    for key in here.table()["key"]:
        np.testing.assert_array_equal(
            here.network(key).final["recurrent"], far.network(key).final["recurrent"]
        )
    assert backend.listed("checkpoints") == {}
