"""Made-up networks, and changes of two networks that a metric may see or not.

B trials, S scored steps, K trial types, T time steps, N units.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from popnet.metrics import Subject
from popnet.testing.networks_at_rest import (
    made_at_rest,
    renamed,
    reweighted,
    sign_flipped,
)

UNITS, FIXED = 14, (0, 3)
TRIALS, STEPS = 8, 12
ARRAYS = [field for field in Subject._fields if field != "fixed_units"]
"""The arrays, and the network at rest, of which ``changed`` changes the weights."""

Pair = tuple[Subject, Subject]


def made_up(seed: int, fixed: tuple[int, ...] = FIXED) -> Subject:
    """A network as arrays, all of them random."""
    random = np.random.default_rng(seed)
    w_NN, initial_NN = random.standard_normal((2, UNITS, UNITS)).astype(np.float32)
    response = np.tanh(random.standard_normal((8, 20))).astype(np.float32)
    drawn, trained = np.tanh(
        random.standard_normal((2, 3, 12, UNITS)), dtype=np.float32
    )
    input_BTI = random.standard_normal((TRIALS, STEPS, 2)).astype(np.float32)
    runs = [_run(random, w, input_BTI) for w in (initial_NN, w_NN, w_NN)]
    return Subject(
        fixed, initial_NN, w_NN, response, drawn, trained,
        input_BTI, runs[0], runs[1], runs[2], made_at_rest(random, UNITS),
    )  # fmt: skip


def _run(
    random: np.random.Generator, w_NN: NDArray[np.float32], input_BTI: NDArray[Any]
) -> NDArray[np.float32]:
    """Rates [B, T, N] of a noisy network with these weights, driven by the inputs."""
    win_NI = random.standard_normal((UNITS, input_BTI.shape[-1]))
    x_BN = random.standard_normal((TRIALS, UNITS))
    rates = []
    for step in range(STEPS):
        noise_BN = 0.3 * random.standard_normal((TRIALS, UNITS))
        drive_BN = input_BTI[:, step] @ win_NI.T + noise_BN
        x_BN = np.tanh(0.9 * x_BN @ w_NN.T / np.sqrt(UNITS) + 0.3 * drive_BN)
        rates.append(x_BN)
    return np.stack(rates, 1).astype(np.float32)


def near(one: Subject, seed: int, size: float = 0.1) -> Subject:
    """A network close to another one, so that the labels' best match is clear."""
    other = made_up(seed)
    return changed(one, ARRAYS, lambda a, b: a + np.float32(size) * b, other)


class Transform(NamedTuple):
    """A change of one or both of two networks."""

    fields: tuple[str, ...]
    """The arrays that change."""
    hidden_by: tuple[str, ...]
    """The invariances of which each makes it unseen."""
    apply: Callable[[Subject, Subject], Pair]


def changed(
    one: Subject, fields: Sequence[str], change: Callable[..., Any], *others: Subject
) -> Subject:
    """The network with some of its arrays changed, beside those of the others."""
    made = {}
    for field in fields:
        held = [getattr(subject, field) for subject in (one, *others)]
        made[field] = reweighted(change, *held) if field == "rest" else change(*held)
    return one._replace(**made)


def relabelled(one: Subject) -> Subject:
    """The network with other labels of its hidden units."""
    labels = np.arange(UNITS)
    free = [i for i in range(UNITS) if i not in FIXED]
    labels[free] = np.random.default_rng(3).permutation(free)
    one = changed(one, WIRES, lambda w_NN: w_NN[np.ix_(labels, labels)])
    one = changed(one, RATES, lambda rates_KTN: rates_KTN[..., labels])
    assert one.rest is not None
    return one._replace(rest=renamed(one.rest, labels))


def _sign_flipped(one: Subject) -> Subject:
    sign = np.where(np.arange(UNITS) % 2 == 0, 1, -1).astype(np.float32)
    one = changed(one, WIRES, lambda w_NN: sign[:, None] * w_NN * sign)
    one = changed(one, RATES, lambda rates_KTN: rates_KTN * sign)
    assert one.rest is not None
    return one._replace(rest=sign_flipped(one.rest, sign))


