"""Registries: popnet's own entries, then those that other people's packages offer.

Our own entries stand in a dict literal.  Only when a name is not among them, or when
names are listed, are the entry points of installed packages asked; each is loaded when
it is looked up.  A package says in its pyproject.toml what it offers:

    [project.entry-points."popnet.tasks"]
    blink = "my_package.blink:BLINK"

The package's name and version become part of the key of a network that uses the entry,
for another version may give other results.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import EntryPoint, PackageNotFoundError, entry_points, version
from types import MappingProxyType
from typing import Any, TypeVar, get_args, get_type_hints

from popnet.config.reading import ConfigError

T = TypeVar("T")
SESSION = "this session"
"""Stands for the package of an entry that was registered from a notebook."""
WITH_SETTINGS = ("tasks", "rules", "perturbations", "measures", "metrics")
"""The registries whose entries have settings of their own, called by name."""
_packages: dict[type, str] = {}
"""The package of each settings class that was loaded or registered."""


class Registry(Mapping[str, T]):
    """Entries of one kind by name: our own, other people's, and the session's."""

    def __init__(self, kind: str, entry: type[T], own: dict[str, T]) -> None:
        """``kind``: "tasks", "rules", ...; ``entry``: the class of its entries."""
        self.kind, self.entry, self.own = kind, entry, own
        self._loaded: dict[tuple[str, str], T] = {}
        self._session: dict[str, T] = {}

    @property
    def one(self) -> str:
        """The word for one of its entries: "task", "rule", "study" ..."""
        return re.sub("ies$", "y", self.kind).removesuffix("s")

    def __getitem__(self, name: str) -> T:
        """The entry of this name; KeyError where nobody has one.

        Raises ConfigError naming the package whose entry cannot be used.
        """
        if name in self.own:
            return self.own[name]
        if name in self._session:
            return self._session[name]
        offers = _offered(self.kind).get(name, ())
        if not offers:
            raise KeyError(name)
        offer, *others = offers
        if others:
            raise ConfigError(self._twice(name, offers))
        return self._load(name, offer)

    def __iter__(self) -> Iterator[str]:
        """Our own names in the order of the literal, then the others'."""
        yield from self.own
        others = {*_offered(self.kind), *self._session}
        yield from sorted(others - self.own.keys())

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def package(self, name: str) -> str:
        """The "NAME VERSION" of the package that offers an entry; "" for our own."""
        if name in self.own:
            return ""
        if name in self._session:
            return SESSION
        return package_named(_offered(self.kind)[name][0])

    def problems(self) -> list[str]:
        """A line for each name that two have: us and a package, or two packages."""
        lines = []
        for name, offers in sorted(_offered(self.kind).items()):
            if name in self.own:
                lines += [
                    f"{self.one} {name!r} of the package {package_named(offer)} is not "
                    "used: popnet has one of this name; it needs another name."
                    for offer in offers
                ]
            elif len(offers) > 1:
                lines.append(self._twice(name, offers))
        return lines

    def register(self, name: str, entry: T) -> None:
        """Add an entry for this session; one of the same name is replaced.

        Raises ConfigError for a name that popnet or a package has, or a wrong entry.
        """
        if name in self.own or name in _offered(self.kind):
            whose = self.package(name) or "popnet's own"
            raise ConfigError(
                f"{self.one} {name!r} cannot be registered: there is one of this name "
                f"({whose}); give it another name."
            )
        wrong = self._wrong(name, entry)
        if wrong:
            raise ConfigError(f"{self.one} {name!r} cannot be registered: it {wrong}.")
        self._session[name] = entry
        _remember(entry, SESSION)

    def _load(self, name: str, offer: EntryPoint) -> T:
        package = package_named(offer)
        known = self._loaded.get((name, package))
        if known is not None:
            return known
        where = f"{self.one} {name!r} of the package {package} cannot be used"
        try:
            entry = offer.load()
        except Exception as error:
            words = f"{type(error).__name__}: {error}".splitlines()[0][:200]
            text = f"{where}: {offer.value} fails to load ({words})."
            raise ConfigError(text) from error
        wrong = self._wrong(name, entry)
        if wrong:
            raise ConfigError(f"{where}: {offer.value} {wrong}.")
        _remember(entry, package)
        return self._loaded.setdefault((name, package), entry)

    def _wrong(self, name: str, entry: Any) -> str:
        """Why an object cannot be an entry of this name; "" where it can."""
        if not isinstance(entry, self.entry):
            return f"is a {type(entry).__name__}, not a {self._class}"
        if self.kind not in WITH_SETTINGS:
            return ""
        settings: Any = getattr(entry, "settings", None)
        base: Any = get_args(get_type_hints(self.entry)["settings"])[0]
        if not (isinstance(settings, type) and issubclass(settings, base)):
            return f"has settings that are no subclass of popnet.config.{base.__name__}"
        fields: Any = settings.model_fields
        if fields["name"].default != name:
            return f"has settings whose name is {fields['name'].default!r}"
        if getattr(settings, "always", False):
            return "is measured always, as only popnet's own are; a sweep asks for it"
        if "package" in fields:
            return "has a setting called package, which popnet writes into keys itself"
        return ""

    @property
    def _class(self) -> str:
        return f"{self.entry.__module__.partition('._')[0]}.{self.entry.__name__}"

    def _twice(self, name: str, offers: tuple[EntryPoint, ...]) -> str:
        both = " and ".join(package_named(offer) for offer in offers)
        return (
            f"{self.one} {name!r} is offered by the packages {both}; uninstall one of "
            "them, or rename its entry."
        )


