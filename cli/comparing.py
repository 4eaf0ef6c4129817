"""``popnet compare`` and ``popnet sensitivity``."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .shell import Address, AsJson, give, give_json, guarded, say

if TYPE_CHECKING:
    from popnet.config import MetricSettings
    from popnet.report.pair_summary import GridRow, PairSummary
    from popnet.report.population import ComparedNetworks
    from popnet.runs import Run

Where = Annotated[
    Path,
    typer.Argument(help="a run's folder, or one with networks of other programs",
                   metavar="RUN|FOLDER"),
]  # fmt: skip
Metrics = Annotated[
    list[str] | None,
    typer.Option(
        "--metric", metavar="NAME[:SETTING=VALUE,...]",
        help="of popnet metrics; may be repeated. Default: those of the run, or all "
        "that the folder has data for",
    ),
]  # fmt: skip
MOST_NAMED = 6
"""Conditions that an order is written out for."""


@guarded
def compare(
    where: Where,
    metric: Metrics = None,
    nulls: Annotated[
        bool, typer.Option("--nulls/--no-nulls", help="floors and ceilings too")
    ] = True,
    address: Address = None,
    as_json: AsJson = False,
) -> None:
    """Compare networks in pairs: those of a run, or somebody else's in a folder.

    What is compared already is not computed again.  The page of the comparison is
    RUN/report/compare.html or FOLDER/comparison/index.html.
    """
    from popnet.catalogue import metric_of_text
    from popnet.work.nulls import nulls_of

    asked = [metric_of_text(text, "--metric") for text in metric or []]
    chosen_nulls = nulls_of if nulls else (lambda _: {})
    if (where / "sweep.yaml").is_file():
        rows, page = _of_run(where, asked, chosen_nulls, address)
    else:
        rows, page = _of_folder(where, asked, chosen_nulls, address)
    if as_json:
        give_json([_as_data(row) for row in rows])
        return
    for line in _lines(rows):
        give(line)
    give(f"report    {page}")


Nulls = Callable[["MetricSettings"], "dict[str, MetricSettings]"]


def _of_run(
    where: Path, asked: Sequence[MetricSettings], nulls: Nulls, address: str | None
) -> tuple[list[PairSummary], Path]:
    from popnet.report.comparison_page import write_comparison
    from popnet.report.pair_summary import summary_of
    from popnet.runs import writing
    from popnet.runs.fingerprint import record_fingerprint, recorded_fingerprint
    from popnet.sweep.run_comparison import default_metrics, recorded_errors

    run = _opened(where)
    chosen = list(asked) or default_metrics(run)
    every = [m for one in chosen for m in (one, *nulls(one).values())]
    with writing(run.folder):
        compared = _compared(run, every, address)
        compared = replace(compared, heldout_errors=recorded_errors(run, chosen))
        rows = [summary_of(m, nulls(m), compared) for m in chosen]
        before = recorded_fingerprint(run)
        folder = run.folder / "report"
        page = write_comparison(
            folder / "compare.html", folder / "compare_figures", run.name, compared,
            chosen, rows, [compared.excluded.rstrip(".")] if compared.excluded else (),
        )  # fmt: skip
        if before:  # tables and report are what they were: only this page is new
            record_fingerprint(run, before)
    return rows, page


def _opened(where: Path) -> Run:
    """Open a run to be compared; one of an earlier physics is refused."""
    from popnet.config import ConfigError
    from popnet.runs import open_run
    from popnet.runs.physics import refuse_run

    run = open_run(where)
    refuse_run(run.folder, run.provenance())
    if run.table().empty:
        raise ConfigError(
            f"{where}: no network in its tables yet; `popnet launch` makes them."
        )
    return run


def _compared(
    run: Run, metrics: Sequence[MetricSettings], address: str | None
) -> ComparedNetworks:
    """Compute what is missing of a run's pairs; return its networks with all pairs."""
    from popnet.report.population import load
    from popnet.sweep.run_comparison import compare_run

    from .launch_progress import shown_progress

    unique = list(dict.fromkeys(metrics))
    with shown_progress(run.name) as listen:
        pairs = compare_run(run, unique, address=address, listen=listen)
    return replace(load(run), comparisons=pairs)


def _of_folder(
    where: Path, asked: Sequence[MetricSettings], nulls: Nulls, address: str | None
) -> tuple[list[PairSummary], Path]:
    from popnet.folder_comparison import compare_folder
    from popnet.formats.folder import RESULTS
    from popnet.report.comparison_page import write_comparison
    from popnet.report.pair_summary import summary_of
    from popnet.runs import writing

    _refuse_address(where, address)
    with _pairs_shown() as on_pairs:
        found = compare_folder(where, asked, nulls, on_pairs)
    for note in found.notes:
        say(f"note: {note}")
    rows = [summary_of(m, nulls(m), found.networks) for m in found.metrics]
    with writing(where / RESULTS):
        page = write_comparison(
            where / RESULTS / "index.html", where / RESULTS / "figures",
            where.resolve().name, found.networks, found.metrics, rows, found.notes,
        )  # fmt: skip
    return rows, page


