"""The work of a launch: join Ray, train or search, test, compare."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from popnet.config import ConfigError, Machine, Source
from popnet.plan import Pack
from popnet.records import Run, write_plan
from popnet.records.marks import marked
from popnet.records.places import Place
from popnet.sweep import pending
from popnet.sweep.interruption import Interruption
from popnet.sweep.telling import Listener, Teller, lost


class Crew(NamedTuple):
    """What a launch has to work with."""

    device: str
    workers: int
    """Shard actors that the cluster can keep now."""
    cpus: int
    interruption: Interruption


@contextmanager
def joined(
    address: str | None,
    machine: Machine,
    shares: Sequence[Place],
    interruption: Interruption,
    listen: Listener,
) -> Iterator[Crew]:
    """A Ray, started here or joined, on which the work can be done.

    ``shares``: what every machine must reach.  Raises ConfigError where the work cannot
    be done: no such devices, a place that some machine does not see.  That the head of
    a cluster is gone is told to the listener, as stage "lost".
    """
    from popnet.sweep.cluster import cores, crew, ray_running
    from popnet.sweep.health import shared
    from popnet.sweep.watch import watched

    with (
        ray_running(address, max(cores(), machine.workers or 1)) as ray,
        interruption.heard(),  # Ray has put its own handlers in place
    ):
        resources = ray.cluster_resources()
        device, workers = crew(machine, resources, address is not None)
        some = Crew(device, workers, int(resources.get("CPU", 0)), interruption)
        if address is None:
            yield some
            return
        for place in shares:
            blind = [text for _, fit, text in shared(ray, place) if fit is False]
            if blind:
                raise ConfigError(
                    f"{blind[0]}. Give an --out on a disk that all machines share, or "
                    "--storage s3://... for the networks where there is none."
                )
        head = ray.get_runtime_context().gcs_address
        with watched(head, lambda: listen(lost(head))):
            yield some


def work(
    run: Run, todo: list[Pack], source: Source, crew: Crew, teller: Teller
) -> None:
    """Train or search, test and compare what is missing."""
    from popnet.sweep.tasks import Afterwards

    with teller.recording(), marked(run.store.place) as mark:
        # where training takes every core, tests share them rather than wait to the end
        spare = crew.cpus - crew.workers
        if todo and run.ledger is not None:
            run, todo = _searched(run, todo, source, crew, mark, teller), []
        after = Afterwards(run, cpus=int(spare > 0), at_once=max(spare, crew.workers))
        after.test(teller.known, teller.known)
        if todo:
            from popnet.sweep.training import site_of, train

            def report(result: dict[str, Any]) -> None:
                recorded = teller.heard(result)
                after.test(recorded, recorded)

            site = site_of(
                run.sweep.machine, todo, run.store.address, crew.device, crew.workers,
                mark,
            )  # fmt: skip
            train(todo, site, report, crew.interruption)
            teller.known = pending.statuses(run)
            teller.finished = Counter(teller.known.values())
        after.test(teller.known, teller.known)

        def testing(done: int, of: int) -> None:
            if after.compiling:
                teller.say("compile")
            else:
                teller.say("test", done, of)

        after.wait(testing)
        after.compare(teller.known)
        after.wait(lambda done, of: teller.say("compare", done, of))


def _searched(
    run: Run, todo: list[Pack], source: Source, crew: Crew, mark: str, teller: Teller
) -> Run:
    """Search over conditions; returns the run with the conditions tried."""
    from popnet.sweep.search import search
    from popnet.sweep.training import site_of

    def report(result: dict[str, Any]) -> None:
        teller.heard(result)

    site = site_of(
        run.sweep.machine, todo, run.store.address, crew.device, crew.workers, mark
    )
    search(run, source, site, report, crew.interruption)
    run = Run(run.folder)
    write_plan(run)
    teller.known = pending.statuses(run)
    teller.finished = Counter(teller.known.values())
    return run
