"""``popnet init``, ``popnet retrain`` and ``popnet export``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .shell import (
    DONE,
    SOME_FAILED,
    RunFolder,
    give,
    guarded,
    say,
)

if TYPE_CHECKING:
    from popnet.runs import ExportedNetwork

Key = Annotated[str, typer.Argument(help="a network's key, or its beginning")]

EXAMPLE = """\
# Does spread in time constants change how networks learn and break?   few min, 2 cores
name: {name}
seed: 7
networks: 6                       # independently seeded networks per condition
network: {{units: 200, gain: 1.5, tau_s: {{mean: 0.030, law: uniform}}}}
task: {{name: dnms}}              # popnet tasks
rule: {{name: reward_hebbian}}    # popnet rules
train: {{trials: 4000, until: {{accuracy: 0.95, window: 100}}}}
grid:                             # every combination is one condition
  network.tau_s.spread: [0.0, 0.2, 0.4]
after:
  perturb:                        # popnet perturbations
    - {{name: synaptic_jitter, levels: [0, 0.05, 0.1, 0.2, 0.5]}}
  other_tasks: [dms, delayed_response]
  compare: [behaviour, weights]   # popnet metrics
"""


@guarded
def init(
    file: Annotated[Path, typer.Argument(help="the file to write")] = Path(
        "sweep.yaml"
    ),
) -> None:
    """Write an example sweep file."""
    from popnet.config import ConfigError

    if file.exists():
        raise ConfigError(f"{file} exists already; choose another name.")
    if not file.parent.is_dir():
        raise ConfigError(f"{file}: the folder {file.parent} does not exist.")
    file.write_text(EXAMPLE.format(name=_name_from(file.stem)))
    give(f"wrote {file}; next: popnet plan {file}; popnet launch {file}")


def _name_from(stem: str) -> str:
    """Turn a file's name into a valid name of a sweep."""
    plain = (c if c.isascii() and c.isalnum() else "-" for c in stem)
    name = "".join(plain).strip("-")[:57] or "sweep"
    return f"{name}-sweep" if name in ("store", "artifacts") else name


@guarded
def retrain(run: RunFolder, key: Key) -> None:
    """Train one network again, alone; say whether its weights are the same."""
    import numpy as np

    from popnet.runs import open_run
    from popnet.store.parameters import tensors_of
    from popnet.work.serial import train

    opened = open_run(run)
    planned = opened.find(key)
    recorded = opened.network(planned.key)
    say(f"training {planned.key} ({planned.label or 'one condition'}) alone ...")
    trained = train([planned])[planned.key]
    retrained = tensors_of(trained.final)
    worst = 0.0
    for name, before in recorded.final.items():
        difference = np.abs(retrained[name].astype(float) - before.astype(float))
        worst = max(worst, float(difference.max(initial=0.0)))
        if not np.array_equal(retrained[name], before) and worst == 0.0:
            worst = float("nan")
    if worst == 0.0:
        give(f"{planned.key}: identical ({trained.trials} trials, {trained.status})")
        raise typer.Exit(DONE)
    give(
        f"{planned.key}: differs by up to {worst:.2g}. Recorded on "
        f"{_machine(opened.provenance())}; weights are the same bit for bit on "
        "CPUs of one instruction set."
    )
    raise typer.Exit(SOME_FAILED)


def _machine(about: dict[str, Any]) -> str:
    machine = about.get("machine", {})
    sets = ", ".join(machine.get("instruction_sets", []))
    return f"{machine.get('processor', 'an unknown machine')} ({sets})"


@guarded
def export(
    run: RunFolder,
    key: Key,
    to: Annotated[str, typer.Option("--to", help="torch or npz")] = "npz",
    file: Annotated[
        Path | None, typer.Option("--file", help="default: KEY.pt or KEY.npz")
    ] = None,
) -> None:
    """A network for somebody else's code."""
    from popnet.config import ConfigError
    from popnet.runs import open_run
    from popnet.store.atomic_files import write_atomically

    endings = {"torch": "pt", "npz": "npz"}
    if to not in endings:
        raise ConfigError(f"--to {to!r}: allowed {', '.join(endings)}.")
    network = open_run(run).exported(key)
    path = file or Path(f"{network.key}.{endings[to]}")
    write_atomically(path, lambda part: _write_network(part, network, to))
    how = "torch.load(path, weights_only=True)" if to == "torch" else "numpy.load(path)"
    give(f"wrote {path}: {how}; weights are [post, pre]")


def _write_network(path: Path, network: ExportedNetwork, to: str) -> None:
    import json

    import numpy as np
    import torch

    arrays = {f"initial.{n}": a for n, a in network.initial.items()}
    arrays |= {f"final.{n}": a for n, a in network.final.items()}
    settings = json.dumps(network.settings)
    with path.open("wb") as handle:
        if to == "npz":
            np.savez(handle, settings=np.array(settings), **arrays)  # type: ignore[arg-type]
        else:
            tensors = {n: torch.from_numpy(a) for n, a in arrays.items()}
            torch.save({**tensors, "settings": settings}, handle)
