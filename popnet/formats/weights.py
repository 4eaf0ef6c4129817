"""The weights of one network, found among a file's arrays by their names.

N units, I inputs, O outputs.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from popnet.config import ConfigError
from popnet.formats.statements import Statements

Array = NDArray[np.float64]

NAMES: dict[str, tuple[str, ...]] = {
    "recurrent": ("recurrent", "W_rec", "w_rec", "weight_hh_l0"),
    "input": ("input", "W_in", "w_in", "weight_ih_l0"),
    "readout": ("readout", "W_out", "w_out", "readout.weight"),
    "readout_bias": ("b_out", "readout.bias"),
    "bias": ("bias", "b_rec", "bias_hh_l0"),
    "input_bias": ("bias_ih_l0",),
    "state": ("init_state",),
    "tau_s": ("tau_s",),
    "slope": ("slope",),
    "threshold": ("threshold",),
    "feedback": ("feedback",),
}
"""The names under which popnet, PsychRNN and torch.nn.RNN keep each array."""
INITIAL = ("W_rec_initial", "w_rec_initial", "recurrent_initial")
"""Names of recurrent weights before training, in a file without stages."""
FOLDED_IN = {
    "Dale_rec", "Dale_out", "input_connectivity", "rec_connectivity",
    "output_connectivity", "dale_ratio", "transfer_function", "mask", "sign",
    "settings",
}  # fmt: skip
"""Known keys that change nothing: PsychRNN and popnet keep weights with their masks and
signs applied."""
SHAPES = {
    "recurrent": "NN", "input": "NI", "readout": "ON", "readout_bias": "O",
    "bias": "N", "input_bias": "N", "state": "N", "tau_s": "N", "slope": "N",
    "threshold": "N", "feedback": "NO",
}  # fmt: skip


class WeightArrays(NamedTuple):
    """The arrays of one network, weights as [post, pre]; None: not in its file."""

    recurrent: Array
    input: Array | None = None
    readout: Array | None = None
    readout_bias: Array | None = None
    bias: Array | None = None
    input_bias: Array | None = None
    state: Array | None = None
    tau_s: Array | None = None
    slope: Array | None = None
    threshold: Array | None = None
    feedback: Array | None = None


class FoundWeights(NamedTuple):
    """The weights in a file, and the keys that have no known meaning."""

    final: WeightArrays
    initial: WeightArrays | None
    unknown: tuple[str, ...]


def find_weights(
    arrays: Mapping[str, NDArray[Any]], stated: Statements, path: Path
) -> FoundWeights | None:
    """Find a network's weights among the arrays of its file; None where it has none.

    Raises ConfigError, naming file, key, shape given and allowed, when one is unfit.
    """
    final, used = _stage(arrays, stated, path, "final.")
    if final is None:
        return None
    _check_names(arrays, stated, path)
    before, of_before = _stage(arrays, stated, path, "initial.")
    key = stated.names.initial
    for name in (key,) if key else INITIAL:
        if name in arrays:
            w_NN = _fit("recurrent", name, arrays[name], stated, path)
            if w_NN.shape != final.recurrent.shape:
                raise _misfit(path, name, w_NN.shape, str(final.recurrent.shape))
            before, of_before = final._replace(recurrent=w_NN), {name}
    known = used | of_before | FOLDED_IN | {stated.names.rates or "rates"}
    unknown = [
        key
        for key in arrays
        if key not in known and key.rpartition(".")[2] not in FOLDED_IN
    ]
    return FoundWeights(final, before, tuple(sorted(unknown)))


def _check_names(
    arrays: Mapping[str, NDArray[Any]], stated: Statements, path: Path
) -> None:
    """Refuse a name of compare.yaml that a file with weights does not have."""
    for role, key in stated.names:
        if key is not None and role != "rates" and key not in arrays:
            raise ConfigError(
                f"{path}: no array {key!r}, which compare.yaml names as {role}; it "
                f"has: {', '.join(list(arrays)[:8])}."
            )


def _stage(
    arrays: Mapping[str, NDArray[Any]], stated: Statements, path: Path, prefix: str
) -> tuple[WeightArrays | None, set[str]]:
    """Return the weights whose keys begin with a prefix, and these keys.

    The weights after training also have keys without it.
    """
    keys = {
        role: key
        for role in NAMES
        if (key := _key(arrays, role, stated, path, prefix)) is not None
    }
    if "recurrent" not in keys:
        return None, set()
    found = {r: _fit(r, key, arrays[key], stated, path) for r, key in keys.items()}
    _check_sizes(found, keys, path)
    return WeightArrays(**found), set(keys.values())


def _key(
    arrays: Mapping[str, NDArray[Any]],
    role: str,
    stated: Statements,
    path: Path,
    prefix: str,
) -> str | None:
    """Return the key of a role's array; None where the file has none."""
    named = getattr(stated.names, role, None) if prefix == "final." else None
    if named is not None:
        return named if named in arrays else None
    staged = [f"{prefix}{name}" for name in NAMES[role]]
    wanted = staged if prefix == "initial." else [*staged, *NAMES[role]]
    hits = [name for name in wanted if name in arrays]
    if not hits and prefix == "final.":  # a module's name may stand before
        ends = tuple(f".{name}" for name in NAMES[role])
        hits = [k for k in arrays if k.endswith(ends) and not k.startswith("initial.")]
    if len(hits) > 1:
        raise ConfigError(
            f"{path}: {', '.join(hits[:4])} may each be the {role} array; say which in "
            f"compare.yaml (names: {{{role}: ...}})."
        )
    return hits[0] if hits else None


