"""What is pending: the plan minus what is on disk, and nothing twice."""

import numpy as np
import pytest

from popnet.engine.evaluate import evaluate, response
from popnet.engine.test_plan import planned_tests
from popnet.metrics import METRICS, Subject, metric_identity
from popnet.metrics.behaviour import Behaviour
from popnet.metrics.weights import Weights
from popnet.store.parameters import params_of
from popnet.work import comparison, evaluation, pending
from popnet.work.comparison import Pair
from popnet.work.evaluation import TestJob

TAU = "network.tau_s.spread"


def lacking(run, known=None):
    """key -> tests that are asked for."""
    known = pending.statuses(run) if known is None else known
    jobs = pending.test_jobs(run, known, known)
    return {
        network.key: missing
        for job in jobs
        for network, missing in zip(job.networks, job.missing, strict=True)
    }


def pairs(run, known=None):
    """metric -> pairs that are asked for, each once."""
    known = pending.statuses(run) if known is None else known
    found = {}
    for settings, some in pending.comparisons(run, known):
        before = found.setdefault(settings.name, set())
        assert not before & set(some) and len(set(some)) == len(some)
        before |= set(some)
    return found


def all_pairs(keys):
    return {Pair(a, b) for a in keys for b in keys if a < b}


def keys_of(run):
    return [n.key for n in run.networks]


# --- networks ------------------------------------------------------------------------


def test_what_is_not_recorded_is_trained(make_run, tmp_path):
    run = make_run(tmp_path, "planned")
    assert [n.key for n in pending.untrained(run)] == keys_of(run)
    assert pending.statuses(run) == {} and lacking(run) == {} and pairs(run) == {}
    make_run(tmp_path, "trained", grid={TAU: [0.4]}, name="part")
    assert [n.key for n in pending.untrained(run)] == keys_of(run)[:2]
    assert pending.statuses(run) == dict.fromkeys(keys_of(run)[2:], "trained")


def test_a_finished_run_lacks_nothing(tiny_run):
    assert pending.untrained(tiny_run) == []
    assert lacking(tiny_run) == {} and pairs(tiny_run) == {}
    assert pending.statuses(tiny_run) == dict.fromkeys(keys_of(tiny_run), "trained")


# --- tests ---------------------------------------------------------------------------


def test_each_network_lacks_its_whole_battery_at_first(make_run, tmp_path):
    run = make_run(tmp_path, "trained", networks=3)
    found = lacking(run)
    assert list(found) == keys_of(run)
    for network in run.networks:
        asked = [t.identity for t in planned_tests(run.sweep.after, network.config)]
        assert list(found[network.key]) == asked and len(set(asked)) == 5
    known = pending.statuses(run)
    sizes = [len(j.networks) for j in pending.test_jobs(run, known, known)]
    assert sizes == [4, 2] and pending.NETWORKS_PER_TEST_JOB == 4


def test_only_the_networks_asked_about_are_tested(make_run, tmp_path):
    run = make_run(tmp_path, "trained")
    known = pending.statuses(run)
    some = keys_of(run)[1:3]
    (job,) = pending.test_jobs(run, [*some, "unknown"], known)
    assert [n.key for n in job.networks] == some
    assert pending.test_jobs(run, [], known) == []
    assert pending.test_jobs(run, some, {}) == []  # not trained


def test_after_a_part_only_the_rest_is_asked(make_run, tmp_path):
    run = make_run(tmp_path, "trained")
    every, folder = lacking(run), str(run.store.folder)
    first, second, third, _ = run.networks
    some = TestJob((first, second), (every[first.key][:2], every[second.key][3:4]))
    assert evaluation.test_networks(folder, some, run.sweep.after) == (
        first.key, second.key
    )  # fmt: skip
    evaluation.test_networks(
        folder, TestJob((third,), (every[third.key],)), run.sweep.after
    )
    left = lacking(run)
    assert left[first.key] == every[first.key][2:]
    assert left[second.key] == (*every[second.key][:3], every[second.key][4])
    assert third.key not in left and len(left) == 3
    state = pending.tests(run)
    assert state.done[first.key] == set(every[first.key][:2])
    assert state.asked[first.key] == list(every[first.key])


