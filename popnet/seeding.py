"""Named random streams, which make each network's randomness reproducible alone.

A stream's name is (sweep seed, network index, purpose); its 128-bit Philox key is a
hash of the name, so no two names share a stream (up to 2^-64 by the birthday bound).
A counter, such as a trial's number, selects a place in the stream: nothing has to be
carried from trial to trial, and a killed run resumes at any trial.  The condition is
not in the name: network i of every condition starts from the same draws (a paired
design).
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from operator import index
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Seed(NamedTuple):
    """The seed of a network: the sweep's seed and the network's number in it."""

    sweep: int
    number: int

    def stream(self, purpose: str, counter: int = 0) -> np.random.Generator:
        """Return this network's random stream for one purpose, at one counter."""
        return stream(self.sweep, self.number, purpose, counter=counter)

    def replicate(self, number: int) -> Seed:
        """Return the seed of another training of the same network; 0: of its first.

        Trials, noise and impulses of that training have streams of their own; the
        network starts as it was drawn from this seed.
        """
        if number == 0:
            return self
        return Seed(philox_key(self.sweep, "replicate", number), self.number)


def philox_key(*names: str | int) -> int:
    """Return the 128-bit Philox key of a stream's name.

    A number names the stream of its value, whatever its type.
    """
    plain = tuple(n if isinstance(n, str) else index(n) for n in names)
    digest = blake2b(repr(plain).encode(), digest_size=16).digest()
    return int.from_bytes(digest, "little")


class _Key(np.random.bit_generator.ISeedSequence):
    """Passes a key to Philox as a seed.

    When Philox gets a key as such, numpy first draws a seed from the system's entropy
    and then does not use it, at five times the cost.
    """

    def __init__(self, words: NDArray[np.uint64]) -> None:
        self.words = words

    def generate_state(self, n_words: int, dtype: Any = np.uint64) -> Any:
        """Return the key."""
        del n_words, dtype  # Philox asks for two words of 64 bits
        return self.words


def keyed(words: NDArray[np.uint64], counter: int = 0) -> np.random.Generator:
    """Return Philox with a key of two words, at a counter (its highest 64-bit word)."""
    place = np.array([0, 0, 0, counter], dtype=np.uint64)
    key: Any = _Key(words)  # numpy's stubs do not know that any seed sequence will do
    return np.random.Generator(np.random.Philox(key, counter=place))


@lru_cache(maxsize=65_536)
def _words(*names: str | int) -> NDArray[np.uint64]:
    key = philox_key(*names).to_bytes(16, "little")
    return np.frombuffer(key, dtype="<u8").astype(np.uint64)


def stream(*names: str | int, counter: int = 0) -> np.random.Generator:
    """Return the random stream with this name, at a counter (its highest 64-bit word).

    Each counter has 2^192 draws of its own.  Philox: Salmon et al., SC 2011.
    """
    return keyed(_words(*names), counter)
