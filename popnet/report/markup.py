"""Small pieces of HTML. Everything that comes from a user passes `escape`."""

import re
from collections.abc import Iterable, Sequence
from html import escape

from popnet.report.sections import Drawing, Section
from popnet.report.stylesheet import CSS

NIL = '<span class="nil">\N{EN DASH}</span>'


def table(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    numeric: Iterable[int] = (),
    css: str = "",
) -> str:
    """A table; header and cells are HTML already. `numeric`: columns set right."""
    right = set(numeric)
    mark = [' class="n"' if i in right else "" for i in range(len(header))]
    head = "".join(
        f'<th scope="col"{m}>{h}</th>' for m, h in zip(mark, header, strict=True)
    )
    body = "\n".join(
        "<tr>"
        + "".join(f"<td{m}>{c}</td>" for m, c in zip(mark, row, strict=True))
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="scroll {css}" tabindex="0"><table>\n<thead><tr>{head}</tr>'
        f"</thead>\n<tbody>\n{body}\n</tbody></table></div>"
    )


def figure(drawing: Drawing, svg: str, folder: str = "figures") -> str:
    """A figure with its caption and the names of its files in `folder`."""
    path = escape(f"{folder}/{drawing.name}", quote=True)
    return (
        f'<figure id="figure-{escape(drawing.name)}">\n'
        f'<div class="plot" tabindex="0">{svg}</div>\n'
        f"<figcaption><b>{escape(drawing.title)}</b> "
        f"{escape(drawing.caption)} "
        f'<span class="files"><a href="{path}.svg">SVG</a> '
        f'<a href="{path}.png">PNG</a></span></figcaption>\n</figure>'
    )


def section(content: Section, figures: Sequence[str]) -> str:
    """A section of the page, its figures given as HTML."""
    words = f"<p>{_code(escape(content.words))}</p>" if content.words else ""
    return (
        f'<section id="{content.anchor}">\n<h2>{escape(content.title)}</h2>\n'
        + "\n".join(part for part in (words, *figures, content.body) if part)
        + "\n</section>"
    )


def _code(words: str) -> str:
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", words)


def colour_chip(colour: str) -> str:
    """A dot in a condition's colour."""
    return f'<i class="chip" style="background:{colour}"></i>'


def document(title: str, header: str, body: str) -> str:
    """A whole page, self-contained; all three are HTML already."""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · popnet</title>
<style>{CSS}</style>
</head>
<body>
<main>
<header>
{header}
</header>
{body}
</main>
</body>
</html>
"""


def contents(sections: Sequence[Section]) -> str:
    """Links to the sections."""
    return "\n".join(
        f'<a href="#{section.anchor}">{escape(section.title)}</a>'
        for section in sections
    )