def test_diverged_networks_have_no_tests_and_no_pairs(make_run, tmp_path):
    run = make_run(tmp_path, "trained")
    known = pending.statuses(run)
    keys = keys_of(run)
    known[keys[1]] = "diverged"
    known[keys[2]] = "unconverged"
    living = [k for k in keys if k != keys[1]]
    assert list(lacking(run, known)) == living
    expected = all_pairs(living)
    assert pairs(run, known) == {"behaviour": expected, "weights": expected}


NEW_TESTS = {
    "another task": ({"other_tasks": ["dms", "delayed_response"]}, 1),
    "another level": ({"perturb": [{"name": "synaptic_jitter", "levels": [0, 1]}]}, 1),
    "another mode": (
        {"perturb": [{"name": "synaptic_jitter", "levels": [0], "mode": "absolute"}]},
        1,
    ),
    "another perturbation": (
        {"perturb": [{"name": "initial_state", "levels": [0, 1, 2]}]}, 3,
    ),
    "fewer": ({"perturb": [], "other_tasks": []}, 0),
    "other trials": ({"trials": 2}, 5),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "new"), NEW_TESTS.values(), ids=NEW_TESTS)
def test_new_tests_later_are_the_only_ones(make_run, own_run, changes, new):
    after = own_run.sweep.after.model_dump(mode="json") | changes
    run = make_run(own_run.out, "trained", name="later", after=after)
    found = lacking(run)
    assert [len(missing) for missing in found.values()] == ([new] * 4 if new else [])
    assert pairs(run) == {}
    every = lacking(own_run)
    assert every == {}


# --- pairs ---------------------------------------------------------------------------


def test_every_pair_is_asked_once_by_each_metric(make_run, tmp_path):
    run = make_run(tmp_path, "tested", networks=3)
    expected = all_pairs(keys_of(run))
    assert len(expected) == 15
    assert pairs(run) == {"behaviour": expected, "weights": expected}
    for _, some in pending.comparisons(run, pending.statuses(run)):
        assert len(some) <= pending.PAIRS_PER_JOB


def test_growing_asks_only_for_pairs_with_new_networks(make_run, own_run):
    old = set(keys_of(own_run))
    run = make_run(own_run.out, "tested", name="grown", networks=3)
    new = set(keys_of(run)) - old
    assert len(new) == 2
    found = pairs(run)
    expected = all_pairs(keys_of(run)) - all_pairs(old)
    assert found == {"behaviour": expected, "weights": expected}
    assert all(set(pair) & new for pair in expected) and len(expected) == 9


def test_a_new_metric_asks_for_its_own_pairs(make_run, own_run):
    compare = ["behaviour", {"name": "weights", "align": True}]
    after = own_run.sweep.after.model_dump(mode="json") | {"compare": compare}
    run = make_run(own_run.out, "tested", name="aligned", after=after)
    assert pairs(run) == {"weights": all_pairs(keys_of(run))}


def test_after_some_pairs_only_the_rest_is_asked(make_run, tmp_path):
    run = make_run(tmp_path, "tested")
    networks = {n.key: n for n in run.networks}
    (behaviour, some), *_ = pending.comparisons(run, pending.statuses(run))
    count = comparison.compare_networks(
        str(run.store.folder), some, networks, behaviour
    )
    assert count == len(some) >= 1
    every = all_pairs(keys_of(run))
    assert pairs(run) == {"behaviour": every - set(some), "weights": every}


def test_only_what_a_metric_can_compare_is_compared(make_run, tmp_path):
    """Wiring of networks of one size, behaviour on the same trials."""
    grid = {"network.units": [12, 14], "task": ["dnms", "dms"]}
    run = make_run(tmp_path, grid=grid, networks=1)
    small, small_dms, large, large_dms = keys_of(run)
    expected = {
        "weights": [{small, small_dms}, {large, large_dms}],
        "behaviour": [{small, large}, {small_dms, large_dms}],
    }
    found = run.comparisons()
    assert len(found) == 4 and found["value"].notna().all()
    for metric, rows in found.groupby("metric"):
        two = [{a, b} for a, b in zip(rows["key_a"], rows["key_b"], strict=True)]
        assert len(two) == 2 and all(pair in two for pair in expected[str(metric)])
    assert pairs(run) == {}


# --- their bodies --------------------------------------------------------------------


