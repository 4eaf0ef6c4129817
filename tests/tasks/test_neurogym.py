"""NeuroGym's tasks, against the package itself."""

import importlib.util
import subprocess
import sys
import warnings

import numpy as np
import pytest
import yaml

import popnet as pn
from popnet.catalogue import CATALOGUE
from popnet.config import ConfigError, dump, expand, load, read_text
from popnet.plan import networks
from popnet.tasks import TASKS, neurogym
from popnet.tasks._evidence import streams

TASK = TASKS["neurogym"]
SWEEP = {"name": "gym", "seed": 1, "networks": 1, "rule": "bptt"}
FILLED = {"version": "2.3.1", "channels": 3, "classes": 3, "trial_s": 2.2}
DELAYED = "PerceptualDecisionMakingDelayResponse-v0"
needs_it = pytest.mark.skipif(
    importlib.util.find_spec("neurogym") is None,
    reason="needs the extra popnet[neurogym]",
)


def read(**task):
    source = read_text(yaml.safe_dump({**SWEEP, "task": {"name": "neurogym", **task}}))
    return load(source, CATALOGUE), source


def refusal(call, *given, **task):
    with pytest.raises(ConfigError) as caught:
        call(*given, **task)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def trials(count=6, dt_s=0.02, seed=0, **given):
    settings = TASK.settings(**given)
    random = np.random.default_rng(seed)
    return settings, TASK.draw(settings, np.zeros(count, int), dt_s, random)


def reference(env, count, seed=0, dt_ms=20, **given):
    """The package's own trials of the same streams, from an environment each."""
    gym = pytest.importorskip("neurogym")
    for own in streams(np.random.default_rng(seed), count):
        with warnings.catch_warnings(action="ignore"):
            made = gym.make(env, dt=dt_ms, **given).unwrapped
        made.rng = np.random.RandomState(own.bit_generator)
        for period in made.timing.values():
            if hasattr(period, "rng"):
                period.rng = made.rng
        made.new_trial()
        yield made.ob, made.gt


@pytest.fixture
def without(monkeypatch):
    """A machine without the package."""
    neurogym._package.cache_clear()
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    yield
    neurogym._package.cache_clear()


@pytest.mark.usefixtures("without")
@pytest.mark.parametrize("task", ["neurogym:GoNogo-v0", {"name": "neurogym:GoNogo-v0"}])
def test_the_name_may_follow_a_colon(task):
    def given(task):
        return load(read_text(yaml.safe_dump({**SWEEP, "task": task})), CATALOGUE)

    assert "task.name: needs the package" in refusal(given, task)
    assert "unknown task 'dnms:x'" in refusal(given, "dnms:x")
    assert "unknown task" in refusal(given, {"name": "neurogym:a", "env": "b"})


@needs_it
@pytest.mark.parametrize(
    ("env", "chance"),
    [
        ("PerceptualDecisionMaking-v0", 0.5),
        ("GoNogo-v0", 0.5),
        ("AntiReach-v0", 1 / 32),
    ],
)
def test_chance_is_that_of_the_choices_of_the_environment(env, chance):
    settings = TASK.settings(env=env)
    assert settings.chance == chance
    again = TASK.settings(**settings.model_dump())
    assert again == settings, "as filled in"
    with pytest.raises(ValueError, match="leave it out"):
        TASK.settings(env=env, guessed=0.9)


@needs_it
def test_with_a_colon_it_is_the_same_network():
    short, long = (
        networks(load(read_text(yaml.safe_dump({**SWEEP, "task": task})), CATALOGUE))
        for task in ("neurogym:GoNogo-v0", {"name": "neurogym", "env": "GoNogo-v0"})
    )
    assert short[0].key == long[0].key


@pytest.mark.usefixtures("without")
def test_without_the_package_one_line_says_what_to_install():
    text = refusal(read)
    assert "task.name: needs the package neurogym, which is not installed" in text
    assert text.endswith("pip install 'popnet[neurogym]'.")


@pytest.mark.usefixtures("without")
def test_a_kept_sweep_is_read_without_the_package():
    def kept(**changes):
        task = {"name": "neurogym", **FILLED, **changes}
        source = read_text(yaml.safe_dump({**SWEEP, "task": task}))
        return expand(source, CATALOGUE)

    plan = kept()
    task = plan.conditions[0].config.task
    assert (task.inputs, task.outputs, task.steps(0.02)) == (3, 3, 110)
    assert networks(plan)[0].key != networks(kept(version="2"))[0].key
    assert "task.name: needs the package" in refusal(read, **FILLED)
    text = refusal(TASK.draw, task, np.zeros(1, int), 0.02, None)
    assert text.startswith("task.name: needs the package")


