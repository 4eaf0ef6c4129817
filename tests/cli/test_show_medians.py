"""popnet show --by: its medians are those of the report."""

import json

import pandas as pd
from helpers.resigned import put_table


def test_networks_that_failed_count_as_their_cap(popnet, own_run):
    path = own_run.folder / "networks.parquet"
    table = pd.concat([pd.read_parquet(path).iloc[:1]] * 5, ignore_index=True)
    table["status"] = ["converged", "converged", "unconverged", "diverged", "diverged"]
    table["trials_to_criterion"] = pd.array([7, 8, None, None, 5], dtype="Int64")
    table["train.trials"] = 40
    put_table(own_run.folder, "networks", table)
    (row,) = json.loads(popnet("show", own_run.folder, "--by", "status", "--where",
                               "status==diverged", "--json").out)  # fmt: skip
    assert row["median_trials_to_criterion_or_cap"] == 40
    (row,) = json.loads(popnet("show", own_run.folder, "--by", "label", "--json").out)
    assert row["median_trials_to_criterion_or_cap"] == 40
    assert "median_trials_to_criterion" not in row
