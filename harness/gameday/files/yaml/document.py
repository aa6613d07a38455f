"""A parsed file: its lines, its nodes with their places, its values, and mistakes at places in it."""

from __future__ import annotations

from collections.abc import Mapping as Names
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from gameday.disk import read_regular
from gameday.files.yaml.masked_source import masked_column, masked_source
from gameday.files.yaml.mistake import InvalidFile, Mistake, MistakeKind
from gameday.files.yaml.parse_errors import LINE_BREAK, ParseProblem, Position, place_of
from gameday.files.yaml.parser import Entry, Items, Mapping, Node, Scalar, compose
from gameday.files.yaml.scalars import value_of
from gameday.files.yaml.suggest_path import why_missing

if TYPE_CHECKING:
    from gameday.change import Json

MAX_BYTES = 1_000_000
WHOLE_FILE = Position(0, 0)

_PERMIT = "make it readable for the user who runs gameday"

Loc = tuple[str | int, ...]
"""The path from the top of a file to a value: keys, and positions in lists (from 0)."""


class Section(Protocol):
    """The part of a document that the checks use."""

    @property
    def file(self) -> Path:
        """The file."""
        ...

    def mistake(
        self, loc: Loc, what: str, remedy: str = "", key: bool = False, kind: MistakeKind = MistakeKind.CONFLICT
    ) -> Mistake:
        """Return a mistake at a value, or with `key` at its key."""
        ...

    def names(self, key: str) -> tuple[str, ...]:
        """Return the keys of the mapping at a top-level key."""
        ...


@dataclass(frozen=True)
class Document:
    """A file whose top is a mapping. `data` are its values without top-level `x-…` keys."""

    file: Path
    lines: tuple[str, ...]
    root: Mapping
    data: dict[str, Json]
    troubles: tuple[Mistake, ...]  # duplicate keys and variables that are not set

    def mistake(
        self, loc: Loc, what: str, remedy: str = "", key: bool = False, kind: MistakeKind = MistakeKind.CONFLICT
    ) -> Mistake:
        """Return a mistake at a value, or with `key` at its key."""
        return _mistake(self.file, self.lines, self.place(loc, key), what, remedy, kind)

    def steps(self, loc: Loc) -> Loc:
        """Return a path without the steps that the file does not have (the tags of a union)."""
        node: Node = self.root
        taken: list[str | int] = []
        for step in loc:
            if entry := entry_at(node, step):
                node = entry.value
                taken.append(step)
        return tuple(taken)

    def names(self, key: str) -> tuple[str, ...]:
        """Return the keys of the mapping at a top-level key, valid or not."""
        mapping = self.data.get(key)
        return tuple(mapping) if isinstance(mapping, dict) else ()

    def written(self, loc: Loc) -> str | None:
        """Return the scalar at a place, as the file has it."""
        node: Node = self.root
        for step in loc:
            if entry := entry_at(node, step):
                node = entry.value
        return node.text if isinstance(node, Scalar) else None

    def place(self, loc: Loc, key: bool = False) -> Position:
        """Return the place of a value, or with `key` of its key (in a list: of the nearest key around it)."""
        named: Position = self.root.place
        node: Node = self.root
        for step in loc:
            if entry := entry_at(node, step):
                named, node = entry
        return named if key else node.place


def read_document(file: Path, environ: Names[str, str]) -> Document:
    """Read a file. Raises InvalidFile if it is not a mapping in YAML."""
    text = read_text(file)
    lines = tuple(LINE_BREAK.split(text))
    try:
        root, duplicates = compose(text)
        if not isinstance(root, Mapping):
            raise ParseProblem(
                root.place, "the file is not a mapping", "write `key: value` lines, beginning with `version: 1`"
            )
    except ParseProblem as trouble:
        raise InvalidFile(
            [_mistake(file, lines, trouble.place, trouble.what, trouble.remedy, trouble.kind)]
        ) from trouble
    troubles = list(duplicates)
    data = {
        key: value_of(entry.value, environ, troubles) for key, entry in root.entries.items() if not key.startswith("x-")
    }
    mistakes = tuple(
        dict.fromkeys(_mistake(file, lines, each.place, each.what, each.remedy, each.kind) for each in troubles)
    )
    return Document(file, lines, root, data, mistakes)


def read_text(file: Path) -> str:
    """Return the text of a file. Raises InvalidFile if it is missing, too large, or not UTF-8."""
    try:
        if not file.is_file():
            raise InvalidFile([missing(file)])
        raw = read_regular(file, MAX_BYTES + 1)
    except OSError as error:
        raise InvalidFile([_unreadable(file, f"Gameday cannot read the file: {error.strerror}", _PERMIT)]) from error
    if len(raw) > MAX_BYTES:
        raise InvalidFile([_unreadable(file, f"the file is larger than {MAX_BYTES:,} bytes", "split it")])
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8-sig", "replace")
        at = place_of(before, len(before))
        what = f"the file is not UTF-8: byte 0x{raw[error.start]:02x} on line {at.line}"
        raise InvalidFile([_unreadable(file, what, "save it as UTF-8", at)]) from error


def missing(file: Path) -> Mistake:
    """Return the mistake that a file is missing, with the nearest name in its folder."""
    what, remedy = why_missing(file)
    return _unreadable(file, what, remedy)


def entry_at(node: Node, step: str | int) -> Entry | None:
    """Return the entry at one step below a node; None if there is none."""
    if isinstance(node, Mapping) and isinstance(step, str):
        return node.entries.get(step)
    if isinstance(node, Items) and isinstance(step, int) and 0 <= step < len(node.items):
        return Entry(node.items[step].place, node.items[step])
    return None


def value_at(data: Json, loc: Loc) -> Json:
    """Return the value at a place; None if there is none."""
    for step in loc:
        data = _part(data, step)
    return data


def _part(data: Json, step: str | int) -> Json:
    if isinstance(data, dict):
        return data.get(str(step))
    return data[step] if isinstance(data, list) and isinstance(step, int) and 0 <= step < len(data) else None


def _mistake(file: Path, lines: tuple[str, ...], place: Position, what: str, remedy: str, kind: MistakeKind) -> Mistake:
    source = masked_source(lines, place.line)
    caret = masked_column(lines[place.line - 1], source, place.column) if source else 0
    return Mistake(str(file), place.line, place.column, what, remedy, source, kind, caret)


def _unreadable(file: Path, what: str, remedy: str, place: Position = WHOLE_FILE) -> Mistake:
    return Mistake(str(file), place.line, place.column, what, remedy, kind=MistakeKind.UNREADABLE)
