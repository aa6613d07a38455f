"""Lists whose entries are each a name and its fields: `- az-blackhole: {zone: us-east-1a}`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from gameday.files.yaml.document import Document, Loc
from gameday.files.yaml.messages import found
from gameday.files.yaml.mistake import Mistake, MistakeKind
from gameday.text import one_of, quoted


@dataclass(frozen=True)
class Entries:
    """A list of named entries: its key, the noun for an entry, the known names, and an example of each.

    `beside`: the keys that an entry may have beside its name.
    """

    key: str
    noun: str
    names: Collection[str]
    example: Callable[[str], str]
    beside: Collection[str] = ()

    def named(self, document: Document, mistakes: list[Mistake]) -> Iterator[tuple[Loc, str]]:
        """Yield the location of the fields of each valid entry, and its name; add the mistakes of the others."""
        written = document.data.get(self.key)
        entries = written if isinstance(written, list) else []
        for index, entry in enumerate(entries):
            loc: Loc = (self.key, index)
            if mistake := self._malformed(document, loc, entry):
                mistakes.append(mistake)
                entries[index] = {}  # its mistake is already in the list
                continue
            if isinstance(entry, dict):  # else it is malformed
                (name,) = self._names(entry)
                entry[name] = {} if entry[name] is None else entry[name]
                yield (*loc, name), name

    def _malformed(self, document: Document, loc: Loc, entry: object) -> Mistake | None:
        """Return why an entry is not exactly one known name."""
        if isinstance(entry, dict):
            names = self._names(entry)
            return self._crowded(document, loc, names) or self._strange(document, loc, names[0])
        if isinstance(entry, str) and entry in self.names:
            return document.mistake(
                loc,
                f"`{entry}` has no fields",
                f"write `- {self.example(entry)}`",
                kind=MistakeKind.MISSING_KEY,
            )
        if isinstance(entry, str):
            return self._unknown(document, loc, entry)
        return document.mistake(
            loc,
            f"a {self.noun} is its name and its fields; found {found(entry)}",
            self._like(),
            kind=MistakeKind.WRONG_TYPE,
        )

    def _names(self, entry: Iterable[str]) -> list[str]:
        """Return the keys of an entry that must be its name."""
        return [key for key in entry if key not in self.beside]

    def _crowded(self, document: Document, loc: Loc, names: list[str]) -> Mistake | None:
        """Return why an entry is not exactly one name."""
        if not names:
            return document.mistake(loc, f"this entry names no {self.noun}", self._like(), kind=MistakeKind.MISSING_KEY)
        if len(names) == 1:
            return None
        remedy = f"begin each {self.noun} with its own `-`"
        if names[0] in self.names and names[1] not in self.names:
            remedy = f"a {self.noun}'s fields belong under its name: `- {self.example(names[0])}`"
        listed = " and ".join(quoted(name) for name in names[:4])
        return document.mistake(
            (*loc, names[1]), f"one entry is one {self.noun}; found {listed}", remedy, True, MistakeKind.UNKNOWN_KEY
        )

    def _strange(self, document: Document, loc: Loc, name: str) -> Mistake | None:
        if name in self.names:
            return None
        return self._unknown(document, (*loc, name), name)

    def _unknown(self, document: Document, loc: Loc, name: str) -> Mistake:
        what = f"there is no {self.noun} {quoted(name)}"
        return document.mistake(loc, what, one_of(name, self.names), True, MistakeKind.BAD_REFERENCE)

    def _like(self) -> str:
        return f"write it like `- {self.example(next(iter(self.names)))}`"
