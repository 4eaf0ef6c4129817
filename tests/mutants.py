"""One-line defects, each of which must turn its tests red.  By hand or nightly:

    python tests/mutants.py            all
    python tests/mutants.py backward   those whose file or line holds this word

The defects are made in copies of the repository, one for each core.  Ends with 1 if any
survived.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
FAST, SLOW, NONE = "not slow", "slow", 5
"""Marks of pytest, and its exit code where no test has them."""
WORKERS = os.cpu_count() or 1
"""Defects that are tried at once, each in a copy of the repository."""


class Mutant(NamedTuple):
    file: str
    old: str
    new: str
    tests: str


MUTANTS = [
    Mutant("config/address.py", "harmless = name.lower() in HARMLESS and",
           "harmless = name.lower() != 'password' and", "config/test_address.py"),
    Mutant("config/address.py", 'after = f"#{HIDDEN}" if fragment else ""',
           "after = fragment", "config/test_address.py"),
    Mutant("config/address.py", "unquote(unquote(machine))", "machine",
           "config/test_address.py"),
    Mutant("kubernetes/job.py", "if shown.has_secrets:", "if False:",
           "k8s/test_render.py::test_a_secret_in_an_address_is_refused_and_not_shown"),
    Mutant("runs/writing.py", "fcntl.LOCK_EX | fcntl.LOCK_NB", "fcntl.LOCK_SH",
           "runs/test_writing.py"),
    Mutant("runs/writing.py", "_sign(handle)", "handle.flush()",
           "runs/test_writing.py"),
    Mutant("tracking/claim.py", 'about["folder"] == mine', "True",
           "tracking/test_claim.py"),
    Mutant("runs/checksums.py", "sums is None or hashlib", "sums or hashlib",
           "runs/test_checksums.py"),
    Mutant("runs/checksums.py", "_write_sums(folder, known | both)", "pass",
           "runs/test_checksums.py"),
    Mutant("runs/store_identity.py", "identity = _of_runs(out) or", "identity =",
           "runs/test_store_identity.py"),
    Mutant("store/location.py", "!= _checksum(where)", "== 0",
           "runs/test_checksums.py"),
    Mutant("runs/opening.py", "return EarlierRun(path)", "return run",
           "golden/test_golden.py::test_show_and_status_read_it"),
    Mutant("runs/physics.py", "    refuse_store(store)\n    try", "    try",
           "golden/test_golden.py::test_its_networks_are_not_trained_again"),
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
    Mutant("tasks/delayed_discrimination.py",
           "(commonest / len(first_K)) ** self.channels",
           "commonest / len(first_K)", "tasks/test_chance_and_memory.py"),
    Mutant("tasks/delayed_discrimination.py", "size_K + 2 * NEAR", "size_K + NEAR",
           "tasks/test_chance_and_memory.py"),
    Mutant("tasks/parametric_memory.py", "counts_F2.max(1)", "counts_F2.min(1)",
           "tasks/test_chance_and_memory.py"),
    Mutant("tasks/selective_integration.py",
           'return 0.0 if self.scored == "during" else self.delay_s + self.response_s',
           "return 0.0", "tasks/test_chance_and_memory.py"),
    Mutant("tasks/patterns.py", 'over if settings.scored == "after" else steps',
           "steps", "tasks/test_chance_and_memory.py"),
    Mutant("tasks/neurogym.py", "most if most > even + room else even", "even",
           "tasks/test_chance_and_memory.py"),
    Mutant("testing/guessing.py", "abs(best - chance)", "(best - chance)",
           "testing/test_tasks_checked.py"),
    Mutant("testing/remembering.py", "room = DT_S + 4", "room = 1 + 4",
           "testing/test_tasks_checked.py"),
    Mutant("testing/remembering.py", "fewer < NEARLY or settings.memoryless_score == 1",
           "True", "testing/test_tasks_checked.py"),
    Mutant("report/perturbations.py", '(without, ":")', '(chances, ":")',
           "report/test_report_figures.py"),
    Mutant("report/registry_words.py", "json.dumps(given, sort_keys=True)", '"{}"',
           "report/test_report_figures.py"),
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
    Mutant("config/spread.py", "GROUP_FLOOR = 0.001", "GROUP_FLOOR = 0.003",
           "core/test_laws.py"),
    Mutant("config/spread.py", "self.half_width or math.sqrt(3) * self.spread",
           "self.half_width or self.spread", "core/test_laws.py"),
    Mutant("core/laws.py", "*law.bounds(low))", "*law.bounds(None))",
           "core/test_laws.py"),
    Mutant("config/truncated_laws.py", "if sd / unit < most * (1 - 1e-12):",
           "if False:", "core/test_truncated_laws.py"),
    Mutant("config/truncated_laws.py", "return unit * min(_edge(family)[1], most)",
           "return mean * 10", "core/test_truncated_laws.py"),
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
    Mutant("kernels/closed_code.py", 'function.linkage = "internal"', "pass",
           "kernels/test_closed_code.py"),
    Mutant("kernels/compile_cache.py", "(*of_function, cpu, settings)",
           "(*of_function, cpu)", "kernels/test_closed_code.py"),
    Mutant("import_path.py", "if entry not in hiding]", "]", "api/test_import_path.py"),
    Mutant("sweep/same_code.py", "self._py_driver_sys_path: list[str] = []", "pass",
           "sweep/test_same_code.py"),
    Mutant("sweep/same_code.py", "if e and not is_working_directory(e)", "if e",
           "sweep/test_same_code.py"),
    Mutant("sweep/same_code.py", "if launched.sources != here.sources",
           "if launched.sources < here.sources < launched.sources",
           "sweep/test_same_code.py"),
    Mutant("tasks/_fresh_environment.py", "own.bit_generator if seed is None else seed",
           "seed", "tasks/test_fresh_environment.py"),
    Mutant("tasks/neurogym.py", "(right_T >= classes)", "(right_T > classes)",
           "tasks/test_fresh_environment.py"),
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
           " and reached_P[p] < 0:", ":",
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
    Mutant("perturbations/synaptic_jitter.py", "level * weight_size(params) * xi",
           "level * net.gain / net.units**0.5 * xi",
           "perturbations/test_perturbations.py"),
    Mutant("engine/test_plan.py", "if settings.idle(config) is None]", "if settings]",
           "perturbations/test_what_changes_nothing.py"),
    Mutant("measures/activity_change.py", "np.linalg.norm(centred(known_BTN))",
           "np.linalg.norm(known_BTN)", "measures/test_activity_measures.py"),
    Mutant("engine/activity.py", "        first += count", "        first += wanted",
           "work/test_activity.py"),
    Mutant("analysis/dose_response.py", "half = (unperturbed + chance) / 2",
           "half = unperturbed / 2", "analysis/test_dose_response.py"),
    Mutant("analysis/dose_response.py", "return Dose(float(doses_L[-1]), True)",
           "return Dose(float(doses_L[-1]), False)", "analysis/test_dose_response.py"),
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
    Mutant("analysis/intervals.py", "np.maximum(side * shape.skewed, 0)",
           "np.maximum(side * shape.skewed * 0, 0)", "analysis/test_intervals.py"),
    Mutant("analysis/intervals.py", "np.where(different >= FEWEST_DIFFERENT, error",
           "np.where(different >= 0, error", "analysis/test_intervals.py"),
    Mutant("analysis/intervals.py", "np.minimum(1.0, 2 * share**shape.n)", "0 * share",
           "analysis/test_intervals.py"),
    Mutant("analysis/interactions.py", "np.where(n > d * e0, corrected, 1.0)",
           "np.where(n > d * e0, 1.0, 1.0)", "analysis/test_interactions.py"),
    Mutant("analysis/level_tests.py", "math.ceil(10 * tests / alpha)", "2000",
           "analysis/test_level_tests.py"),
    Mutant("analysis/level_tests.py", "if tests / (draws + 1) > 0.05:", "if False:",
           "analysis/test_level_tests.py"),
    Mutant("analysis/level_tests.py", "excluded_at(rho_S, 0.0, (-1.0, 1.0))",
           "excluded_at(np.repeat(rho_S, levels), 0.0, (-1.0, 1.0))",
           "analysis/test_level_tests.py"),
    Mutant("analysis/trials_to_criterion.py", "np.where(failed_DS, mean_D[:, None] +",
           "np.where(failed_DS & False, mean_D[:, None] +",
           "analysis/test_trials_to_criterion.py"),
    Mutant("analysis/trials_to_criterion.py", "- wait - right", "- right",
           "analysis/test_trials_to_criterion.py"),
    Mutant("studies/evidence.py", "(mean >= smallest) & (mean > none)", "mean > none",
           "studies/test_evidence.py"),
    Mutant("studies/evidence.py", "np.maximum(lower, upper)))",
           "np.minimum(lower, upper)))", "studies/test_evidence.py"),
    Mutant("studies/evidence.py", "len(self.parts) * np.min(false", "np.min(false",
           "studies/test_evidence.py"),
    Mutant("studies/verdicts.py", "adjusted = corrected([min(pair) for pair in pairs])",
           "adjusted = [min(pair) for pair in pairs]", "studies/test_evidence.py"),
    Mutant("studies/level_evidence.py", "np.where(turned <= TURN, 1.0, true)", "true",
           "studies/test_judging.py"),
    Mutant("studies/level_evidence.py", "np.where(large, 1.0, below)",
           "np.where(large, 1.0, 1.0)", "studies/test_judging.py"),
    Mutant("studies/heterogeneity/censored.py",
           "found = censored_means(values, failed, weights_DS)",
           "found = censored_means(values, failed & False, weights_DS)",
           "studies/test_judging.py"),
    Mutant("studies/heterogeneity/censored.py", "can_hold=not upper", "can_hold=True",
           "studies/test_judging.py"),
    Mutant("studies/heterogeneity/contrasts.py", "(SILENCE * o * apart / square)",
           "(-SILENCE * o * apart / square)", "studies/test_verdicts.py"),
    Mutant("studies/heterogeneity/contrasts.py", "family == one", "family == family",
           "studies/test_judging.py"),
    Mutant("studies/heterogeneity/pairs.py", "return rows[first | retrained]",
           "return rows", "studies/test_tables.py"),
    Mutant("studies/heterogeneity/pairs.py", "settings.pop(null, False)",
           "settings.get(null, False)", "studies/test_tables.py"),
    Mutant("studies/heterogeneity/doses.py", "if not before > guess or", "if",
           "studies/test_tables.py"),
    Mutant("studies/heterogeneity/doses.py",
           'np.where(own["grade"] == 0, 0.0, moved_L)', "moved_L",
           "studies/test_tables.py"),
    Mutant("studies/heterogeneity/robustness_claims.py",
           "BEYOND, limits=(-MOST, 1 - MOST))", "BEYOND)", "studies/test_verdicts.py"),
    Mutant("studies/degeneracy/estimates.py", "left = len(value) - count",
           "left = len(value) + 0 * count", "studies/test_degeneracy.py"),
    Mutant("studies/degeneracy/tables.py",
           'met = networks[~networks["failed"]].set_index',
           "met = networks.set_index", "studies/test_degeneracy.py"),
    Mutant("studies/degeneracy/claims.py", "return below(found.values_S, -smallest)",
           "return above(found.values_S, smallest)", "studies/test_degeneracy.py"),
    Mutant("analysis/slow_modes.py", "left_NN[order_M].conj()", "right_NN.T[order_M]",
           "analysis/test_slow_modes.py"),
    Mutant("perturbations/epoch_durations.py", 'alone = epoch == "delay_or_all" and',
           "alone = False and", "perturbations/test_perturbations.py"),
    Mutant("work/pending.py", "_trained_once(network.config) if", "None if",
           "work/test_pending.py"),
    Mutant("config/settings.py", "(_hash_or_none(getattr(self, n)) for",
           "(hash(getattr(self, n)) for",
           "engine/test_evaluate.py"),
    Mutant("engine/training_progress.py", "and learns and", "and",
           "engine/test_criterion.py"),
    Mutant("tasks/flipflop.py", 'return {"pulse": self.pulse_s}', "return {}",
           "tasks/test_flipflop.py"),
    Mutant("studies/heterogeneity/robustness_claims.py",
           "evidence = AllOf((*leads.values(), most))",
           "evidence = most", "studies/test_verdicts.py"),
    Mutant("studies/heterogeneity/robustness_claims.py",
           'task_means(rows, "doublings", None)',
           'task_means(rows, "doublings", "unbroken")', "studies/test_verdicts.py"),
    Mutant("studies/evidence.py", "np.where(self.against <= COUNTS, 1.0, true), one",
           "true, one", "studies/test_evidence.py"),
    Mutant("studies/level_evidence.py", "- one_seed - of_cell.sum(axis=-2)",
           "- of_cell.sum(axis=-2)", "studies/test_judging.py"),
    Mutant("studies/level_evidence.py", "v0 = 4 * bound * e + 2 * e**2", "v0 = v",
           "studies/test_judging.py"),
    Mutant("studies/heterogeneity/robustness_claims.py",
           "return rows[~np.isclose(own, ", "return rows[~np.isclose(own + 9, ",
           "studies/test_verdicts.py"),
    Mutant("studies/heterogeneity/robustness_claims.py", ' & ~frame["failed"]]', "]",
           "studies/test_verdicts.py"),
    Mutant("studies/heterogeneity/profiles.py", "whole.shape[1] >= 3 and varies(",
           "whole.shape[1] >= 3 or varies(", "studies/test_judging.py"),
    Mutant("studies/heterogeneity/solution_claims.py",
           'pairs["same"] & (pairs["seed_a"] != pairs["seed_b"])', 'pairs["same"]',
           "studies/test_judging.py"),
    Mutant("studies/heterogeneity/tables.py", 'own = ~rows.duplicated("key")',
           'own = rows["name"] == rows["task"]', "studies/test_tables.py"),
    Mutant("studies/heterogeneity/tables.py", "failed=needed.failed",
           "failed=needed.failed & False", "studies/test_tables.py"),
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


def passes(copy: Path, tests: str, which: str) -> bool:
    """Run the tests marked ``which`` in the copy; return True when none fails."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider",
               "-m", which, f"tests/{tests}"]  # fmt: skip
    # broken kernels are kept elsewhere than good ones
    kept = {"NUMBA_CACHE_DIR": str(copy / "compiled"), "PYTHONDONTWRITEBYTECODE": "1"}
    environment = {**os.environ, **kept}
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True)
    if done.returncode not in (0, 1, NONE):  # not red: pytest could not run
        raise RuntimeError(done.stdout.decode()[-2000:] + done.stderr.decode()[-2000:])
    return done.returncode != 1


