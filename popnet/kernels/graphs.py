"""A learning step recorded once on a GPU and then replayed.

A step in plain torch is thousands of small operations, each of which the CPU has to
start; a CUDA graph starts them all at once.  What a graph reads and writes has fixed
places, so its arguments are copied in and its results out.  A recording is made anew
when shapes change, as when networks of a population finish.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

Step = Callable[..., Any]
Recorder = Callable[[Callable[[], Any]], tuple[Callable[[], None], Any]]
"""Runs and records a function of no arguments: how to replay it, and its results."""
WARM_UP = 3
"""Runs before the recording, in which libraries set up what may not be recorded."""


def recording() -> bool:
    """Whether a GPU is recording now: no operation may wait for its result."""
    return torch.cuda.is_available() and torch.cuda.is_current_stream_capturing()


def tensors_in(tree: Any) -> list[Tensor]:
    """All tensors of nested tuples, dictionaries and None, in order."""
    if isinstance(tree, Tensor):
        return [tree]
    if isinstance(tree, Mapping):
        return [t for value in tree.values() for t in tensors_in(value)]
    if isinstance(tree, tuple):
        return [t for value in tree for t in tensors_in(value)]
    return []


def mapped(change: Callable[[Tensor], Tensor], tree: Any) -> Any:
    """The same tree with every tensor changed."""
    if isinstance(tree, Tensor):
        return change(tree)
    if isinstance(tree, Mapping):
        return {key: mapped(change, value) for key, value in tree.items()}
    if isinstance(tree, tuple):
        parts = [mapped(change, value) for value in tree]
        return type(tree)(*parts) if hasattr(tree, "_fields") else tuple(parts)
    return tree


def on_gpu(function: Callable[[], Any]) -> tuple[Callable[[], None], Any]:
    """Records as a CUDA graph."""
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(WARM_UP):
            function()
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        results = function()
    return graph.replay, results


class Recording:
    """A step of some shapes, recorded."""

    def __init__(
        self, step: Step, tensors: Any, fixed: tuple[Any, ...], record: Recorder
    ) -> None:
        self.places = mapped(torch.clone, tensors)
        self.replay, self.results = record(lambda: step(*self.places, *fixed))

    def __call__(self, tensors: Any) -> Any:
        """The step's results for other tensors of the same shapes."""
        pairs = zip(tensors_in(self.places), tensors_in(tensors), strict=True)
        for place, given in pairs:
            place.copy_(given)
        self.replay()
        return mapped(torch.clone, self.results)


_kept: dict[Any, Recording] = {}


def replayed(
    step: Step, tensors: Any, fixed: tuple[Any, ...], record: Recorder = on_gpu
) -> Any:
    """``step(*tensors, *fixed)``, by a recording of it.

    ``tensors``: a tuple of trees of tensors; ``fixed``: what stays the same, hashable.
    """
    shapes = tuple((t.shape, t.dtype, t.device) for t in tensors_in(tensors))
    key = (step, shapes, fixed, record)
    if key not in _kept:
        _kept.clear()  # populations train one after the other, and memory is short
        _kept[key] = Recording(step, tensors, fixed, record)
    return _kept[key](tensors)
