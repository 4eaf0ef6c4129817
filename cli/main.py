"""The ``popnet`` command; it imports only typer, so ``popnet --help`` is instant."""

from __future__ import annotations

import atexit
import sys
from typing import Any, NoReturn

import typer

from . import (
    comparing,
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
    comparing.compare,
    comparing.sensitivity,
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


def run() -> int:
    """Run the command line and return its exit code."""
    if "--debug" in sys.argv:
        sys.argv.remove("--debug")
        shell.debugging = True
    try:
        code = app(standalone_mode=False)
    except UsageError as error:
        from popnet.config.address import without_secrets

        error.message = without_secrets(error.message)  # it quotes what was typed
        error.show()
        return shell.WRONG
    except typer.Abort:
        return shell.INTERRUPTED
    except SystemExit:  # typer's own, where --help was read as far as wanted
        return shell.DONE
    except OSError as error:  # of --help and the like; commands catch their own
        shell.say(f"popnet: the output cannot be written: {error.strerror}.")
        return shell.NOT_WRITTEN
    return code if isinstance(code, int) else shell.DONE


def main() -> NoReturn:
    """Run the command line as a process; ``--debug`` shows the traceback of an error.

    The process ends before C++ and Python take their libraries apart: one run in a
    hundred died there of a thread of Arrow's (apache/arrow, issue 34314) after all was
    done, and looking through torch's objects cost a second.
    """
    code = shell.SOME_FAILED  # of an exception that no command caught

    # the first registered is the last called: Ray and MLflow have ended when it is
    atexit.register(lambda: shell.leave(code))
    code = run()
    sys.exit(code)


if __name__ == "__main__":
    main()
