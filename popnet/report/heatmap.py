"""A map of accuracies around chance, shared by two figures."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from popnet.report.style import AROUND_CHANCE, FAINT, INK

NOTHING = "\N{EN DASH}"
DARK = 0.36  # this far from the middle a cell needs white letters


def around_chance(values: np.ndarray, chance: ArrayLike) -> np.ndarray:
    """Accuracies as places on the colour scale: 0, chance at 0.5, 1."""
    low = np.broadcast_to(np.asarray(chance, dtype=float), values.shape)
    above = 0.5 + 0.5 * (values - low) / np.where(low < 1, 1 - low, 1)
    below = 0.5 * values / np.where(low > 0, low, 1)
    return np.where(values >= low, above, below)


def heatmap(axes: Axes, values: np.ndarray, chance: ArrayLike, *, notes: bool) -> None:
    """Accuracies as colours, chance as white, cells without a value grey.

    `chance` is one value, or one for each column, or one for each row.
    """
    places = around_chance(values, chance)
    axes.set_facecolor(FAINT)
    axes.imshow(
        np.ma.masked_invalid(places),
        cmap=AROUND_CHANCE,
        norm=Normalize(0, 1),
        aspect="auto",
        interpolation="none",
    )
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    rows, columns = values.shape
    for x in range(1, columns):
        axes.axvline(x - 0.5, color="white", linewidth=1.5)
    for y in range(1, rows):
        axes.axhline(y - 0.5, color="white", linewidth=1.5)
    for (y, x), value in np.ndenumerate(values) if notes else ():
        dark = abs(places[y, x] - 0.5) > DARK
        axes.text(
            x,
            y,
            NOTHING if np.isnan(value) else f"{value:.2f}",
            ha="center",
            va="center",
            color="white" if dark else INK,
            fontsize=8 if rows <= 30 else 6.5,
        )


def accuracy_bar(
    figure: Figure, axes: list[Axes], location: str, chances: set[float]
) -> None:
    """The scale of the colours, beside or above the maps."""
    beside = location == "right"
    bar = figure.colorbar(
        ScalarMappable(Normalize(0, 1), AROUND_CHANCE),
        ax=axes,
        location=location,
        ticks=[0, 0.5, 1],
        anchor=(0.0, 1.0),
        pad=0.02 if beside else 0.008,
        label="accuracy",
        shrink=min(0.9, 1.4 / figure.get_figheight()) if beside else 0.3,
        aspect=12 if beside else 25,
    )
    bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]
    middle = f"{min(chances):.3g} (chance)" if len(chances) == 1 else "chance"
    bar.set_ticklabels(["0", middle, "1"])
