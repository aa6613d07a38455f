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
    "GD-E6": Exit.UNKNOWN,
    "GD-F": Exit.INVALID,
    "GD-P": Exit.REFUSED,
    "GD-W": Exit.HELD,
}


def exit_of(code: str) -> Exit:
    """Return the exit code of a command that ends with this error."""
    return _EXITS[code[:5] if code.startswith("GD-E") else code[:4]]


def catalogue() -> str:
    """List all codes with their exit codes, one a line."""
    return "".join(f"{code:<8} exit {exit_of(code):<2} {entry.title}\n" for code, entry in CODES.items())


def explain(code: str) -> str:
    """Explain one code: what happened, why, and what to do. Raises InvalidInput for an unknown code."""
    wanted = code.strip("[]").upper()
    if wanted not in CODES:
        raise InvalidInput(f"there is no error code {quoted(code)}", "`gameday errors` lists all codes")
    entry = CODES[wanted]
    head = f"{wanted}: {entry.title} (exit {exit_of(wanted):d})"
    return f"{head}\n  why     {entry.cause}\n  remedy  {entry.remedy}\n"


def as_markdown() -> str:
    """Render the reference page."""
    return "\n".join([_HEAD, *_sections()])


def _sections() -> Iterator[str]:
    for code, entry in CODES.items():
        yield f"## {code}: {entry.title}\n\nExit code {exit_of(code):d}. {entry.cause}\n\n**Remedy:** {entry.remedy}\n"
