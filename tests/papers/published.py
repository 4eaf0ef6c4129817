"""Trains every rule on its paper's task to its paper's criterion; fills a page.

``make published`` launches the configs below, configs/rules_by_tasks.yaml and
configs/quickstart.yaml into runs/published (what is there is not trained again), and
writes from their records the tables and figures of configs/README.md, and the figure of
README.md.  With names of configs, ``python tests/papers/published.py NAME ...``
launches these alone and writes from what is there.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import matplotlib.pyplot as plt
import pandas as pd
from fixed_points import counted
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullFormatter
from pages_of_runs import DNMS, FLATNESS, drawn, flatness, miconi, placed

import popnet as pn
from popnet.analysis.trials_to_criterion import trials_or_cap, trials_quantiles
from popnet.report.perturbations import robustness
from popnet.report.style import CATEGORIES, INK, house_style, thousands
from popnet.report.trials_to_criterion import convergence

ROOT = Path(__file__).resolve().parents[2]
RUNS = ROOT / "runs" / "published"
PAGE = ROOT / "configs" / "README.md"
FIGURE = ROOT / "configs" / "figures" / "published.png"
BEGIN, END = "<!-- made by `make published`: do not edit -->", "<!-- end of it -->"


class Claim(NamedTuple):
    """What a paper, or its code, says of a rule on a task; a row of the table."""

    config: str
    rule: str
    task: str
    criterion: str
    where: dict[str, object] = {}  # noqa: RUF012
    """Columns of the run's table that pick out the condition."""


CLAIMS = [
    Claim("dnms", "reward_hebbian", "dnms", "95 of 100 right; published median 843",
          {"train.until.accuracy": 0.95}),
    Claim("selective_integration", "reward_hebbian", "selective_integration",
          "error at most 0.05 over 200 trials, by 20,000"),
    Claim("degeneracy_tasks", "bptt", "flipflop", "mse 0.001, 3 epochs in a row",
          {"task.name": "flipflop"}),
    Claim("degeneracy_tasks", "bptt", "delayed_discrimination",
          "mse 0.01, 3 epochs in a row", {"task.name": "delayed_discrimination"}),
    Claim("degeneracy_tasks", "bptt", "sines", "mse 0.05, 3 epochs in a row",
          {"task.name": "sines"}),
    Claim("degeneracy_tasks", "bptt", "path_integration",
          "mse 0.05, 3 epochs in a row", {"task.name": "path_integration"}),
    Claim("flatness", "bptt", "flipflop, 64 units", "mse 5e-5, 2 epochs in a row"),
    Claim("random_dots", "bptt", "random_dots, noise 0.5", "90 % right, 10 in a row",
          {"task.name": "random_dots"}),
    Claim("random_dots", "bptt", "n_context (2), noise 0.5", "90 % right, 10 in a row",
          {"task.name": "n_context"}),
    Claim("full_force", "full_force, alpha 500", "random_dots, noise 0.5",
          "184 of 200 right, in about 300", {"rule.alpha": 500}),
    Claim("full_force", "full_force, alpha 50,000", "random_dots, noise 0.5",
          "184 of 200 right, in about 300", {"rule.alpha": 50_000}),
    Claim("force", "force", "sum_of_sines", "90 % of the variance, 5 in a row"),
    Claim("search", "genetic", "random_dots, noise 0.1", "90 % right, 10 in a row",
          {"rule.name": "genetic"}),
    Claim("search", "evolution_strategies", "random_dots, noise 0.1",
          "90 % right, 10 in a row", {"rule.name": "evolution_strategies"}),
    Claim("eprop", "eprop, symmetric", "sum_of_sines, 1 s",
          "90 % of the variance, 20 in a row", {"rule.feedback": "symmetric"}),
    Claim("eprop", "eprop, random", "sum_of_sines, 1 s",
          "90 % of the variance, 20 in a row", {"rule.feedback": "random"}),
    Claim("eprop", "eprop, adaptive", "sum_of_sines, 1 s",
          "90 % of the variance, 20 in a row", {"rule.feedback": "adaptive"}),
    Claim("rflo", "rflo", "sum_of_sines, 1 s", "90 % of the variance, 20 in a row"),
    Claim("policy_gradient", "policy_gradient", "random_dots, noise 0.1, 0.8 s",
          "95 % of 1,000 right, 5 in a row", {"task.name": "random_dots"}),
    Claim("policy_gradient", "policy_gradient", "n_context (2), noise 0.1, 0.8 s",
          "95 % of 1,000 right, 5 in a row", {"task.name": "n_context"}),
]  # fmt: skip
CONFIGS = [*dict.fromkeys(claim.config for claim in CLAIMS)]
OTHERS = ["rules_by_tasks", "quickstart"]


