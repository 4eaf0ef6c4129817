"""The files of the bench import each other by name, as when run.py is run."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
