"""The page: its sections in order, around the figures already rendered."""

from collections.abc import Mapping, Sequence
from html import escape

from popnet.report import markup, summary
from popnet.report.looks import CSS
from popnet.report.population import Population
from popnet.report.sections import Section


def page(
    population: Population, sections: Sequence[Section], svgs: Mapping[str, str]
) -> str:
    """The whole page as text; `svgs` holds each figure's element by its name."""
    name = escape(population.run.name)
    links = "\n".join(
        f'<a href="#{section.anchor}">{escape(section.title)}</a>'
        for section in sections
    )
    body = "\n".join(
        markup.section(
            section, [markup.figure(d, svgs[d.name]) for d in section.drawings]
        )
        for section in sections
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{name} · popnet</title>
<style>{CSS}</style>
</head>
<body>
<main>
<header>
<h1>{name}</h1>
<p class="lead">{escape(summary.sentence(population))}</p>
{summary.tiles(population)}
{summary.counts_table(population)}
<nav>
{links}
</nav>
</header>
{body}
</main>
</body>
</html>
"""