@needs_it
@pytest.mark.parametrize(
    ("env", "options"),
    [
        ("PerceptualDecisionMaking-v0", {"cohs": [25.6], "sigma": 0.3}),
        ("GoNogo-v0", {}),
        ("yang19.dlygo-v0", {}),
        ("ContextDecisionMaking-v0", {}),
        (DELAYED, {}),
    ],
)
def test_trials_are_those_of_the_package(env, options):
    settings, (inputs, target, mask) = trials(env=env, options=options)
    lengths = set()
    for trial, (seen, right) in enumerate(reference(env, 6, **options)):
        length = len(right)
        lengths.add(length)
        assert length <= inputs.shape[1]
        np.testing.assert_array_equal(inputs[trial, :length], seen)
        np.testing.assert_array_equal(target[trial, :length].argmax(1), right)
        assert (target[trial, :length].sum(1) == 1).all()
        assert mask[trial, :length].all() and not mask[trial, length:].any()
        assert not inputs[trial, length:].any() and not target[trial, length:].any()
    random = env in ("ContextDecisionMaking-v0", DELAYED)
    assert (len(lengths) > 1) == random, "the package's durations"
    assert (inputs.shape[2], target.shape[2]) == (settings.inputs, settings.outputs)


@needs_it
def test_trials_depend_on_their_stream_alone():
    env = "ContextDecisionMaking-v0"
    _, (before, _, _) = trials(8, env=env)
    trials(3, env=env, seed=5)
    np.random.seed(1)  # noqa: NPY002
    _, (again, _, _) = trials(8, env=env)
    np.testing.assert_array_equal(again, before)
    _, (fewer, _, _) = trials(3, env=env)
    np.testing.assert_array_equal(fewer, before[:3])
    _, (other, _, _) = trials(8, env=env, seed=1)
    assert (other != before).any((1, 2)).all()


@needs_it
def test_a_longer_trial_than_there_is_room_for_is_drawn_again():
    settings, (_, _, mask) = trials(60, env=DELAYED)
    longest = mask[..., 0].sum(1).max()
    assert settings.trial_s * 50 >= longest > 200, "of 200 trials, rounded up"
    settings, (_, _, mask) = trials(60, env=DELAYED, trial_s=3.4)
    length = mask[..., 0].sum(1)
    assert 160 < length.max() <= 170 and settings.steps(0.02) == 170
    assert "the shortest of 200 trials needs 3." in refusal(
        read, env=DELAYED, trial_s=2.0
    )
    narrow = TASK.settings(env=DELAYED, **FILLED | {"trial_s": 1.0})
    text = refusal(TASK.draw, narrow, np.zeros(1, int), 0.02, np.random.default_rng(0))
    assert "none of 1,000 trials" in text and "at most 1 s long" in text


@needs_it
def test_timing_and_options_reach_the_environment():
    given = {"timing_ms": {"stimulus": 500, "delay": 300}, "options": {"dim_ring": 8}}
    settings, (inputs, _, mask) = trials(**given)
    assert settings.trial_s == 1.0 and mask.all()
    assert settings.inputs == settings.outputs == 9
    assert (inputs[:, :5, 0] == 1).all() and not inputs[:, 5:, 0].any()
    assert inputs[:, 5:30, 1:].all() and not inputs[:, 30:].any()


@needs_it
def test_the_last_step_decides(correct):
    settings, drawn = trials(40)
    assert correct(settings, drawn, output=drawn.target_BTO).all()
    first = np.zeros_like(drawn.target_BTO)
    first[..., 1] = 0.3
    right = drawn.target_BTO[:, -1].argmax(1) == 1
    np.testing.assert_array_equal(correct(settings, drawn, output=first), right)
    assert 8 < right.sum() < 32


@needs_it
def test_a_plan_keeps_what_was_filled_in():
    plan, source = read(timing_ms={"stimulus": 400})
    again = load(read_text(dump(plan, source)), CATALOGUE)
    assert again.conditions[0].config == plan.conditions[0].config
    assert networks(again)[0].key == networks(plan)[0].key
    old = again.conditions[0].config.task.model_copy(update={"version": "1.0"})
    with pytest.raises(
        ValueError, match=r"networks of neurogym 1\.0 need that version"
    ):
        old.check_sources()


@needs_it
@pytest.mark.parametrize(
    ("task", "sentence"),
    [
        (
            {"env": "GoNoGo-v0"},
            "task.env: NeuroGym has no environment 'GoNoGo-v0'. Did",
        ),
        ({"env": "os:path"}, "task.env: NeuroGym has no environment 'os:path'."),
        ({"env": 3}, "task.env: got 3; expected text"),
        ({"env": "Null-v0"}, "task.env: Null-v0 has no ground truth of classes"),
        ({"env": "Bandit-v0"}, "task.env: Bandit-v0 has no ground truth of classes"),
        ({"env": "ReachingDelayResponse-v0"}, "has no ground truth of classes at each"),
        ({"options": {"dt": 10}}, "task.options: has dt, which network.dt_s sets."),
        ({"options": {"timing": {}}}, "task.options: has timing, which task.timing_ms"),
        ({"options": {"sigme": 1}}, "cannot be made: "),
        ({"timing_ms": {"delay": "x"}}, "task."),
        ({"channels": 4}, "task.channels: got 4; it is 3 here; leave it out."),
        ({"version": "1.0"}, "task.version: got '1.0'; it is "),
    ],
)
def test_what_neurogym_cannot_do_is_refused(task, sentence):
    assert sentence in refusal(read, **task)


