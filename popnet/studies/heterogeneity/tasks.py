"""The study's groups of tasks: those that need a memory, and related pairs."""

MEMORY = frozenset(
    ["dnms", "dms", "dnms_long", "dnms_variable", "delayed_response", "order"]
)
"""Tasks whose answer needs a stimulus that is over."""

RELATED = {
    ("dnms", "dnms_long"): 1, ("dnms_long", "dnms"): 1,
    ("dnms", "dnms_variable"): 1, ("dnms_variable", "dnms"): 1,
    ("dnms_long", "dnms_variable"): 1, ("dnms_variable", "dnms_long"): 1,
    ("dnms", "dms"): -1, ("dms", "dnms"): -1,
    ("dms", "dnms_long"): -1, ("dnms_long", "dms"): -1,
    ("dms", "dnms_variable"): -1, ("dnms_variable", "dms"): -1,
    ("go_nogo", "delayed_response"): -1, ("delayed_response", "go_nogo"): -1,
    ("perceptual_decision", "selective_integration"): 1,
    ("selective_integration", "perceptual_decision"): 1,
}  # fmt: skip
"""Pairs (trained, tested) that ask for one computation; -1: answered the other way."""
