"""A run's folder: opened, written, locked; its networks as arrays."""

import json
import os

import numpy as np
import pytest
import torch
from helpers.resigned import put_text

from popnet.config import ConfigError, dump
from popnet.plan import PHYSICS
from popnet.runs import create_run, open_run
from popnet.runs.provenance import command_line, machine, provenance
from popnet.store.parameters import TENSOR_NAMES, params_of, tensors_of


@pytest.mark.parametrize("name", ["none", "runs", "tiny/networks.parquet"])
def test_what_is_no_run_is_refused_with_the_runs_there(tiny_run, name):
    with pytest.raises(ConfigError) as caught:
        open_run(tiny_run.out / name)
    text = str(caught.value)
    assert text.startswith(f"{tiny_run.out / name}: not a run (no sweep.yaml in it).")
    assert text.endswith(" Runs there: tiny.") or "/" in name


def test_a_run_is_opened_from_within(tiny_run, monkeypatch):
    monkeypatch.chdir(tiny_run.folder)
    for path in (".", "", "../tiny", "./"):
        run = open_run(path)
        assert run.name == "tiny" and len(run.store.recorded()) == 4
    assert open_run(os.path.relpath(tiny_run.folder)).planned() == 4


def test_a_network_is_found_by_the_beginning_of_its_key(tiny_run):
    keys = [n.key for n in tiny_run.networks]
    for key in keys:
        assert tiny_run.find(key).key == tiny_run.find(key[:12]).key == key
    with pytest.raises(ConfigError, match="no network's key begins with 'xyz'"):
        tiny_run.find("xyz")
    for ambiguous in ("",):
        with pytest.raises(ConfigError, match="keys are like"):
            tiny_run.find(ambiguous)


def test_an_ambiguous_beginning_says_how_many(tiny_run, monkeypatch):
    some = [n._replace(key=f"ab{i}") for i, n in enumerate(tiny_run.networks)]
    monkeypatch.setitem(tiny_run.__dict__, "networks", some)
    with pytest.raises(ConfigError, match=r"4 keys begin with 'ab'.*ab0, ab1, ab2\."):
        tiny_run.find("ab")
    assert tiny_run.find("ab3") is some[3]


def test_a_network_as_arrays_and_as_a_module(tiny_run):
    planned = tiny_run.networks[2]
    network = tiny_run.network(planned.key[:10])
    assert network.key == planned.key and network.config == planned.config
    shapes = {n: a.shape for n, a in network.final.items()}
    assert shapes["recurrent"] == (12, 12) and shapes["input"] == (12, 5)
    assert set(network.initial) == set(network.final)
    assert not np.array_equal(network.initial["recurrent"], network.final["recurrent"])
    module = tiny_run.module(planned.key)
    inputs = torch.zeros(2, 7, 5)
    outputs, rates = module(inputs)
    assert outputs.shape == (2, 7, 1) and rates.shape == (2, 7, 12)


def test_a_recorded_network_of_the_rate_form_is_a_module_of_it(make_run, tmp_path):
    """By its arrays and settings, as somebody else's code would run it."""
    run = make_run(tmp_path, "trained", rule="rflo", networks=1, grid=None, after=None)
    network = run.network(run.networks[0].key)
    assert network.config.model_dump(mode="json")["network"]["form"] == "rate"
    (w, win, bias), inputs = (
        (network.final[name] for name in ("recurrent", "input", "bias")),
        np.random.default_rng(0).standard_normal((20, 5)),
    )
    h, rows = np.zeros(12), []
    for u in inputs:
        h = h + 0.01 / 0.07 * (np.tanh(w @ h + win @ u + bias) - h)
        rows.append(h)
    _, rates = run.module(network.key)(torch.tensor(inputs[None]).float())
    np.testing.assert_allclose(rates[0].detach().numpy(), rows, rtol=0, atol=1e-6)


def test_a_network_not_trained_yet_is_said(make_run, tmp_path):
    run = make_run(tmp_path, "planned")
    with pytest.raises(ConfigError, match="is not trained yet; `popnet launch`"):
        run.network(run.networks[0].key)


