"""One look for every figure: sizes, letters, colours."""

from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_hex
from matplotlib.figure import Figure

from popnet.status import Status

WIDTH = 9.6  # inches: 920 px on the page, where 9 pt letters are 12 px
INK = "#1d2430"
SOFT = "#5b6472"
FAINT = "#c3c8d0"

# Okabe & Ito (2008), without the yellow that vanishes on white.
CATEGORIES = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", INK]
SEQUENCE = mpl.colormaps["plasma"]
LIGHTEST = 0.74  # beyond this the colours are too pale for a thin line
DISTANCES = mpl.colormaps["viridis"]
AROUND_CHANCE = LinearSegmentedColormap.from_list(
    "around_chance", ["#C65A11", "#F3B27A", "#FBFAF8", "#7FB2DA", "#0A5C96"]
)
MARKERS = "osDvPXph"
FAILED: dict[str, str] = {
    Status.UNCONVERGED: "^",
    Status.DIVERGED: "x",
    Status.STOPPED: "s",
}  # other shapes than the dots

SETTINGS: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # ships with matplotlib, so it is there everywhere
    "font.size": 8.5,
    "text.color": INK,
    "text.parse_math": False,  # a user's "$" is a dollar sign
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 7,
    "axes.labelsize": 8.5,
    "axes.labelcolor": INK,
    "axes.edgecolor": SOFT,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": "#e7eaee",
    "grid.linewidth": 0.8,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "lines.solid_capstyle": "round",
    "figure.constrained_layout.h_pad": 0.07,
    "figure.constrained_layout.w_pad": 0.07,
    "figure.constrained_layout.hspace": 0.06,
    "figure.constrained_layout.wspace": 0.05,
    "svg.fonttype": "path",  # letters look the same on every machine
    "svg.hashsalt": "popnet",
}


@contextmanager
def house_style() -> Iterator[None]:
    """The settings of every figure, whatever the user's own matplotlibrc says."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(SETTINGS)
        yield


def palette(count: int, *, ordered: bool) -> list[str]:
    """So many colours: a dark-to-light sequence if ordered, else distinct ones."""
    if count == 1:
        return CATEGORIES[:1]
    if not ordered and count <= len(CATEGORIES):
        return CATEGORIES[:count]
    return [to_hex(SEQUENCE(LIGHTEST * i / (count - 1))) for i in range(count)]


def panels(
    count: int,
    columns: int,
    height: float,
    *,
    width: float = WIDTH,
    sharex: bool = False,
    sharey: bool = False,
    margin: float = 0.5,
) -> tuple[Figure, list[Axes]]:
    """A figure with `count` panels in a grid; `height` inches for each row."""
    columns = min(columns, count)
    rows = ceil(count / columns)
    figure = Figure(figsize=(width, rows * height + margin), layout="constrained")
    grid = figure.subplots(
        rows, columns, squeeze=False, sharex=sharex, sharey=sharey
    ).ravel()
    for spare in grid[count:]:
        spare.remove()
    if sharex:  # the lowest panel of a short column shows its own tick labels
        for axes in grid[max(count - columns, 0) : count]:
            axes.tick_params(labelbottom=True)
    return figure, list(grid[:count])


def thousands(value: float, _position: float = 0) -> str:
    """4000 as 4,000."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,g}"


def dot(colour: str, size: float = 5.5) -> dict[str, Any]:
    """The mark of a network that is well."""
    return {
        "marker": "o",
        "markersize": size,
        "markerfacecolor": colour,
        "markeredgecolor": "white",
        "markeredgewidth": 0.7,
    }


def failure(status: str, colour: str, size: float = 6.5) -> dict[str, Any]:
    """The mark of a network that failed in this way."""
    return {
        "marker": FAILED.get(status, "s"),
        "markersize": size,
        "markerfacecolor": "white",
        "markeredgecolor": colour,
        "markeredgewidth": 1.5,
    }
