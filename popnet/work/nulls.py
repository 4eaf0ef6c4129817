"""The nulls of a metric: the scale on which its distances are read."""

from __future__ import annotations

from pydantic import ValidationError

from popnet.config import MetricSettings

NULLS = ("again", "untrained", "shuffled")
"""Settings that make a null of a metric: the floor, then the two ceilings."""


def nulls_of(settings: MetricSettings) -> dict[str, MetricSettings]:
    """Return the metric with each setting of ``NULLS`` that it has, by the setting.

    A metric that is a null itself has none, and a null that does not go with the other
    settings is left out.
    """
    fields = type(settings).model_fields
    has = [name for name in NULLS if name in fields]
    if any(getattr(settings, name) for name in has):
        return {}
    found = {}
    given = settings.model_dump(exclude_defaults=True)
    for name in has:
        try:
            made = type(settings).model_validate({**given, name: True}, strict=False)
        except ValidationError:
            continue
        found[name] = made
    return found
