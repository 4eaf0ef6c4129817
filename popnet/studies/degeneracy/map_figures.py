"""Maps of networks by the distance of their dynamics, and the distances themselves."""

from __future__ import annotations

from textwrap import shorten
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from popnet.report.sections import Drawing, Section, left_out, sentences
from popnet.report.statistics import distance_matrix
from popnet.report.style import DISTANCES, WIDTH, dot, panels
from popnet.studies.degeneracy.layout import colours, condition_words
from popnet.studies.degeneracy.quantities import DYNAMICS
from popnet.studies.degeneracy.tables import DegeneracyTables

Array = NDArray[np.float64]
MOST_PANELS = 12
TITLE_LETTERS = 28
ACROSS = 4


class Compared(NamedTuple):
    """The distances of the networks of one condition."""

    condition: str
    distance_SS: Array
    certainty: float
    """mean bound over mean distance; NaN without a bound"""


def solutions(tables: DegeneracyTables) -> Section:
    """Two-dimensional maps of the networks of each condition, then the matrices."""
    title = "Maps of solutions"
    found = compared(tables)
    if not found:
        words = "Left out: the dynamics of no networks were compared."
        return Section("solutions", title, words)
    shown, words = found[:MOST_PANELS], condition_words(tables)
    drawn, every = ([words[one.condition] for one in some] for some in (shown, found))
    missing = left_out(drawn, every, "conditions")
    text = sentences(
        "Networks of one condition, by classical scaling of their distances of "
        "dynamics (DSA); all panels have one scale. Below each: the share of the "
        "squared distances that two dimensions show, and the certificate: the mean "
        "bound that no alignment can be below, over the mean distance found.",
        missing,
    )
    matrices = sentences(
        "Distance of dynamics of each pair of networks, in the order of a tree of "
        "average links, so that clusters are blocks.",
        missing,
    )
    drawings = [
        Drawing("solutions", _maps(tables, shown, words), "Maps of networks.", text),
        Drawing("solutions_2", _matrices(shown, words), "Distances.", matrices),
    ]
    return Section("solutions", title, drawings=drawings)


def compared(tables: DegeneracyTables) -> list[Compared]:
    """The conditions of families, of which networks were compared, in their order."""
    families = [c for family in tables.families for c in family.conditions]
    found = []
    for condition in dict.fromkeys(families):
        rows = DYNAMICS.rows(tables.cells[condition])
        rows = rows[rows["value"].notna()]
        keys = sorted({*rows["key_a"], *rows["key_b"]})
        if len(keys) < 3:
            continue
        matrix = distance_matrix(rows, keys)
        np.fill_diagonal(matrix, 0.0)
        certainty = np.nan
        if "bound" in rows:
            certainty = float(rows["bound"].mean() / rows["value"].mean())
        if np.isfinite(matrix).all():
            found.append(Compared(condition, matrix, certainty))
    return found


def scaled(distance_SS: Array) -> tuple[Array, float]:
    """Classical scaling: places [S, 2] and the share of squared distances shown.

        B = -1/2 H D^2 H,  H = 1 - 1/S;   places = V_2 sqrt(L_2) of B = V L V'

    The share is (l_1 + l_2) / sum of |l|.  Torgerson, Psychometrika 17, 401 (1952).
    """
    count = len(distance_SS)
    centring_SS = np.eye(count) - 1 / count
    inner_SS = -0.5 * centring_SS @ distance_SS**2 @ centring_SS
    value_S, vector_SS = np.linalg.eigh(inner_SS)
    largest, axes_S2 = np.maximum(value_S[-2:][::-1], 0), vector_SS[:, -2:][:, ::-1]
    whole = np.abs(value_S).sum()
    share = float(largest.sum() / whole) if whole > 0 else np.nan
    return axes_S2 * np.sqrt(largest), share


def _maps(
    tables: DegeneracyTables, shown: list[Compared], words: dict[str, str]
) -> Figure:
    figure, all_axes = panels(len(shown), ACROSS, 2.2, sharex=True, sharey=True)
    tones = colours(tables)
    tasks = tables.networks.drop_duplicates("condition").set_index("condition")["task"]
    for axes, one in zip(all_axes, shown, strict=True):
        place_S2, share = scaled(one.distance_SS)
        tone = tones[str(tasks[one.condition])]
        axes.plot(place_S2[:, 0], place_S2[:, 1], linestyle="none", **dot(tone, 5))
        axes.set_title(_title(words[one.condition]), fontsize=7.5)
        axes.set_aspect("equal", adjustable="box")
        certain = f", bound {one.certainty:.0%}" if np.isfinite(one.certainty) else ""
        axes.set_xlabel(f"{share:.0%} shown{certain}", fontsize=7)
    return figure


def _matrices(shown: list[Compared], words: dict[str, str]) -> Figure:
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    figure, all_axes = panels(len(shown), ACROSS, 2.2, width=WIDTH)
    top = max(float(one.distance_SS.max()) for one in shown)
    image = None
    for axes, one in zip(all_axes, shown, strict=True):
        flat = squareform(one.distance_SS, checks=False)
        order = leaves_list(linkage(flat, "average"))
        matrix = one.distance_SS[np.ix_(order, order)]
        image = axes.imshow(matrix, cmap=DISTANCES, vmin=0, vmax=top)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.set_title(_title(words[one.condition]), fontsize=7.5)
    assert image is not None
    figure.colorbar(image, ax=all_axes, label="distance of dynamics", shrink=0.6)
    return figure


def _title(words: str) -> str:
    """The task, then the levels, as many as a panel is wide."""
    task, _, rest = words.partition(", ")
    return f"{task}\n{shorten(rest, TITLE_LETTERS, placeholder=' ...')}"
