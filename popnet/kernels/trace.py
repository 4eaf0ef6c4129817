"""The factors of the trace of reward-modulated learning, compiled.

The same mathematics as ``rules._trace`` in float32, sample by sample.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from popnet.kernels.compiling import compiled

TRACES = {"cube": 0, "signed_square": 1, "node_perturbation": 2}


class TraceOf(NamedTuple):
    """The kind of trace, and the samples of which it is the sum."""

    kind: int
    decay: np.float32
    """Of the running mean of x, from sample to sample."""
    steps: int
    per_step: int
    skip: int
    """These three: ``rules._trace.Samples``."""
    interval_ms: np.float32


def trace_of(kind: str, samples: Any, decay_per_ms: float) -> TraceOf:
    """The trace over ``samples``, of ``rules._trace.Samples``."""
    between_ms = samples.interval_ms
    return TraceOf(
        TRACES[kind], np.float32(decay_per_ms**between_ms), samples.steps,
        samples.per_step, samples.skip, np.float32(between_ms),
    )  # fmt: skip


@compiled
def _within_step(
    of: TraceOf, number: int, a: Any, impulses: Any, before: Any, x: Any, xbar: Any,
    post: Any,
) -> None:  # fmt: skip
    """S(d) of the samples of a step but its last, from sample ``number`` on."""
    keep = np.float32(1) - of.decay
    for part in range(1, of.per_step):
        share = np.float32(part) / np.float32(of.per_step)
        counts = number + part > of.skip
        for i in range(x.shape[0]):
            start = before[i] + a[i] * impulses[i]
            now = start + share * (x[i] - start)
            d = now - xbar[i]
            if counts:
                post[i] += d * abs(d) if of.kind == 1 else d * d * d
            xbar[i] = of.decay * xbar[i] + keep * now


@compiled
def factors(
    of: TraceOf, row: int, a: Any, impulses: Any, before: Any, x: Any, xbar: Any,
    r: Any, post: Any, pre: Any,
) -> None:  # fmt: skip
    """S(d), S(r) of a row of samples, and the running mean of x after it."""
    keep = np.float32(1) - of.decay
    post[:] = 0
    _within_step(of, row * of.per_step, a, impulses, before, x, xbar, post)
    counts = np.float32(1) if (row + 1) * of.per_step > of.skip else np.float32(0)
    if of.kind == 2:
        for i in range(x.shape[0]):
            post[i] = counts * (of.interval_ms * impulses[i])
            pre[i] = r[i]
    elif of.kind == 1:
        for i in range(x.shape[0]):
            d = x[i] - xbar[i]
            post[i] += counts * (d * abs(d))
            pre[i] = r[i] * abs(r[i])
    else:
        for i in range(x.shape[0]):
            d = x[i] - xbar[i]
            post[i] += counts * (d * d * d)
            pre[i] = r[i] * r[i] * r[i]
    for i in range(x.shape[0]):
        xbar[i] = of.decay * xbar[i] + keep * x[i]