def package_of(settings: type) -> str:
    """The "NAME VERSION" of the package that a class of settings came with.

    "" for popnet's own.  It is found in any process that has the package, also where
    settings arrive from another process and no registry was asked.
    """
    if settings.__module__.partition(".")[0] == "popnet":
        return ""
    if settings not in _packages:
        fields: Any = getattr(settings, "model_fields", {})
        name = str(fields["name"].default) if "name" in fields else ""
        for kind in WITH_SETTINGS:
            for offer in _offered(kind).get(name, ()):
                with suppress(Exception):  # the registry says what is wrong with it
                    _remember(offer.load(), package_named(offer))
    return _packages.get(settings, "")


def lacking(packages: tuple[str, ...]) -> list[str]:
    """Those of the packages, "NAME VERSION", that are not installed here so."""
    missing = []
    for package in packages:
        name, _, wanted = package.rpartition(" ")
        try:
            found = version(name)
        except PackageNotFoundError:
            missing.append(f"lacks the package {package}")
        else:
            if found != wanted:
                missing.append(f"has the package {name} {found}, not {wanted}")
    return missing


def package_named(offer: EntryPoint) -> str:
    """The "NAME VERSION" of the package that an entry point stands in.

    However its name is spelled (My_Package, my-package), the result is the same.
    """
    dist: Any = offer.dist
    return f"{re.sub(r'[-_.]+', '-', dist.name).lower()} {dist.version}"


def _remember(entry: Any, package: str) -> None:
    settings = getattr(entry, "settings", None)
    if isinstance(settings, type):
        _packages[settings] = package


def _offered(kind: str) -> Mapping[str, tuple[EntryPoint, ...]]:
    """The entry points of installed packages for one registry, by name."""
    return _found(f"popnet.{kind}", tuple(sys.path))


@cache
def _found(group: str, _path: tuple[str, ...]) -> Mapping[str, tuple[EntryPoint, ...]]:
    """The entry points of a group; they are asked again where sys.path has changed."""
    offers: dict[str, tuple[EntryPoint, ...]] = {}
    for offer in sorted(entry_points(group=group), key=package_named):
        offers[offer.name] = (*offers.get(offer.name, ()), offer)
    return MappingProxyType(offers)
