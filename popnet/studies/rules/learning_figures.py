"""How fast rules learn, what met its criterion, and how alike accuracies are."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup

from popnet.report.markup import NIL, table
from popnet.report.sections import Drawing, Section, sentences
from popnet.report.style import panels
from popnet.studies.rules.design import MATCHED, SIDES, task_words
from popnet.studies.rules.layout import (
    CAPTION,
    by_task,
    legend,
    log2_axis,
    over_scale,
    scale_words,
    with_interval,
)
from popnet.studies.rules.tables import LEARNING, RulesTables


def learning(tables: RulesTables) -> Section:
    """Trials to criterion and accuracy, with a table of all conditions."""
    figure, axes = panels(3, 3, 2.6, margin=0.7)
    for one, version in zip(axes, SIDES, strict=False):
        by_task(one, tables, LEARNING, version)
        one.set_title(f"{version}: trials to criterion")
        log2_axis(one)
    over_scale(axes[2], tables, LEARNING)
    axes[2].set_title("matched: trials, by initial scale")
    log2_axis(axes[2])
    legend(figure, tables)
    trials = sentences(
        "Mean of log2 trials to criterion, a network that never met it at its cap: "
        "then the mean is a lower bound. Bar: 95 % interval over seeds.",
        scale_words(tables),
    )
    accuracy, axes = panels(2, 2, 2.4, sharey=True, margin=0.7)
    for one, version in zip(axes, SIDES, strict=True):
        by_task(one, tables, "accuracy", version)
        one.set_title(f"{version}: accuracy")
    legend(accuracy, tables)
    drawings = [
        Drawing("learning", figure, "Trials to criterion.", trials),
        Drawing("learning_2", accuracy, "Accuracy in the test.", CAPTION),
    ]
    title = "What learned, and how well"
    return Section("learning", title, matching(tables), drawings, _conditions(tables))


def matching(tables: RulesTables) -> str:
    """How well accuracies are matched: the range of means over rules, by task."""
    words = []
    for version in SIDES:
        ranges = []
        for task in tables.design.tasks:
            conditions = tables.enough(tables.design.by_rule(version, task)).values()
            means = [tables.mean("accuracy", c).whole for c in conditions]
            means = [mean for mean in means if np.isfinite(mean)]
            if len(means) > 1:
                ends = f"{min(means):.3f} to {max(means):.3f}"
                ranges.append(f"{task_words(task)} {ends}")
        if ranges:
            kind = "matched" if version == MATCHED else "as published"
            words.append(f"Mean accuracies of rules, {kind}: {', '.join(ranges)}.")
    return sentences(
        "Networks are compared once they met their criterion, which is what matches "
        "them; what accuracy they kept in the test is shown.",
        *words,
    )


def _conditions(tables: RulesTables) -> Markup:
    """A row for each condition: met, accuracy, trials."""
    rows = []
    for condition, place in tables.design.places.items():
        met, every = tables.met(condition)
        accuracy = tables.mean("accuracy", condition).effect
        trials = tables.mean(LEARNING, condition).whole
        rows.append([
            place.version,
            place.rule.replace("_", " "),
            task_words(place.task),
            f"{place.sigma:g}",
            f"{place.scale:g}",
            f"{met} of {every}",
            with_interval(accuracy, "{:.3f}") or NIL,
            f"{2**trials:,.0f}" if np.isfinite(trials) else NIL,
        ])  # fmt: skip
    header = [
        "version", "rule", "task", "noise", "scale", "met", "accuracy (95 %)",
        "trials, geometric mean",
    ]  # fmt: skip
    return table(header, rows, numeric=range(3, len(header)), css="conditions")
