"""Settings as text: what a key is a hash of, and what a pack's networks share."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from hashlib import blake2b
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from popnet.config import Named, NetworkConfig, Whereabouts, shared_part, whereabouts
from popnet.registry import package_of

S = TypeVar("S")
T = TypeVar("T")
Texts = Callable[[NetworkConfig], str]
_SHORT = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode
_SPACED = json.JSONEncoder(sort_keys=True, default=list).encode


def canonical(settings: BaseModel) -> str:
    """Settings as text that two equal configurations share.

    Defaults are left out, so that a setting added later keeps every older key; a
    *changed* default changes results and needs ``PHYSICS`` raised.  An entry of another
    package has the package's name and version in its text.
    """
    return _SHORT(_essence(settings))


def _essence(settings: BaseModel) -> dict[str, Any]:
    """What differs from the defaults, plus names and nested settings by themselves."""
    out: dict[str, Any] = {}
    if isinstance(settings, Named) and (package := package_of(type(settings))):
        out["package"] = package
    for field, default in _defaults(type(settings)):
        value = getattr(settings, field)
        if field == "name":
            out[field] = value
        elif value is default:
            continue
        elif isinstance(value, BaseModel):
            if value != default:
                out[field] = _essence(value)
        elif value != default:
            out[field] = _as_json(settings, field, value)
    return out


def _as_json(settings: BaseModel, field: str, value: Any) -> Any:
    if type(value) in (bool, int, float, str):
        return value
    return settings.model_dump(mode="json", include={field})[field]


@cache
def _defaults(model: type[BaseModel]) -> tuple[tuple[str, Any], ...]:
    """The settings that a key holds, each with its default."""
    return tuple(
        (name, info.get_default(call_default_factory=True))
        for name, info in model.model_fields.items()
        if Whereabouts not in info.metadata
    )


class ByIdentity(Generic[S, T]):
    """A function of settings, worked out once for each object.

    Conditions share the objects of their sections, so that most are met many times.
    """

    def __init__(self, work: Callable[[S], T]) -> None:
        self._work = work
        self._found: dict[int, tuple[S, T]] = {}

    def __call__(self, settings: S) -> T:
        """The result for this object, which stays known as long as this does."""
        found = self._found.get(id(settings))
        if found is None:
            found = self._found[id(settings)] = settings, self._work(settings)
        return found[1]


def _of_sections(work: Callable[[Any], str], comma: str, colon: str) -> Texts:
    """The JSON text of a configuration, put together from its sections' texts.

    Empty sections are left out where ``work`` says "" of them.
    """
    once = ByIdentity(work)
    names = sorted(NetworkConfig.model_fields)

    def text(config: NetworkConfig) -> str:
        parts = [(name, once(getattr(config, name))) for name in names]
        inside = comma.join(f'"{n}"{colon}{part}' for n, part in parts if part)
        return f"{{{inside}}}"

    return text


def canonical_texts() -> Texts:
    """``canonical`` for many configurations: each section's text is made once."""
    return _of_sections(canonical, ",", ":")


def shape_texts() -> Texts:
    """What networks must agree in to be stacked, as text, for many configurations."""
    return ByIdentity(_of_sections(_shared_text, ", ", ": "))


def _shared_text(settings: BaseModel) -> str:
    """What networks must agree in to be stacked, as text; "" for nothing."""
    shared = shared_part(settings)
    return _SPACED(shared) if shared else ""


def settings_text(settings: Named) -> str:
    """What distinguishes a registry entry from others of its name, as JSON.

    Its settings that are not the defaults, in the order of their declaration; "{}" for
    none.  The levels of a perturbation and places of files are left out.
    """
    hidden = {"name", "levels"} | whereabouts(settings)
    given = settings.model_dump(mode="json", exclude=hidden, exclude_defaults=True)
    return json.dumps(given)


def label(settings: Named) -> str:
    """A registry entry with what distinguishes it: "synaptic_jitter(mode=absolute)"."""
    return label_of(settings.name, settings_text(settings))


@cache
def label_of(name: str, settings: str) -> str:
    """The label of an entry from its name and ``settings_text``, to be shown.

    Text that is none, from a table that somebody else wrote, is shown as it is.
    """
    try:
        given = json.loads(settings).items()
    except (ValueError, TypeError, AttributeError):
        return f"{name}({settings})"
    inside = ",".join(
        f"{k}={v if isinstance(v, str) else json.dumps(v)}" for k, v in given
    )
    return f"{name}({inside})" if inside else name


def digest(*parts: str, size: int = 10) -> str:
    """A hash of texts as hex, ``size`` bytes long."""
    joined = "\x00".join(parts).encode()
    return blake2b(joined, digest_size=size).hexdigest()


def digests(*parts: str, size: int = 10) -> Callable[..., str]:
    """``digest`` of these texts and some more, for many that begin alike."""
    begun = blake2b("\x00".join(parts).encode(), digest_size=size)

    def of(*more: str) -> str:
        hashed = begun.copy()
        hashed.update("".join(f"\x00{part}" for part in more).encode())
        return hashed.hexdigest()

    return of
