"""The rows of CPU time: popnet, what it is held against, floors and aims.

Alternatives take one network after the other, so that their speed does not depend on
how many there are.
"""

from __future__ import annotations

from statistics import median
from typing import Any

from case import PRODUCT, Case, Claim, Products, timed, untimed, within
from processes import Side
from root_finding import ASKED_S, in_a_new_process
from table import Row, number
from timing import Effort, Ratio


def loop(name: str, trace: str, **settings: Any) -> Side:
    """Reward-modulated Hebbian learning in NumPy."""
    settings = {"trace": trace, **settings}
    return Side(f"NumPy float64, {name}", "today_numpy:hebbian", settings)


OUTER = "outer product at each step"
CUBES = loop(OUTER, "cube")
NODES = loop(OUTER, "node_perturbation")
CUBES_DRAWING = loop(OUTER, "cube", drawing=True)
CLEVER = loop("one matrix product a trial", "product")


def hebbian(what: str, networks: int, *claims: Claim, **settings: Any) -> Case:
    """N = 200, T = 1,000.  80 MFLOP of matrix times vector and 80 of trace."""
    own = Side("popnet", "ours_hebbian:learning", {"networks": networks, **settings})
    title = f"reward_hebbian{what}: N = 200, T = 1,000, P = {networks}"
    return timed(title, "trials", own, claims, 0.160, slow=networks > 100)


HEBBIAN = [
    hebbian("", 1, Claim(CUBES, 40, 60), Claim(PRODUCT, 0.35, 0.5)),
    hebbian("", 16, Claim(CUBES, 40, 60), Claim(CLEVER), Claim(PRODUCT, 0.35, 0.5)),
    hebbian("", 128, Claim(CUBES, 40, 60), Claim(PRODUCT, 0.35, 0.5)),
    hebbian(", node_perturbation", 16, Claim(NODES), preset="node_perturbation"),
    hebbian(" with drawing and criterion", 16, Claim(CUBES_DRAWING), drawing=True),
]

ONE_BY_ONE = "today_torch:one_by_one"
RNN = Side("nn.RNN, autograd, Adam, one by one", ONE_BY_ONE)
RNN_DRAWING = Side(RNN.name, ONE_BY_ONE, {"drawing": True})
LEAKY = {"leaky": True}
LOOP = Side("a loop over time in torch, autograd, Adam, one by one", ONE_BY_ONE, LEAKY)
VMAP = Side("torch.func: vmap over grad, all at once", "today_torch:at_once")


def bptt(
    n: int, batch: int, networks: int, *claims: Claim, drawing: bool = False,
    slow: bool = False,
) -> Case:  # fmt: skip
    """T = 100; useful work: 6 N^2 B T."""
    size = {"n": n, "batch": batch, "networks": networks}
    own = Side("popnet", "ours_bptt:learning", {**size, "drawing": drawing})
    what = " with drawing and criterion" if drawing else ""
    title = f"bptt{what}: N = {n}, B = {batch}, T = 100, P = {networks}"
    work = 6 * n * n * batch * 100 / 1e9
    return timed(title, "steps", own, claims, work, slow)


def plain(n: int, batch: int, networks: int) -> Side:
    """popnet itself, without its kernels."""
    size = {"n": n, "batch": batch, "networks": networks}
    return Side("popnet's plain torch, all at once", "ours_bptt:stacked", size)


BPTT = [
    bptt(
        64, 32, 8, Claim(RNN, 15, 25), Claim(LOOP), Claim(VMAP),
        Claim(plain(64, 32, 8)), Claim(PRODUCT),
    ),
    bptt(64, 32, 32, Claim(RNN, 15, 25), slow=True),
    bptt(128, 128, 4, Claim(RNN, 3.5, 5), Claim(PRODUCT)),
    bptt(64, 32, 8, Claim(RNN_DRAWING), drawing=True),
]  # fmt: skip


def rls(name: str, way: str, **settings: Any) -> Side:
    """FORCE in NumPy."""
    settings = {"way": way, **settings}
    return Side(f"NumPy float64, {name}", "today_force:force", settings)


