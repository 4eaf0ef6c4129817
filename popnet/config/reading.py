"""Reads a YAML file as nested dicts and remembers the line of each key."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from popnet.config.plain_file import NotAFile, read_plain

Place = tuple[str | int, ...]
LARGEST_FILE = 1_000_000
MOST_VALUES = 200_000
DEEPEST = 40


class ConfigError(ValueError):
    """An error in the user's file or option: where it is, and what is allowed."""


class Source(NamedTuple):
    """A sweep file as it was read."""

    file: str
    raw: dict[str, Any]
    lines: dict[Place, int]
    overrides: dict[Place, str] = {}  # noqa: RUF012
    """The ``--set`` option that set a value, by its place."""

    def error(
        self, place: Place, text: str, line_of: Place | None = None
    ) -> ConfigError:
        """Return an error that names the file, the line and the key.

        The line is that of ``line_of``, or of ``place`` without it.
        """
        names = [part if str(part).isprintable() else shown(part) for part in place]
        key = ".".join(str(name) for name in names)
        stop = "" if text.endswith((".", "?")) else "."
        where = self._where(place if line_of is None else line_of)
        return ConfigError(
            f"{self.file}{where}: {key + ': ' if key else ''}{text}{stop}"
        )

    def _where(self, place: Place) -> str:
        """Return the ``--set`` option or the line that a value came from, in words."""
        if place and place not in self.lines:
            for key, option in self.overrides.items():
                if key[: len(place)] == place:
                    return f", {option}"
        outwards = [place[:depth] for depth in range(len(place), -1, -1)]
        for known in outwards:
            if known in self.overrides:
                return f", {self.overrides[known]}"
        for known in outwards:
            if known in self.lines:
                return f", line {self.lines[known]}"
        return ""


class _Loader(yaml.SafeLoader):
    """YAML in which 1e-3 is a number, 010 is not 8, 1:30 not 90, and no date exists."""


class _Dumper(yaml.SafeDumper):
    """Writes YAML that ``_Loader`` reads back as the same values."""


_TAG = "tag:yaml.org,2002:"
_PLAIN = {
    "bool": ("yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF|"
             "true|True|TRUE|false|False|FALSE", "yYnNtTfFoO"),
    "int": (r"[-+]?(0|[1-9][0-9_]*)", "-+0123456789"),
    "float": (r"[-+]?([0-9][0-9_]*\.[0-9_]*|\.[0-9]+)([eE][-+]?[0-9]+)?"
              r"|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
              "-+0123456789."),
    "null": ("~|null|Null|NULL|", ["~", "n", "N", ""]),
}  # fmt: skip
for _class in (_Loader, _Dumper):
    _class.yaml_implicit_resolvers = {}
    for _kind, (_pattern, _first) in _PLAIN.items():
        _class.add_implicit_resolver(
            _TAG + _kind, re.compile(f"^(?:{_pattern})$"), list(_first)
        )
_READ = {_TAG + kind for kind in (*_PLAIN, "str", "map", "seq")}


def nearest(given: object, known: list[str]) -> str:
    """Return " Did you mean ...?" when a known name resembles the given one, or ""."""
    alike = sorted(
        ((SequenceMatcher(None, str(given)[:100], k).ratio(), k) for k in known),
        key=lambda pair: -pair[0],
    )
    # name both of two equally good guesses (dmns: dms, dnms)
    best = [k for ratio, k in alike[:2] if ratio >= max(0.5, alike[0][0] - 0.15)]
    return f" Did you mean {' or '.join(map(repr, best))}?" if best else ""


