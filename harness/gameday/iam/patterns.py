"""How IAM compares texts: wildcards, ARNs part by part, and variables in policies."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

Context = Mapping[str, str | Sequence[str]]
"""The condition keys of a request (in any case) and their values."""

_LITERAL = str.maketrans("*?", "\ue000\ue001")
"""Characters of Unicode's private use, in place of `*` and `?` that came from a variable and are no wildcards."""
_PLAIN = str.maketrans("\ue000\ue001", "*?")

_VARIABLE = re.compile(r"\$\{\s*([^},]+?)\s*(?:,\s*'([^']*)'\s*)?\}")


@lru_cache(maxsize=8192)
def _regex(pattern: str) -> re.Pattern[str]:
    parts = (".*" if char == "*" else "." if char == "?" else re.escape(plain(char)) for char in pattern)
    return re.compile("".join(parts), re.DOTALL)


def plain(pattern: str) -> str:
    """Return a pattern as literal text, without wildcards."""
    return pattern.translate(_PLAIN)


def like(pattern: str, text: str) -> bool:
    """Return whether a text matches a pattern: `*` is any number of characters, `?` is a single one."""
    return _regex(pattern).fullmatch(text) is not None


def arn_like(pattern: str, arn: str) -> bool:
    """Return whether an ARN matches a pattern; a wildcard stays within its part, except in the last of the six.

    A pattern that ends early in a wildcard leaves the rest open. Source: IAM User Guide, "IAM JSON policy elements:
    Resource" and "Amazon Resource Name (ARN) condition operators".
    """
    if pattern == "*" or arn == "*":
        return pattern == "*"
    asked, given = pattern.split(":", 5), arn.split(":", 5)
    if len(asked) < 6 and asked[-1].endswith("*"):
        asked += ["*"] * (6 - len(asked))
    return len(asked) == len(given) and all(like(part, text) for part, text in zip(asked, given, strict=True))


def with_variables(pattern: str, context: Context) -> str | None:
    """Return a pattern with its variables filled from the context; None where a variable has no value.

    Filled values are literal text: `*` and `?` in them are no wildcards, like those of `${*}` and `${?}`.
    Source: IAM User Guide, "IAM policy elements: Variables and tags".
    """
    missing: list[str] = []

    def value(match: re.Match[str]) -> str:
        name, default = match.group(1), match.group(2)
        known = name if name in ("*", "?", "$") else value_of(context, name)
        text = known if isinstance(known, str) else default
        missing.extend([] if text is not None else [name])
        return (text or "").translate(_LITERAL)

    filled = _VARIABLE.sub(value, pattern)
    return None if missing else filled


def value_of(context: Context, key: str) -> str | Sequence[str] | None:
    """Return the value of a condition key; the case of the key, and of a tag's name in it, does not matter.

    Source: IAM User Guide, "AWS global condition context keys", aws:ResourceTag/tag-key.
    """
    return next((value for name, value in context.items() if name.lower() == key.lower()), None)