TEXT = "P -= c * np.outer(k, k)"
COMMON = rls(TEXT, "common")
PLOTTING = rls(f"{TEXT}, matplotlib loaded", "common", also="matplotlib.pyplot")
NEW_P = rls("P = P - np.outer(k, k) * c", "outer")
IN_PLACE = rls("P -= np.outer(k, c * k)", "in_place")
DGER = rls("P by BLAS (dger) in place", "dger")
FORCE = timed(
    "force: N = 200, an update at each step, P = 1", "steps",
    Side("popnet", "ours_force:learning", {"units": 200}),
    [
        Claim(COMMON), Claim(PLOTTING), Claim(NEW_P, 12, 14), Claim(IN_PLACE),
        Claim(DGER),
    ],
)  # fmt: skip


def frozen(title: str, drawing: bool, floor: Any = None, aim: Any = None) -> Case:
    """100 trials of 1,000 steps at each of 6 levels."""
    settings = {"drawing": drawing}
    own = Side("popnet", "ours_testing:testing", settings)
    name = "torch eager, 100 trials at once"
    eager = Side(name, "today_testing:testing", settings)
    return timed(title, "trials", own, [Claim(eager, floor, aim)], slow=not drawing)


ACTIVE = Side("the same network, active", "ours_hebbian:fading", {"gain": 1.5})
TESTING = [
    frozen(
        "a frozen network: 6 levels of a perturbation, impulses on, N = 200, T = 1,000",
        True, 4, 8,
    ),
    frozen("the same without impulses, everything drawn beforehand", False),
    timed(
        "reward_hebbian, a network whose activity dies away", "trials",
        Side("popnet", "ours_hebbian:fading", {"gain": 0.1}),
        [Claim(ACTIVE, 1 / 1.1, 1 / 1.05)],
    ),
]  # fmt: skip

PAIRS = "representations:pair_by_pair"
COMPARING = timed(
    "linear CKA of all pairs of 50 networks: N = 128, 512 samples", "pairs",
    Side("popnet", "representations:at_once"),
    [
        Claim(Side("NumPy float32, the formula pair by pair", PAIRS), 5, 10),
        Claim(Side("NumPy float32, each network's norm once", PAIRS, {"norms": True})),
    ],
)  # fmt: skip

SEARCH = "root_finding:one_by_one"
LM = Side("scipy root, lm, one start after the other", SEARCH)
LM_DERIVATIVE = Side(
    "the same with the analytic derivative", SEARCH, {"derivative": True}
)
ROOTS = timed(
    "fixed points of a network: N = 64, gain 1.2, 100 starts", "starts",
    Side("popnet", "root_finding:at_once", {"gain": 1.2}),
    [Claim(LM, 10, 20), Claim(LM_DERIVATIVE)],
)  # fmt: skip


def all_roots(effort: Effort, products: Products) -> list[Row]:  # noqa: ARG001
    """Wall time, on all cores; what was asked for is a minute."""
    many_s = [in_a_new_process() for _ in range(1 if effort.rounds < 9 else 3)]
    shares = [ASKED_S / seconds for seconds in many_s]
    found = Ratio(median(shares), min(shares), max(shares))
    shown = f"{number(median(many_s))} s", "asked for", f"{ASKED_S:.0f} s"
    return [Row(ALL_ROOTS, *shown, found, 1, 2)]


ALL_ROOTS = "fixed points, N = 64: 50 networks x 11 inputs x 100 starts, wall time"
SWEEP = Case(ALL_ROOTS, all_roots, slow=True)

FIFTY = "50 networks of 64 units, 5 delays, rank 20"
PACKAGE = "dsa-metric"
DYNAMICS = [
    timed(
        f"DSA, the fit: {FIFTY}", "networks", Side("popnet", "dynamics:fitted"),
        [Claim(Side(PACKAGE, "today_dynamics:fitted"))],
    ),
    timed(
        f"DSA, all 1,225 pairs: {FIFTY}", "pairs",
        Side("popnet", "dynamics:aligned"),
        [Claim(Side(f"{PACKAGE}, 1 search", "today_dynamics:aligned"), 20, 40)],
        slow=True,
    ),
    # its floor would be 2
    untimed("DSA, rotations alone", "fastDSA: not on the package index"),
    timed(
        f"InputDSA, all 1,225 pairs: {FIFTY}", "pairs",
        Side("popnet", "dynamics:driven"),
        [Claim(Side(PACKAGE, "today_dynamics:driven"))],
    ),
    within(
        "InputDSA, 1,225 pairs after the fits", 1225, 2.0,
        Side("popnet", "dynamics:driven"),
    ),
]  # fmt: skip

CASES = [*HEBBIAN, *BPTT, FORCE, *TESTING, COMPARING, *DYNAMICS, ROOTS, SWEEP]
