"""The parts of a section of the page: words, drawings and tables."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from markupsafe import Markup
from matplotlib.figure import Figure


@dataclass(frozen=True)
class Drawing:
    """A figure, its file's name, and the caption that explains every mark."""

    name: str
    figure: Figure
    title: str
    caption: str


@dataclass(frozen=True)
class Section:
    """A heading, then words, then figures, then what else there is, such as a table.

    In `words`, backticks set code.
    """

    anchor: str
    title: str
    words: str = ""
    drawings: list[Drawing] = field(default_factory=list)
    body: Markup = field(default_factory=Markup)


def left_out(shown: list[str], every: list[str], what: str, most_names: int = 8) -> str:
    """The sentence that names what a figure has no room for; "" when it shows all."""
    missing = [name for name in every if name not in set(shown)]
    if not missing:
        return ""
    names = "; ".join(missing[:most_names])
    more = len(missing) - most_names
    tail = f"; and {more} more" if more > 0 else ""
    return (
        f"Not drawn, for want of room: {len(missing)} of {len(every)} {what} "
        f"({names}{tail})."
    )


def span(counts: Iterable[int]) -> str:
    """The smallest and the largest of some counts: "5 to 6" as a range, or "6"."""
    ends = sorted({int(count) for count in counts})
    return str(ends[0]) if len(ends) == 1 else f"{ends[0]}\N{EN DASH}{ends[-1]}"


def sentences(*parts: str) -> str:
    """The sentences that are not empty, as one paragraph."""
    return " ".join(part for part in parts if part)
