"""The page of a run: its sections in order, around the figures already rendered."""

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from popnet.report import summary
from popnet.report.markup import fill_template
from popnet.report.population import RunTables
from popnet.report.sections import Section

FIGURES = "figures"  # the folder beside the page


def page(
    population: RunTables, sections: Sequence[Section], svgs: Mapping[str, Markup]
) -> str:
    """The whole page as text; `svgs` holds each figure's element by its name."""
    return fill_template(
        "report.html.j2",
        name=population.run.name,
        sentence=summary.sentence(population),
        tiles=summary.tiles(population),
        counts=summary.counts_table(population),
        sections=sections,
        svgs=svgs,
        folder=FIGURES,
    )
