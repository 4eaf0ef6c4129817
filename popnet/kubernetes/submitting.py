"""Applies manifests by the user's own kubectl, with the user's rights."""

from __future__ import annotations

import shutil
import subprocess

from popnet.config import ConfigError


def submit(text: str, context: str | None = None, again: bool = False) -> list[str]:
    """Apply manifests; return kubectl's line about each object.

    ``again`` deletes the objects first, since a job that has ended does not run again.
    Raises ConfigError when kubectl is not installed or refuses the manifests.
    """
    # validation: an unknown key is an error instead of being dropped
    words = ["apply", "--validate=true", "-f", "-"]
    # the dry run comes first, so that a refusal leaves nothing behind
    _kubectl(context, [*words, "--dry-run=server"], text)
    if again:
        _kubectl(context, ["delete", "--ignore-not-found", "-f", "-"], text)
    done = _kubectl(context, words, text)
    return [line for line in done.splitlines() if line.strip()]


def _kubectl(context: str | None, words: list[str], text: str) -> str:
    program = shutil.which("kubectl")
    if program is None:
        raise ConfigError(
            "kubectl is not installed here; install it, or apply what `popnet k8s "
            "render` writes where it is."
        )
    chosen = [] if context is None else [f"--context={context}"]
    done = subprocess.run(
        [program, *chosen, *words], input=text, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    if done.returncode:
        raise ConfigError(f"kubectl {words[0]}: {_last_lines(done.stderr)}")
    return done.stdout


def _last_lines(output: str) -> str:
    """Return the last two lines, which name the error; retries come before them."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return " ".join(line[:300] for line in lines[-2:]) or "it failed and said nothing"
