"""The templates: what is text is escaped, what is HTML already is not."""

import re

import pytest
from jinja2 import UndefinedError
from markupsafe import Markup
from matplotlib.figure import Figure

from popnet.report.markup import code, colour_chip, fill_template, monospaced, table
from popnet.report.render import inline_svg, svg_bytes
from popnet.report.sections import Drawing, Section

EVIL = """<b>"it's"</b> & {{ 7*7 }} {% raw %} {# no #} \\1 \\g<0>"""
SHOWN = str(Markup.escape(EVIL))


def test_text_is_escaped_and_html_is_not():
    assert monospaced(EVIL) == f'<span class="mono">{SHOWN}</span>'
    assert colour_chip('"><b>') == (
        '<i class="chip" style="background:&#34;&gt;&lt;b&gt;"></i>'
    )
    assert colour_chip("#fff") + EVIL == (
        '<i class="chip" style="background:#fff"></i>' + SHOWN
    )


def test_backticks_set_code_and_escape_what_stands_in_them():
    assert code("see `a<b>` & `c`") == (
        "see <code>a&lt;b&gt;</code> &amp; <code>c</code>"
    )


def test_a_table_escapes_text_and_marks_its_columns():
    made = table(
        ["what", EVIL, "n"], [[EVIL, monospaced("k"), "3"]], numeric=[2], wrapped=[1]
    )
    assert made.count(SHOWN) == 2
    assert "<b>" not in made
    assert '<td class="wrap"><span class="mono">k</span></td>' in made
    assert '<th scope="col" class="n">n</th>' in made
    assert '<td class="n">3</td>' in made
    assert '<div class="scroll" tabindex="0">' in made
    assert '<div class="scroll tall" tabindex="0">' in table(["a"], [], css="tall")


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ValueError, match="zip"):
        table(["a", "b"], [["only one"]])


def test_a_value_that_a_template_lacks_is_refused():
    with pytest.raises(UndefinedError, match="sweep"):
        fill_template("provenance.html.j2", folder="", key="", provenance="")


def test_a_figure_is_html_and_its_description_is_text():
    figure = Figure()
    figure.add_subplot().set_title("a < b")
    svg = inline_svg(svg_bytes(figure), "name", EVIL)
    (label,) = re.findall(r'aria-label="([^"]*)"', svg)
    assert label == SHOWN
    drawing = Drawing("name", figure, EVIL, EVIL)
    page = fill_template(
        "study.html.j2",
        name=EVIL,
        lead=f"{EVIL} `{EVIL}`",
        counted=EVIL,
        claims=table([EVIL], []),
        power=table([EVIL], []),
        about_power=EVIL,
        about=EVIL,
        sections=[Section("here", EVIL, EVIL, [drawing])],
        svgs={"name": svg},
        folder="study",
    )
    assert "<svg " in page and svg in page
    # title, heading, lead twice, counted, claims, about, contents, section's title and
    # words, the figure's label, title and caption
    assert page.count(SHOWN) == 15
    assert "49" not in re.sub(r"<svg.*?</svg>", "", page, flags=re.DOTALL)
    assert '<a href="study/name.svg">SVG</a>' in page
    assert '<a href="#here">' in page and 'id="here"' in page
    assert "h1 { font-size" in page, "the style sheet is in the page"