def final(run, network):
    return run.network(network.key).final


def test_recorded_tests_are_those_of_the_frozen_network(tiny_run):
    after = tiny_run.sweep.after
    rows = tiny_run.evaluations()
    for network in tiny_run.networks:
        params = params_of(final(tiny_run, network))
        tests = planned_tests(after, network.config)
        results = evaluate(params, network.config, network.seed, tests, after.trials)
        mine = rows[rows["key"] == network.key].to_dict("records")
        for row, result in zip(mine, results, strict=True):
            expected = result._asdict()
            del expected["identity"]
            lists = {n: expected.pop(n) for n in ("error_by_type", "accuracy_by_type")}
            assert {n: row[n] for n in expected} == expected
            assert {n: list(row[n]) for n in lists} == lists


def test_recorded_comparisons_are_those_of_the_recorded_networks(tiny_run):
    subjects = {}
    for network in tiny_run.networks:
        arrays = final(tiny_run, network)
        answer = response(params_of(arrays), network.config, network.seed)
        stored = tiny_run.store.tensors(network.key, "responses")["response"]
        np.testing.assert_array_equal(stored, answer)
        # the clamped units and the output unit are never exchanged
        fixed = (0, 1, 10, 11)
        subjects[network.key] = Subject(
            fixed, final_NN=arrays["recurrent"], response=answer
        )
    settings = {m.name: m for m in tiny_run.sweep.after.compare}
    for row in tiny_run.comparisons().to_dict("records"):
        name = row["metric"]
        prepare, compare = METRICS[name].prepare, METRICS[name].compare
        one, other = (
            [prepare(settings[name], subjects[row[key]])] for key in ("key_a", "key_b")
        )
        assert row["value"] == compare(settings[name], one, other)[0]
        assert row["value"] >= 0


def test_a_task_that_runs_twice_records_once(make_run, tmp_path):
    """A worker died after writing, and the task was tried again."""
    run = make_run(tmp_path, "trained")
    folder, known = str(run.store.folder), pending.statuses(run)
    for job in pending.test_jobs(run, known, known) * 2:
        evaluation.test_networks(folder, job, run.sweep.after)
    assert len(run.store.batches("evaluations")) == 1
    networks = {n.key: n for n in run.networks}
    for settings, some in pending.comparisons(run, known) * 2:
        comparison.compare_networks(folder, some, networks, settings)
    table = run.store.table("comparisons", "comparisons", "key_a", set(known))
    assert table.num_rows == 12


def test_other_tests_of_the_same_networks_are_another_batch(make_run, tmp_path):
    """The same tests, otherwise divided among the networks, are other records."""
    run = make_run(tmp_path, "trained", grid={TAU: [0.0]})
    folder, after = str(run.store.folder), run.sweep.after
    tests = [t.identity for t in planned_tests(after, run.networks[0].config)][:3]
    two = tuple(run.networks)
    for first in (1, 2):
        missing = (tuple(tests[:first]), tuple(tests[first:]))
        evaluation.test_networks(folder, TestJob(two, missing), after)
    done = pending.tests(run).done
    assert done[two[0].key] == set(tests[:2])
    assert done[two[1].key] == set(tests[1:])


def test_a_comparison_is_identified_by_its_settings():
    identities = {
        metric_identity(settings)
        for settings in (Behaviour(), Weights(), Weights(align=False))
    }
    assert len(identities) == 3
    same = metric_identity(Weights(align=True))
    assert same == metric_identity(Weights()) in identities


def test_pairs_of_one_condition_count_those_that_were_trained_again(make_run, tmp_path):
    after = {"trials": 1, "compare": ["weights"]}
    grid = {TAU: [0.0, 0.4], "train.replicate": [0, 1]}
    every = make_run(tmp_path, "trained", grid=grid, after=after)
    assert pairs(every)["weights"] == all_pairs(keys_of(every))
    after |= {"pairs": "condition"}
    own = make_run(tmp_path, "trained", grid=grid, after=after, name="own")
    expected = set()
    for level in (0.0, 0.4):
        alike = [n for n in own.networks if n.config.network.tau_s.spread == level]
        assert {n.config.train.replicate for n in alike} == {0, 1}
        expected |= all_pairs([n.key for n in alike])
    assert pairs(own)["weights"] == expected
