"""Reads a folder of networks or recordings of other programs.

B trials, T steps, N units, I inputs.
"""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from popnet.config import ConfigError
from popnet.formats.arrays import ReadArrays, in_order, read_arrays, trials_of
from popnet.formats.statements import (
    ASSUMED_NONLINEARITY,
    STATEMENTS,
    Statements,
    read_statements,
)
from popnet.formats.subjects import Common, subject_of_file
from popnet.formats.weights import FoundWeights, find_weights
from popnet.metrics import Subject

Array = NDArray[np.float64]
READ = (".npz", ".npy", ".safetensors")
PICKLED = (".pt", ".pth", ".pkl", ".pickle", ".joblib")
RESULTS = "comparison"
"""The sub-folder with the results of `popnet compare FOLDER`."""


class ForeignNetwork(NamedTuple):
    """One network or recording of somebody else's."""

    name: str
    condition: str
    subject: Subject
    holds: str
    """What is known of it, in words."""

    @property
    def content(self) -> str:
        """A hash of all its arrays: equal content has equal distances."""
        hashed = blake2b(repr(self.subject.fixed_units).encode(), digest_size=16)
        for field, array in self.subject.arrays.items():
            hashed.update(f"{field} {array.shape} {array.dtype}".encode())
            hashed.update(np.ascontiguousarray(array).tobytes())
        return hashed.hexdigest()


class ForeignFolder(NamedTuple):
    """The networks and recordings of a folder, in the order of their names."""

    folder: Path
    networks: tuple[ForeignNetwork, ...]
    notes: tuple[str, ...]
    """What was assumed, not understood, or left out."""


def read_folder(folder: Path) -> ForeignFolder:
    """Read every network and recording of a folder.

    A network with values that are not finite is left out with a note.  Raises
    ConfigError, in one line, about a file that is none of popnet's formats, a key of
    another shape, two networks of one name, or fewer than two networks.
    """
    if not folder.is_dir():
        raise ConfigError(f"{folder}: not a folder.")
    common = _common(folder, read_statements(folder))
    sources = _sources(folder, common.stated)
    networks, notes = [], _unread(folder)
    for path in sources:
        network, said = _read(path, common)
        networks += [] if network is None else [network]
        notes += said
    if len(networks) < 2:
        known = ", ".join(f"*{ending}" for ending in READ)
        raise ConfigError(
            f"{folder}: {len(networks)} networks or recordings in it, and two are "
            f"compared at least; popnet reads {known} and sub-folders of trials (.npy)."
        )
    _check_conditions(folder, common.stated, networks)
    _check_used(folder, common.stated, networks)
    if common.input_BTI is not None and common.stated.nonlinearity is None:
        notes.append(
            f"nonlinearity: {ASSUMED_NONLINEARITY} is assumed; {STATEMENTS} may say "
            "another"
        )
    return ForeignFolder(folder, tuple(networks), tuple(notes))


def _common(folder: Path, stated: Statements) -> Common:
    if stated.inputs is None:
        return Common(stated, None)
    path = folder / stated.inputs
    if Path(stated.inputs).name != stated.inputs or path.suffix not in READ[:2]:
        raise ConfigError(
            f"{folder / STATEMENTS}: inputs: got {stated.inputs!r}; expected the name "
            "of an .npy or .npz file in the same folder."
        )
    arrays = read_arrays(path).arrays
    chosen = "inputs" if "inputs" in arrays else next(iter(arrays), "inputs")
    if chosen not in arrays or (chosen != "inputs" and len(arrays) > 1):
        raise ConfigError(f"{path}: has no array inputs; it has: {', '.join(arrays)}.")
    wanted = ("trial", "time", "input")
    input_BTI = in_order(arrays[chosen], stated.input_axes, wanted, str(path))
    if not input_BTI.size or not np.isfinite(input_BTI).all():
        raise ConfigError(f"{path}: inputs must be finite numbers, and some.")
    return Common(stated, input_BTI)


def _sources(folder: Path, stated: Statements) -> list[Path]:
    """Return the files and sub-folders that hold a network each."""
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        hidden = path.name.startswith(".") or path.name in (RESULTS, stated.inputs)
        of_trials = path.is_dir() and not path.is_symlink() and any(trials_of(path))
        if hidden or not (path.suffix in READ or of_trials):
            continue
        name = path.name if of_trials else path.stem
        if name in found:
            raise ConfigError(
                f"{path}: {found[name].name} has the same name; rename one of them."
            )
        found[name] = path
    return list(found.values())


