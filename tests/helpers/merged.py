"""A store of every kind of batch, and what it says of its networks."""

import numpy as np

from popnet.store.compaction import Bounds

ALL = Bounds(least=2)


def keys_of(count):
    return [f"{n:020x}" for n in range(count)]


def fill(store, count=8, each=2):
    """Batches of every kind; weights and rows differ by network."""
    keys, rng = keys_of(count), np.random.default_rng(4)
    for n in range(0, count, each):
        some = keys[n : n + each]
        rows = [{"key": k, "value": rng.standard_normal(), "none": None} for k in some]
        curves = [{"key": k, "trial": t} for k in some for t in range(3)]
        weights = {}
        for k in some:
            weights[f"{k}/initial.w"] = rng.standard_normal((3, 3)).astype(np.float32)
            weights[f"{k}/final.w"] = np.array([np.nan, -0.0, rng.standard_normal()])
            weights[f"{k}/final.count"] = np.arange(n, n + 5)
            weights[f"{k}/final.none"] = np.zeros((0, 2), np.float32)
        tables = {"networks": rows, "curves": [] if n == 2 else curves}
        store.commit("networks", some, tables, {"weights": weights})
        tests = [{"key": k, "identity": "t", "score": 0.5} for k in some]
        moves = {"dynamics": tests} if n else {}
        answers = {f"{k}/response": rng.standard_normal(3) for k in some}
        tables = {"evaluations": tests, **moves}
        store.commit("evaluations", some, tables, {"responses": answers})
        pairs = [{"key_a": some[0], "key_b": some[-1], "value": rng.standard_normal()}]
        store.commit("comparisons", some, {"comparisons": pairs}, {})
    return keys


def contents(store, keys):
    """All that a store says of these networks, in a form that can be compared."""
    found = {}
    for kind, folder, column in (
        ("networks", "networks", "key"), ("networks", "curves", "key"),
        ("evaluations", "evaluations", "key"), ("evaluations", "dynamics", "key"),
        ("comparisons", "comparisons", "key_a"),
    ):  # fmt: skip
        table = store.table(kind, folder, column, set(keys))
        rows = [] if table is None else table.to_pylist()
        found[folder] = sorted(repr(sorted(row.items())) for row in rows)
        found[f"{folder} columns"] = (
            None if table is None else sorted(map(str, table.schema))
        )
    for folder in ("weights", "responses"):
        found[folder] = {
            (key, name): (a.dtype.str, a.shape, a.tobytes())
            for key, some in store.many_tensors(keys, folder).items()
            for name, a in some.items()
        }
    found["recorded"] = store.recorded()
    return found


def files(store):
    folders = ("index", "merged", "networks", "curves", "weights", "evaluations",
               "dynamics", "responses", "comparisons")  # fmt: skip
    return {f"{f}/{n}" for f in folders for n in store.backend.listed(f)}


def whole(store):
    """Whether entries and files belong together, none too many."""
    batches = store.batches()
    named = {f for b in batches for f in b.files} | {b.entry for b in batches}
    return named == files(store)
