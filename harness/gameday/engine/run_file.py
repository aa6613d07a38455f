"""A run's own file: the run and every intent once more, in lines that show their own damage.

Each line begins with a checksum of its text and of the line before it. So a byte that changed, a line that is missing
and a line that is cut short all end the part that counts.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from pydantic import TypeAdapter

from gameday.engine.entries import Entry, Run

_RUN, _ENTRIES = TypeAdapter(Run), TypeAdapter(tuple[Entry, ...])


@dataclass(frozen=True, slots=True)
class RunFile:
    """The readable part of a run's file."""

    run: Run | None = None
    is_whole: bool = False  # the first line names the run, and every line counts
    last: str = ""  # the checksum of the last line that counts
    lines: tuple[bytes, ...] = ()  # the intents, as JSON

    @property
    def intents(self) -> int:
        """The number of intents."""
        return sum(len(json.loads(line)) for line in self.lines)

    def entries(self) -> list[Entry]:
        """Return the intents as entries; raises ValueError for those that another version wrote."""
        return [entry for line in self.lines for entry in _ENTRIES.validate_json(line)]


def first_line(run: Run) -> bytes:
    """Return the first line of a run's file."""
    return _line("", _RUN.dump_json(run))


def next_line(file: RunFile, entries: Sequence[Entry]) -> bytes:
    """Return the line that adds intents to a file."""
    return _line(file.last, _ENTRIES.dump_json(tuple(entries)))


def parsed(raw: bytes) -> RunFile:
    """Return what a file holds, up to the first damage; nothing where another version wrote the run."""
    file = RunFile()
    *lines, rest = raw.split(b"\n")
    for line in lines:
        checksum, _, text = line.partition(b" ")
        if checksum != _checksum(file.last, text).encode():
            return file
        if file.run is None:
            try:
                file = RunFile(_RUN.validate_json(text), last=checksum.decode())
            except ValueError:
                return file
        else:
            file = replace(file, lines=(*file.lines, text), last=checksum.decode())
    return replace(file, is_whole=file.run is not None and not rest)


def _line(previous: str, text: bytes) -> bytes:
    return _checksum(previous, text).encode() + b" " + text + b"\n"


def _checksum(previous: str, text: bytes) -> str:
    return sha256(previous.encode() + text).hexdigest()