def test_what_the_grid_varies_is_a_column(tiny, tmp_path):
    """Of a whole section, the settings in which conditions differ."""
    grid = {
        "network.tau_s.spread": [0.0, 0.4],
        "rule": [{"name": "bptt"}, {"name": "bptt", "clip": 2.0}],
    }
    plan, source = tiny(grid=grid, rule="bptt")
    run = create_run(tmp_path, plan, dump(plan, source), {})
    assert run.varied == ["network.tau_s.spread", "rule.clip"]
    rules = [{"name": "bptt", "clip": 2.0}, {"name": "genetic"}, {"name": "bptt"}]
    plan, source = tiny(grid={"rule": rules}, rule="bptt")
    run = create_run(tmp_path / "rules", plan, dump(plan, source), {})
    assert run.varied == ["rule.name", "rule.clip"]


def test_each_launch_is_kept_in_the_provenance(tiny, tmp_path):
    plan, source = tiny()
    text = dump(plan, source)
    for number in range(3):
        run = create_run(tmp_path, plan, text, {"number": number})
    about = run.provenance()
    assert about["number"] == 2
    assert [launch["number"] for launch in about["launches"]] == [0, 1, 2]
    assert (run.folder / "sweep.yaml").read_text() == text
    assert open_run(run.folder).plan.conditions == plan.conditions


def test_a_link_that_leads_out_is_refused(tiny, tmp_path):
    plan, source = tiny()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "tiny").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="leads out of"):
        create_run(tmp_path / "runs", plan, dump(plan, source), {})
    assert not list((tmp_path / "elsewhere").iterdir())


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../out", "a/b", "/tmp/x", ".hidden", "store", "a\nb"]
)
def test_no_name_leads_out_of_the_folder(tiny, name):
    with pytest.raises(ConfigError, match="name"):
        tiny(name=name)


def test_a_run_of_other_physics_is_refused_and_its_tables_stay(own_run):
    path = own_run.folder / "provenance.json"
    about = {"physics": PHYSICS - 1, "versions": {"popnet": "0.0.9"}}
    put_text(path, json.dumps(about))
    run = open_run(own_run.folder)
    expected = rf"made with physics {PHYSICS - 1}; this is physics {PHYSICS}"
    for ask in (lambda: run.plan, lambda: run.network("a"), lambda: run.networks):
        with pytest.raises(ConfigError, match=expected):
            ask()
    assert len(run.table()) == 4 and len(run.comparisons()) == 12


# --- provenance ----------------------------------------------------------------------


def test_provenance_says_by_what_and_where(monkeypatch):
    monkeypatch.setattr("sys.argv", ["/home/someone/bin/popnet", "launch", "x.yaml"])
    assert command_line() == ["popnet", "launch", "x.yaml"]
    about = provenance(["popnet", "launch"])
    assert json.loads(json.dumps(about)) == about
    assert about["versions"]["torch"] == torch.__version__
    assert about["versions"]["numpy"] == np.__version__
    assert about["command"] == ["popnet", "launch"] and about["physics"] == PHYSICS
    here = machine()
    assert about["machine"] == here and here["processor"]
    assert here["cores"] == os.cpu_count() and here["memory_gib"] > 0
    assert isinstance(here["instruction_sets"], list)


def test_what_is_not_installed_is_said(monkeypatch):
    monkeypatch.setattr("popnet.runs.provenance.PACKAGES", ("no-such-package",))
    assert provenance([])["versions"]["no-such-package"] == "not installed"


def test_provenance_without_git(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert provenance([])["git_commit"] is None


# --- tensors -------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rule", ["bptt", "reward_hebbian"])
def test_parameters_and_arrays_are_the_same_thing(planned, dtype, rule):
    """Optional ones too: masks, signs, a linear readout."""
    from popnet.engine.population import untrained

    network = {"units": 12, "density": 0.5, "dtype": dtype}
    (member,) = planned(rule=rule, network=network)
    params = untrained([member], torch.device("cpu"))
    arrays = tensors_of(params)
    assert ("readout" in arrays) == (rule == "bptt") and "mask" in arrays
    back = params_of(arrays)
    assert set(TENSOR_NAMES) == set(params._fields)
    for one, other in zip(params, back, strict=True):
        assert (one is None) == (other is None)
        if one is not None and other is not None:
            assert one.dtype == other.dtype and torch.equal(one, other)
    back.w_PNN.zero_()  # a copy: what was recorded stays
    assert arrays["recurrent"].any()
