"""The heartbeat: a thread that renews a run's lease and checks the store for a halt request."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Literal

from gameday.errors import JournalError, LeaseLost
from gameday.store.halt import halted_in
from gameday.store.lease import Lease
from gameday.store.s3 import Objects

log = logging.getLogger("gameday.store")

BEAT = 1.0
"""Seconds between two checks whether a renewal is due."""

AskToStop = Callable[[Literal["halt", "lease"], str], None]
"""Asks the run to abort and undo, with a reason."""


class Heartbeat:
    """Renew the lease within the block; ask the run to stop if the lease is lost or the run is halted."""

    def __init__(self, lease: Lease, objects: Objects, run: str, ask: AskToStop) -> None:
        self._lease, self._objects, self._run, self._ask = lease, objects, run, ask
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="heartbeat", daemon=True)

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # Do not wait for a renewal under way: the lease is free, or runs out by itself.
        self._over.set()

    def _work(self) -> None:
        try:
            while not self._over.wait(BEAT):
                self.beat()
        except Exception as error:  # noqa: BLE001 - no run may continue without its heartbeat
            self._ask("lease", f"the heartbeat ended: {type(error).__name__}: {error}")

    def beat(self) -> None:
        """Renew the lease if that is due, and check for a halt request."""
        if not self._lease.is_due:
            return
        try:
            self._lease.renew()
            request = halted_in(self._objects, self._run)
        except LeaseLost as lost:
            self._ask("lease", lost.what)
            return
        except JournalError as error:
            log.info("the lease of run %s was not renewed: %s", self._run, error.what)
            self._check_lease(error)
            return
        if request:
            self._ask("halt", request)

    def _check_lease(self, error: JournalError) -> None:
        """Ask the run to stop if the store has not answered for so long that another run may have the lease."""
        try:
            self._lease.must_be_sure()
        except LeaseLost as lost:
            self._ask("lease", f"{lost.what}: {error.what}")
