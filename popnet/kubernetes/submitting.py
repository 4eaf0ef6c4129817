"""Hands manifests to the user's own kubectl, with the rights that the user has."""

from __future__ import annotations

import shutil
import subprocess

from popnet.config import ConfigError


def submit(text: str, context: str | None = None, again: bool = False) -> list[str]:
    """Apply manifests; returns what kubectl says of each object.

    ``again`` deletes the objects first: a job that has ended does not run again.
    Raises ConfigError where there is no kubectl, or it refuses.
    """
    # a key that the cluster does not know is an error, not dropped
    words = ["apply", "--validate=true", "-f", "-"]
    # tried first: what would be refused leaves nothing behind
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
        raise ConfigError(f"kubectl {words[0]}: {_short(done.stderr)}")
    return done.stdout


def _short(said: str) -> str:
    """The two last lines, which say what is wrong; what comes before are retries."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return " ".join(line[:300] for line in lines[-2:]) or "it failed and said nothing"
