"""What commands print: results on stdout, messages on stderr."""

from __future__ import annotations

import os
import sys


def tell(text: str, *, err: bool = False) -> None:
    """Print a text; a closed pipe or a full disk loses the text, never the work or the exit code."""
    stream = sys.stderr if err else sys.stdout
    try:
        print(text, file=stream, flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