# --- all environments of the package -------------------------------------------------


KNOWN = []
if importlib.util.find_spec("neurogym") is not None:
    KNOWN = sorted(neurogym._package().envs.registration.ALL_EXTENDED_ENVS)
NUMBERS = ("Reaching1D-v0", "Reaching1DWithSelfDistraction-v0")


@pytest.fixture(scope="session")
def accepted():
    """The environments that popnet takes; each other one is refused in a line."""
    names = []
    for env in KNOWN:
        try:
            TASK.settings(env=env)
        except ValueError:
            assert "task." in refusal(read, env=env)
        else:
            names.append(env)
    return names


OTHER_PROCESS = """
import sys, numpy as np
from hashlib import sha256
from popnet.tasks import TASKS
np.random.seed(5)
for env in sys.argv[1:]:
    settings = TASKS["neurogym"].settings(env=env)
    random = np.random.default_rng(0)
    drawn = TASKS["neurogym"].draw(settings, np.zeros(6, int), 0.02, random)
    print(sha256(b"".join(part.tobytes() for part in drawn)).hexdigest())
"""


@needs_it
def test_most_environments_are_accepted_and_numbers_are_refused_in_a_line(accepted):
    assert len(accepted) >= 40 and "HierarchicalReasoning-v0" in accepted
    for env in NUMBERS:
        text = refusal(read, env=env)
        assert f"task.env: {env} has a ground truth of " in text
        assert "none of its 3 classes" in text


@needs_it
@pytest.mark.parametrize("env", KNOWN)
def test_a_trial_depends_on_its_stream_alone(env, accepted):
    """Not on the trials before it, on other streams, or on numpy's own state."""
    if env not in accepted:
        pytest.skip(f"popnet refuses {env}, in the line that `popnet plan` prints")
    settings, before = trials(12, env=env)
    trials(5, env=env, seed=3)
    np.random.seed(1)  # noqa: NPY002
    _, again = trials(12, env=env)
    later = TASK.draw(settings, np.zeros(7, int), 0.02, np.random.default_rng(0))
    for one, other, fewer in zip(before, again, later, strict=True):
        np.testing.assert_array_equal(one, other)
        np.testing.assert_array_equal(one[:7], fewer)
    inputs, target, mask = before
    assert (target.sum(2) == mask[..., 0]).all() and np.isfinite(inputs).all()
    flat = np.concatenate([inputs.reshape(12, -1), target.reshape(12, -1)], 1)
    assert len(np.unique(flat, axis=0)) > 1


@needs_it
def test_trials_are_the_same_in_another_process(accepted):
    def told(*names):
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", OTHER_PROCESS, *names],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout.split()

    assert told(*accepted) == told(*accepted[::-1])[::-1]


@needs_it
def test_what_is_kept_from_trial_to_trial_stands_where_it_begins():
    """After 30 trials a shared environment would be in another block, of other rule."""
    _, (_, target, _) = trials(30, env="HierarchicalReasoning-v0")
    assert not target[..., 1].any() and target[..., 2].any((1,)).all()


@needs_it
def test_an_option_that_fixes_the_seed_is_refused():
    options = {
        "session": {"v": 0.5, "a": 0.5}, "catch_prob": 0.5, "random_seed": 4,
    }  # fmt: skip
    text = refusal(read, env="AnnubesEnv-v0", options=options)
    assert "task.options: " in text and "the same trial again and again" in text
    del options["random_seed"]
    _, (inputs, _, _) = trials(6, env="AnnubesEnv-v0", options=options)
    _, (again, _, _) = trials(6, env="AnnubesEnv-v0", options=options)
    np.testing.assert_array_equal(inputs, again)
    assert len(np.unique(inputs.reshape(6, -1), axis=0)) > 1


@needs_it
def test_networks_are_trained_tested_and_trained_again_alike():
    task = {"name": "neurogym", "env": DELAYED, "timing_ms": {"delay": 300}}
    network = {"units": 16, "dt_s": 0.02}
    nets = pn.draw(task, rule="bptt", networks=2, network=network)
    once, again = (pn.train(nets, trials=64, progress=False) for _ in range(2))
    for one, other in zip(pn.evaluate(once), pn.evaluate(again), strict=True):
        np.testing.assert_array_equal(one, other)
