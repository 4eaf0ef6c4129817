"""A backend that fails, or whose process dies, at one of its operations."""

import errno
from contextlib import contextmanager


class Killed(BaseException):
    """The process is gone: nothing that it would do afterwards happens."""


class Failing:
    """A backend whose ``kth`` operation fails: before it is done, or once it is.

    ``dies``: from then on no operation does anything, as after kill -9; otherwise the
    disk is full for that one operation.
    """

    def __init__(self, backend, kth, dies=False, after=False):
        self.backend, self.kth, self.dies, self.after = backend, kth, dies, after
        self.count, self.dead, self.done = 0, False, []

    def _do(self, name, *args):
        if self.dead:
            raise Killed
        self.count += 1
        mine = self.count == self.kth
        if not mine or self.after:
            result = getattr(self.backend, name)(*args)
        self.done.append((name, *args[-1:]))
        if mine:
            self.dead = self.dies
            raise Killed if self.dies else OSError(errno.ENOSPC, "No space left")
        return result

    @property
    def address(self):
        return self.backend.address

    def at(self, name):
        return self.backend.at(name)

    def each(self, do, items):
        return [do(item) for item in items]

    @contextmanager
    def draft(self):
        self._do("listed", "index")  # as good as any: here it may fail
        with self.backend.draft() as draft:
            yield draft

    @contextmanager
    def lock(self):
        self._do("listed", "index")
        with self.backend.lock():
            yield


for name in ("listed", "read", "open", "put", "move", "remove", "tidy"):

    def _method(self, *args, _name=name):
        return self._do(_name, *args)

    setattr(Failing, name, _method)
