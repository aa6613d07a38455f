"""Read YAML text into nodes with places, as editors read it (YAML 1.2.2), within limits.

PyYAML's parser delivers the events, and this module decides their meaning. PyYAML's own loader reads YAML 1.1 (`on` is
true, `1:30` is 90), keeps the last of two equal keys, and follows aliases without a limit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import yaml

from gameday.files.yaml.mistake import MistakeKind
from gameday.files.yaml.parse_errors import ParseProblem, Position, first_control_character, in_words
from gameday.text import quoted

MAX_DEPTH = 40
MAX_WEIGHT = 100_000
"""The limit of nodes in a file with its aliases expanded; a long text counts once for each 100 characters."""

_PARSER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TEXT_TAGS = ("!", "tag:yaml.org,2002:str")
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(slots=True, eq=False)
class Scalar:
    """A scalar as the file has it; `plain`: without quotes, so it may mean a number, a boolean or null."""

    place: Position
    text: str
    plain: bool
    weight: int = 1
    height: int = 0


@dataclass(slots=True, eq=False)
class Items:
    """A sequence."""

    place: Position
    items: list[Node] = field(default_factory=list)
    weight: int = 1
    height: int = 1


class Entry(NamedTuple):
    """A value, and the place of its key."""

    key: Position
    value: Node


@dataclass(slots=True, eq=False)
class Mapping:
    """A mapping; its keys are texts as the file has them, and merges (`<<`) are expanded."""

    place: Position
    entries: dict[str, Entry] = field(default_factory=dict)
    weight: int = 1
    height: int = 1


Node = Scalar | Items | Mapping


def compose(text: str) -> tuple[Node, tuple[ParseProblem, ...]]:
    """Return the only document in a text, and its duplicate keys. Raises ParseProblem if it is not YAML."""
    if trouble := first_control_character(text):
        raise trouble
    composer = _Composer(text)
    try:
        return composer.document(), tuple(composer.duplicates)
    except yaml.YAMLError as error:
        raise in_words(error, text) from error
    finally:
        composer.events.dispose()


class _Composer:
    def __init__(self, text: str) -> None:
        self.events = _PARSER(text)
        self.duplicates: list[ParseProblem] = []
        self.anchors: dict[str, Node | None] = {}  # None: not yet complete
        self.weight = 0

    def document(self) -> Node:
        self.events.get_event()  # the stream's start
        if self.events.check_event(yaml.StreamEndEvent):
            raise ParseProblem(
                Position(1, 1), "the file is empty", "`gameday init DIRECTORY` writes files to start from"
            )
        self.events.get_event()
        root = self.node(0)
        self.events.get_event()
        if not self.events.check_event(yaml.StreamEndEvent):
            second = _place(self.events.get_event())
            raise ParseProblem(second, "a second document begins here", "write it into a file of its own")
        return root

    def node(self, depth: int) -> Node:
        event = self.events.get_event()
        place = _place(event)
        if isinstance(event, yaml.AliasEvent):
            return self.alias(event.anchor or "", place, depth)
        if depth > MAX_DEPTH:
            raise ParseProblem(place, f"nested more than {MAX_DEPTH} levels deep", "no file of Gameday is that deep")
        tag = event.tag
        if tag is not None and not (tag in _TEXT_TAGS and isinstance(event, yaml.ScalarEvent)):
            raise ParseProblem(place, f"the tag {quoted(tag)} is not read here", "write the value without a tag")
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        node: Node
        if isinstance(event, yaml.ScalarEvent):
            node = self.scalar(event, place, tag)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self.items(Items(place), depth)
        else:
            node = self.mapping(Mapping(place), depth)
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        return node

    def alias(self, name: str, place: Position, depth: int) -> Node:
        if name not in self.anchors:
            raise ParseProblem(
                place,
                f"no value has the anchor {quoted('&' + name)}",
                "write `&name` before the value that `*name` repeats",
            )
        node = self.anchors[name]
        if node is None:
            raise ParseProblem(
                place, f"{quoted('*' + name)} repeats a value that contains it", "write the inner value again instead"
            )
        if depth + node.height > MAX_DEPTH:
            raise ParseProblem(place, f"nested more than {MAX_DEPTH} levels deep", "no file of Gameday is that deep")
        self.weigh(node.weight, place)
        return node

    def scalar(self, event: Any, place: Position, tag: str | None) -> Scalar:
        if _SURROGATE.search(event.value):
            raise ParseProblem(place, "this escape is not a character", "write the character itself")
        weight = 1 + len(event.value) // 100
        self.weigh(weight, place)
        return Scalar(place, event.value, plain=not event.style and tag is None, weight=weight)

    def items(self, node: Items, depth: int) -> Items:
        self.weigh(1, node.place)
        while not self.events.check_event(yaml.SequenceEndEvent):
            item = self.node(depth + 1)
            node.items.append(item)
            _grow(node, item)
        self.events.get_event()
        return node

    def mapping(self, node: Mapping, depth: int) -> Mapping:
        self.weigh(1, node.place)
        merged: dict[str, Entry] = {}
        seen: dict[str, Position] = {}
        while not self.events.check_event(yaml.MappingEndEvent):
            key = self.node(depth + 1)
            if not isinstance(key, Scalar):
                raise ParseProblem(key.place, "a key is a text", "write `key: value`")
            value = self.node(depth + 1)
            _grow(node, value)
            if key.text in seen:
                what = f"the key {quoted(key.text)} occurs twice; the first is on line {seen[key.text].line}"
                self.duplicates.append(ParseProblem(key.place, what, "keep one of the two", MistakeKind.DUPLICATE))
            elif key.text == "<<" and key.plain:
                merged = self.merge(value)
            else:
                node.entries[key.text] = Entry(key.place, value)
            seen.setdefault(key.text, key.place)
        self.events.get_event()
        node.entries = {**merged, **node.entries}
        return node

    def merge(self, value: Node) -> dict[str, Entry]:
        merged: dict[str, Entry] = {}
        for each in value.items if isinstance(value, Items) else [value]:
            if not isinstance(each, Mapping):
                raise ParseProblem(each.place, "`<<` merges mappings, and this is not a mapping", "write `<<: *anchor`")
            merged = {**each.entries, **merged}
        return merged

    def weigh(self, weight: int, place: Position) -> None:
        self.weight += weight
        if self.weight > MAX_WEIGHT:
            what = f"the file has more than {MAX_WEIGHT:,} values when its aliases are expanded"
            raise ParseProblem(place, what, "use fewer aliases, or several files")


def _grow(node: Items | Mapping, by: Node) -> None:
    node.weight += by.weight
    node.height = max(node.height, by.height + 1)


def _place(event: Any) -> Position:
    return Position(event.start_mark.line + 1, event.start_mark.column + 1)
