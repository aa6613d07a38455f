"""One word for one thing (docs/glossary.md): no file of the repository holds a banned word."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BANNED = {
    "bite": r"bites?|bitten|biting",
    "strike": r"strikes?|struck|striking",
    "knob": r"knobs?",
    "blow": r"blows?",
    "lapse": r"lapse[sd]?|lapsing",
    "whoever": r"whoever",
    "whatever": r"whatever",
    "of which": r"of which",
    "borne": r"borne",
    "is told": r"(?:is|are|be) told",
    "is said": r"(?:is|are|be) (?:said|heard)",
}
"""Word → its forms. A name in code is words, too: `DidNotBite`, `did_not_bite`, `did-not-bite`."""

OLD_HOUSE = re.compile(
    r"\b(?:from|import) (?:harness|steady_state)\b|\bharness\.(?:sdk|spec|account|suites|engine|testing|strategies)\b"
    r"|\b(?:Knob|Turn|Strike|Bite|Bitten|DidNotBite|Settled|Canonical)\("
)
"""Modules and classes before package `gameday`."""

EXEMPT = (
    "CHANGELOG.md",  # names the old words beside the new ones
    "tests/test_language.py",
    "LICENSE",
    "harness/gameday/report/vendor/",
    "reports/sample/",  # made from the others
)
_FORMS = {word: re.compile(rf"(?<![a-z])(?:{forms})(?![a-z])", re.I) for word, forms in BANNED.items()}


def spaced(text: str) -> str:
    """A text whose names are words: `DidNotBite` and `did_not_bite` become `Did Not Bite` and `did not bite`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|[_\s]+", " ", text)


def banned_in(text: str) -> frozenset[str]:
    """The banned words in a text."""
    words = spaced(text)
    return frozenset(word for word, form in _FORMS.items() if form.search(words))


@cache
def files() -> tuple[str, ...]:
    """The text files under version control, or about to be."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    return tuple(sorted(name for name in listed if not name.startswith(EXEMPT) and (ROOT / name).is_file()))


@pytest.mark.parametrize("name", files())
def test_file_holds_no_banned_word(name: str) -> None:
    try:
        text = (ROOT / name).read_text()
    except UnicodeDecodeError:
        pytest.skip("not a text")
    assert banned_in(f"{name}\n{text}") == frozenset()


@pytest.mark.parametrize("name", files())
def test_file_names_nothing_of_the_old_house(name: str) -> None:
    if name == "tests/test_wheel.py":
        pytest.skip("its project has a `harness` package of its own")
    try:
        text = (ROOT / name).read_text()
    except UnicodeDecodeError:
        pytest.skip("not a text")
    assert OLD_HOUSE.findall(text) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("class DidNotBite:", {"bite"}),
        ("did-not-bite", {"bite"}),
        ("whoever is\ntold", {"whoever", "is told"}),
        ("the limits_of_which", {"of which"}),
        ("a habit, a blower, strikethrough, elapsed", set()),
    ],
)
def test_banned_words_are_found_in_names_and_across_lines(text: str, words: set[str]) -> None:
    assert banned_in(text) == words


if __name__ == "__main__":
    for each in files():
        if words := sorted(banned_in(f"{each}\n{(ROOT / each).read_text(errors='replace')}")):
            print(f'    "{each}": {tuple(words)},')
