"""A multiple on the command line: `2.5x`."""

from __future__ import annotations

import re

import click

LARGEST = 100.0


class Multiple(click.ParamType[float]):
    """Read a number with its `x`, above 0 and at most `LARGEST`."""

    name = "multiple"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the factor. Raises BadParameter."""
        text = str(value)
        if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,6})?x", text) or not 0 < (factor := float(text[:-1])) <= LARGEST:
            self.fail(f"{text[:40]!r} is not a multiple above 0x, at most {LARGEST:g}x, like 2.5x", param, ctx)
        return factor
