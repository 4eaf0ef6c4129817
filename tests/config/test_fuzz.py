"""Whatever stands in a sweep file, it loads or raises ConfigError in one line."""

from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from popnet.catalogue import CATALOGUE
from popnet.config import ConfigError, dump, load, read_text, with_overrides
from popnet.config.reading import write_text

FULL = """\
name: base
seed: 7
networks: 2
network:
  units: 20
  tau_s: {mean: 0.03, law: lognormal, spread: 0.2, low: 0.01, high: 0.1}
  readout: {kind: unit, unit: 3}
  clamped: {1: 1.0}
  noise: {input: 0.1}
  dale: {excitatory: 0.7}
task: {name: dnms_variable, delay_s: 0.2}
rule: {name: reward_hebbian, preset: paper, exploration: {amplitude: 3.0}}
train: {trials: 100, until: {accuracy: 0.9, window: 10}}
grid:
  network.tau_s.spread: [0.1, 0.2]
  rule.learning_rate: {sample: 2, law: log_uniform, low: 0.01, high: 0.1}
  zip: [{network.gain: [1.2, 1.5], train.trials: [10, 200]}]
search:
  metric: accuracy
  every: 20
  scheduler: {name: asha, reduction: 2, grace: 40}
after:
  trials: 4
  perturb: [{name: epoch_durations, epoch: stimulus, levels: [0, 0.1]}]
  other_tasks: [dms, {name: dnms, delay_s: 0.4}]
  compare: [weights]
machine: {device: cpu, workers: 2}
"""


def paths(value: Any, prefix: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in nested dicts and lists."""
    items: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    inner = [path for key, item in items for path in paths(item, (*prefix, key))]
    return [prefix, *inner] if prefix else inner


SEARCHED = (
    FULL.partition("grid:")[0]
    + """\
search:
  metric: error
  every: 20
  scheduler: median_stopping
  searcher:
    name: optuna
    conditions: 12
    space:
      network.gain: {law: uniform, low: 1, high: 2}
      task.delay_s: {law: choice, values: [0.2, 0.4]}
"""
)
PLACES = paths(read_text(FULL).raw)
OF_SEARCH = [p for p in paths(read_text(SEARCHED).raw) if p[0] == "search"]
WORDS = ["name", "dnms", "bptt", "spread", "mean", "sample", "law", "zip", "low", "x"]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-300, 300)
    | st.sampled_from([10**400, -(10**400), 2**63, 1e308, -0.0, 1e-320])
    | st.floats(allow_nan=True, allow_infinity=True)
    | st.text(max_size=6)
    | st.sampled_from(WORDS)
)
KEYS = st.sampled_from([*WORDS, 0, -1, ""]) | st.text(max_size=4)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3)
    ),
    max_leaves=6,
)
FAST = settings(
    max_examples=120,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


def outcome(text: str, *overrides: str) -> str:
    """The user's message; "" when the sweep is valid and its dump reads back."""
    try:
        source = with_overrides(read_text(text), list(overrides))
        plan = load(source, CATALOGUE)
    except ConfigError as error:
        return str(error)
    again = load(read_text(dump(plan, source)), CATALOGUE)
    assert [c.config for c in again.conditions] == [c.config for c in plan.conditions]
    assert again.sweep.search == plan.sweep.search
    return ""


def changed(place: tuple[Any, ...], value: Any, text: str = FULL) -> str:
    """The full sweep with one value replaced, as text."""
    raw: Any = read_text(text).raw
    node = raw
    for part in place[:-1]:
        node = node[part]
    node[place[-1]] = value
    return write_text(raw)


def is_one_line(message: str) -> bool:
    return message.startswith("sweep file") and "\n" not in message


def test_the_full_sweep_itself_loads() -> None:
    assert outcome(FULL) == outcome(SEARCHED) == ""


@FAST
@given(place=st.sampled_from(OF_SEARCH), value=VALUES)
def test_any_value_in_a_search(place: tuple[Any, ...], value: Any) -> None:
    message = outcome(changed(place, value, SEARCHED))
    assert message == "" or is_one_line(message)


@FAST
@given(place=st.sampled_from(OF_SEARCH), key=KEYS, value=VALUES)
def test_any_further_key_in_a_search(
    place: tuple[Any, ...], key: Any, value: Any
) -> None:
    message = outcome(changed(place, {key: value}, SEARCHED))
    assert message == "" or is_one_line(message)


@FAST
@given(place=st.sampled_from(PLACES), value=VALUES)
def test_any_value_at_any_place(place: tuple[Any, ...], value: Any) -> None:
    message = outcome(changed(place, value))
    assert message == "" or is_one_line(message)


@FAST
@given(place=st.sampled_from(PLACES), key=KEYS, value=VALUES)
def test_any_further_key_at_any_place(
    place: tuple[Any, ...], key: Any, value: Any
) -> None:
    message = outcome(changed(place, {key: value}))
    assert message == "" or is_one_line(message)


@FAST
@given(text=st.text(max_size=30), cut=st.integers(0, len(FULL)))
def test_any_text_inside_a_sweep(text: str, cut: int) -> None:
    message = outcome(FULL[:cut] + text + FULL[cut:])
    assert message == "" or is_one_line(message)


@FAST
@given(
    option=st.sampled_from(
        [*(".".join(map(str, p)) for p in PLACES), "grid.x", "a..b"]
    ),
    value=VALUES,
)
def test_any_override(option: str, value: Any) -> None:
    flow = yaml.safe_dump(value, default_flow_style=True, width=10**6)
    text = flow.replace("\n...\n", "").strip()
    message = outcome(FULL, f"{option}={text}")
    assert "\n" not in message


@pytest.mark.parametrize("option", ["", "=", "=3", "x", "grid", " = "])
def test_an_override_without_path_or_value_is_refused(option: str) -> None:
    assert outcome(FULL, option).endswith(": expected path=value.")


@FAST
@given(value=VALUES)
def test_what_is_written_is_read_back(value: Any) -> None:
    raw = {"value": value}
    if all(str(v) != "nan" for v in _leaves(value)):
        assert read_text(write_text(raw)).raw == raw


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in _leaves(item)]
    if isinstance(value, list):
        return [leaf for item in value for leaf in _leaves(item)]
    return [value]
