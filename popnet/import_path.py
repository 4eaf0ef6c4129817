"""No file beside a sweep hides an installed module.

Where Python is started with ``-c`` or ``-m``, in a notebook, or by Ray, the working
directory stands first on the path, and before a script's imports stands the script's
folder.  A ``torch.py`` there, one's own or a stranger's, would be run as torch.  From
``import popnet`` on, such a folder comes last for a name that is found elsewhere too;
modules that are nowhere else are imported from it as always.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

ENDINGS = ("", ".py", ".pyc", *EXTENSION_SUFFIXES)


def _real(path: str) -> str | None:
    try:
        return os.path.realpath(path)
    except FileNotFoundError:  # the working directory has been deleted
        return None


def is_working_directory(entry: str) -> bool:
    """Whether an entry of the path is the working directory."""
    return _real(entry) == _real("")


def beside() -> list[str]:
    """Return the entries of the path that are the working directory or the script's."""
    found = [entry for entry in sys.path if is_working_directory(entry)]
    script, first = getattr(sys, "argv", [])[:1], sys.path[:1]
    # a script may stand among the installed packages, which come again later
    if script and first and first[0] not in sys.path[1:]:
        folder = os.path.dirname(_real(script[0]) or "")
        found += [entry for entry in first if _real(entry) == folder]
    return found


class InstalledFirst:
    """Finds a module elsewhere when a file beside the sweep has its name."""

    @staticmethod
    def find_spec(
        name: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """Return where the module is elsewhere; None leaves it to the other finders."""
        if path is not None or target is not None:
            return None  # a part of a package, or a module that is loaded again
        hiding = beside()
        files = [os.path.join(entry, name) for entry in hiding]
        if not any(os.path.exists(file + end) for file in files for end in ENDINGS):
            return None
        others = [entry for entry in sys.path if entry not in hiding]
        found = PathFinder.find_spec(name, others)
        return found if found is not None and found.loader is not None else None


def put_installed_first() -> None:
    """Ask InstalledFirst before the other finders, from now on."""
    finders: list[Any] = sys.meta_path
    if InstalledFirst not in finders:
        finders.insert(0, InstalledFirst)