def _of_one(
    fields: tuple[str, ...], hidden_by: tuple[str, ...], change: Callable[[Any], Any]
) -> Transform:
    return Transform(fields, hidden_by, lambda a, b: (changed(a, fields, change), b))


def _of_both(
    fields: tuple[str, ...], hidden_by: tuple[str, ...], change: Callable[[Any], Any]
) -> Transform:
    return Transform(
        fields,
        hidden_by,
        lambda a, b: (changed(a, fields, change), changed(b, fields, change)),
    )


WIRES, RATES, ANSWERS = (
    tuple(field for field in ARRAYS if field.endswith(ending))
    for ending in ("_NN", ("_KTN", "_BTN"), "response")
)
_ROTATION = np.linalg.qr(np.random.default_rng(4).standard_normal((UNITS, UNITS)))[0]
_STEPS = np.random.default_rng(5).permutation(12)
MOVED = (*RATES, "input_BTI")
"""What is moved where trials or steps are: the inputs go with the rates."""
EVERY_UNIT = (*WIRES, *RATES, "rest")
LABELS = ("relabelling", "rotation")
COMMON = ("common scale", "scale")
TRANSFORMS: dict[str, Transform] = {
    "hidden units of one relabelled": Transform(
        EVERY_UNIT, LABELS, lambda a, b: (relabelled(a), b)
    ),
    "hidden units of the other relabelled": Transform(
        EVERY_UNIT, LABELS, lambda a, b: (a, relabelled(b))
    ),
    "hidden units of one sign-flipped": Transform(
        EVERY_UNIT, ("sign", "rotation"), lambda a, b: (_sign_flipped(a), b)
    ),
    "recurrent weights of both scaled": _of_both(WIRES, COMMON, lambda w: 4 * w),
    "recurrent weights of one scaled": _of_one(WIRES, ("scale",), lambda w: 2 * w),
    "recurrent weights of one transposed": _of_one(
        WIRES, ("transposition",), lambda w: w.T
    ),
    "recurrent weights at rest of one scaled": _of_one(
        ("rest",), ("scale",), lambda w: 3 * w
    ),
    "response of one shifted": _of_one(
        ANSWERS, ("shift",), lambda x: x + np.float32(0.5)
    ),
    "response of both shifted": _of_both(
        ANSWERS, ("shift", "common shift"), lambda x: x + np.float32(0.5)
    ),
    "response of one scaled": _of_one(ANSWERS, ("scale",), lambda x: 2 * x),
    "response of both scaled": _of_both(ANSWERS, COMMON, lambda x: 2 * x),
    "trials of one reordered": _of_one(ANSWERS, ("reordering",), lambda x: x[::-1]),
    "trials of both reordered": _of_both(
        ANSWERS, ("reordering", "common reordering"), lambda x: x[::-1]
    ),
    "activity of one rotated": _of_one(RATES, ("rotation",), lambda x: x @ _ROTATION),
    "activity of one shifted": _of_one(
        RATES, ("shift",), lambda x: x + np.arange(UNITS)
    ),
    "activity of one scaled": _of_one(RATES, ("scale",), lambda x: 3 * x),
    "activity of both scaled": _of_both(RATES, COMMON, lambda x: 3 * x),
    "activity of one stretched along some units": _of_one(
        RATES, ("stretching",), lambda x: x * np.linspace(0.2, 3, UNITS)
    ),
    "types of one exchanged": _of_one(
        MOVED, ("reordering", "trial order"), lambda x: x[::-1]
    ),
    "types of both exchanged": _of_both(
        MOVED, ("reordering", "common reordering", "trial order"), lambda x: x[::-1]
    ),
    "steps of both reordered": _of_both(
        MOVED, ("reordering", "common reordering"), lambda x: x[:, _STEPS]
    ),
    "time of one turned around": _of_one(
        MOVED, ("reordering", "time reversal"), lambda x: x[:, ::-1]
    ),
}
"""Transformations that a metric notices unless it declares an invariance."""
