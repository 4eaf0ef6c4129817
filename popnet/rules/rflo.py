"""RFLO: random feedback local online learning, by plain gradient steps.

Murray, eLife 2019;8:e43299.  The published network filters its rates, and so does the
default here, ``network.form: rate``.  With a = dt / tau of each unit, its current
v(t) = W h(t) + W_in u(t) + b, psi = slope phi'(v), and B [O, N] drawn once from
N(0, feedback_scale^2 / O):

    h(t+1)      = (1 - a) h(t) + a phi(v(t)),    z = W_out h
    p_ij(t+1)   = (1 - a_i) p_ij(t) + a_i psi_i(t) h_j(t)
    dW_ij       = -rate sum_t (B' dL/dz(t))_i p_ij(t)

and so for W_in and b, with u_j(t) and 1 for h_j; W_out learns by its own gradient.  The
loss L is rule bptt's without penalties.  As in the published script the updates of a
trial are made at its end, from one trial; the script's rate of 0.03 is half of it here,
as its loss is half the mean square.

p needs a number per weight and trial.  Of updates made at the end only the sum is
wanted, and a filter per unit that runs backward gives the same sum, not an
approximation of it: see ``rules.local``.

With ``network.form: current`` psi stands outside the trace.  It is the same cut of the
same gradient, and then e-prop's (``rules.eprop``, random and sgd): RFLO's own are only
its B, its step and what it trains.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from popnet.config import PerNetwork
from popnet.core.cell import Cell, Params
from popnet.core.scoring import Score
from popnet.rules._descent import State, at_rest
from popnet.rules._local import Local, Part, learned, random_feedback
from popnet.rules._rule import Episode, Hyper, Outcome
from popnet.seeding import Seed


class RFLO(Local):
    """Defaults: the published script's, but a clip, which it has not."""

    at_start: ClassVar[tuple[str, ...]] = ("feedback_scale",)
    reference: ClassVar[str] = "Murray 2019, eLife 8:e43299"
    summary: ClassVar[str] = "RFLO: local traces, errors through random weights"
    example: ClassVar[dict[str, Any]] = {"learning_rate": 0.3, "batch_trials": 8}
    network_defaults: ClassVar[dict[str, Any]] = {
        "form": "rate",
        "readout": {"kind": "linear", "scale": 0.1},
        "clamped": {},
    }
    state_copies: ClassVar[int] = 1

    name: Literal["rflo"] = "rflo"  # type: ignore[assignment]
    feedback_scale: Annotated[
        float, PerNetwork, Field(ge=0, description="sd of B, times sqrt(O)")
    ] = 1.0
    learning_rate: Annotated[float, PerNetwork, Field(ge=0)] = 0.015
    batch_trials: Annotated[int, Field(ge=1, description="B, per step")] = 1
    trains: Annotated[
        tuple[Part, ...],
        Field(strict=False, min_length=1, description="what is trained"),
    ] = ("recurrent", "input", "readout")


def init(
    params: Params,
    settings: RFLO,
    hyper: Hyper,
    types: int,
    seeds: Sequence[Seed],
) -> State:
    """The feedback weights, drawn once."""
    assert params.wout_PON is not None
    sd_P = hyper["feedback_scale"] / params.wout_PON.shape[1] ** 0.5
    state = at_rest(params, [], adam=False)
    return state._replace(feedback_PON=random_feedback(params, sd_P, seeds))


def step(
    params: Params,
    state: State,
    episode: Episode,
    settings: RFLO,
    hyper: Hyper,
    cell: Cell,
    score: Score,
) -> tuple[Params, State, Outcome]:
    """A batch of trials and one step."""
    assert state.feedback_PON is not None
    return learned(
        params, state, episode, state.feedback_PON, settings, hyper, cell, score,
        adam=False,
    )  # fmt: skip