def _unread(folder: Path) -> list[str]:
    """Return a note on files that are pickles, of which none is opened."""
    names = [p.name for p in sorted(folder.iterdir()) if p.suffix in PICKLED]
    if not names:
        return []
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return [
        f"not read: {', '.join(names[:3])}{more}; a pickle can run any program. Save "
        "the weights by safetensors.torch.save_file or numpy.savez"
    ]


def _read(path: Path, common: Common) -> tuple[ForeignNetwork | None, list[str]]:
    """Read one network; None where it is left out.  Also returns notes."""
    stated = common.stated
    if path.is_dir():
        name, read, weights = path.name, _trial_files(path), None
    else:
        name, read = path.stem, read_arrays(path)
        weights = find_weights(read.arrays, stated, path)
    rates_BTN = _rates(read, weights, stated, path)
    if weights is None and rates_BTN is None:
        known = ", ".join([*read.arrays, *(f"{k} (no numbers)" for k in read.skipped)])
        raise ConfigError(
            f"{path}: no recurrent weights or rates among its keys ({known or 'none'})."
        )
    subject, holds, notes = subject_of_file(weights, rates_BTN, common, path)
    if weights is not None and weights.unknown:
        notes.append(f"{path.name}: not understood: {', '.join(weights.unknown[:8])}")
    if not all(np.isfinite(array).all() for array in subject.arrays.values()):
        why = "it holds, or runs into, values that are not finite"
        return None, [*notes, f"{path.name}: left out, {why}"]
    made = ForeignNetwork(name, stated.condition_of(name), subject, holds)
    return made, notes


def _trial_files(folder: Path) -> ReadArrays:
    """Return the trials of a sub-folder as one array, trial x time x unit."""
    trials: list[NDArray[np.generic]] = []
    for path in trials_of(folder):
        trial_TN = read_arrays(path).arrays[""]
        wanted = trials[0].shape if trials else "(time, units)"
        if trial_TN.ndim != 2 or (trials and trial_TN.shape != trials[0].shape):
            raise ConfigError(f"{path}: got shape {trial_TN.shape}; expected {wanted}.")
        trials.append(trial_TN)
    return ReadArrays({"": np.stack(trials)})


def _rates(
    read: ReadArrays, weights: FoundWeights | None, stated: Statements, path: Path
) -> Array | None:
    """Return recorded rates [B, T, N]; None where there are none."""
    arrays = read.arrays
    key = stated.names.rates or "rates"
    if key not in arrays:
        # the only array of a file without weights can be nothing else
        if weights is not None or len(arrays) != 1:
            return None
        key = next(iter(arrays))
    given = ("trial", "time", "unit") if path.is_dir() else stated.axes
    where = f"{path}: {key}" if key else str(path)
    rates_BTN = in_order(arrays[key], given, ("trial", "time", "unit"), where)
    if not rates_BTN.size:
        raise ConfigError(f"{where}: it is empty, of shape {rates_BTN.shape}.")
    return rates_BTN


def _check_conditions(
    folder: Path, stated: Statements, networks: list[ForeignNetwork]
) -> None:
    """Refuse a condition that names no network: a name may be mistyped."""
    held = {network.condition for network in networks}
    for condition in stated.conditions:
        if condition not in held:
            names = ", ".join(network.name for network in networks[:4])
            raise ConfigError(
                f"{folder / STATEMENTS}: conditions.{condition}: no network of that "
                f"name; networks are {names}{', ...' * (len(networks) > 4)}."
            )


def _check_used(
    folder: Path, stated: Statements, networks: list[ForeignNetwork]
) -> None:
    """Refuse a statement that no network of the folder has a use for."""
    all_held = " ".join(network.holds for network in networks)
    for name, unused, needs in (
        ("axes", Statements().axes, "recorded"),
        ("trial_types", None, "activity"),
        ("weights", "post_pre", "weights"),
    ):
        if getattr(stated, name) != unused and needs not in all_held:
            raise ConfigError(
                f"{folder / STATEMENTS}: {name}: nothing in the folder has a use for "
                "it; leave it out."
            )
