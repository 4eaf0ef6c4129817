"""The table and the figure of a soak."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from check import Verdict
from faults import FAULTS

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "popnet" / "sweep" / "README.md"
FIGURE = "soak.png"
MARKS = "<!-- soak: made by `make soak ARGS=--readme` -->", "<!-- end of soak -->"


def publish(
    folder: Path, log: list[dict], verdict: Verdict, quiet_s: float, soak_s: float,
    launches: int,
) -> str:  # fmt: skip
    """Draw the figure, and return the text of the page's part."""
    draw(folder / FIGURE, log, verdict.planned)
    struck = Counter(e["kind"] for e in log if e["kind"] in FAULTS)
    kinds = ", ".join(f"{kind} {struck[kind]}" for kind in FAULTS)
    return "\n".join(
        [
            f"{sum(struck.values())} faults in {soak_s / 60:.0f} min on a head and "
            f"three workers, {launches} launches in all (undisturbed, without a "
            f"cluster: {quiet_s / 60:.1f} min). Kinds: {kinds}.",
            "",
            "| networks | lost | double | with another bit | MLflow runs | double |",
            "|---|---|---|---|---|---|",
            f"| {verdict.planned} | {verdict.lost} | {verdict.double} | "
            f"{verdict.different} | {verdict.mlflow_runs} | {verdict.mlflow_double} |",
        ]
    )


def draw(path: Path, log: list[dict], planned: int) -> None:
    """Networks on disk over time, with every fault as a mark in its kind's row."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (above, below) = pyplot.subplots(
        2, 1, sharex=True, figsize=(9, 6), height_ratios=[2, 3], layout="constrained"
    )
    minutes = [entry["at_s"] / 60 for entry in log]
    above.step(minutes, [entry["recorded"] for entry in log], where="post", color="k")
    above.axhline(planned, color="0.7", linewidth=0.8)
    above.set(ylabel="networks on disk", ylim=(0, 1.05 * planned))
    kinds = list(FAULTS)[::-1]
    for entry in log:
        if entry["kind"] in FAULTS:
            at = entry["at_s"] / 60
            below.plot(at, kinds.index(entry["kind"]), "|", color="#D55E00", ms=12)
            above.axvline(at, color="#D55E00", linewidth=0.4, alpha=0.5)
    below.set(yticks=range(len(kinds)), xlabel="minutes", ylim=(-0.7, len(kinds)))
    below.set_yticklabels(kinds, fontsize=8)
    for axes in (above, below):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def into_page(text: str, folder: Path) -> None:
    """Put the table and the figure into the page of the sweep floor."""
    import shutil

    before, rest = PAGE.read_text().split(MARKS[0])
    _, after = rest.split(MARKS[1])
    shutil.copy(folder / FIGURE, PAGE.with_name(FIGURE))
    part = f"{MARKS[0]}\n{text}\n\n![faults and networks over time]({FIGURE})\n"
    PAGE.write_text(before + part + MARKS[1] + after)
