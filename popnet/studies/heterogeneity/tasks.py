"""The study's relations between tasks: versions of one, and related ones.

Which tasks need a memory, and how long, the tasks declare themselves.
"""

VERSIONS = {
    "go_nogo_delayed": "go_nogo",
    "xor_delayed": "xor",
    "perceptual_decision_delayed": "perceptual_decision_ongoing",
    "selective_integration_delayed": "selective_integration_ongoing",
}
"""A task with a delay, and the same task scored while its evidence is on."""

_FAMILIES = (
    ("dnms", "dnms_long", "dnms_variable"),
    ("go_nogo", "go_nogo_delayed"),
    ("xor", "xor_delayed"),
    (
        "perceptual_decision",
        "perceptual_decision_ongoing",
        "perceptual_decision_delayed",
        "selective_integration",
        "selective_integration_ongoing",
        "selective_integration_delayed",
    ),
)
_OPPOSITE = (
    ("dms", ("dnms", "dnms_long", "dnms_variable")),
    ("delayed_response", ("go_nogo", "go_nogo_delayed")),
)


def _related() -> dict[tuple[str, str], int]:
    pairs = {(a, b): 1 for own in _FAMILIES for a in own for b in own if a != b}
    for one, others in _OPPOSITE:
        for other in others:
            pairs |= {(one, other): -1, (other, one): -1}
    return pairs


RELATED = _related()
"""Pairs (trained, tested) that ask for one computation; -1: answered the other way."""
