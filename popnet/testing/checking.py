"""Runs the checks of an entry, and says which of them failed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any
from unittest import SkipTest

from popnet.config import Named

Check = Callable[[str], None]
"""A check of the entry with this name; raises AssertionError."""


def run_checks(what: str, name: str, checks: Mapping[str, Check]) -> None:
    """Run all checks of an entry.  Raises AssertionError with every one that failed.

    Any other exception comes from the entry itself and is passed on, with a note that
    names the check.
    """
    failed: list[str] = []
    skipped: list[SkipTest] = []
    for about, check in checks.items():
        try:
            check(name)
        except AssertionError as error:
            failed.append(f"  {about}: {error}")
        except SkipTest as reason:
            skipped.append(reason)
        except Exception as error:
            error.add_note(f"in the check of {what} {name!r}: {about}")
            raise
    if failed:
        told = "\n".join(failed)
        raise AssertionError(
            f"{what} {name!r} fails {len(failed)} of {len(checks)} checks:\n{told}"
        )
    if len(skipped) == len(checks):
        raise skipped[0]


def example_of(settings: type[Named]) -> Any:
    """The settings with which an entry is tested: its ``example``.

    Raises SkipTest where the package that they need is not installed.
    """
    package = settings.requires_package
    if package and find_spec(package) is None:
        raise SkipTest(f"needs the package {package}, which is not installed")
    return settings(**settings.example)


def says_what_it_is(settings: Named, name: str) -> None:
    """An entry has the name it is registered by, a summary and a reference."""
    assert settings.name == name, f"its settings have the name {settings.name!r}"
    assert settings.summary, "it has no summary"
    assert settings.reference, "it has no reference"
