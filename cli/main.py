"""The ``popnet`` command; it imports only typer, so ``popnet --help`` is instant."""

from __future__ import annotations

import gc
import sys
from typing import Any

import typer

from . import (
    inspection,
    kubernetes,
    launching,
    making,
    registries,
    serving,
    shell,
    study,
)

UsageError: Any = typer.BadParameter.__mro__[1]
"""The exception that typer raises for an unknown option."""

app = typer.Typer(
    name="popnet",
    help="Train, perturb and compare populations of heterogeneous recurrent networks."
    "  --debug, anywhere, shows the traceback of an error.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

for command in (
    making.init,
    launching.plan,
    launching.launch,
    study.study,
    inspection.status,
    inspection.show,
    making.retrain,
    making.export,
    serving.report,
    serving.sync,
    serving.ui,
    registries.tasks,
    registries.rules,
    registries.perturbations,
    registries.measures,
    registries.metrics,
    serving.doctor,
):
    app.command()(command)
app.add_typer(kubernetes.app)


def main() -> None:
    """Run the command line; ``--debug``, anywhere, shows the traceback of an error."""
    if "--debug" in sys.argv:
        sys.argv.remove("--debug")
        shell.debugging = True
    try:
        code = app(standalone_mode=False)
    except UsageError as error:
        from popnet.config.address import without_secrets

        error.message = without_secrets(error.message)  # it quotes what was typed
        error.show()
        sys.exit(shell.WRONG)
    except typer.Abort:
        sys.exit(shell.INTERRUPTED)
    gc.freeze()  # else Python looks through all of torch's objects as it ends: a second
    sys.exit(code if isinstance(code, int) else shell.DONE)


if __name__ == "__main__":
    main()
