"""What there is, and an example to begin with."""

import json

import pytest

from popnet.catalogue import CATALOGUE, load_sweep

REGISTRIES = CATALOGUE._asdict()
ENTRIES = [(r, name) for r, entries in REGISTRIES.items() for name in entries]


@pytest.mark.parametrize("registry", REGISTRIES)
def test_every_entry_is_told(popnet, registry):
    done = popnet(registry)
    assert done.code == 0 and done.err == ""
    heads = [line for line in done.out.splitlines() if not line.startswith(" ")]
    for line, (name, model) in zip(heads, REGISTRIES[registry].items(), strict=True):
        square = getattr(model, "error", "") == "squared"
        note = "; error: mean square" if square else ""
        of = f"; of {model.needs}" if registry == "measures" else ""
        assert line == f"{name}: {model.summary}{note}{of}  [{model.reference}]"
        assert model.summary and model.reference


@pytest.mark.parametrize("registry", REGISTRIES)
def test_every_entry_as_data(popnet, registry):
    done = popnet(registry, "--json")
    assert done.code == 0 and done.err == ""
    found = json.loads(done.out)
    assert list(found) == list(REGISTRIES[registry])
    for about in found.values():
        assert about["summary"] and about["reference"]
        for setting in about["settings"]:
            assert set(setting) == {"name", "default", "kind", "about"}
            assert setting["kind"] in ("per network", "shared")


@pytest.mark.parametrize(("registry", "name"), ENTRIES)
def test_one_entry_alone(popnet, registry, name):
    assert list(json.loads(popnet(registry, name, "--json").out)) == [name]
    lines = popnet(registry, name).out.splitlines()
    assert lines[0].startswith(f"{name}: ")
    assert all(line.startswith("    ") for line in lines[1:])


@pytest.mark.parametrize(
    ("registry", "wrong", "near"),
    [
        ("tasks", "dmns", "dnms"),
        ("rules", "reward_hebian", "reward_hebbian"),
        ("perturbations", "synaptic_jiter", "synaptic_jitter"),
        ("metrics", "behavior", "behaviour"),
    ],
)
def test_an_unknown_entry_is_refused_with_the_nearest(refused, registry, wrong, near):
    text = refused(registry, wrong)
    assert f"no {registry} entry {wrong!r}. Did you mean " in text
    assert repr(near) in text.partition("Did you mean ")[2].partition("?")[0]
    assert f"Known: {', '.join(REGISTRIES[registry])}." in text
    assert refused(registry, wrong, "--json") == text


def test_what_an_entry_declares_is_told(popnet):
    assert popnet("perturbations", "epoch_durations").out.splitlines()[1] == (
        "    changes task"
    )
    assert popnet("perturbations", "time_constants").out.splitlines()[2] == (
        "    graded up to 1: a wider law has time constants below 0"
    )
    task = popnet("tasks", "n_back")
    assert task.out.splitlines()[1] == (
        "    chance 0.125; memoryless_score 0.125; memory_demand_s 1.2; target_kind "
        "signs; silence never asked for; stretchable stimulus, delay"
    )
    rule = popnet("rules", "full_force")
    assert rule.out.splitlines()[1] == (
        "    forms current; readouts linear; takes_feedback no; uses_target yes"
    )
    (metric,) = json.loads(popnet("metrics", "weights", "--json").out).values()
    assert metric["declares"]["kind"] == "distance"
    assert metric["declares"]["range"] == [0, None]
    assert "range 0, no bound" in popnet("metrics", "weights").out


def test_settings_are_told_with_unit_kind_and_default(popnet):
    rule = json.loads(popnet("rules", "reward_hebbian", "--json").out)["reward_hebbian"]
    settings = {s["name"]: s for s in rule["settings"]}
    assert settings["learning_rate"]["default"] == 0.1
    assert settings["learning_rate"]["kind"] == "per network"
    assert settings["exploration.rate_hz"]["default"] == 3.0
    assert "hertz" in settings["exploration.rate_hz"]["about"]
    assert settings["skip_s"]["kind"] == "shared"
    task = json.loads(popnet("tasks", "dnms", "--json").out)["dnms"]["settings"]
    assert {s["name"]: s["about"] for s in task}["delay_s"] == "seconds"
    shown = popnet("tasks", "dnms").out
    assert "    delay_s = 0.2" in shown and "shared; seconds" in shown
    about = json.loads(popnet("perturbations", "--json").out)
    epoch = {s["name"]: s for s in about["epoch_durations"]["settings"]}["epoch"]
    assert epoch["default"] == "required"
    assert all(entry["unit_of_level"] for entry in about.values())


# --- init ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("sweep", "sweep"),
        ("my sweep.2", "my-sweep-2"),
        ("tänzer", "t-nzer"),
        ("_-x-_", "x"),
        ("ünï", "n"),
        ("...", "sweep"),
        ("store", "store-sweep"),
        ("artifacts", "artifacts-sweep"),
        ("n" * 100, "n" * 57),
    ],
)
def test_init_writes_a_valid_sweep(popnet, tmp_path, stem, name):
    path = tmp_path / f"{stem}.yaml"
    done = popnet("init", path)
    assert done.code == 0 and done.err == ""
    assert done.out == f"wrote {path}; next: popnet plan {path}; popnet launch {path}\n"
    plan, _ = load_sweep(path)
    assert plan.sweep.name == name
    assert len(plan.conditions) == 3 and plan.sweep.networks == 6
    assert all(len(line) <= 88 for line in path.read_text().splitlines()[1:])
    assert popnet("plan", path, "--out", tmp_path / "none").code == 0


def test_init_without_a_name_writes_sweep_yaml(popnet, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert popnet("init").code == 0
    assert load_sweep(tmp_path / "sweep.yaml")[0].sweep.name == "sweep"


def test_init_overwrites_nothing(refused, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("mine")
    text = refused("init", path)
    assert text == f"popnet: {path} exists already; choose another name.\n"
    assert path.read_text() == "mine"
    assert "exists already" in refused("init", tmp_path)


def test_init_needs_its_folder(refused, tmp_path):
    path = tmp_path / "none" / "sweep.yaml"
    assert f"the folder {path.parent} does not exist" in refused("init", path)
    assert not path.parent.exists()
