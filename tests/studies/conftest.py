"""The made-up run that reports are drawn from."""

from helpers.recorded import fake_run, make_run

__all__ = ["fake_run", "make_run"]
