"""Doses of perturbations at half the loss of accuracy, for each network.

A dose is counted in the unit of the perturbation's grades, and as the change of
activity that it causes, relative to the activity's own deviations: on that scale
perturbations of any kind can be held beside each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

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
    known = changed.drop_duplicates(index)[[*index, change]] if len(changed) else None
    rows = perturbed[perturbed["grade"] >= 0]
    rows = rows.assign(**{change: np.nan}) if known is None else rows.merge(
        known, on=index, how="left"
    )  # fmt: skip
    made = []
    for (key, kind, settings), own in rows.groupby(index[:3], sort=False):
        first = own.iloc[0]
        before, guess = accuracy[str(key)], chance[str(first["task"])]
        if not before > guess or not (own["grade"] > 0).any():
            continue
        after = own["accuracy"].to_numpy(float)
        grades = dose_at_half_loss(own["grade"], after, before, guess)
        moved = own[change].to_numpy(float)
        moved = np.where(own["grade"] == 0, 0.0, moved)
        about = {column: first[column] for column in shared}
        about |= {"perturbation": kind, "settings": settings}
        about |= {"doublings": np.log2(grades.dose), "unbroken": grades.censored}
        about |= {"moved": np.nan, "unmoved": False}
        if (moved > 0).any():
            activity = dose_at_half_loss(moved, after, before, guess)
            about |= {"moved": np.log2(activity.dose), "unmoved": activity.censored}
        made.append(about)
    extra = ["perturbation", "settings", "doublings", "unbroken", "moved", "unmoved"]
    return pd.DataFrame(made, columns=[*shared, *extra])
