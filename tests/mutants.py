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
    Mutant("core/scoring.py", "torch.sign(asked_PBO) > 0", "torch.sign(asked_PBO) >= 0",
           "core/test_scoring.py"),
    Mutant("core/scoring.py", "scores.correct_PB & near_PBO.all(2)",
           "scores.correct_PB", "core/test_scoring.py"),
    Mutant("core/scoring.py", "mask_PBTO & (target_PBTO != 0)\n    correct_PB",
           "mask_PBTO\n    correct_PB", "core/test_scoring.py"),
    Mutant("core/scoring.py", "(right_PB1 > others_PBO)", "(right_PB1 >= others_PBO)",
           "core/test_scoring.py"),
    Mutant("testing/decisions.py", "assert ended.status is not Status.CONVERGED",
           "assert ended.status is not Status.DIVERGED",
           "testing/test_rules_checked.py"),
    Mutant("rules/_descent.py", 'by_leaf["tau_PN"] * tau_PN', 'by_leaf["tau_PN"]',
           "rules/test_bptt.py"),
    Mutant("rules/_descent.py", 'hyper["tau_learning_rate"]', 'hyper["learning_rate"]',
           "rules/test_bptt.py"),
    Mutant("rules/bptt.py", '["tau_PN"].clamp(low, high)', '["tau_PN"].clamp(low)',
           "rules/test_bptt.py"),
    Mutant("engine/activity.py", ".astype(np.float32)", ".astype(np.float16)",
           "engine/test_activity.py"),
    Mutant("plan/cautions.py", "net.dale is not None and", "", "plan/test_cautions.py"),
    Mutant("engine/train.py", "over = _ended(population)", "over = {}",
           "api/test_training_on.py"),
    Mutant("work/serial.py", "saved[key] = one.before.leaves", "pass",
           "api/test_training_on.py"),
    Mutant("engine/population.py", "replace(drawn, params=own, state=state)", "drawn",
           "api/test_training_on.py"),
    Mutant("nets.py", '"" if by_hand else member.key', "member.key",
           "api/test_training_on.py"),
    Mutant("recording.py", "np.arange(1, rates", "np.arange(0, rates",
           "api/test_training_on.py"),
    Mutant("seeding.py", "else index(n) for", "else n for", "plan/test_seeding.py"),
    Mutant("core/rollout.py", "_state(params, cell, total) - x)",
           "_state(params, cell, total))", "core/test_rollout.py"),
    Mutant("engine/episodes.py", "(impulses.duration_s / net.dt_s) * unit", "unit",
           "engine/test_episodes.py"),
    Mutant("engine/episodes.py", "chance = impulses.rate_hz * net.dt_s / slots",
           "chance = impulses.rate_hz * net.dt_s", "engine/test_episodes.py"),
    Mutant("core/rollout.py", "+ pulse.duration * (during", "+ (during",
           "contracts/test_every_perturbation.py"),
    Mutant("rules/_trace.py", "sampled(every_s, dt_s)\n", "sampled(dt_s, dt_s)\n",
           "rules/test_traces.py"),
    Mutant("rules/_trace.py", "impulses_PTN * samples.interval_ms", "impulses_PTN * 1",
           "rules/test_traces.py"),
    Mutant("rules/_trace.py", "decay_P**samples.interval_ms", "decay_P",
           "kernels/test_learning_by_reward.py"),
    Mutant("kernels/trace.py", "start + share * (x[i] - start)", "x[i]",
           "kernels/test_learning_by_reward.py"),
    Mutant("core/time_steps.py", "1.0 if abs(weight - 1) < ROUNDING else weight",
           "1.0", "core/test_time_steps.py"),
    Mutant("rules/full_force.py", "weight**0.5 * wrong_PBO", "wrong_PBO",
           "rules/test_full_force.py"),
    Mutant("engine/evaluate.py", 'stream("evaluation", task.name, sweep_seed)',
           'stream("evaluation", task.name)', "engine/test_evaluate.py"),
    Mutant("engine/evaluate.py", "per_type, dt_s, sweep_seed)\n    answer",
           "per_type, dt_s, 0)\n    answer", "engine/test_evaluate.py"),
    Mutant("engine/evaluate.py", "(accuracy * (1 - accuracy) / trials)",
           "(accuracy / trials)", "engine/test_evaluate.py"),
    Mutant("engine/evaluate.py", "_by_type(right_B, ran", "_by_type(error_B, ran",
           "engine/test_evaluate.py"),
    Mutant("core/rollout.py", "towards += push_PBTN[:, :, t]", "pass",
           "engine/test_evaluate.py"),
    Mutant("core/backward.py", "a_P1N * g * phi_slope if", "a_P1N * g if",
           "core/test_backward.py"),
    Mutant("core/rollout.py", "a_P1N[..., unit] = 0 ", "a_P1N[..., unit] *= 1 ",
           "core/test_rollout.py"),
    Mutant("core/cell.py", "_PN[:, None] * (v_PBN - params",
           "_PN[:, None] * v_PBN - (params", "core/test_cell.py"),
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
    Mutant("core/impulses.py",
           "np.add.at(current, (impulses.step, impulses.unit), impulses.size)",
           "current[impulses.step, impulses.unit] = impulses.size",
           "core/test_impulses.py"),
    Mutant("kernels/__init__.py", "torch.set_num_threads(1)", "torch.get_num_threads()",
           "kernels/test_reproducible.py"),
    Mutant("kernels/__init__.py", "torch.set_flush_denormal(True)",
           "torch.get_num_threads()", "kernels/test_reproducible.py"),
    Mutant("kernels/rates.py", "x = limit if x > limit else x",
           "x = x if x <= limit else limit", "kernels/test_rates.py"),
    Mutant("kernels/forward.py", "x[:] = 0  #", "x[:, 0] = 0  #",
           "kernels/test_forward.py"),
    Mutant("kernels/packing.py", "net.a[first + net.clamped[k]] = 0",
           "net.a[net.clamped[k]] = 0", "kernels/test_forward.py"),
    Mutant("kernels/forward.py", "= noise[first + b, t, i]", "= noise[b, t, i]",
           "kernels/test_forward.py"),
    Mutant("kernels/bptt.py", "carried[i] = now - step", "carried[i] = now",
           "kernels/test_bptt_gradients.py"),
    Mutant("kernels/bptt.py", "r = rs[first:last].", "r = rs[first + 1 : last + 1].",
           "kernels/test_bptt_gradients.py"),
    Mutant("kernels/bptt.py", "run(net, currents, first, u", "run(net, currents, 0, u",
           "kernels/test_bptt_gradients.py"),
    Mutant("kernels/bptt.py", "    qs[:] = 0\n", "    qs[1:] = 0\n",
           "kernels/test_bptt_gradients.py"),
    Mutant("kernels/bptt.py", "2 * rate / (trials", "rate / (trials",
           "kernels/test_bptt_gradients.py"),
    Mutant("kernels/descent.py",
           "np.float64(1) if norm <= clip else clip / (norm + 1e-12)",
           "clip / (norm + 1e-12) if norm > clip else np.float64(1)",
           "kernels/test_descent.py"),
    Mutant("kernels/descent.py", "np.sqrt(v * unbias2)", "np.sqrt(v)",
           "kernels/test_descent.py"),
    Mutant("kernels/trace.py", "per_step > of.skip else", "per_step >= of.skip else",
           "kernels/test_learning_by_reward.py"),
    Mutant("kernels/reward_hebbian.py", "    impulses[:] = 0\n",
           "    impulses[0] = 0\n",
           "kernels/test_learning_by_reward.py"),
    Mutant("rules/reward_hebbian.py", "trial_P >= hyper", "trial_P > hyper",
           "rules/test_reward_hebbian.py"),
    Mutant("kernels/reward_hebbian.py", "    x[:] = 0\n", "    x[0] = 0\n",
           "kernels/test_learning_by_reward.py"),
    Mutant("kernels/reward_hebbian.py", ">= constants.first", "> constants.first",
           "kernels/test_learning_by_reward.py"),
    Mutant("kernels/reward_hebbian.py", "factor * (error - before)",
           "factor * (before - error)", "kernels/test_learning_by_reward.py"),
    Mutant("kernels/reward_hebbian.py", "step[impulse] == t", "step[impulse] < t",
           "kernels/test_learning_by_reward.py"),
    Mutant("rules/_trace.py", "samples.interval_ms, r[:, :-1]",
           "samples.interval_ms, r[:, 1:]", "rules/test_traces.py"),
    Mutant("rules/bptt.py", "along(2 * penalties.l2_P, w_PNN)",
           "along(penalties.l2_P, w_PNN)", "rules/test_bptt.py"),
    Mutant("rules/reward_hebbian.py", "(error_P - before_P)", "(before_P - error_P)",
           "rules/test_reward_hebbian.py"),
    Mutant("kernels/reward_hebbian.py", "size = -constants.learning_rate",
           "size = constants.learning_rate",
           "contracts/test_every_rule.py::test_rule[reward_hebbian-"
           "learns its small task]"),
    Mutant("tasks/delayed_response.py", "-round(settings.response_s / dt_s) :]",
           "-200:]", "contracts/test_every_task.py"),
    Mutant("perturbations/impulses.py", "rate_hz=level", "rate_hz=9.0",
           "contracts/test_every_perturbation.py"),
    Mutant("core/cell.py", "+ params.wfb_PNO @", "- params.wfb_PNO @",
           "core/test_feedback.py"),
    Mutant("core/least_squares.py", "pr_PN / size_P1.sqrt()", "pr_PN / size_P1",
           "core/test_least_squares.py"),
    Mutant("rules/_descent.py", "v + m / along(s, m)", "v + m",
           "rules/test_descent.py"),
    Mutant("core/nuclear_norm.py", "(u * (s_PN > least)[:, None]) @ vt", "u @ vt",
           "core/test_nuclear_norm.py"),
    Mutant("core/least_squares.py", "error_PBO.mT @ k_PBN", "error_PBO.mT @ q_PBN",
           "core/test_least_squares.py"),
    Mutant("rules/full_force.py", "(t == 0 or t >= trigger)", "t >= trigger",
           "rules/test_full_force.py"),
    Mutant("rules/force.py", "if (t + 1) % every.steps", "if t % every.steps",
           "rules/test_force.py"),
    Mutant("kernels/least_squares.py", "root = np.sqrt(gain)", "root = gain",
           "kernels/test_force_kernel.py"),
    Mutant("kernels/force.py", "-= step * (rpr / root)", "-= step",
           "kernels/test_force_kernel.py"),
    Mutant("rules/bptt.py", "mask.sum((1, 2, 3), keepdim=True)", "mask.sum()",
           "rules/test_bptt.py"),
    Mutant("engine/episodes.py", "tau_N[unit] / net.tau_s.mean", "1.0",
           "engine/test_episodes.py"),
    Mutant("engine/episodes.py", "numbers = range(first, first + (",
           "numbers = range(0, (",
           "engine/test_episodes.py"),
    Mutant("engine/episodes.py", 'task.name}", some[0])', 'task.name}", batches[0][0])',
           "engine/test_episodes.py"),
    Mutant("engine/episodes.py", "seed.stream(purpose, trials[0])",
           "seed.stream(purpose, 0)", "engine/test_episodes.py"),
    Mutant("engine/evaluate.py", "kernels.outputs(closed(params), cell",
           "kernels.outputs(params, cell", "engine/test_evaluate.py"),
    Mutant("engine/training_progress.py",
           "is not None and reached_P[p] < 0", "is not None",
           "engine"),
    Mutant("engine/training_progress.py", "first = 1 if", "first = batch if",
           "engine/test_blocks.py"),
    Mutant("engine/train.py", "_kept(new_params, params, alive_P)", "new_params",
           "engine/test_divergence.py"),
    Mutant("engine/evaluate.py", "scorer(sign * ran.output", "scorer(ran.output",
           "engine/test_evaluate.py"),
    Mutant("engine/test_plan.py", "json.dumps(what), json.dumps(level)",
           "json.dumps(what)",
           "engine/test_evaluate.py"),
    Mutant("tasks/matching.py", "onset = stimulus + delay", "onset = stimulus + 1",
           "tasks"),
    Mutant("perturbations/synaptic_jitter.py", "1 + level * xi)", "1 + level * xi**2)",
           "perturbations"),
    Mutant("metrics/weights.py", '*one["fixed"].tolist(), *other["fixed"].tolist()',
           '*one["fixed"].tolist()', "contracts/test_every_metric.py"),
    Mutant("rules/_trace.py", "interval_ms, r[:, :-1]", "interval_ms, r[:, 1:]",
           "rules/test_node_perturbation.py"),
    Mutant("engine/training_progress.py", "in range(0, until.watched, window)",
           "in range(0, window, window)", "engine/test_criterion.py"),
    Mutant("core/scoring.py", "square = (output_PBTO - target_PBTO) ** 2",
           "square = (output_PBTO - target_PBTO).abs()", "core/test_scoring.py"),
    Mutant("rules/evolution_strategies.py", "for part in settings.trains or ALL",
           "for part in ALL", "rules/test_candidates.py"),
    Mutant("config/entries.py", "preset_networks.get(chosen, self.network_defaults)",
           "preset_networks.get('', self.network_defaults)", "rules/test_presets.py"),
    Mutant("studies/verdicts.py", "if effect.low > bound:", "if effect.value > bound:",
           "studies/test_judging.py"),
    Mutant("studies/verdicts.py", "if effect.high < bound:", "if effect.value < bound:",
           "studies/test_judging.py"),
    Mutant("studies/verdicts.py", 'if "does not hold" in verdicts', 'if "" in verdicts',
           "studies/test_judging.py"),
    Mutant("studies/heterogeneity/learning_claims.py",
           "return (own - other)", "return (other - own)",
           "studies/test_verdicts.py"),
    Mutant("studies/heterogeneity/robustness_claims.py", ' & ~frame["failed"]]', "]",
           "studies/test_verdicts.py"),
    Mutant("studies/heterogeneity/profiles.py", "len(signs) > 1", "len(signs) > 2",
           "studies/test_judging.py"),
    Mutant("studies/heterogeneity/solution_claims.py",
           'pairs = pairs[pairs["seed_a"] != pairs["seed_b"]]',
           "pairs = pairs.copy()", "studies/test_judging.py"),
    Mutant("studies/heterogeneity/tables.py", 'own = ~rows.duplicated("key")',
           'own = rows["name"] == rows["task"]', "studies/test_tables.py"),
    Mutant("studies/heterogeneity/tables.py", "failed=needed.failed",
           "failed=needed.failed & False", "studies/test_tables.py"),
    Mutant("studies/heterogeneity/tables.py", 'settings.pop("untrained", False)',
           'settings.get("untrained", False)', "studies/test_tables.py"),
    Mutant("studies/heterogeneity/measured.py", "MEASURES.own.items()",
           "MEASURES.items()", "studies/test_tables.py"),
    Mutant("studies/conclude.py", "    write_findings(run.folder, findings)\n", "",
           "studies/test_frame.py"),
    Mutant("store/object_store.py", "if arrived != whole.size:", "if False:",
           "store/test_backends.py"),
    Mutant("store/local_disk.py", "os.fsync(handle.fileno())", "pass",
           "store/test_store_whole.py"),
    Mutant("store/local_disk.py", "plain = entry.is_file(follow_symlinks=False)",
           "plain = entry.is_file()", "store/test_backends.py"),
    Mutant("store/local_disk.py", "if old and DRAFT", "if DRAFT",
           "store/test_backends.py"),
    Mutant("store/tensorfile.py", "zlib.crc32(data) != self.sums[name]", "False",
           "store/test_store_anywhere.py"),
    Mutant("store/index.py", "and _checksum(about) != known", "and False",
           "store/test_store_damage.py"),
    Mutant("store/index.py", "set(batch.keys) <= set(merged.keys)", "True",
           "store/test_compaction.py"),
    Mutant("store/store.py", "    self._remove(files)\n            raise",
           "    pass\n            raise", "store/test_full_disk.py"),
    Mutant("store/store.py", "if now is None or now.files != files:", "if True:",
           "store/test_full_disk.py"),
    Mutant("store/store.py", '!= batch.files[file]["sha256"]', '== ""',
           "store/test_store_anywhere.py"),
    Mutant("store/store.py", "self.index.clear()", "pass",
           "store/test_store_anywhere.py"),
    Mutant("store/compaction.py", "            raise _Changed\n", "            pass\n",
           "store/test_compaction.py"),
    Mutant("store/compaction.py", "    _drop(store, [batch for batch, _ in readable])",
           "    pass", "store/test_compaction.py"),
    Mutant("store/compaction.py", "or owner.get(k) == batch.name", "or True",
           "store/test_compaction.py"),
    Mutant("store/compaction.py", "if now - about.modified > OLD_S", "if True",
           "store/test_compaction.py"),
    Mutant("store/compaction.py", "listed[file].bytes == known[\"bytes\"]", "True",
           "store/test_compaction.py"),
    Mutant("store/checkpoints.py", "damaged += len(rows)", "pass",
           "store/test_checkpoints.py"),
    Mutant("runs/untrusted.py", "if path.is_symlink():", "if False:",
           "store/test_location.py"),
    Mutant("sweep/launch.py", "    refuse_links(out, plan.sweep.name, backend)\n", "",
           "work/test_where_networks_lie.py"),
    Mutant("work/shard.py", "self.notes = loaded.notes", "self.notes = ()",
           "work/test_shard.py"),
    Mutant("work/shard.py", "if mark and not sees", "if False and not sees",
           "work/test_shard.py"),
    Mutant("work/shard.py", "time.monotonic() - self.written > PATIENCE_S", "True",
           "work/test_shard.py"),
    Mutant("work/shard.py", "time.monotonic() - self.written > PATIENCE_S", "False",
           "work/test_shard.py"),
    Mutant("work/shard.py",
           "        self._try(self._record)\n        self._try(",
           "        (", "work/test_shard.py"),
    Mutant("work/shard.py", "        if not self.working:\n", "        if True:\n",
           "work/test_shard.py"),
    Mutant("work/shard.py", "< until and not self.leaving", "< until",
           "work/test_shard.py"),
    Mutant("sweep/ray_tasks.py", "job.refusals >= REFUSALS", "True",
           "work/test_first_use.py"),
    Mutant("sweep/ray_tasks.py", "job.refusals >= REFUSALS", "False",
           "work/test_first_use.py"),
    Mutant("sweep/watchdog.py", "if _answers(host, int(port)):", "if True:",
           "sweep/test_watchdog.py"),
    Mutant("sweep/watchdog.py", "time.monotonic() - last_answer > GONE_S", "True",
           "sweep/test_watchdog.py"),
    Mutant("sweep/stages.py", "if passed is False", "if not passed",
           "sweep/test_diagnosis.py"),
    Mutant("sweep/diagnosis.py", "own.unlink()", "pass", "sweep/test_diagnosis.py"),
    Mutant("store/atomic_files.py", "errno.ENOSPC, errno.EDQUOT", "errno.ENOSPC,",
           "sweep/test_diagnosis.py"),
    Mutant("sweep/launch.py", "if lacking and not", "if False and not",
           "sweep/test_launch_pieces.py"),
    Mutant("sweep/progress.py", "self.losses += int(", "self.losses = int(",
           "sweep/test_launch_pieces.py"),
    Mutant("store/tensorfile.py", "if begin != end:", "if False:",
           "hostile/test_lying_store.py"),
    Mutant("store/tensorfile.py", "if end - begin != size", "if False and size",
           "hostile/test_lying_store.py"),
]  # fmt: skip


def passes(copy: Path, tests: str) -> bool:
    """Whether these tests pass in the copy."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider",
               f"tests/{tests}"]  # fmt: skip
    # broken kernels are kept elsewhere than good ones
    kept = {"NUMBA_CACHE_DIR": str(copy / "compiled"), "PYTHONDONTWRITEBYTECODE": "1"}
    environment = {**os.environ, **kept}
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
        target.write_text(text)


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
            word, old = "SURVIVED" if alive else "caught", mutant.old.strip()
            print(f"{word:8} {seconds:4.0f} s  {mutant.file}: {old}", flush=True)
    print(f"{survivors} of {len(chosen)} survived")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
