"""Writes the README page of a study's folder from what its run found."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from popnet.report.claims import PAGE, power_cells
from popnet.runs import Run
from popnet.runs.findings import PLANTED, Finding, read_findings
from popnet.studies.page import ABOUT_POWER, FIGURES
from popnet.studies.study import Study

PICTURES = "figures"  # the folder beside the page
WIDTH = 1300  # pixels, of a picture


def write_readme(
    name: str, study: Study[Any], scale: str, run: Run, seconds: float, folder: Path
) -> Path:
    """Write `README.md` and its pictures into a folder; return the page's path.

    ``run`` is the concluded run of the study at this scale, ``seconds`` what all its
    launches took together.
    """
    findings = read_findings(run.folder)
    lines = [
        f"# {name}: {study.summary}",
        "",
        _made(name, study, scale, run, seconds),
        "",
        _counted(findings, study.scales[scale].name),
        "",
        *_table(findings),
        *_power(findings),
        *_pictures(run, folder / PICTURES),
        "",
        f"*Made by `make study`; the page with captions is `report/{PAGE}` in the "
        "run's folder.*",
    ]
    page = folder / "README.md"
    page.write_text("\n".join(lines) + "\n")
    return page


def _made(name: str, study: Study[Any], scale: str, run: Run, seconds: float) -> str:
    networks = run.table()
    counts = networks["status"].value_counts()
    return (
        f"{study.reference}, done again: `popnet study {name} --scale {scale}`, "
        f"{time.strftime('%d %B %Y').lstrip('0')}, {len(networks)} networks "
        f"({', '.join(f'{n} {status}' for status, n in counts.items())}), "
        f"{seconds / 60:.0f} min on {os.cpu_count()} cores from nothing to the table."
    )


def _counted(findings: Sequence[Finding], sweep_file: str) -> str:
    verdicts = [finding.verdict for finding in findings]
    return (
        f"Of {len(findings)} statements {verdicts.count('holds')} hold here, "
        f"{verdicts.count('does not hold')} do not, "
        f"{verdicts.count('undecided')} are undecided at this number of networks. What "
        "the paper leaves open is decided in the comments of the sweep file, "
        f"[{sweep_file}]({sweep_file})."
    )


def _table(findings: Sequence[Finding]) -> list[str]:
    """One row per claim."""
    lines = [
        "| claim | here (95 % interval over seeds; p corrected for all claims) | "
        "smallest effect of interest | verdict |",
        "|---|---|---|---|",
    ]
    for f in findings:
        here = f"**{f.measured}** — {f.statistic}. {f.note}".strip()
        lines.append(f"| {f.says} | {here} | {f.smallest} | **{f.verdict}** |")
    return lines


def _power(findings: Sequence[Finding]) -> list[str]:
    """One row per claim: how often each verdict would come out at this n."""
    if not any(finding.power for finding in findings):
        return []
    cells = [" | ".join([f.claim, *power_cells(f)]) for f in findings]
    return [
        "",
        f"## What {max(f.n for f in findings)} seeds can tell",
        "",
        ABOUT_POWER,
        "",
        f"| claim | {' | '.join(f'planted {name}' for name in PLANTED)} |",
        "|---" * (1 + len(PLANTED)) + "|",
        *(f"| {row} |" for row in cells),
    ]


def _pictures(run: Run, folder: Path) -> list[str]:
    """Copy the page's figures, small enough to keep, and link them in their order."""
    from PIL import Image

    report = run.folder / "report"
    page = (report / PAGE).read_text(encoding="utf-8")
    found = (report / FIGURES).glob("*.png")
    lines = []
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.png"):
        old.unlink()
    for picture in sorted(found, key=lambda p: page.find(f"{FIGURES}/{p.name}")):
        image = Image.open(picture).convert("RGB")
        size = (WIDTH, round(image.height * WIDTH / image.width))
        small = image.resize(size, Image.Resampling.LANCZOS).quantize(256)
        small.save(folder / picture.name, optimize=True)
        name = picture.stem.replace("_", " ")
        lines += ["", f"![{name}]({folder.name}/{picture.name})"]
    return lines
