"""A mistake in a file: its place, what is wrong, and the remedy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from unicodedata import east_asian_width

from gameday.errors import InvalidInput
from gameday.text import printable

WIDTH = 100
"""How many characters of a line a mistake shows."""


class MistakeKind(StrEnum):
    """The kind of a mistake: a stable code, which `gameday errors CODE` explains."""

    UNREADABLE = "GD-F01"  # the file is missing, too large, or not UTF-8
    SYNTAX = "GD-F02"  # not YAML, or a part of YAML that Gameday does not read
    VARIABLE = "GD-F03"  # `${NAME}` has no value
    UNKNOWN_KEY = "GD-F04"
    MISSING_KEY = "GD-F05"
    WRONG_TYPE = "GD-F06"
    BAD_VALUE = "GD-F07"
    BAD_REFERENCE = "GD-F08"  # a name that does not exist
    DUPLICATE = "GD-F09"
    UNSUPPORTED = "GD-F10"  # a later version brings it
    CONFLICT = "GD-F11"  # two parts, each valid alone, contradict each other
    WRONG_KIND = "GD-F12"  # a file of another kind than needed


@dataclass(frozen=True, order=True)
class Mistake:
    """One mistake. `line` and `column` count from 1; a line of 0 means the file as a whole."""

    file: str
    line: int
    column: int
    what: str
    remedy: str = ""
    source: str = ""  # the line, without its secrets
    kind: MistakeKind = MistakeKind.CONFLICT
    caret: int = 0  # the column in `source`, which differs from `column` after a mask

    def render(self) -> str:
        """Return the mistake as text: `file:line:column: what`, the line with a caret below it, and the remedy."""
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        lines = [f"{place}: {self.what} [{self.kind}]"]
        if self.line and self.source:
            shown, before = _window(self.source, (self.caret or self.column) - 1)
            indent = "".join("  " if east_asian_width(char) in "WF" else " " for char in before)
            lines += [f"{self.line:>6} │ {shown}", f"{'':>6} │ {indent}^"]
        if self.remedy:
            lines.append(f"       → {self.remedy}")
        return "\n".join(map(printable, lines))


class InvalidFile(InvalidInput):
    """All mistakes of files, in order. Each has the code of its kind."""

    gd_code = "GD-E130"

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(sorted(set(mistakes)))
        count = f"\n{len(self.mistakes)} mistakes" if len(self.mistakes) > 1 else ""
        super().__init__("\n".join(mistake.render() for mistake in self.mistakes) + count)

    def __str__(self) -> str:
        return self.what


def _window(source: str, at: int) -> tuple[str, str]:
    """Return the part of a line to show, and the part of that before the place."""
    flat = source.replace("\t", " ")
    start = max(0, at - WIDTH // 2) if len(flat) > WIDTH else 0
    end = start + WIDTH
    shown = ("…" if start else "") + flat[start:end] + ("…" if end < len(flat) else "")
    return shown, ("…" if start else "") + flat[start:at]
