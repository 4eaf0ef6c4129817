"""Settings that have a meaning only with certain values of another setting.

No setting is accepted and ignored: one without a meaning must keep its default.
"""

from __future__ import annotations

from collections.abc import Sequence

from popnet.config.settings import Inconsistent, Settings


def only_with(
    settings: Settings, choice: str, values: Sequence[str], *names: str
) -> None:
    """Refuse settings ``names`` that are set although ``choice`` gives them no meaning.

    They have a meaning where the setting ``choice`` is one of ``values``.  Raises
    Inconsistent when one of them differs from its default elsewhere.
    """
    chosen = getattr(settings, choice)
    if chosen in values:
        return
    for name in names:
        if getattr(settings, name) != type(settings).model_fields[name].default:
            allowed = " or ".join(values)
            text = f"is a setting of {choice}: {allowed}; here it is {chosen}"
            raise Inconsistent(name, text, choice)
