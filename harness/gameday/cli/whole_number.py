"""A whole number on the command line: ASCII digits alone, within limits."""

from __future__ import annotations

import click


class WholeNumber(click.ParamType[int]):
    """Read digits as files do; Python's own `int` also reads `1_000`, and the digits of other scripts."""

    name = "number"

    def __init__(self, least: int, most: int) -> None:
        self._least, self._most = least, most

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number. Raises BadParameter."""
        text = str(value)
        # Twenty digits are beyond every limit, and Python takes long to read thousands.
        if not (text.isascii() and text.isdigit() and len(text) < 20):
            self.fail(f"{text[:40]!r} is not a whole number from {self._least} to {self._most}", param, ctx)
        number = int(text)
        if not self._least <= number <= self._most:
            self.fail(f"{number} is not in the range {self._least} to {self._most}", param, ctx)
        return number


SEED = WholeNumber(0, 2**63 - 1)
"""As `steady_state/kpi/units.Seed`, which would load pydantic."""
