"""HTML from the templates beside this file, which escape all that is not `Markup`.

A string is text: `<` in it is shown as `<`.  Only what is HTML already, a rendered
template or an SVG figure, is `Markup`.
"""

import re
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

TEMPLATES = Path(__file__).with_name("templates")
NIL = Markup('<span class="nil">\N{EN DASH}</span>')


def fill_template(template: str, /, **values: Any) -> Markup:
    """Fill a template with these values, escaping every string among them."""
    return Markup(_environment().get_template(template).render(**values))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["code"] = code
    return environment


def code(words: str) -> Markup:
    """Escape a text and set what stands between backticks as code."""
    return Markup(re.sub(r"`([^`]*)`", r"<code>\1</code>", str(escape(words))))


def table(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    numeric: Iterable[int] = (),
    wrapped: Iterable[int] = (),
    css: str = "",
) -> Markup:
    """A table.

    `numeric`: the columns that are aligned to the right; `wrapped`: the columns whose
    text may break into lines; `css`: the class of the whole.
    """
    right, broken = set(numeric), set(wrapped)
    above = ["n" if i in right else "" for i in range(len(header))]
    below = ["wrap" if i in broken else mark for i, mark in enumerate(above)]
    return fill_template(
        "table.html.j2",
        header=zip(above, header, strict=True),
        rows=(zip(below, row, strict=True) for row in rows),
        css=css,
    )


def monospaced(text: str) -> Markup:
    """A key or a value as it is typed."""
    return Markup('<span class="mono">{}</span>').format(text)


def colour_chip(colour: str) -> Markup:
    """A dot in a condition's colour."""
    return Markup('<i class="chip" style="background:{}"></i>').format(colour)
