"""Does a study again and writes what it found as a page: ``make study``.

``popnet study`` into runs/studies (what is there is not trained again), then
configs/studies/NAME.md with the table of claims and the page's figures.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from PIL import Image

import popnet as pn
from popnet.runs.findings import Finding, read_findings
from popnet.studies import STUDIES

ROOT = Path(__file__).resolve().parents[2]
RUNS = ROOT / "runs" / "studies"
PAGES = ROOT / "configs" / "studies"
WIDTH = 1300  # pixels, of a figure


def done(name: str, scale: str) -> tuple[pn.Run, float]:
    """The study's run, and the seconds all its launches took."""
    took = RUNS / f"{name}-{scale}.seconds.json"
    before = json.loads(took.read_text()) if took.exists() else 0.0
    begin = time.monotonic()
    popnet = Path(sys.executable).with_name("popnet")
    command = [popnet, "study", name, "--scale", scale, "--out", RUNS]
    subprocess.run(command, check=True)
    seconds = time.monotonic() - begin
    if before == 0.0 or seconds > 300:  # else nothing was trained or tested
        took.write_text(json.dumps(before + seconds))
    return pn.open_run(RUNS / f"{name}-{scale}"), json.loads(took.read_text())


def table(findings: list[Finding]) -> list[str]:
    """The claims, one a row."""
    lines = ["| claim | here (95 % interval over seeds) | verdict |", "|---|---|---|"]
    for f in findings:
        here = f"**{f.measured}** — {f.statistic}. {f.note}".strip()
        lines.append(f"| {f.says} | {here} | **{f.verdict}** |")
    return lines


def figures(run: pn.Run, folder: Path) -> list[str]:
    """The page's figures, small enough to keep, in their order on the page."""
    page = (run.folder / "report" / "study.html").read_text()
    found = (run.folder / "report" / "study").glob("*.png")
    pictures = sorted(found, key=lambda p: page.find(f"study/{p.name}"))
    lines = []
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.png"):
        old.unlink()
    for picture in pictures:
        image = Image.open(picture).convert("RGB")
        size = (WIDTH, round(image.height * WIDTH / image.width))
        small = image.resize(size, Image.Resampling.LANCZOS).quantize(256)
        small.save(folder / picture.name, optimize=True)
        name = picture.stem.replace("_", " ")
        lines += ["", f"![{name}]({folder.name}/{picture.name})"]
    return lines


def main(name: str, scale: str) -> None:
    """Do it, then write the page."""
    run, seconds = done(name, scale)
    study, networks = STUDIES[name], run.table()
    counts = networks["status"].value_counts()
    findings = read_findings(run.folder)
    verdicts = [f.verdict for f in findings]
    lines = [
        f"# {name}: {study.summary}",
        "",
        f"{study.reference}, done again: `popnet study {name} --scale {scale}`, "
        f"{time.strftime('%d %B %Y').lstrip('0')}, {len(networks)} networks "
        f"({', '.join(f'{n} {status}' for status, n in counts.items())}), "
        f"{seconds / 60:.0f} min on 2 cores from nothing to the table.",
        "",
        f"Of {len(findings)} statements {verdicts.count('holds')} hold here, "
        f"{verdicts.count('does not hold')} do not, "
        f"{verdicts.count('undecided')} are undecided at this number of networks. What "
        "the abstract leaves open is decided in the comments of the sweep file, "
        f"`popnet/studies/{study.scales[scale].name}`.",
        "",
        *table(findings),
        *figures(run, PAGES / name),
        "",
        "*Made by `make study`; the page with captions is `report/study.html` in the "
        "run's folder.*",
    ]
    (PAGES / f"{name}.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(*(sys.argv[1:] or ["heterogeneity", "quick"]))
