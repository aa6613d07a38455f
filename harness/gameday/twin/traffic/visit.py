"""A request inside a server, and the calls that it makes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gameday.twin.state import OUTSIDE
from gameday.twin.traffic.draws import Draw

if TYPE_CHECKING:
    from gameday.twin.traffic.agenda import Deadlines
    from gameday.twin.traffic.servers import NodeQueue, Server


@dataclass(frozen=True, slots=True)
class VisitCall:
    """A call that a visit makes, and the server that it goes to."""

    server: Server
    deadlines: Deadlines | None  # the queue for its timeout
    retries: int
    backoff: float  # seconds
    fallback: bool
    jitter: Draw


class Visit:
    """A request inside a server, or a customer outside of all servers; it makes its calls one after the other."""

    __slots__ = ("began", "caller", "calls", "journey", "node", "sent", "serial", "server", "step", "ticket", "tries")

    def __init__(self, server: Server, caller: Visit | None, ticket: int, journey: int, now: float) -> None:
        self.server = server
        self.caller = caller  # waits for the answer; None: this is a customer
        self.ticket = ticket  # the caller's serial when it called; a different serial means that the caller gave up
        self.journey = journey
        self.calls = server.calls[journey]
        self.began = now
        self.node: NodeQueue | None = None  # the instance that works on it
        self.step = 0  # index of the current call
        self.serial = 0  # counts calls; negative: this visit is over
        self.tries = 0  # retries made of the current call
        self.sent = -1.0  # when the current attempt was sent; negative: there is none

    @property
    def place(self) -> str:
        """The end of a path at which this visit is: its node, or OUTSIDE."""
        return OUTSIDE if self.node is None else self.node.id
