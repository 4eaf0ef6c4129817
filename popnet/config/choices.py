"""Settings that mean something only beside some values of another setting.

No setting is accepted and ignored: one that means nothing here keeps its default.
"""

from __future__ import annotations

from collections.abc import Sequence

from popnet.config.settings import Inconsistent, Settings


def only_with(
    settings: Settings, choice: str, values: Sequence[str], *names: str
) -> None:
    """Refuse other than default ``names`` unless ``choice`` is one of ``values``."""
    chosen = getattr(settings, choice)
    if chosen in values:
        return
    for name in names:
        if getattr(settings, name) != type(settings).model_fields[name].default:
            allowed = " or ".join(values)
            text = f"is a setting of {choice}: {allowed}; here it is {chosen}"
            raise Inconsistent(name, text, choice)
