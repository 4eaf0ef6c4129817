"""One-line defects, each of which must turn its tests red.  By hand or nightly:

    python tests/mutants.py            all
    python tests/mutants.py backward   those whose file or line holds this word

The defects are made in a copy of the repository.  Ends with 1 if any survived.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]


class Mutant(NamedTuple):
    file: str
    old: str
    new: str
    tests: str


MUTANTS = [
    Mutant("core/rollout.py", "torch.bmm(r, w_PNN) - x)", "torch.bmm(r, w_PNN))",
           "core/test_rollout.py"),
    Mutant("core/rollout.py", "a_P1N[..., unit] = 0 ", "a_P1N[..., unit] *= 1 ",
           "core/test_rollout.py"),
    Mutant("core/cell.py", "_PN[:, None] * (x_PBN - params",
           "_PN[:, None] * x_PBN - (params", "core/test_cell.py"),
    Mutant("core/backward.py", "carried = (1 - a_P1N) * g", "carried = g",
           "core/test_backward.py"),
    Mutant("core/backward.py", "-moved / params.tau_PN", "moved / params.tau_PN",
           "core/test_backward.py"),
    Mutant("core/optimisers.py", "unbiased / (root + eps)", "mean / (root + eps)",
           "core/test_optimisers.py"),
    Mutant("core/constraints.py", "sign_PN[:, None, :]", "sign_PN[:, :, None]",
           "core/test_constraints.py"),
    Mutant("core/laws.py", "GROUP_FLOOR = 0.1", "GROUP_FLOOR = 0.0",
           "core/test_laws.py"),
    Mutant("core/draw.py", 'stream(f"intrinsic/{parameter}")', 'stream("intrinsic")',
           "core/test_draw.py"),
    Mutant("kernels/reward_hebbian.py", "post[:skip] = 0", "post[: skip - 1] = 0",
           "kernels"),
    Mutant("kernels/reward_hebbian.py", "x = limit if x > limit else x",
           "x = x if x <= limit else limit", "kernels"),
    Mutant("kernels/__init__.py", "torch.set_num_threads(1)", "torch.get_num_threads()",
           "kernels"),
    Mutant("rules/reward_hebbian.py", "+ trial >= hyper", "+ trial > hyper",
           "rules/test_reward_hebbian.py"),
    Mutant("kernels/reward_hebbian.py", ">= own[", "> own[", "kernels"),
    Mutant("kernels/reward_hebbian.py", "factor * (error - before)",
           "factor * (before - error)", "kernels"),
    Mutant("kernels/reward_hebbian.py", "kick_step[kick] == t", "kick_step[kick] < t",
           "kernels"),
    Mutant("rules/reward_hebbian.py", "(error_P - before_P)", "(before_P - error_P)",
           "contracts/test_every_rule.py"),
    Mutant("rules/bptt.py", "mask.sum((1, 2, 3), keepdim=True)", "mask.sum()",
           "rules/test_bptt.py"),
    Mutant("engine/episodes.py", "tau_N[unit] / net.tau_s.mean", "1.0",
           "engine/test_episodes.py"),
    Mutant("engine/episodes.py", "numbers = range(trial, trial + rule.batch)",
           "numbers = range(rule.batch)",
           "engine/test_episodes.py"),
    Mutant("engine/train.py", "= (met_P >= 0) & (old.reached_P < 0)", "= met_P >= 0",
           "engine"),
    Mutant("engine/train.py", "(1, batch + 1) if", "(batch, batch + 1) if",
           "engine/test_blocks.py"),
    Mutant("engine/train.py", "_kept(new_params, params, alive_P)", "new_params",
           "engine/test_divergence.py"),
    Mutant("engine/evaluate.py", "scorer(sign * ran.output", "scorer(ran.output",
           "engine/test_evaluate.py"),
    Mutant("engine/battery.py", "json.dumps(what), json.dumps(level)",
           "json.dumps(what)",
           "engine/test_evaluate.py"),
    Mutant("tasks/matching.py", "onset = stimulus + delay", "onset = stimulus + 1",
           "tasks"),
    Mutant("perturbations/synaptic_jitter.py", "1 + level * xi)", "1 + level * xi**2)",
           "perturbations"),
    Mutant("analysis/weights.py", "{*one.fixed_units, *other.fixed_units}",
           "one.fixed_units", "analysis"),
]  # fmt: skip


def passes(copy: Path, tests: str) -> bool:
    """Whether these tests pass in the copy."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider",
               f"tests/{tests}"]  # fmt: skip
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True)
    if done.returncode not in (0, 1):  # not red: pytest could not run
        raise RuntimeError(done.stdout.decode()[-2000:] + done.stderr.decode()[-2000:])
    return done.returncode == 0


def survives(copy: Path, mutant: Mutant) -> bool:
    """Whether the tests stay green with this defect; the file is put back."""
    target = copy / "popnet" / mutant.file
    text = target.read_text()
    if text.count(mutant.old) != 1:
        raise RuntimeError(
            f"{mutant.file} must hold {mutant.old!r} once; mend the list"
        )
    target.write_text(text.replace(mutant.old, mutant.new))
    try:
        return passes(copy, mutant.tests)
    finally:
        shutil.copy2(ROOT / "popnet" / mutant.file, target)


def main(words: list[str]) -> int:
    """Run the defects that hold any of these words; how many survived."""
    chosen = [m for m in MUTANTS if not words or any(w in " ".join(m) for w in words)]
    survivors = 0
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in ("popnet", "tests"):
            shutil.copytree(ROOT / name, copy / name)
        shutil.copy2(ROOT / "pyproject.toml", copy)
        for tests in sorted({m.tests for m in chosen}):
            if not passes(copy, tests):
                raise RuntimeError(f"tests/{tests} fails without any defect")
        for mutant in chosen:
            begun = time.perf_counter()
            alive = survives(copy, mutant)
            survivors += alive
            seconds = time.perf_counter() - begun
            word = "SURVIVED" if alive else "caught"
            print(f"{word:8} {seconds:4.0f} s  {mutant.file}: {mutant.old}", flush=True)
    print(f"{survivors} of {len(chosen)} survived")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
