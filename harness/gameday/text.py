"""Text for people: show texts from files and accounts safely, quote input, suggest the name that was probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from gameday.steady_state.kpi.masks import masked_text, masked_urls


def printable(text: str) -> str:
    """Return a text from a file or an account as one line that shows what it is, without the secrets of its URLs.

    Line breaks, tabs and other spaces become a space, so that no text adds a line of its own. Control characters,
    invisible characters, marks of direction and lone surrogates become U+FFFD (Unicode categories Cc, Cf, Cs, Co, Cn).
    """
    text = masked_urls(text)
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else " " if char.isspace() else "\N{REPLACEMENT CHARACTER}" for char in text
    )


def quoted(text: str) -> str:
    """Return user input between backticks, cut where it is long; mask what looks like a secret before the cut."""
    masked = masked_text(text)
    cut = masked if len(masked) <= 60 else f"{masked[:57]}…"
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
