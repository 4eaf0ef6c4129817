"""The tasks, by the name a sweep file uses.  A new task: one file, one line here."""

from popnet.core.scoring import decision, tracking
from popnet.tasks import delayed_response, flipflop, matching
from popnet.tasks.trials import Task as Task
from popnet.tasks.trials import Trials as Trials

_match = (matching.draw, matching.observe, decision)

TASKS: dict[str, Task] = {
    "dnms": Task(matching.DNMS, *_match),
    "dms": Task(matching.DMS, *_match),
    "dnms_long": Task(matching.LongDNMS, *_match),
    "dnms_variable": Task(matching.VariableDNMS, *_match),
    "delayed_response": Task(
        delayed_response.DelayedResponse,
        delayed_response.draw,
        delayed_response.observe,
        decision,
    ),
    "flipflop": Task(flipflop.FlipFlop, flipflop.draw, flipflop.observe, tracking),
}