def survives(copy: Path, mutant: Mutant, which: str) -> bool:
    """Make the defect, run its tests, undo it; return True when none of them fails."""
    target = copy / "popnet" / mutant.file
    text = target.read_text()
    if text.count(mutant.old) != 1:
        raise RuntimeError(
            f"{mutant.file} must hold {mutant.old!r} once; mend the list"
        )
    target.write_text(text.replace(mutant.old, mutant.new))
    try:
        return passes(copy, mutant.tests, which)
    finally:
        target.write_text(text)


def judged(copy: Path, tests: str, mutants: list[Mutant]) -> int:
    """Try all defects of these tests, one after the other; how many survived.

    Slow tests are asked only where the fast ones stay green.
    """
    if not passes(copy, tests, FAST):
        raise RuntimeError(f"tests/{tests} fails without any defect")
    survivors = 0
    for mutant in mutants:
        begun = time.perf_counter()
        alive = survives(copy, mutant, FAST)
        if alive and not survives(copy, mutant, SLOW):
            alive = not passes(copy, tests, SLOW)
        survivors += alive
        seconds = time.perf_counter() - begun
        word, old = "SURVIVED" if alive else "caught", mutant.old.strip()
        print(f"{word:8} {seconds:4.0f} s  {mutant.file}: {old}", flush=True)
    return survivors


def main(words: list[str]) -> int:
    """Run the defects that hold any of these words; how many survived."""
    chosen = [m for m in MUTANTS if not words or any(w in " ".join(m) for w in words)]
    by_tests: dict[str, list[Mutant]] = {}
    for mutant in chosen:
        by_tests.setdefault(mutant.tests, []).append(mutant)
    copies: SimpleQueue[Path] = SimpleQueue()

    def one(tests: str) -> int:
        copy = copies.get()
        try:
            return judged(copy, tests, by_tests[tests])
        finally:
            copies.put(copy)

    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(WORKERS) as pool:
        for number in range(WORKERS):
            copy = Path(folder) / str(number)
            for name in ("popnet", "tests"):
                shutil.copytree(ROOT / name, copy / name)
            shutil.copy2(ROOT / "pyproject.toml", copy)
            copies.put(copy)
        survivors = sum(pool.map(one, by_tests))
    print(f"{survivors} of {len(chosen)} survived")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
