"""Epochs that can be made longer or shorter."""

from popnet.tasks import TASKS


def test_all_tasks_of_ours_that_can_be_solved_can_be_stretched():
    solved = {name for name, task in TASKS.own.items() if task.observe}
    assert solved == {n for n, task in TASKS.own.items() if task.settings.stretchable}
