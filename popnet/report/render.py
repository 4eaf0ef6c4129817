"""Figures to bytes: the same figure gives the same file, and SVG fits in a page."""

import io
import re

from markupsafe import Markup, escape
from matplotlib.figure import Figure

PNG_DPI = 200
PIXELS_PER_INCH = 96


def svg_bytes(figure: Figure) -> bytes:
    """The figure as a stand-alone SVG file, without a date."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def png_bytes(figure: Figure, dpi: int = PNG_DPI) -> bytes:
    """The figure as a PNG file; one drawn as SVG before keeps that layout."""
    if dpi == PNG_DPI:
        figure.set_layout_engine("none")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    return buffer.getvalue()


def inline_svg(svg: bytes, name: str, description: str) -> Markup:
    """An SVG file as an element of an HTML page.

    Names of namespaces and metadata go, since HTML needs none; the ids that are
    referred to get the figure's name in front, so that two figures cannot collide."""
    text = svg.decode()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    # matplotlib's style sheet would reach the whole page; ours has its rule
    text = re.sub(r"<style type=\"text/css\">.*?</style>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->\s*", "", text, flags=re.DOTALL)
    text = text.replace("xlink:href", "href")
    opening = _opening(text, description)
    text = re.sub(r"^<svg[^>]*>", lambda _: opening, text, count=1)
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', text))
    text = re.sub(
        r' id="([^"]*)"',
        lambda hit: f' id="{name}-{hit[1]}"' if hit[1] in used else "",
        text,
    )
    text = re.sub(r'href="#', f'href="#{name}-', text)
    text = re.sub(r"url\(#", f"url(#{name}-", text)
    return Markup(re.sub(r"\n\s*", "\n", text).strip())


def _opening(text: str, description: str) -> str:
    box = re.search(r'viewBox="0 0 ([\d.]+) [\d.]+"', text)
    assert box is not None, "matplotlib gives every SVG a view box"
    width = round(float(box[1]) / 72 * PIXELS_PER_INCH)
    return (
        f'<svg {box[0]} role="img" aria-label="{escape(description)}" '
        f'style="width:{width}px;min-width:min({width}px,42rem)">'
    )
