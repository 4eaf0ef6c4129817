"""Is the installed wheel whole?  Run by `make wheel` with the venv it went into."""

import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

PROBE = """
import json, sys, popnet, popnet.cli.main
from popnet.catalogue import CATALOGUE
from popnet import sweep, engine
where = popnet.__file__
loaded = [m for m in ("ray", "mlflow", "matplotlib") if m in sys.modules]
from popnet import report
from popnet.studies import STUDIES
sweeps = [path for study in STUDIES.values() for path in study.scales.values()]
lacking = [path.name for path in sweeps if not path.is_file()]
print(json.dumps([where, loaded, sorted(CATALOGUE.tasks), lacking]))
"""


def main(venv: Path) -> None:
    (wheel,) = Path("dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    tops = {name.split("/", 1)[0] for name in names}
    templates = {str(path) for path in Path("popnet/report/templates").iterdir()}
    assert templates <= names, f"the wheel lacks {templates - names}"
    stray = [t for t in tops if t != "popnet" and not t.endswith(".dist-info")]
    assert not stray, f"the wheel holds {stray} beside popnet"
    # PYTHONPATH adds the dependencies; the editable install's .pth is not followed
    packages = next(Path(".venv/lib").glob("python3*/site-packages")).resolve()
    environment = {**os.environ, "PYTHONPATH": str(packages)}
    with tempfile.TemporaryDirectory() as elsewhere:

        def run(*command: str) -> str:
            done = subprocess.run(
                command, cwd=elsewhere, env=environment, check=True, text=True,
                capture_output=True,
            )  # fmt: skip
            return done.stdout

        python = str((venv / "bin" / "python").absolute())
        where, loaded, tasks, lacking = json.loads(run(python, "-c", PROBE))
        assert str(venv.absolute()) in where, f"popnet was found at {where}"
        assert not loaded, f"importing popnet imported {loaded}"
        assert "dnms" in tasks
        assert not lacking, f"the wheel lacks {lacking}"
        script = str((venv / "bin" / "popnet").absolute())
        assert "launch" in run(script, "--help")
        run(script, "init", "sweep.yaml")
        assert "networks" in run(script, "plan", "sweep.yaml")
    print(f"{wheel.name}: whole, installed elsewhere, its command works")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
