"""Texts of files and accounts are shown as one line, and hide nothing."""

from __future__ import annotations

import unicodedata

import pytest
from gameday.errors import AwsError, InvalidInput, Reason, Refused
from gameday.text import printable, quoted
from hypothesis import given
from hypothesis import strategies as st

BREAKS = "\n\r\t\v\f\x1c\x1d\x1e\x1f\x85\u2028\u2029"
MARKS = "\u061c\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff\u00ad"
CONTROLS = "".join(map(chr, [*range(0x09), *range(0x0E, 0x1C), 0x7F, *range(0x80, 0x85), *range(0x86, 0xA0)]))


@pytest.mark.parametrize("char", BREAKS)
def test_printable_of_a_line_break_is_a_space(char: str) -> None:
    assert printable(f"a{char}b") == "a b"


@pytest.mark.parametrize("char", [*MARKS, *CONTROLS, "\ud800", "\ufffe", "\U000e0041"])
def test_printable_of_a_hidden_sign_is_a_replacement(char: str) -> None:
    assert printable(f"a{char}b") == "a\ufffdb"


@given(st.text(st.characters(codec=None, exclude_categories=())))
def test_printable_of_any_text_is_one_visible_line(text: str) -> None:
    shown = printable(text)
    assert len(shown.splitlines()) <= 1
    assert {unicodedata.category(char) for char in shown} & {"Cc", "Cf", "Cs", "Cn", "Zl", "Zp"} == set()
    assert printable(shown) == shown


@given(st.text(st.characters(categories=["L", "N", "P", "S", "M"], exclude_characters=":")))
def test_printable_of_a_visible_text_is_the_text(text: str) -> None:
    assert printable(text) == text


def test_printable_masks_the_secrets_of_urls() -> None:
    assert printable("see https://ana:hush@shop.test/?a=hush.") == "see https://***@shop.test/?a=***"


def test_quoted_masks_before_it_cuts() -> None:
    assert quoted(f"https://ana:{'hush' * 30}@shop.test") == "`https://***@shop.test`"
    assert quoted("x" * 70) == f"`{'x' * 57}…`"


@pytest.mark.parametrize(
    ("error", "lines"),
    [
        (InvalidInput("a\nb", "c\nd"), 2),
        (Refused((Reason("GD-P01", "a\nb", "c\nd"), "e\u2028f"), "g\nh"), 4),
        (AwsError("ec2", "run_instances", "Bad\nCode", "a\nb", "c\nd", "e\nf"), 3),
    ],
)
def test_error_with_line_breaks_adds_no_line(error: Exception, lines: int) -> None:
    assert len(str(error).splitlines()) == lines