def launched(config: str) -> pn.Run:
    """The run of a config; how long its launches took stands beside it."""
    file = f"{config}.yaml" if config in OTHERS else f"published_{config}.yaml"
    name = file.removesuffix(".yaml").replace("_", "-")
    begin = time.monotonic()
    popnet = Path(sys.executable).with_name("popnet")
    config_file = ROOT / "configs" / file
    subprocess.run([popnet, "launch", config_file, "--out", RUNS], check=True)
    took = RUNS / f"{name}.seconds.json"
    before = json.loads(took.read_text()) if took.exists() else 0.0
    run = pn.open_run(RUNS / name)
    if before == 0.0 or time.monotonic() - begin > 60:
        took.write_text(json.dumps(before + time.monotonic() - begin))
    return run


def opened(config: str) -> tuple[pn.Run, float] | None:
    """A run that is there, and the seconds its launches took."""
    name = config if config in OTHERS else f"published_{config}"
    folder = RUNS / name.replace("_", "-")
    took = RUNS / f"{folder.name}.seconds.json"
    if not took.exists():
        return None
    return pn.open_run(folder), json.loads(took.read_text())


def chosen(table: pd.DataFrame, where: dict[str, object]) -> pd.DataFrame:
    """The rows of one condition."""
    for column, value in where.items():
        table = table[table[column] == value]
    return table


def quantiles(own: pd.DataFrame) -> list[str]:
    """Quartiles of the trials to criterion; ">" where networks never met it."""
    needed = trials_or_cap(
        own["status"],
        own["trials_to_criterion"].astype(float),
        own["train.trials"].astype(float),
    )
    made = trials_quantiles(needed, [0.25, 0.5, 0.75])
    return [f"{'> ' * q.bound}{q.trials:,.0f}" for q in made]


def row(claim: Claim, table: pd.DataFrame, minutes: float) -> str:
    """One row of the table."""
    own = chosen(table, claim.where)
    met = int(own["trials_to_criterion"].notna().sum())
    low, middle, high = quantiles(own)
    after = f"{own['accuracy'].mean():.3f}"
    if own["train.until.error"].notna().all():
        after = f"error {own['error'].mean():.3g}"
    return (
        f"| `{claim.rule}` | {claim.task} | {claim.criterion} | {met} of {len(own)} | "
        f"{middle} ({low} to {high}) | {after} | {minutes:.1f} min | "
        f"`published_{claim.config}` |"
    )


def trained(runs: dict[str, tuple[pn.Run, float]]) -> list[Claim]:
    """The claims whose networks are there."""
    return [
        claim
        for claim in CLAIMS
        if claim.config in runs
        and len(chosen(runs[claim.config][0].table(), claim.where))
    ]


