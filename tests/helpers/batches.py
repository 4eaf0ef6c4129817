"""Small batches of records, and what a store holds of them."""

import numpy as np

A, B, C = "a" * 20, "b" * 20, "c" * 20


def commit(store, keys=(A,), value=1.0, identity=""):
    """A batch of trained networks with a row, a curve and weights each."""
    rows = [{"key": k, "value": value} for k in keys]
    weights = {f"{k}/final.recurrent": np.full((2, 2), value) for k in keys}
    tables = {"networks": rows, "curves": rows}
    return store.commit("networks", keys, tables, {"weights": weights}, identity)


def commit_each_kind(store, keys):
    """One batch of every kind, as a launch leaves them."""
    commit(store, keys)
    rows = [{"key": k, "identity": "t"} for k in keys]
    responses = {f"{k}/response": np.ones(3, np.float32) for k in keys}
    tensors = {"responses": responses}
    store.commit("evaluations", keys, {"evaluations": rows}, tensors)
    pairs = [{"key_a": min(keys), "key_b": max(keys), "value": 0.5}]
    store.commit("comparisons", keys, {"comparisons": pairs}, {})


def values(store, keys, folder="networks"):
    """key -> values in a table."""
    table = store.table("networks", folder, "key", set(keys))
    found = {}
    for row in [] if table is None else table.to_pylist():
        found.setdefault(row["key"], []).append(row["value"])
    return found


def left_over(store):
    """Files that are neither of a batch nor the lock."""
    every = (p for p in store.folder.rglob(".*") if p.is_file())
    return sorted(p.name for p in every if p.name != ".lock")
