"""What the bench of a whole comparison asks for, and what it makes of the time."""

import pytest
import three_levels
import yaml
from three_levels import Took, report, sweep_of, texts_of

from popnet.catalogue import CATALOGUE, metric_of_text
from popnet.config import load, read_text
from popnet.plan import networks


@pytest.fixture(params=["quick", "paper"])
def study(request):
    """The file of a study of degeneracy."""
    return yaml.safe_load((three_levels.STUDY / f"{request.param}.yaml").read_text())


def test_all_metrics_of_the_study_are_asked_for(study):
    planned = load(read_text(yaml.safe_dump(study)), CATALOGUE)
    asked = [metric_of_text(text, "here") for text in texts_of(study)]
    assert asked == list(planned.sweep.after.compare)
    assert {"dsa", "weights", "behaviour", "svcca", "cka"} <= {m.name for m in asked}


def test_the_networks_are_those_of_one_condition_of_the_study(study):
    small = load(read_text(yaml.safe_dump(sweep_of(study, 5))), CATALOGUE)
    found = networks(small)
    whole = networks(load(read_text(yaml.safe_dump(study)), CATALOGUE))
    theirs = whole[study["networks"]].config
    assert len(found) == 5 and theirs.task.bits == 3
    for member in found:
        assert (member.config.network, member.config.task, member.config.rule) == (
            theirs.network, theirs.task, theirs.rule,
        )  # fmt: skip
        assert member.config.train.trials == 64
    assert small.sweep.after.sample == 5 and not small.sweep.after.compare
    assert small.sweep.after.trials == study["after"]["trials"]


def took(seconds, networks=50):
    return Took(networks, 128, seconds, {"dsa": 1225, "cka": 1225}, ("0.1", "2.0"))


@pytest.mark.parametrize(
    ("seconds", "missed", "words"),
    [
        (600.0, False, "15 min: within the limit"),
        (900.0, True, "15 min: **over the limit**"),
        (float("nan"), True, "15 min: **over the limit**"),
    ],
)
def test_the_limit_can_be_missed(seconds, missed, words):
    assert took(seconds).missed == missed
    assert words in report(took(seconds)) and "2,450" in report(took(seconds))


def test_fewer_networks_have_no_limit():
    assert "none of so few" in report(took(60.0, networks=3))
    assert not took(9000.0, networks=3).missed


def test_the_page_has_its_place_for_the_table():
    page = three_levels.PAGE.read_text()
    assert "new" in three_levels.replaced(page, "new", *three_levels.MARKS)
