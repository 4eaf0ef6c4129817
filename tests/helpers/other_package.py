"""A whole package of somebody else with an entry of each kind: popnet-reflex 1.0."""

from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "plugins" / "package"
"""On sys.path or in PYTHONPATH it is as good as installed."""
