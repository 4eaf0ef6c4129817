"""pn.register: entries of a notebook's session, which no launch takes."""

from typing import ClassVar, Literal

import numpy as np
import pytest
import yaml

import popnet as pn
from popnet.catalogue import CATALOGUE, REGISTRIES
from popnet.config import ConfigError, load, read_text
from popnet.measures import MEASURES
from popnet.metrics import METRICS
from popnet.perturbations import PERTURBATIONS
from popnet.plan import networks
from popnet.rules import RULES
from popnet.sweep.launch import launch
from popnet.tasks import TASKS

SWEEP = {
    "name": "session", "seed": 3, "networks": 1, "network": {"units": 12, "dt_s": 0.01},
    "task": {"name": "xor"}, "rule": {"name": "bptt"}, "train": {"trials": 20},
}  # fmt: skip


class Coin(TASKS["xor"].settings):
    name: Literal["coin"] = "coin"


class Slow(RULES["bptt"].settings):
    name: Literal["slow"] = "slow"


class Faint(PERTURBATIONS["synaptic_jitter"].settings):
    name: Literal["faint"] = "faint"


class Radius(MEASURES["spectral_radius"].settings):
    always: ClassVar[bool] = False
    name: Literal["radius"] = "radius"


class Spectra(MEASURES["spectral_radius"].settings):
    name: Literal["spectra"] = "spectra"


ALWAYS = MEASURES["spectral_radius"]._replace(settings=Spectra)


class Wiring(METRICS["weights"].settings):
    name: Literal["wiring"] = "wiring"


ENTRIES = {
    "task": ("coin", TASKS["xor"]._replace(settings=Coin)),
    "rule": ("slow", RULES["bptt"]._replace(settings=Slow)),
    "perturbation": (
        "faint", PERTURBATIONS["synaptic_jitter"]._replace(settings=Faint),
    ),
    "measure": ("radius", MEASURES["spectral_radius"]._replace(settings=Radius)),
    "metric": ("wiring", METRICS["weights"]._replace(settings=Wiring)),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _forgotten():
    yield
    for registry in REGISTRIES.values():
        registry._session.clear()


@pytest.fixture
def session():
    for kind, (name, entry) in ENTRIES.items():
        pn.register(kind, name, entry)


def refused(*given):
    with pytest.raises(ConfigError) as error:
        pn.register(*given)
    text = str(error.value)
    assert "\n" not in text
    return text


@pytest.mark.usefixtures("session")
def test_a_session_draws_trains_tests_and_perturbs_with_its_entries():
    nets = pn.draw("coin", rule="slow", networks=2, network=SWEEP["network"], seed=1)
    nets = pn.train(nets, trials=20)
    assert set(nets.status_P) <= {"trained", "converged", "unconverged"}
    assert np.isfinite(pn.evaluate(nets, trials=1).error_P).all()
    accuracy_PL, level_L = pn.perturb(nets, {"name": "faint", "levels": [0, 0.5]}, 1)
    assert accuracy_PL.shape == (2, 2) and level_L.tolist() == [0, 0.5]
    assert list(TASKS)[-1] == "coin"


@pytest.mark.usefixtures("session")
def test_its_networks_are_nobody_elses():
    own, other = (pn.draw(t, rule="bptt", seed=1) for t in ("coin", "xor"))
    assert own.members[0].key != other.members[0].key


@pytest.mark.usefixtures("session")
def test_a_cell_that_is_run_again_replaces_its_entry():
    name, entry = ENTRIES["task"]
    changed = entry._replace(fixed=False)
    pn.register("tasks", name, changed)
    assert TASKS[name] is changed


@pytest.mark.parametrize("kind", ENTRIES)
@pytest.mark.usefixtures("session")
def test_no_launch_takes_them(tmp_path, kind):
    name, _ = ENTRIES[kind]
    lists = {"perturbation": "perturb", "measure": "measures", "metric": "compare"}
    part = {"after": {lists[kind]: [name]}} if kind in lists else {kind: name}
    text = yaml.safe_dump({**SWEEP, **part})
    path = tmp_path / "sweep.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as error:
        pn.launch(path, out=tmp_path / "runs")
    told = str(error.value)
    line = 1 + next(i for i, of in enumerate(text.splitlines()) if name in of)
    assert told.startswith(f"{path}, line {line}: ") and "\n" not in told
    assert f"{name!r} was registered for this session" in told
    assert f'[project.entry-points."popnet.{kind}s"] {name} = "MODULE:ENTRY"' in told
    source = read_text(text)
    with pytest.raises(ConfigError, match="registered for this session"):
        launch(load(source, CATALOGUE), source, tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("command", [("plan",), ("k8s", "render", "--image", "a:1")])
@pytest.mark.usefixtures("session")
def test_nor_does_a_plan_or_a_job(tmp_path, refused_command, command):
    path = tmp_path / "sweep.yaml"
    path.write_text(yaml.safe_dump({**SWEEP, "task": "coin"}))
    told = refused_command(*command, path)
    assert "'coin' was registered for this session" in told


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("tsak", "coin", None), "unknown kind 'tsak'. Did you mean 'task'? Known: t"),
        (("study", "coin", None), "Known: task, rule, perturbation, "),
        (("task", "coin", print), "it is a builtin_function_or_method, not a popnet"),
        (("rule", "coin", ENTRIES["task"][1]), "it is a Task, not a popnet.rules.Rule"),
        (("task", "other", ENTRIES["task"][1]), "it has settings whose name is 'coin'"),
        (("measure", "spectra", ALWAYS), "it is measured always, as only popnet's own"),
        (("task", "xor", TASKS["xor"]), "there is one of this name (popnet's own)"),
    ],
)
def test_what_is_no_entry_is_refused(given, told):
    assert told in refused(*given)


@pytest.mark.usefixtures("reflex")
def test_the_name_of_an_installed_packages_entry_is_taken():
    told = refused("task", "antisaccade", TASKS["antisaccade"])
    assert "(popnet-reflex 1.0)" in told


@pytest.mark.usefixtures("session")
def test_keys_of_a_file_do_not_change_with_what_is_registered():
    def key():
        return networks(load(read_text(yaml.safe_dump(SWEEP)), CATALOGUE))[0].key

    with_session = key()
    TASKS._session.clear()
    assert key() == with_session
