"""The tasks, by the name a sweep file uses.  A new task: one file, one line here."""

from popnet.core.scoring import (
    close,
    decision,
    decision_after_silence,
    decision_and_size,
    decisions,
    fitted,
    last_class,
    squared,
    tracking,
)
from popnet.registry import Registry
from popnet.tasks import (
    delayed_discrimination,
    delayed_response,
    flipflop,
    integration,
    matching,
    memoryless,
    multisensory,
    n_back,
    neurogym,
    order,
    parametric_memory,
    path_integration,
    reaching,
    sines,
)
from popnet.tasks._trials import Task as Task
from popnet.tasks._trials import Trials as Trials

_match = (matching.draw, matching.observe, decision)
_integrate = (integration.draw, integration.observe, decision)
_memoryless = (memoryless.draw, memoryless.observe, decision)

TASKS: Registry[Task] = Registry(
    "tasks",
    Task,
    {
        "dnms": Task(matching.DNMS, *_match, fixed=True),
        "dms": Task(matching.DMS, *_match, fixed=True),
        "dnms_long": Task(matching.LongDNMS, *_match, fixed=True),
        "dnms_variable": Task(matching.VariableDNMS, *_match),
        "delayed_response": Task(
            delayed_response.DelayedResponse,
            delayed_response.draw,
            delayed_response.observe,
            decision,
            fixed=True,
        ),
        "order": Task(order.Order, order.draw, order.observe, decision, fixed=True),
        "n_back": Task(n_back.NBack, n_back.draw, n_back.observe, decisions),
        "parametric_memory": Task(
            parametric_memory.ParametricMemory,
            parametric_memory.draw,
            parametric_memory.observe,
            decision_after_silence,
            fixed=True,
        ),
        "xor": Task(memoryless.XOR, *_memoryless, fixed=True),
        "go_nogo": Task(memoryless.GoNoGo, *_memoryless, fixed=True),
        "perceptual_decision": Task(integration.PerceptualDecision, *_integrate),
        "selective_integration": Task(integration.SelectiveIntegration, *_integrate),
        "random_dots": Task(integration.RandomDots, *_integrate),
        "n_context": Task(integration.NContext, *_integrate),
        "multisensory": Task(
            multisensory.Multisensory,
            multisensory.draw,
            multisensory.observe,
            decision_after_silence,
        ),
        "flipflop": Task(
            flipflop.FlipFlop, flipflop.draw, flipflop.observe, squared(tracking)
        ),
        "delayed_discrimination": Task(
            delayed_discrimination.DelayedDiscrimination,
            delayed_discrimination.draw,
            delayed_discrimination.observe,
            squared(decision_and_size),
        ),
        "sines": Task(sines.Sines, sines.draw, sines.observe, close),
        "sum_of_sines": Task(
            sines.SumOfSines, sines.draw_sum, sines.observe_sum, fitted, fixed=True
        ),
        "path_integration": Task(
            path_integration.PathIntegration,
            path_integration.draw,
            path_integration.observe,
            close,
        ),
        "reaching": Task(
            reaching.Reaching, reaching.draw, reaching.observe, fitted, fixed=True
        ),
        "neurogym": Task(neurogym.NeuroGym, neurogym.draw, None, last_class),
    },
)
