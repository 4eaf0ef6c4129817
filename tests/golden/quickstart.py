"""Are the networks of configs/quickstart.yaml the ones they always were?

    python tests/golden/quickstart.py RUN

RUN is a finished run of it, with all networks of a condition or the first few
(--set networks=2).  Keys are compared everywhere, weights on the processors
whose hashes quickstart.json holds: bit for bit is promised within one instruction set.
Ends with 1 where something differs.
"""

import hashlib
import json
import sys
from pathlib import Path

from popnet import open_run
from popnet.runs import Run
from popnet.runs.provenance import machine

EACH = 8
"""Networks of each condition."""
GOLDEN = json.loads((Path(__file__).parent / "quickstart.json").read_text())


def weights_of(run: Run) -> dict[str, str]:
    """A hash of each network's initial and final arrays, by key."""
    found = {}
    for planned in run.networks:
        network, whole = run.network(planned.key), hashlib.sha256()
        for stage in ("initial", "final"):
            for name, array in sorted(getattr(network, stage).items()):
                about = f"{stage}.{name}{array.dtype}{array.shape}"
                whole.update(about.encode() + array.tobytes())
        found[planned.key] = whole.hexdigest()[:32]
    return found


def differences(run: Run) -> tuple[list[str], str]:
    """What differs, and in words what was compared."""
    found = weights_of(run)
    each = run.sweep.networks
    if list(found) != [k for i, k in enumerate(GOLDEN["keys"]) if i % EACH < each]:
        return ["the keys"], "other networks than before"
    sets = "+".join(machine()["instruction_sets"])
    known = GOLDEN["weights"].get(sets)
    if known is None:
        some = ", ".join(GOLDEN["weights"])
        return [], f"keys as before; weights are known for {some}, this is {sets}"
    wrong = [key for key, hashed in found.items() if known[key] != hashed]
    return wrong, f"{len(found)} keys and weights compared ({sets})"


if __name__ == "__main__":
    wrong, words = differences(open_run(sys.argv[1]))
    print(f"{words}; {len(wrong)} differ {' '.join(wrong)}")
    sys.exit(bool(wrong))
