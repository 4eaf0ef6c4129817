"""Writes settings as canonical text, from which keys and packs are computed."""

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
    """Return settings as text; equal configurations have equal text.

    Defaults are left out, so that a setting added later keeps every older key; a
    *changed* default changes results and needs ``PHYSICS`` raised.  An entry of another
    package has the package's name and version in its text.
    """
    return _SHORT(_essence(settings))


def _essence(settings: BaseModel) -> dict[str, Any]:
    """Return the settings that differ from their defaults, and every name.

    Nested settings are treated in the same way.
    """
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
    """Return the settings that enter a key, each with its default."""
    return tuple(
        (name, info.get_default(call_default_factory=True))
        for name, info in model.model_fields.items()
        if Whereabouts not in info.metadata
    )


class ByIdentity(Generic[S, T]):
    """A function of settings whose result is computed once for each object.

    Conditions share the objects of their sections, so most objects come many times.
    """

    def __init__(self, function: Callable[[S], T]) -> None:
        self._function = function
        self._results: dict[int, tuple[S, T]] = {}

    def __call__(self, settings: S) -> T:
        """Return the result for this object; both are kept while this function is."""
        known = self._results.get(id(settings))
        if known is None:
            known = settings, self._function(settings)
            self._results[id(settings)] = known
        return known[1]


def _of_sections(section_text: Callable[[Any], str], comma: str, colon: str) -> Texts:
    """Return a function that joins the texts of a configuration's sections to JSON.

    Sections whose text is "" are left out.
    """
    once = ByIdentity(section_text)
    names = sorted(NetworkConfig.model_fields)

    def text(config: NetworkConfig) -> str:
        parts = [(name, once(getattr(config, name))) for name in names]
        inside = comma.join(f'"{n}"{colon}{part}' for n, part in parts if part)
        return f"{{{inside}}}"

    return text


def canonical_texts() -> Texts:
    """Return ``canonical`` for many configurations; it writes each section once."""
    return _of_sections(canonical, ",", ":")


def shape_texts() -> Texts:
    """Return a function that writes the settings which stacked networks must share."""
    return ByIdentity(_of_sections(_shared_text, ", ", ": "))


def _shared_text(settings: BaseModel) -> str:
    """Return the settings that stacked networks must share, as text; "" for none."""
    shared = shared_part(settings)
    return _SPACED(shared) if shared else ""


def settings_text(settings: Named) -> str:
    """Return the settings of a registry entry that are not the defaults, as JSON.

    They are in the order of their declaration; "{}" for none.  The levels of a
    perturbation and paths of files are left out.
    """
    hidden = {"name", "levels"} | whereabouts(settings)
    given = settings.model_dump(mode="json", exclude=hidden, exclude_defaults=True)
    return json.dumps(given)


def label(settings: Named) -> str:
    """Return an entry's label, such as "synaptic_jitter(mode=absolute)"."""
    return label_of(settings.name, settings_text(settings))


@cache
def label_of(name: str, settings: str) -> str:
    """Return the label of an entry from its name and ``settings_text``.

    Text that is no JSON object, from somebody else's table, is shown as it is.
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
    """Return a hash of texts, ``size`` bytes long, as hex digits."""
    joined = "\x00".join(parts).encode()
    return blake2b(joined, digest_size=size).hexdigest()


def digests(*parts: str, size: int = 10) -> Callable[..., str]:
    """Return a function that computes ``digest`` of these texts and further ones.

    It saves time when many lists of texts begin alike.
    """
    begun = blake2b("\x00".join(parts).encode(), digest_size=size)

    def of(*more: str) -> str:
        hashed = begun.copy()
        hashed.update("".join(f"\x00{part}" for part in more).encode())
        return hashed.hexdigest()

    return of
