"""Checks of every study against what it declares, without training a network."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from popnet.catalogue import load_sweep
from popnet.config import LoadedSweep
from popnet.studies import STUDIES, Study
from popnet.testing.checking import Check, run_checks


def check_study(name: str) -> None:
    """Run every check of a study.  Raises AssertionError with those that failed."""
    run_checks("study", name, STUDY_CHECKS)


def says_what_it_is(name: str) -> None:
    """It has a reference and a question, each of one line."""
    study = STUDIES[name]
    for what, text in (("reference", study.reference), ("summary", study.summary)):
        assert text.strip(), f"it has no {what}"
        assert "\n" not in text, f"its {what} has several lines"


def has_sweeps_of_its_name(name: str) -> None:
    """It has a scale; each one's sweep file is valid and named STUDY-SCALE."""
    assert STUDIES[name].scales, "it has no scale"
    for scale, sweep in _sweeps(STUDIES[name]).items():
        found = sweep.sweep.name
        assert found == f"{name}-{scale}", f"the sweep of {scale} is named {found!r}"


def takes_its_own_sweeps(name: str) -> None:
    """It refuses none of its own sweep files."""
    for scale, sweep in _sweeps(STUDIES[name]).items():
        why = STUDIES[name].refuse(sweep)
        assert why is None, f"it refuses its own sweep of {scale}: {why}"


def has_claims_in_words(name: str) -> None:
    """It has a claim; each has a name of its own, and says what is measured."""
    claims = STUDIES[name].claims
    assert claims, "it has no claim"
    counts = Counter(claim.name for claim in claims)
    twice = [claim for claim, count in counts.items() if count > 1]
    assert not twice, f"several claims are named {', '.join(twice)}"
    for claim in claims:
        assert claim.name, "a claim has no name"
        assert claim.says.strip(), f"the claim {claim.name} says nothing"
        assert claim.statistic.strip(), f"the claim {claim.name} has no statistic"


def states_its_smallest_effects(name: str) -> None:
    """Every claim states its smallest effect of interest, with its unit."""
    for claim in STUDIES[name].claims:
        assert claim.smallest > 0, (
            f"the claim {claim.name} has the smallest effect {claim.smallest!r}, which "
            "is not above 0"
        )
        assert claim.unit.strip(), f"the smallest effect of {claim.name} has no unit"


def shows_its_claims(name: str) -> None:
    """Every claim is shown by a figure of one of the sections."""
    sections = STUDIES[name].sections()
    for claim in STUDIES[name].claims:
        assert claim.figure in sections, (
            f"the claim {claim.name} is shown by {claim.figure!r}, which is none of "
            f"the sections: {', '.join(sections)}"
        )


def has_sections_named_as_files(name: str) -> None:
    """Sections have names that are good for files and links: letters, digits, _."""
    for section in STUDIES[name].sections():
        fit = re.fullmatch(r"[a-z0-9_]+", section)
        assert fit, f"the section {section!r} is not named in a-z, 0-9 and _"


def _sweeps(study: Study[Any]) -> dict[str, LoadedSweep]:
    """The sweep of each scale.  Raises ConfigError for a file that is wrong."""
    return {scale: load_sweep(path)[0] for scale, path in study.scales.items()}


STUDY_CHECKS: dict[str, Check] = {
    "says what it is": says_what_it_is,
    "has sweeps of its name": has_sweeps_of_its_name,
    "takes its own sweeps": takes_its_own_sweeps,
    "has claims in words": has_claims_in_words,
    "states its smallest effects": states_its_smallest_effects,
    "shows its claims": shows_its_claims,
    "has sections named as files": has_sections_named_as_files,
}
