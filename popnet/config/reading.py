"""A YAML file as nested dicts, remembering on which line each key stands."""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

import yaml

Place = tuple[str | int, ...]
LARGEST_FILE = 1_000_000
MOST_VALUES = 200_000


class ConfigError(ValueError):
    """The user's file or option is wrong; the text says where and what is allowed."""


class Source(NamedTuple):
    """A sweep file as it was read."""

    file: str
    raw: dict[str, Any]
    lines: dict[Place, int]

    def error(self, place: Place, text: str) -> ConfigError:
        """An error that names file, line and key."""
        known = place
        while known and known not in self.lines:
            known = known[:-1]
        line = f", line {self.lines[known]}" if known in self.lines else ""
        key = ".".join(str(part) for part in place)
        return ConfigError(f"{self.file}{line}: {key + ': ' if key else ''}{text}")


class _Loader(yaml.SafeLoader):
    """Safe YAML in which 1e-3 is a number (YAML 1.1 makes it text)."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(\d[\d_]*\.?[\d_]*|\.\d[\d_]*)[eE][-+]?\d+$"),
    list("-+0123456789."),
)


def nearest(given: object, known: list[str]) -> str:
    """' Did you mean ...?' when something known looks like what was given."""
    near = get_close_matches(str(given), known, n=1, cutoff=0.5)
    return f" Did you mean {near[0]!r}?" if near else ""


def read_file(path: Path) -> Source:
    """Read a sweep file.  Raises ConfigError with the line of what is wrong."""
    if not path.is_file():
        kind = "is a folder, not a file" if path.is_dir() else "does not exist"
        others = [p.name for p in path.parent.glob("*.yaml")] if path.name else []
        raise ConfigError(f"{path}: {kind}.{nearest(path.name, others)}")
    data = path.read_bytes()
    if len(data) > LARGEST_FILE:
        raise ConfigError(f"{path}: larger than {LARGEST_FILE:,} bytes")
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
    """Read the text of a sweep file."""
    for number, line in enumerate(text.splitlines(), 1):
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
        raise ConfigError(_syntax(error, file)) from None
    except RecursionError:
        raise ConfigError(f"{file}: nested too deeply, or refers to itself.") from None
    if not isinstance(raw, dict):
        raise ConfigError(f"{file}, line 1: expected `key: value` lines.")
    return Source(file, raw, reader.lines)


def _syntax(error: yaml.YAMLError, file: str) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).split("\n", 1)[0]
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
        line = node.start_mark.line + 1
        if self.count > MOST_VALUES:
            raise ConfigError(
                f"{self.file}, line {line}: more than {MOST_VALUES:,} values."
            )
        self.lines.setdefault(place, line)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, place)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(n, (*place, i)) for i, n in enumerate(node.value)]
        return self.scalars.construct_object(node)

    def _mapping(self, node: yaml.MappingNode, place: Place) -> dict[str | int, Any]:
        result: dict[str | int, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            key = self.scalars.construct_object(key_node, deep=True)
            if not isinstance(key, (str, int)) or isinstance(key, bool):
                raise ConfigError(
                    f"{self.file}, line {line}: {key!r} cannot be a key; use a name."
                )
            if key in result:
                first = self.lines[(*place, key)]
                raise ConfigError(
                    f"{self.file}, line {line}: {key!r} is given twice "
                    f"(first on line {first}); keep one."
                )
            self.lines[(*place, key)] = line
            result[key] = self.value(value_node, (*place, key))
        return result