def table_of(runs: dict[str, tuple[pn.Run, float]]) -> list[str]:
    """The table of the claims whose runs are there."""
    lines = [
        "| rule | task | criterion | met by | trials to it: median (quartiles) "
        "| frozen, new trials | launch, all its networks | config |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for claim in trained(runs):
        run, seconds = runs[claim.config]
        lines.append(row(claim, run.table(), seconds / 60))
    return lines


def crossed(run: pn.Run, seconds: float) -> list[str]:
    """Rules by tasks, side by side: median trials, and how many got there."""
    table = run.table()
    tasks = list(dict.fromkeys(table["task.name"]))
    lines = [
        f"| median trials (met by how many of 8; frozen) | {' | '.join(tasks)} |",
        "|---" * (len(tasks) + 1) + "|",
    ]
    for rule, own in table.groupby("rule.name", sort=False):
        cells = []
        for task in tasks:
            one = own[own["task.name"] == task]
            met = int(one["trials_to_criterion"].notna().sum())
            cells.append(f"{quantiles(one)[1]} ({met}; {one['accuracy'].mean():.2f})")
        lines.append(f"| `{rule}` | {' | '.join(cells)} |")
    return [*lines, "", f"One launch of {len(table)} networks, {seconds / 60:.0f} min."]


def fallen(run: pn.Run) -> str:
    """Errors of selective integration, where the paper's figure can be read."""
    curves, words = run.curves(), []
    for trial in (5000, 20_000):
        last = curves[(curves["trial"] > trial - 500) & (curves["trial"] <= trial)]
        low, middle, high = (
            last.groupby("key")["error"].mean().quantile([0.25, 0.5, 0.75])
        )
        words.append(f"{middle:.3f} ({low:.3f} to {high:.3f}) after {trial:,} trials")
    return (
        f"Error of selective integration, median (quartiles): {' and '.join(words)}; "
        "published about 0.15, upper quartile above 0.5, and below 0.05."
    )


def panel(axes: Axes, claim: Claim, run: pn.Run, colour: str) -> None:
    """Every network's curve, and the criterion where it is of the same quantity."""
    own = chosen(run.table(), claim.where)
    by_error = own["train.until.error"].notna().all()
    generated = own["task.name"].eq("sum_of_sines").all()
    column = "error" if by_error or generated else "accuracy"
    curves = run.curves()
    curves = curves[curves["key"].isin(own["key"])]
    window, every = own["train.until.window"], own["train.curve_every"]
    smooth = max(1, int(window.iloc[0] / every.iloc[0]))
    for _, curve in curves.groupby("key"):
        curve = curve.sort_values("trial")
        values = curve[column].rolling(smooth, min_periods=1).mean()
        axes.plot(curve["trial"], values, color=colour, linewidth=0.8, alpha=0.6)
    if by_error or not generated:
        level = own[f"train.until.{column}"].iloc[0]
        axes.axhline(level, color=INK, linestyle=":", linewidth=0.9)
    axes.set_xscale("log")
    if by_error:
        axes.set_yscale("log")
    else:
        axes.set_ylim(0)
    low, high = axes.get_xlim()
    few = by_error or high > 200 * low
    for axis in (axes.xaxis, axes.yaxis) if by_error else (axes.xaxis,):
        axis.set_major_locator(LogLocator(subs=(1,) if few else (1, 3), numticks=6))
        axis.set_major_formatter(thousands)
        axis.set_minor_formatter(NullFormatter())
    axes.tick_params(axis="x", labelsize=7)
    axes.set_title(f"{claim.rule}\n{claim.task}", fontsize=8)
    square = claim.config in ("degeneracy_tasks", "flatness")
    words = {"error": "mean square" if square else "mean |error|"}
    axes.set_ylabel(words.get(column, "share correct"))


def figure(runs: dict[str, tuple[pn.Run, float]]) -> None:
    """All learning curves."""
    claims = trained(runs)
    with house_style():
        made, all_axes = plt.subplots(
            -(-len(claims) // 4), 4, figsize=(11, 2.2 * -(-len(claims) // 4)),
            layout="constrained", squeeze=False,
        )  # fmt: skip
        for axes in all_axes.flat[len(claims) :]:
            axes.remove()
        colours = dict(zip(CONFIGS, CATEGORIES * 2, strict=False))
        for axes, claim in zip(all_axes.flat, claims, strict=False):
            panel(axes, claim, runs[claim.config][0], colours[claim.config])
        made.supxlabel("trials seen", fontsize=8.5)
        made.savefig(FIGURE, dpi=110)


def main(names: list[str]) -> None:
    """Launch, then write."""
    for config in names or [*CONFIGS, *OTHERS]:
        launched(config)
    found = {c: run for c in [*CONFIGS, *OTHERS] if (run := opened(c))}
    figure(found)
    if "dnms" in found:
        run, _ = found["dnms"]
        placed(PAGE, DNMS, miconi(run))
        drawn(run, convergence, FIGURE.with_name("published_dnms.png"))
    if "flatness" in found:
        placed(PAGE, FLATNESS, flatness(found["flatness"][0]))
    if "quickstart" in found:
        picture = FIGURE.with_name("quickstart_perturbations.png")
        drawn(found["quickstart"][0], robustness, picture)
    lines = [BEGIN, "", *table_of(found)]
    if "selective_integration" in found:
        lines += ["", fallen(found["selective_integration"][0])]
    if "full_force" in found:
        # 500 was chosen on the first four of its networks: see its config
        for alpha, chosen_on in ((50_000, 0), (500, 4)):
            lines += ["", counted(found["full_force"][0], alpha, chosen_on)]
    if "rules_by_tasks" in found:
        lines += ["", *crossed(*found["rules_by_tasks"])]
    day = time.strftime("%d %B %Y").lstrip("0")
    about = (
        "minutes are wall time on 2 cores with other work on them, without those of a "
        "launch that was killed and begun again (search)"
    )
    lines += ["", f"*`make published`, {day}; {about}.*", "", END]
    before, rest = PAGE.read_text().split(BEGIN)
    PAGE.write_text(before + "\n".join(lines) + rest.split(END)[1])


if __name__ == "__main__":
    main(sys.argv[1:])
