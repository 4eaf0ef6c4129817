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
    multisensory,
    n_back,
    neurogym,
    order,
    parametric_memory,
    path_integration,
    patterns,
    reaching,
    selective_integration,
    sines,
)
from popnet.tasks._trials import Task as Task
from popnet.tasks._trials import Trials as Trials

_match = (matching.draw, matching.observe, decision)
_integrate = (integration.draw, integration.observe, decision)
_patterns = (patterns.draw, patterns.observe, decision)

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
        "xor": Task(patterns.XOR, *_patterns, fixed=True),
        "xor_delayed": Task(patterns.DelayedXOR, *_patterns, fixed=True),
        "go_nogo": Task(patterns.GoNoGo, *_patterns, fixed=True),
        "go_nogo_delayed": Task(patterns.DelayedGoNoGo, *_patterns, fixed=True),
        "perceptual_decision": Task(
            selective_integration.PerceptualDecision, *_integrate
        ),
        "perceptual_decision_ongoing": Task(
            selective_integration.OngoingPerceptualDecision, *_integrate
        ),
        "perceptual_decision_delayed": Task(
            selective_integration.DelayedPerceptualDecision, *_integrate
        ),
        "selective_integration": Task(
            selective_integration.SelectiveIntegration, *_integrate
        ),
        "selective_integration_ongoing": Task(
            selective_integration.OngoingSelectiveIntegration, *_integrate
        ),
        "selective_integration_delayed": Task(
            selective_integration.DelayedSelectiveIntegration, *_integrate
        ),
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