def _refuse_address(where: Path, address: str | None) -> None:
    from popnet.config import ConfigError

    if not where.is_dir():
        raise ConfigError(f"{where}: neither a run nor a folder of networks.")
    if address is not None:
        raise ConfigError(
            f"--address: {where} is no run; the networks of a folder are compared in "
            "this process. Leave it out."
        )


@contextmanager
def _pairs_shown() -> Iterator[Callable[[str, int, int], None]]:
    """Show on stderr how many pairs are done, where somebody looks on."""
    from rich.console import Console
    from rich.progress import Progress

    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bars: dict[str, Any] = {}

        def show(metric: str, done: int, pairs: int) -> None:
            if metric not in bars:
                bars[metric] = progress.add_task(metric, total=pairs)
            progress.update(bars[metric], completed=done)

        yield show


@guarded
def sensitivity(
    where: Where,
    metric: Annotated[
        str, typer.Option("--metric", metavar="NAME[:SETTING=VALUE,...]")
    ],
    vary: Annotated[
        list[str],
        typer.Option(
            "--vary",
            metavar="SETTING=VALUE,VALUE,...",
            help="may be repeated: every combination is computed",
        ),
    ],
    address: Address = None,
    as_json: AsJson = False,
) -> None:
    """Tables of a metric's mean, and its order of conditions, over its settings."""
    from popnet.report.pair_summary import grid_rows

    metrics, varied = _grid(metric, vary)
    if (where / "sweep.yaml").is_file():
        compared = _compared(_opened(where), metrics, address)
    else:
        from popnet.folder_comparison import compare_folder

        _refuse_address(where, address)
        with _pairs_shown() as on_pairs:
            found = compare_folder(where, metrics, on_pairs=on_pairs)
        for note in found.notes:
            say(f"note: {note}")
        compared = found.networks
    rows = grid_rows(metrics, varied, compared)
    if as_json:
        give_json([_as_data(row) for row in rows])
        return
    for line in _grid_lines(rows):
        give(line)


def _grid(text: str, vary: Sequence[str]) -> tuple[list[MetricSettings], list[str]]:
    """Return the metric at every combination of settings, and the settings varied."""
    from popnet.catalogue import metric_of_text, metric_settings
    from popnet.config import ConfigError, read_text

    first = metric_of_text(text, "--metric")
    axes: dict[str, list[Any]] = {}
    for option in vary:
        name, equals, values = (part.strip() for part in option.partition("="))
        if not equals or not values or name in axes or name == "name":
            again = "is given twice" if name in axes else "expected SETTING=VALUE,VALUE"
            raise ConfigError(f"--vary {option}: {again}.")
        axes[name] = read_text(f"values: [{values}]", f"--vary {option}").raw["values"]
    given = first.model_dump(exclude_defaults=True)
    made = [
        metric_settings(
            {**given, "name": first.name, **dict(zip(axes, chosen, strict=True))},
            f"--vary {' --vary '.join(vary)}",
        )
        for chosen in itertools.product(*axes.values())
    ]
    return list(dict.fromkeys(made)), list(axes)


def _lines(rows: Sequence[PairSummary]) -> list[str]:
    from popnet.report.pair_summary import shown_effect, shown_fits

    header = ["metric", "within", "between", "floor", "untrained", "shuffled"]
    cells = [[row.metric, *(shown_effect(e) for e in row.effects)] for row in rows]
    return _aligned([header, *cells]) + [line for line in [shown_fits(rows)] if line]


def _grid_lines(rows: Sequence[GridRow]) -> list[str]:
    from popnet.report.pair_summary import shown_effect

    header = [*rows[0].settings, "mean", "order of conditions", "tau"]
    cells = [
        [
            *(str(value) for value in row.settings.values()),
            shown_effect(row.mean),
            _order(list(row.by_condition)),
            f"{row.agreement:.2f}" if row.agreement == row.agreement else "\u2013",
        ]
        for row in rows
    ]
    return _aligned([header, *cells])


def _order(labels: Sequence[str]) -> str:
    if len(labels) < 2:
        return "\u2013"
    shown = " < ".join(labels[:MOST_NAMED])
    return shown + (" < ..." if len(labels) > MOST_NAMED else "")


def _aligned(cells: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]


def _as_data(row: PairSummary | GridRow) -> dict[str, Any]:
    """Return a row as JSON has it: effects as objects, NaN as null."""

    def plain(value: Any) -> Any:
        if hasattr(value, "_asdict"):
            value = value._asdict()
        if isinstance(value, dict):
            return {k: plain(v) for k, v in value.items()}
        return None if value != value else value

    return plain(row)
