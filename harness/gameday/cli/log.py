"""Log options of every command: without them Gameday writes no log."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gameday.disk import OWNER_ONLY
from gameday.errors import InvalidInput

if TYPE_CHECKING:
    import logging

_FORMAT = "%(asctime)s.%(msecs)03dZ %(levelname)-5s %(name)s %(message)s"
_VERBOSE, _FILE = "gameday.cli.verbose", "gameday.cli.log-file"


def options() -> list[click.Parameter]:
    """Build -v and --log-file, which work before and after the command's name."""
    more = "Log to stderr: -v logs events, -vv logs every call."
    file = "Log every call to this file, for example for a bug report."
    return [
        click.Option(["-v", "--verbose"], count=True, expose_value=False, callback=_more, help=more),
        click.Option(["--log-file"], type=click.Path(path_type=Path), expose_value=False, callback=_to_file, help=file),
    ]


class _Stderr:
    """Write to the current stderr: a live display replaces it, so that lines appear above the display."""

    def write(self, text: str) -> None:
        sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


def _more(context: click.Context, _: click.Parameter, times: int) -> None:
    if times:
        import logging

        context.meta[_VERBOSE] = context.meta.get(_VERBOSE, 0) + times
        level = logging.INFO if context.meta[_VERBOSE] == 1 else logging.DEBUG
        _add(_VERBOSE, logging.StreamHandler(_Stderr()), level)


def _to_file(_: click.Context, __: click.Parameter, path: Path | None) -> None:
    if path:
        import logging

        try:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT, OWNER_ONLY))  # a log that is there keeps its mode
            _add(_FILE, logging.FileHandler(path, encoding="utf-8"), logging.DEBUG)
        except OSError as error:
            raise InvalidInput(f"{path}: cannot be written: {error.strerror}", "name another file") from error


def _add(name: str, handler: logging.Handler, level: int) -> None:
    """Attach a handler to Gameday's logger; it replaces an earlier handler of the same name."""
    import logging

    handler.name = name
    handler.setLevel(level)
    handler.setFormatter(_formatter())
    root = logging.getLogger("gameday")
    for earlier in [earlier for earlier in root.handlers if earlier.name == name]:
        root.removeHandler(earlier)
        earlier.close()
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)


def _formatter() -> logging.Formatter:
    """Format times in UTC, mask secrets, and keep each message to one line; only a traceback adds lines."""
    import logging

    from gameday.steady_state.kpi.masks import masked_text
    from gameday.text import printable

    class Masked(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            return masked_text(super().format(record))

        def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
            return printable(masked_text(super().formatMessage(record)))

    formatter = Masked(_FORMAT, "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    return formatter
