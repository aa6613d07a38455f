"""Text for people: what someone wrote, quoted; the name that was probably meant; nothing a terminal would obey."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def printable(text: str, keep: str = "") -> str:
    """Text without what a terminal would obey or could not show (control characters, lone surrogates)."""
    return "".join(one if one.isprintable() or one in keep else "\N{REPLACEMENT CHARACTER}" for one in text)


def quoted(text: str) -> str:
    """What someone wrote, between backticks, cut where it is long."""
    cut = text if len(text) <= 60 else f"{text[:57]}…"
    return f"`{printable(cut)}`"


def nearest(wrong: str, known: Iterable[str]) -> str | None:
    """The name that was probably meant."""
    close = get_close_matches(wrong.lower()[:100], list(known)[:300], 1, 0.6)  # comparing is slow
    return close[0] if close else None


def one_of(wrong: str, known: Iterable[str], has: str = "there are") -> str:
    """The remedy for a wrong name: `did you mean …?`, or all that there are."""
    names = list(known)
    if meant := nearest(wrong, names):
        return f"did you mean `{meant}`?"
    return f"{has}: {', '.join(names[:30])}{', …' if len(names) > 30 else ''}" if names else ""
