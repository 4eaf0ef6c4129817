"""Write the report: figures first, the page last, each whole or not at all."""

from collections.abc import Iterable
from pathlib import Path

from markupsafe import Markup

from popnet.report.claims import claims
from popnet.report.comparison import comparisons
from popnet.report.error_curves import condition_figures, error_curves
from popnet.report.generalisation import generalisation
from popnet.report.networks import all_networks
from popnet.report.page import FIGURES, page
from popnet.report.perturbations import robustness
from popnet.report.phase_portraits import phase_portraits
from popnet.report.population import load
from popnet.report.provenance_section import making
from popnet.report.render import inline_svg, png_bytes, svg_bytes
from popnet.report.sections import Drawing
from popnet.report.style import house_style
from popnet.report.trials_to_criterion import convergence
from popnet.runs import Run
from popnet.store.atomic_files import write_bytes

CONDITION_DPI = 110

SECTIONS = [
    convergence,
    error_curves,
    robustness,
    generalisation,
    comparisons,
    phase_portraits,
    all_networks,
    making,
]


def write_report(run: Run) -> Path:
    """Write `report/index.html` in the run's folder and return its path.

    Every figure lies beside it in `report/figures/`, as SVG and as PNG. The same
    records give the same bytes.
    """
    folder = run.folder / "report"
    figures = folder / FIGURES
    figures.mkdir(parents=True, exist_ok=True)
    population = load(run)
    with house_style():
        made = [section(population) for section in SECTIONS]
        sections = [section for section in made if section is not None]
        svgs = draw((d for section in sections for d in section.drawings), figures)
        portraits = set()
        for name, figure in condition_figures(population):
            write_bytes(figures / f"{name}.png", png_bytes(figure, CONDITION_DPI))
            portraits.add(name)
    index = folder / "index.html"
    sections = [*claims(population), *sections]
    write_bytes(index, page(population, sections, svgs).encode())
    remove_stale(figures, set(svgs) | portraits)
    return index


def draw(drawings: Iterable[Drawing], figures: Path) -> dict[str, Markup]:
    """Write every figure as SVG and PNG; the SVG element of each by its name."""
    svgs: dict[str, Markup] = {}
    for drawing in drawings:
        svg = svg_bytes(drawing.figure)
        write_bytes(figures / f"{drawing.name}.svg", svg)
        write_bytes(figures / f"{drawing.name}.png", png_bytes(drawing.figure))
        description = f"{drawing.title} {drawing.caption}"
        svgs[drawing.name] = inline_svg(svg, drawing.name, description)
    return svgs


def remove_stale(figures: Path, names: set[str]) -> None:
    """Figures of an earlier report that this one no longer has would mislead."""
    for path in figures.iterdir():
        if path.suffix in (".svg", ".png") and path.stem not in names:
            path.unlink()
