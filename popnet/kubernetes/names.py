"""Turns names of sweeps into names that Kubernetes accepts."""

from __future__ import annotations

import re

from popnet.plan import digest

LONGEST = 47
"""Longest name of a RayJob: the operator appends to it, and a Service's name may have
63 characters."""


def object_name(sweep: str, text: str) -> str:
    """Return the name of a sweep's objects: its name as a DNS label, and a hash.

    The hash covers the name and everything that is asked for (``text``).  So names that
    differ only in capitals stay different, and a sweep that has grown is a new job: a
    RayJob that has ended does not run again, whatever is applied to it.
    """
    label = re.sub(r"[^a-z0-9]+", "-", sweep.lower()).strip("-")
    if not label[:1].isalpha():
        label = f"sweep-{label}".strip("-")
    end = digest(sweep, text, size=4)
    return f"{label[: LONGEST - len(end) - 1].rstrip('-')}-{end}"
