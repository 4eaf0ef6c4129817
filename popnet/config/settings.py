"""The base of every settings class: closed, frozen, with each field marked by kind.

A setting is either *per network* (networks of one population may differ in it; it
becomes a [P] or [P, N] tensor, or acts while one network is drawn) or *shared* (it
decides tensor shapes or the sequence of operations, so networks that differ in it
cannot be stacked).  Units are in the names: ``_s`` seconds, ``_hz`` hertz.
"""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, ClassVar, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat


class Mark(NamedTuple):
    """A mark on a field, such as ``PerNetwork``."""

    kind: str


PerNetwork = Mark("per network")
"""Networks of one population may differ in this setting."""

Whereabouts = Mark("whereabouts")
"""This setting is a path of a file and no part of a network's key."""


class Inconsistent(ValueError):
    """Settings that do not go together.

    ``path`` is the path of the setting at fault, ``others`` those that it clashes with.
    """

    def __init__(self, path: str, text: str, *others: str) -> None:
        super().__init__(text)
        self.path = path
        self.others = others


class Settings(BaseModel):
    """A closed, frozen set of settings.  An unknown key is an error, never ignored."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False
    )

    def __hash__(self) -> int:
        """Hash all settings but dicts and lists, which have no hash.

        ``==`` compares these too, so that settings that differ in them are kept apart.
        """
        fields = type(self).model_fields
        return hash((type(self), *(_hash_or_none(getattr(self, n)) for n in fields)))


def _hash_or_none(value: object) -> int | None:
    """Return the hash of a value, or None where it has none."""
    try:
        return hash(value)
    except TypeError:
        return None


class Named(Settings):
    """Settings of a registry entry, which a sweep file calls by its ``name``."""

    name: str
    reference: ClassVar[str] = ""
    summary: ClassVar[str] = ""
    after_colon: ClassVar[str] = ""
    """The setting that may follow the name: ``neurogym:GoNogo-v0``."""
    example: ClassVar[dict[str, Any]] = {}
    """Settings with which the contract suite tests the entry; {}: its defaults."""
    requires_package: ClassVar[str] = ""
    """An optional package that the entry needs; "" for none."""


Seconds = Annotated[PositiveFloat, Field(le=1000.0)]


@cache
def marked(model: type[BaseModel]) -> tuple[tuple[str, bool, Any], ...]:
    """Return (name, is per network, pydantic's info) of each field of the class."""
    return tuple(
        (name, PerNetwork in info.metadata, info)
        for name, info in model.model_fields.items()
    )


def whereabouts(settings: BaseModel) -> set[str]:
    """Return the names of the fields that are paths of files."""
    fields = type(settings).model_fields.items()
    return {name for name, info in fields if Whereabouts in info.metadata}


def shared_part(settings: BaseModel) -> dict[str, Any]:
    """Return the settings that are not per network, equal in all networks of a pack."""
    shared: dict[str, Any] = {}
    for name, per_network, _ in marked(type(settings)):
        value = getattr(settings, name)
        if isinstance(value, BaseModel):
            if inner := shared_part(value):
                shared[name] = inner
        elif not per_network:
            shared[name] = value
    return shared
