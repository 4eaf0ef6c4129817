"""Reading a sweep file needs none of the heavy libraries."""

import subprocess
import sys

import pytest

HEAVY = ("torch", "ray", "mlflow", "matplotlib", "pandas", "scipy", "numba", "pyarrow")


@pytest.mark.parametrize("module", ["popnet.config", "popnet.plan", "popnet.seeding"])
def test_the_lowest_floors_import_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print(*sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert module in loaded
    assert loaded.isdisjoint(HEAVY)


def test_the_schema_imports_nothing_of_popnet() -> None:
    code = "import sys, popnet.config; print(*sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    own = {name for name in done.stdout.split() if name.startswith("popnet.")}
    # the package itself sees to what can be imported
    own -= {"popnet.import_path"}
    assert {name for name in own if not name.startswith("popnet.config")} == set()
