"""How tests wait for other threads and processes: for what they do, and never for a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")

LAST_NET = 600.0
"""Seconds after which a test gives up: a last net, which no test that holds comes near."""
PAUSE = 0.01
"""Seconds between two looks, which leave the machine to others."""


def until(look: Callable[[], Found]) -> Found:
    """Look until something is found; raises AssertionError when the last net is reached."""
    end = time.monotonic() + LAST_NET
    while not (found := look()):
        assert time.monotonic() < end
        time.sleep(PAUSE)
    return found
