"""The availability zones that the twin can simulate: those of moto, listed here because importing moto is slow."""

from __future__ import annotations

_USUAL = "abc"
_LETTERS = {
    "ap-northeast-1": "acd",
    "ap-northeast-2": "abcd",
    "ca-central-1": "abd",
    "me-west-1": "",
    "sa-west-1": "",
    "us-east-1": "abcdef",
    "us-west-1": "ab",
    "us-west-2": "abcd",
}
"""Region → the last letters of its zones, if they are not the usual ones."""


def zones_of(region: str) -> tuple[str, ...]:
    """Return the zones of a region; a test compares them with moto's."""
    return tuple(f"{region}{letter}" for letter in _LETTERS.get(region, _USUAL))
