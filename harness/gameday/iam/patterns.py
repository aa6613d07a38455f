"""How IAM compares texts: wildcards, ARNs part by part, and variables in policies."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

Context = Mapping[str, str | Sequence[str]]
"""Condition keys (any case) and their values; a key that a request does not have is not there."""

_LITERAL = str.maketrans("*?", "\ue000\ue001")
"""Characters of Unicode's private use, for what looks like a wildcard but came from a variable."""
_PLAIN = str.maketrans("\ue000\ue001", "*?")

_VARIABLE = re.compile(r"\$\{\s*([^},]+?)\s*(?:,\s*'([^']*)'\s*)?\}")


@lru_cache(maxsize=8192)
def _regex(pattern: str) -> re.Pattern[str]:
    parts = (".*" if one == "*" else "." if one == "?" else re.escape(plain(one)) for one in pattern)
    return re.compile("".join(parts), re.DOTALL)


def plain(pattern: str) -> str:
    """A pattern as text, where its wildcards mean nothing."""
    return pattern.translate(_PLAIN)


def like(pattern: str, text: str) -> bool:
    """Whether a text is as the pattern says: `*` is any characters, `?` is one."""
    return _regex(pattern).fullmatch(text) is not None


def arn_like(pattern: str, arn: str) -> bool:
    """Whether an ARN is as the pattern says; wildcards stay within their part, but for the last of the six.

    A pattern that ends early in a wildcard leaves the rest open. Source: IAM User Guide, "IAM JSON policy elements:
    Resource" and "Amazon Resource Name (ARN) condition operators".
    """
    if pattern == "*" or arn == "*":
        return pattern == "*"
    asked, given = pattern.split(":", 5), arn.split(":", 5)
    if len(asked) < 6 and asked[-1].endswith("*"):
        asked += ["*"] * (6 - len(asked))
    return len(asked) == len(given) and all(like(one, text) for one, text in zip(asked, given, strict=True))


def with_variables(pattern: str, context: Context) -> str | None:
    """A pattern with its variables filled from the context; None where one stands for nothing.

    What is filled in is text: wildcards in it mean nothing, like those of `${*}` and `${?}`.
    Source: IAM User Guide, "IAM policy elements: Variables and tags".
    """
    missing: list[str] = []

    def value(found: re.Match[str]) -> str:
        name, default = found.group(1), found.group(2)
        stands = name if name in ("*", "?", "$") else value_of(context, name)
        text = stands if isinstance(stands, str) else default
        missing.extend([] if text is not None else [name])
        return (text or "").translate(_LITERAL)

    filled = _VARIABLE.sub(value, pattern)
    return None if missing else filled


def value_of(context: Context, key: str) -> str | Sequence[str] | None:
    """The value of a condition key, whatever its case, and whatever that of a tag's name in it.

    Source: IAM User Guide, "AWS global condition context keys", aws:ResourceTag/tag-key.
    """
    return next((value for name, value in context.items() if name.lower() == key.lower()), None)
