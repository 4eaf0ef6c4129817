"""popnet: train, perturb and compare populations of heterogeneous recurrent networks.

    import popnet as pn
    nets = pn.draw(task="dnms", networks=8, network={"tau_s": {"spread": 0.4}}, seed=7)
    nets = pn.train(nets, trials=2000)
    pn.evaluate(nets).accuracy_P
    run = pn.launch("configs/quickstart.yaml")

Names are loaded when first used: importing popnet imports neither Ray nor MLflow.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from popnet.import_path import put_installed_first

if TYPE_CHECKING:
    from popnet.api import Nets as Nets
    from popnet.api import compare as compare
    from popnet.api import draw as draw
    from popnet.api import evaluate as evaluate
    from popnet.api import fixed_points as fixed_points
    from popnet.api import launch as launch
    from popnet.api import perturb as perturb
    from popnet.api import record as record
    from popnet.api import train as train
    from popnet.catalogue import register as register
    from popnet.config import ConfigError as ConfigError
    from popnet.core.module import RateNetwork as RateNetwork
    from popnet.runs import open_run as open_run

__version__ = "0.1.0"

put_installed_first()

_HOMES = {
    **dict.fromkeys(
        (
            "Nets",
            "draw",
            "train",
            "evaluate",
            "perturb",
            "compare",
            "record",
            "fixed_points",
            "launch",
        ),
        "popnet.api",
    ),
    "ConfigError": "popnet.config",
    "RateNetwork": "popnet.core.module",
    "register": "popnet.catalogue",
    "open_run": "popnet.runs",
}

__all__ = [
    "ConfigError",
    "Nets",
    "RateNetwork",
    "compare",
    "draw",
    "evaluate",
    "fixed_points",
    "launch",
    "open_run",
    "perturb",
    "record",
    "register",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'popnet' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
