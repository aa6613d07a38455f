"""Text for people: quote user input, suggest the name that was probably meant, and drop control characters."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def printable(text: str, keep: str = "") -> str:
    """Return text with control characters and lone surrogates replaced, except those in `keep`."""
    return "".join(char if char.isprintable() or char in keep else "\N{REPLACEMENT CHARACTER}" for char in text)


def quoted(text: str) -> str:
    """Return user input between backticks, cut where it is long."""
    cut = text if len(text) <= 60 else f"{text[:57]}…"
    return f"`{printable(cut)}`"


def nearest(wrong: str, known: Iterable[str]) -> str | None:
    """Return the known name closest to a wrong name; None where none is close."""
    close = get_close_matches(wrong.lower()[:100], list(known)[:300], 1, 0.6)  # bounded, since comparing is slow
    return close[0] if close else None


def one_of(wrong: str, known: Iterable[str], has: str = "there are") -> str:
    """Return the remedy for a wrong name: `did you mean …?`, or the list of known names."""
    names = list(known)
    if meant := nearest(wrong, names):
        return f"did you mean `{meant}`?"
    return f"{has}: {', '.join(names[:30])}{', …' if len(names) > 30 else ''}" if names else ""
