"""What `gameday errors` prints, and docs/reference/errors.md: the codes of errors, mistakes and refusals, explained."""

from __future__ import annotations

from collections.abc import Iterator

from gameday.cli.error_codes import ERRORS
from gameday.cli.guard_codes import GUARD_CODES
from gameday.cli.mistake_codes import MISTAKES
from gameday.errors import Exit, InvalidInput
from gameday.text import quoted

_HEAD = """\
# Errors and their codes

Each error, each mistake in a file, each refusal and each warning of a plan carries a stable code. A code is never used
again for another meaning. `gameday errors CODE` prints the same explanation. `python docs/generate.py` generates this
page.
"""

CODES = {**ERRORS, **MISTAKES, **GUARD_CODES}
"""Code → its explanation."""

_EXITS = {
    "GD-E0": Exit.BUG,
    "GD-E1": Exit.INVALID,
    "GD-E2": Exit.REFUSED,
    "GD-E3": Exit.REFUSED,
    "GD-E4": Exit.UNKNOWN,
    "GD-E5": Exit.UNKNOWN,
    "GD-F": Exit.INVALID,
    "GD-P": Exit.REFUSED,
    "GD-W": Exit.HELD,
}


def exit_of(code: str) -> Exit:
    """The exit code of a command that an error with this code ends."""
    return _EXITS[code[:5] if code.startswith("GD-E") else code[:4]]


def catalogue() -> str:
    """All codes, one a line, with the exit code of each."""
    return "".join(f"{code:<8} exit {exit_of(code):<2} {each.title}\n" for code, each in CODES.items())


def explain(code: str) -> str:
    """One code: what happened, why, and what to do. Raises InvalidInput for a code that is none."""
    wanted = code.strip("[]").upper()
    if wanted not in CODES:
        raise InvalidInput(f"there is no error code {quoted(code)}", "`gameday errors` lists all codes")
    found = CODES[wanted]
    return f"{wanted}: {found.title} (exit {exit_of(wanted):d})\n  why     {found.cause}\n  remedy  {found.remedy}\n"


def as_markdown() -> str:
    """The reference page."""
    return "\n".join([_HEAD, *_sections()])


def _sections() -> Iterator[str]:
    for code, each in CODES.items():
        yield f"## {code}: {each.title}\n\nExit code {exit_of(code):d}. {each.cause}\n\n**Remedy:** {each.remedy}\n"
