"""Explain why a text is not the YAML that Gameday reads, with a remedy."""

from __future__ import annotations

import re
from typing import NamedTuple

import yaml

from gameday.files.yaml.mistake import MistakeKind

LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
"""The line breaks of the parser."""

_CONTROL = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that YAML does not allow: YAML 1.2.2, production [1] c-printable."""


class Position(NamedTuple):
    """A place in a text; both count from 1."""

    line: int
    column: int


class ParseProblem(Exception):
    """A part of a text that Gameday cannot read."""

    def __init__(self, place: Position, what: str, remedy: str, kind: MistakeKind = MistakeKind.SYNTAX) -> None:
        super().__init__(what)
        self.place, self.what, self.remedy, self.kind = place, what, remedy, kind


def place_of(text: str, index: int) -> Position:
    """Return the place of a character."""
    breaks = list(LINE_BREAK.finditer(text, 0, index))
    return Position(len(breaks) + 1, index - (breaks[-1].end() if breaks else 0) + 1)


def first_control_character(text: str) -> ParseProblem | None:
    """Return the problem of the first character that YAML does not allow."""
    if text.isascii() and text.isprintable():
        return None
    found = _CONTROL.search(text)
    if found is None:
        return None
    what = f"YAML does not allow the control character U+{ord(found[0]):04X}"
    return ParseProblem(place_of(text, found.start()), what, "remove it, or write it as an escape in double quotes")


# Messages of PyYAML, with and without libyaml; "begins" puts the mistake at the start of the construct.
_WORDS: tuple[tuple[str, bool, str, str], ...] = (
    (r"tab character", False, "a tab indents here", "indent with spaces"),
    (r"mapping values are not allowed", False, "a `:` here would begin a mapping inside a value",
     "put the text in quotes, or indent it as its neighbours"),
    (r"quoted scalar.*end of stream", True, "this quote has no end", "close it"),
    (r"quoted scalar.*unexpected document", True, "this quote has no end", "close it"),
    (r"unknown escape|escape sequence|hexdecimal", False, "this escape means nothing in double quotes",
     "use single quotes, which have no escapes"),
    (r"flow sequence", True, "this `[` is never closed, or a comma is missing in it", "write [one, two]"),
    (r"flow mapping", True, "this `{` is never closed, or a comma is missing in it", "write {one: 1, two: 2}"),
    (r"(flow|block) node", False, "a value is missing here", "write one, or put the text in quotes"),
    (r"simple key", True, "this line is neither `key: value` nor a list entry", "add the `:`, and a space after it"),
    (r"sequence entries", False, "a list cannot begin here", "begin it on a line of its own, or write [one, two]"),
    (r"block (mapping|collection|sequence)|document start", False, "this does not fit the lines before it",
     "indent the line as its neighbours; put quotes around a whole text that contains quotes"),
    (r"block scalar", False, "a text block begins with a key's `|` or `>` alone on its line", "indent its lines below"),
    (r"(undefined|scanning a|parsing a) tag|tag handle", False, "Gameday does not read tags", "write it without a tag"),
    (r"anchor|alias", False, "`*` and `&` begin the name of an alias or anchor", "put the text in quotes"),
    (r"directive|incompatible YAML", False, "Gameday does not read directives (%)",
     "remove the line, or put the text in quotes"),
)  # fmt: skip


def in_words(error: yaml.YAMLError, text: str) -> ParseProblem:
    """Return the problem that the parser found."""
    mark = getattr(error, "problem_mark", None)
    begin = getattr(error, "context_mark", None) or mark
    at = Position(mark.line + 1, mark.column + 1) if mark else Position(1, 1)
    problem = f"{getattr(error, 'context', None) or ''} {getattr(error, 'problem', None) or error}"
    lines = LINE_BREAK.split(text)
    line = lines[at.line - 1] if at.line <= len(lines) else ""
    if "cannot start any token" in problem:
        if "\t" in line[: at.column]:
            return ParseProblem(at, "a tab indents here", "indent with spaces")
        what = f"`{line[at.column - 1 : at.column]}` cannot begin a value"
        return ParseProblem(at, what, "put the value in quotes")
    for pattern, begins, what, remedy in _WORDS:
        if re.search(pattern, problem):
            return ParseProblem(Position(begin.line + 1, begin.column + 1) if begins and begin else at, what, remedy)
    return ParseProblem(at, f"this is not YAML: {problem.strip()}", "put texts with special characters in quotes")
