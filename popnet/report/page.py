"""The page: its sections in order, around the figures already rendered."""

from collections.abc import Mapping, Sequence
from html import escape

from popnet.report import markup, summary
from popnet.report.population import RunTables
from popnet.report.sections import Section


def page(
    population: RunTables, sections: Sequence[Section], svgs: Mapping[str, str]
) -> str:
    """The whole page as text; `svgs` holds each figure's element by its name."""
    name = escape(population.run.name)
    body = "\n".join(
        markup.section(
            section, [markup.figure(d, svgs[d.name]) for d in section.drawings]
        )
        for section in sections
    )
    header = f"""<h1>{name}</h1>
<p class="lead">{escape(summary.sentence(population))}</p>
{summary.tiles(population)}
{summary.counts_table(population)}
<nav>
{markup.contents(sections)}
</nav>"""
    return markup.document(name, header, body)
