"""The line of a file that a mistake shows, without its secrets: mistakes are printed to the logs of CI."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import takewhile

from gameday.steady_state.kpi.masks import MASK, SECRETS, masked_text

_KEY = rf"""(?:^|(?<=[\s{{,\-"']))["']?(?:{"|".join(SECRETS)})["']?\s*:"""
_LIST = r"""\[(?:"(?:\\.|[^"\\])*"|'[^']*'|[^\]"'])*\]"""
_PROGRAM = re.compile(rf"({_KEY}\s*)(?:{_LIST}|\S.*)")
"""A program and its arguments in one line: a whole list in brackets, or the rest of the line."""
_IS_PROGRAM = re.compile(_KEY)
_ITEM = re.compile(r"(\s*(?:- +)?)(.*)")


def masked_source(lines: Sequence[str], number: int) -> str:
    """Return line `number` (from 1) with masks for its secrets, and for the arguments of a program."""
    if not 1 <= number <= len(lines):
        return ""
    line = lines[number - 1]
    if _is_below_program(lines, number):
        return _ITEM.sub(rf"\g<1>{MASK}", line, count=1)
    return masked_text(_PROGRAM.sub(rf"\g<1>{MASK}", line))


def masked_column(line: str, masked: str, column: int) -> int:
    """Return where a column (from 1) of a line is in its masked line; within a mask, where the mask begins."""
    at = column - 1
    if masked.startswith(line[:at]):
        return column
    if masked.endswith(line[at:]):
        return column + len(masked) - len(line)
    same = takewhile(lambda pair: pair[0] == pair[1], zip(line, masked, strict=False))
    return len(list(same)) + 1


def _is_below_program(lines: Sequence[str], number: int) -> bool:
    """Whether the nearest line above that encloses this line holds the key of a program."""
    line = lines[number - 1]
    own, is_item = _indent(line), line.lstrip().startswith("-")
    for above in reversed(lines[: number - 1]):
        if not above.strip() or above.lstrip().startswith("#"):
            continue
        # The items of a list may be as far to the left as the list's key (YAML 1.2.2, section 8.2.3).
        if _indent(above) < own or (is_item and _indent(above) == own and not above.lstrip().startswith("-")):
            return _IS_PROGRAM.search(above) is not None
    return False


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
