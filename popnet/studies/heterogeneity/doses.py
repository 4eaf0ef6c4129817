"""Doses of perturbations at half the loss of accuracy, for each network.

A dose is counted in the unit of the perturbation's grades, and as the change of
activity that it causes, relative to the activity's own deviations: on that scale
perturbations of any kind can be held beside each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from popnet.analysis.dose_response import dose_at_half_loss
from popnet.studies.heterogeneity import measured

if TYPE_CHECKING:
    import pandas as pd


def doses(
    perturbed: pd.DataFrame,
    changed: pd.DataFrame,
    accuracy: Mapping[str, float],
    chance: Mapping[str, float],
    shared: list[str],
) -> pd.DataFrame:
    """The doses of each network (of ``accuracy``, on a task of ``chance``).

    Columns, beside those that are ``shared``: perturbation, settings; doublings, log2
    of the dose in grades; unbroken, whether no grade costs half, so that ``doublings``
    is a lower bound; moved, log2 of the dose as change of activity, NaN where that is
    not recorded; unmoved, whether that is a lower bound.

    Of grades on both sides of 0 those above are taken.  Networks at chance have
    nothing to lose and no rows.
    """
    import pandas as pd

    change = measured.of_trials()
    index = ["key", "perturbation", "settings", "grade"]
    rows = perturbed[perturbed["grade"] >= 0]
    if len(changed):
        known = changed.drop_duplicates(index)[[*index, change]]
        rows = rows.merge(known, on=index, how="left")
    else:
        rows = rows.assign(**{change: np.nan})
    made = []
    for (key, _, _), own in rows.groupby(index[:3], sort=False):
        first = own.iloc[0]
        before, guess = accuracy[str(key)], chance[str(first["task"])]
        if not before > guess or not (own["grade"] > 0).any():
            continue
        about = {column: first[column] for column in [*shared, *index[1:3]]}
        made.append(about | _of_one(own, own[change].to_numpy(float), before, guess))
    extra = ["perturbation", "settings", "doublings", "unbroken", "moved", "unmoved"]
    return pd.DataFrame(made, columns=[*shared, *extra])


def _of_one(
    own: pd.DataFrame, moved_L: NDArray[np.float64], before: float, chance: float
) -> dict[str, float | bool]:
    """The doses of one network at the grades of one perturbation."""
    after_L = own["accuracy"].to_numpy(float)
    grade = dose_at_half_loss(own["grade"], after_L, before, chance)
    found = {"doublings": np.log2(grade.dose), "unbroken": grade.censored}
    moved_L = np.where(own["grade"] == 0, 0.0, moved_L)
    if not (moved_L > 0).any():
        return found | {"moved": np.nan, "unmoved": False}
    activity = dose_at_half_loss(moved_L, after_L, before, chance)
    return found | {"moved": np.log2(activity.dose), "unmoved": activity.censored}
