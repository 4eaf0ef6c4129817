"""Every condition on every task, with the sign of the output kept and flipped."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from popnet.report.conditions import NamedCondition, evenly, wrapped
from popnet.report.heatmap import accuracy_bar, heatmap
from popnet.report.population import RunTables, networks_behind
from popnet.report.registry_words import chance, memoryless_score, task_of
from popnet.report.sections import Drawing, Section, left_out, sentences, span
from popnet.report.style import INK, WIDTH
from popnet.runs.labels import labels

MOST_ROWS = 60
MOST_BESIDE = 5  # tasks; with more the two maps stand above each other
KINDS = {"task": "", "quiet": "\n(impulses off)"}
PARTS = (("accuracy", "accuracy"), ("flipped_accuracy", "accuracy, sign flipped"))


def generalisation(population: RunTables) -> Section:
    """The section on tasks the networks were not trained on."""
    title = "Other tasks"
    rows = population.evaluations
    if not rows.empty:
        rows = rows.assign(label=labels(rows))[rows["kind"] != "perturbation"]
        rows = population.averages(rows)
    if rows.empty:
        words = (
            "No network was tried on a task yet: `after.other_tasks` lists the tasks "
            "to try beside the network's own."
        )
        return Section("generalisation", title, words)
    kinds = rows["kind"].map(lambda kind: KINDS.get(str(kind), f"\n({kind})"))
    rows = rows.assign(column=rows["label"] + kinds)
    return Section("generalisation", title, drawings=[_draw(population, rows)])


def _draw(population: RunTables, rows: pd.DataFrame) -> Drawing:
    recorded = population.conditions
    shown = evenly(recorded, MOST_ROWS)
    sizes = networks_behind(rows, recorded)
    own = population.networks.groupby("condition")["task.name"].first()
    columns = _columns(rows, set(own))
    chances, without = _baselines(rows, columns)
    heads = _heads(columns, chances, without)
    beside = len(columns) <= MOST_BESIDE
    figure, both = _axes(len(shown), len(columns), beside=beside)
    for i, (axes, (part, words)) in enumerate(zip(both, PARTS, strict=True)):
        wide = rows.pivot_table(index="condition", columns="column", values=part)
        wide = wide.reindex(index=[c.id for c in shown], columns=columns)
        heatmap(axes, wide.to_numpy(float), chances, notes=True)
        axes.set_xticks(range(len(columns)), heads)
        axes.xaxis.tick_top()
        notes = [population.note(c, sizes[c.id]) for c in shown]
        _rows(axes, shown, notes, named=i == 0 or not beside)
        _own(
            axes,
            [columns.index(own[c.id]) if own[c.id] in columns else -1 for c in shown],
        )
        axes.set_title(words, pad=10)
    accuracy_bar(figure, both, "right", set(chances))
    sides = ("Left", "right") if beside else ("Above", "below")
    text = sentences(
        "Number and colour: mean over the networks of a condition (n = "
        f"{span(sizes.values())}) of the share of trials answered correctly by the "
        "frozen network, no learning. Outlined: the task it was trained on.",
        f"{sides[0]}: as it answers; {sides[1]}: if the sign of its output were "
        "flipped, so that a task whose rule is the reverse scores high. White is "
        f"chance: {', '.join(f'{v:.3g}' for v in sorted(set(chances)))}.",
        "Without memory: the best score of an observer that sees the last stimulus "
        "alone."
        if any(without)
        else "",
        population.excluded,
        left_out([c.label for c in shown], [c.label for c in recorded], "conditions"),
    )
    return Drawing("generalisation", figure, "Accuracy on each task.", text)


def _baselines(
    rows: pd.DataFrame, columns: list[str]
) -> tuple[list[float], list[float | None]]:
    """Accuracies, by column, of guessing and without a memory on its task."""
    tested = zip(rows["column"], rows["name"], rows["settings"], strict=True)
    tasks = {column: task_of(name, settings) for column, name, settings in tested}
    chances = [chance(tasks[column]) for column in columns]
    return chances, [memoryless_score(tasks[column]) for column in columns]


def _heads(
    columns: list[str], chances: list[float], without: list[float | None]
) -> list[str]:
    """Heads of the columns, with chance where it differs, and the memoryless score."""
    heads = []
    for column, guessed, score in zip(columns, chances, without, strict=True):
        lines = [column]
        lines += [f"chance {guessed:.3g}"] if len(set(chances)) > 1 else []
        lines += [f"without memory {score:.3g}"] if score is not None else []
        heads.append("\n".join(lines))
    return heads


def _columns(rows: pd.DataFrame, trained: set[str]) -> list[str]:
    """Trained tasks first, then the others as they were recorded."""
    names = dict(zip(rows["column"], rows["label"], strict=True))
    return sorted(names, key=lambda column: names[column] not in trained)


def _axes(rows: int, columns: int, *, beside: bool) -> tuple[Figure, list[Axes]]:
    row = 0.36 if rows <= 30 else 0.2
    height = rows * row + 1.0
    size = (WIDTH, height) if beside else (WIDTH, 2 * height)
    if beside and columns < 3:
        size = (3.6 + 2.2 * columns, height)
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(1 if beside else 2, 2 if beside else 1, squeeze=False)
    return figure, list(grid.ravel())


def _rows(
    axes: Axes, shown: list[NamedCondition], notes: list[str], *, named: bool
) -> None:
    """Names of conditions and, below or beside, what is special about them."""
    small, apart = (8, "\n") if len(shown) <= 30 else (6.5, " ")
    labels = [
        wrapped(c.label, 44) + (f"{apart}({note})" if note else "")
        for c, note in zip(shown, notes if named else [], strict=named)
    ]
    axes.set_yticks(range(len(labels)), labels, fontsize=small)


def _own(axes: Axes, places: list[int]) -> None:
    """A frame around the cell of the task that each condition was trained on."""
    for y, x in enumerate(places):
        if x >= 0:
            axes.add_patch(
                Rectangle(
                    (x - 0.47, y - 0.45),
                    0.94,
                    0.9,
                    fill=False,
                    edgecolor=INK,
                    linewidth=1.1,
                )
            )