def _fit(
    role: str, key: str, given: NDArray[Any], stated: Statements, path: Path
) -> Array:
    """Return an array in float64, weights as [post, pre]."""
    array = np.asarray(given, dtype=np.float64)
    if len(SHAPES[role]) == 1:
        if array.ndim == 2 and 1 in array.shape:  # PsychRNN: (1, N)
            array = array.ravel()
        if array.ndim != 1:
            raise _misfit(path, key, array.shape, f"({SHAPES[role]},)")
        return array
    letters = ", ".join(SHAPES[role])
    if array.ndim != 2 or not array.size:
        raise _misfit(path, key, array.shape, f"({letters})")
    if role == "recurrent" and array.shape[0] != array.shape[1]:
        gated = " (cells with gates cannot be compared)" * (
            array.shape[0] in (3 * array.shape[1], 4 * array.shape[1])
        )
        raise _misfit(path, key, array.shape, f"({letters}){gated}")
    return array.T.copy() if stated.weights == "pre_post" else array


def _check_sizes(found: Mapping[str, Array], keys: dict[str, str], path: Path) -> None:
    """Refuse arrays that do not go with the recurrent weights or the readout."""
    sizes = {"N": len(found["recurrent"])}
    if "readout" in found:
        sizes["O"] = len(found["readout"])
    for role, array in found.items():
        wanted = tuple(sizes.get(letter) for letter in SHAPES[role])
        fits = all(w in (None, n) for w, n in zip(wanted, array.shape, strict=True))
        if not fits:
            letters = zip(SHAPES[role], wanted, strict=True)
            shape = ", ".join(letter if w is None else str(w) for letter, w in letters)
            comma = "," * (len(SHAPES[role]) == 1)
            raise _misfit(path, keys[role], array.shape, f"({shape}{comma})")
    for lacking, having in (("readout", "readout_bias"), ("readout", "feedback")):
        if having in found and lacking not in found:
            raise ConfigError(
                f"{path}: has {keys[having]} but no {lacking} weights "
                f"({', '.join(NAMES[lacking])})."
            )


def _misfit(path: Path, key: str, shape: tuple[int, ...], allowed: str) -> ConfigError:
    return ConfigError(f"{path}: {key} has shape {shape}; expected {allowed}.")
