"""The ``popnet`` command; it imports only typer, so ``popnet --help`` is instant."""

from __future__ import annotations

import sys

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
    app()


if __name__ == "__main__":
    main()