def shown(value: object) -> str:
    """Return a value as a sweep file writes it, in one short line."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:60]} ... ({len(text):,} characters)"


def write_text(raw: dict[str, Any]) -> str:
    """Write nested dicts as YAML that ``read_text`` reads back as the same."""
    return yaml.dump(raw, Dumper=_Dumper, sort_keys=False)


def read_file(path: Path) -> Source:
    """Read a sweep file.

    Raises ConfigError, with the line of the error, when it is no such YAML file.
    """
    try:
        if not path.exists() or path.is_dir():
            kind = "is a folder, not a file" if path.is_dir() else "does not exist"
            others = [p.name for p in path.parent.glob("*.yaml")] if path.name else []
            raise ConfigError(f"{path}: {kind}.{nearest(path.name, others)}")
        data = read_plain(path, LARGEST_FILE)
    except NotAFile as error:
        raise ConfigError(f"{path}: {error.strerror}.") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}.") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ConfigError(
            f"{path}, line {line}: not UTF-8 text (byte 0x{data[error.start]:02x}); "
            "save the file as UTF-8."
        ) from None
    return read_text(text, str(path))


def read_text(text: str, file: str = "sweep file") -> Source:
    """Read the text of a sweep file; ``file`` is its name in errors.

    Raises ConfigError, with the line of the error, when the text is no such YAML.
    """
    for number, line in enumerate(text.split("\n"), 1):
        if "\t" in line[: len(line) - len(line.lstrip())]:
            raise ConfigError(
                f"{file}, line {number}: indented with a tab; YAML allows only spaces."
            )
    try:
        node = yaml.compose(text, Loader=_Loader)
        if node is None:
            raise ConfigError(f"{file}: empty; `popnet init` writes an example.")
        reader = _Reader(file)
        raw = reader.value(node, ())
    except yaml.YAMLError as error:
        raise ConfigError(_syntax(error, file, text)) from None
    except RecursionError:
        raise ConfigError(f"{file}: nested too deeply.") from None
    if not isinstance(raw, dict):
        raise ConfigError(f"{file}, line 1: expected `key: value` lines.")
    return Source(file, raw, reader.lines)


def _syntax(error: yaml.YAMLError, file: str, text: str) -> str:
    if isinstance(error, yaml.reader.ReaderError):
        line = text[: error.position].count("\n") + 1
        found = f"the control character {chr(int(error.character))!r}"
        return f"{file}, line {line}: not valid YAML: {found}; delete it."
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).split("\n", 1)[0]
    context, start = (
        getattr(error, "context", None),
        getattr(error, "context_mark", None),
    )
    if context and start:
        problem = f"{problem} ({context} that begins on line {start.line + 1})"
    line = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    return f"{file}{line}: not valid YAML: {problem}."


class _Reader:
    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: dict[Place, int] = {}
        self.count = 0
        self.scalars = _Loader("")

    def value(self, node: yaml.Node, place: Place) -> Any:
        self.count += 1
        if self.count > MOST_VALUES:
            raise self._error(
                node, f"more than {MOST_VALUES:,} values, aliases counted"
            )
        if len(place) > DEEPEST:
            raise self._error(node, "nested too deeply, or an alias refers to itself")
        self.lines.setdefault(place, node.start_mark.line + 1)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        if node.tag not in _READ:
            raise self._error(node, f"the tag {node.tag} is not allowed")
        if isinstance(node, yaml.SequenceNode):
            return [self.value(n, (*place, i)) for i, n in enumerate(node.value)]
        return self._mapping(node, place)

    def _error(self, node: yaml.Node, text: str) -> ConfigError:
        return ConfigError(f"{self.file}, line {node.start_mark.line + 1}: {text}.")

    def _scalar(self, node: yaml.Node) -> Any:
        if node.tag not in _READ:
            raise self._error(node, f"the tag {node.tag} is not allowed")
        try:
            return self.scalars.construct_object(node)
        except (ValueError, KeyError):  # `!!int x`, or a number of 5,000 digits
            raise self._error(node, f"{shown(node.value)} is not a number") from None

    def _mapping(self, node: yaml.Node, place: Place) -> dict[str | int, Any]:
        result: dict[str | int, Any] = {}
        for key_node, value_node in node.value:
            scalar = isinstance(key_node, yaml.ScalarNode)
            key = self._scalar(key_node) if scalar else "a list or mapping"
            if not scalar or not isinstance(key, (str, int)) or isinstance(key, bool):
                name = shown(key) if scalar else key
                raise self._error(key_node, f"{name} cannot be a key; use a name")
            if key in result:
                first = self.lines[(*place, key)]
                raise self._error(
                    key_node,
                    f"{key!r} is given twice (first on line {first}); keep one",
                )
            self.lines[(*place, key)] = key_node.start_mark.line + 1
            result[key] = self.value(value_node, (*place, key))
        return result
