"""Finds what a launch still has to do: the plan minus what is on disk."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple, TypeVar

from popnet.canonical import canonical
from popnet.config import MetricSettings, NetworkConfig
from popnet.engine.test_plan import TestPlan
from popnet.metrics import METRICS, metric_identity
from popnet.plan import PlannedNetwork, networks
from popnet.runs import Run
from popnet.runs.search_ledger import asked_for
from popnet.status import Status
from popnet.work.activity import TRAJECTORIES, stored_activity
from popnet.work.comparison import Pair, prepared_kind
from popnet.work.evaluation import TestJob

T = TypeVar("T")
NETWORKS_PER_TEST_JOB = 4
PAIRS_PER_JOB = 200


class AskedTests(Mapping[str, list[str]]):
    """The identities of each network's tests, by its key; computed when read.

    100,000 networks have millions of them.  Networks of one configuration, mostly read
    one after the other, share one computation.
    """

    def __init__(self, run: Run) -> None:
        self._run, self._after = run, run.sweep.after
        self._plan = TestPlan(self._after)
        self._last: tuple[NetworkConfig | None, list[str]] = (None, [])

    def __getitem__(self, key: str) -> list[str]:
        network = self._run.networks[self._run.positions[key]]
        if self._last[0] is not network.config:
            known = self._plan.identities(network.config)
            self._last = network.config, known
        return self._last[1] + stored_activity(network, self._after)

    def __iter__(self) -> Iterator[str]:
        return iter(self._run.positions)

    def __len__(self) -> int:
        return len(self._run.positions)


class Tests(NamedTuple):
    """Identities of the tests that are asked of each network, and of those done."""

    __test__ = False

    asked: Mapping[str, list[str]]
    done: dict[str, set[str]]


def untrained(run: Run) -> list[PlannedNetwork]:
    """Return the networks whose training is not recorded."""
    recorded = run.store.recorded()
    places = run.positions.items()
    return [run.networks[place] for key, place in places if key not in recorded]


def to_train(run: Run) -> list[PlannedNetwork]:
    """Return the networks that a launch has to train; none when a search is finished.

    For a search that goes on these are the networks of its conditions, or those at the
    bounds of its space, which stand for all.
    """
    ledger = run.ledger
    if ledger is None:
        return untrained(run)
    left = {n.key for n in untrained(run)} - run.stopped()
    known = {n.condition for n in run.networks} <= ledger.tried()
    enough = asked_for(run.plan, ledger) == len(run.plan.conditions)
    if ledger.finished and known and enough and not left:
        return []
    plan = run.plan
    return networks(plan._replace(conditions=plan.corners) if plan.corners else plan)


def statuses(run: Run, among: set[str] | None = None) -> dict[str, str]:
    """Return the status of each recorded network of the run, or of those ``among``."""
    keys = set(run.positions) if among is None else among
    table = run.store.table("networks", "networks", "key", keys)
    if table is None:
        return {}
    rows = zip(table["key"].to_pylist(), table["status"].to_pylist(), strict=True)
    return dict(rows)


def tests(run: Run) -> Tests:
    """Return every test asked of every network, and those recorded."""
    return Tests(AskedTests(run), tested(run, set(run.positions)))


def tested(run: Run, keys: set[str]) -> dict[str, set[str]]:
    """Return the identities of what is recorded of each network."""
    done: dict[str, set[str]] = {}
    for folder in ("evaluations", "dynamics", "measures"):
        table = run.store.table("evaluations", folder, "key", keys)
        if table is not None:
            found = table["key"].to_pylist(), table["identity"].to_pylist()
            for key, identity in zip(*found, strict=True):
                done.setdefault(key, set()).add(identity)
    for key in run.store.files_of(keys, "trajectories"):
        done.setdefault(key, set()).add(TRAJECTORIES)
    return done


def test_jobs(
    run: Run, among: Iterable[str], known: dict[str, str], state: Tests | None = None
) -> list[TestJob]:
    """Return the jobs of missing tests for these networks; diverged ones have none.

    ``state``: the result of ``tests``, to save reading it again.
    """
    sound = {k for k in among if known.get(k, Status.DIVERGED) != Status.DIVERGED}
    places = sorted(run.positions[k] for k in sound if k in run.positions)
    if not places:
        return []
    state = state or tests(run)
    lacking: list[tuple[PlannedNetwork, tuple[str, ...]]] = []
    for network in (run.networks[place] for place in places):
        have = state.done.get(network.key, set())
        missing = tuple(i for i in state.asked[network.key] if i not in have)
        if missing:
            lacking.append((network, missing))
    return [
        TestJob(*(tuple(column) for column in zip(*chunk, strict=True)))
        for chunk in _chunks(lacking, NETWORKS_PER_TEST_JOB)
    ]


test_jobs.__test__ = False  # type: ignore[attr-defined]


def comparisons(
    run: Run,
    known: dict[str, str],
    metrics: Sequence[MetricSettings] | None = None,
) -> list[tuple[MetricSettings, list[Pair]]]:
    """Return the pairs still to be compared, in jobs.

    They are pairs of networks that a metric can compare: of one size for weights, on
    the same trials for behaviour.  Diverged networks are not compared, nor are those
    beyond the sample.  ``metrics``: None means those of the sweep.
    """
    jobs: list[tuple[MetricSettings, list[Pair]]] = []
    asked = run.sweep.after.compare if metrics is None else metrics
    for settings, pairs in _pairs(run, known, asked):
        size = max(1, min(PAIRS_PER_JOB, -(-len(pairs) // 8)))
        jobs += [(settings, chunk) for chunk in _chunks(pairs, size)]
    return jobs


def preparations(
    run: Run,
    known: dict[str, str],
    metrics: Sequence[MetricSettings] | None = None,
) -> list[tuple[MetricSettings, list[str]]]:
    """Return the networks still to be prepared for pending comparisons, in jobs."""
    jobs: list[tuple[MetricSettings, list[str]]] = []
    asked = run.sweep.after.compare if metrics is None else metrics
    stored = [m for m in asked if m.stored]
    for settings, pairs in _pairs(run, known, stored):
        keys = {key for pair in pairs for key in pair}
        kind = prepared_kind(settings)
        left = sorted(keys.difference(run.store.files_of(keys, "prepared", kind)))
        jobs += [(settings, chunk) for chunk in _chunks(left, NETWORKS_PER_TEST_JOB)]
    return jobs


def _pairs(
    run: Run, known: dict[str, str], metrics: Sequence[MetricSettings]
) -> Iterator[tuple[MetricSettings, list[Pair]]]:
    """Yield the pairs that each of some metrics still has to compare."""
    if not metrics:
        return
    unique = (run.networks[place] for place in run.positions.values())
    sound = [
        n
        for n in unique
        if known.get(n.key, Status.DIVERGED) != Status.DIVERGED
        and run.sweep.after.compares(n.seed.number)
    ]
    done = _compared(run, {n.key for n in sound})
    within = run.sweep.after.pairs == "condition"
    for settings in metrics:
        comparable = METRICS[settings.name].comparable
        groups: dict[Hashable, list[str]] = {}
        for network in sound:
            own = _trained_once(network.config) if within else None
            group = comparable(network.config), own
            groups.setdefault(group, []).append(network.key)
        have = done.get(metric_identity(settings), set())
        yield (
            settings,
            [
                pair
                for group in groups.values()
                for pair in _of_group(settings, group)
                if pair not in have
            ],
        )


def _of_group(settings: MetricSettings, keys: list[str]) -> Iterator[Pair]:
    """Yield the pairs of some networks; each with itself, where that is asked."""
    if settings.of_itself:
        return (Pair(key, key) for key in keys)
    return (Pair(*sorted(two)) for two in combinations(keys, 2))


def _trained_once(config: NetworkConfig) -> str:
    """Return a condition as text, leaving out which training of its networks it is."""
    train = config.train.model_copy(update={"replicate": 0})
    return canonical(config.model_copy(update={"train": train}))


def _compared(run: Run, keys: set[str]) -> dict[str, set[Pair]]:
    """Return the recorded pairs by the identity of their comparison."""
    done: dict[str, set[Pair]] = {}
    table = run.store.table("comparisons", "comparisons", "key_a", keys)
    if table is not None:
        columns = ("identity", "key_a", "key_b")
        for i, a, b in zip(*(table[c].to_pylist() for c in columns), strict=True):
            done.setdefault(i, set()).add(Pair(a, b))
    return done


def _chunks(items: list[T], size: int) -> list[list[T]]:
    return [items[i : i + size] for i in range(0, len(items), size)]
