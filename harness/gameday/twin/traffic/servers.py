"""The servers of requests: instances behind a load balancer, functions, and resources with a token bucket.

A server admits or refuses a visit, and releases it at its end. `requests` decides the times.
"""

from __future__ import annotations

from collections import deque
from enum import Enum

from gameday.files.twin_file import Instances
from gameday.twin.state import OUTSIDE, ModuleStatus
from gameday.twin.traffic.draws import Draw
from gameday.twin.traffic.ground_truth import SecondTally
from gameday.twin.traffic.visit import Visit, VisitCall

BURST_SECONDS = 300.0
"""DynamoDB saves up to five minutes of unused capacity for bursts (DynamoDB Developer Guide, "DynamoDB burst and
adaptive capacity")."""

Lost = frozenset[tuple[str, str]]


class Fate(Enum):
    """The outcome of sending a request to a server."""

    STARTED = "started"
    WAITING = "waiting"  # in a node's queue
    REFUSED = "refused"  # at once: 503 or 429
    SILENT = "silent"  # the caller gets no answer


STARTED, WAITING, REFUSED, SILENT = Fate
"""The members as globals: looking one up on the enum costs more than admitting a request."""


class Server(SecondTally):
    """A module or, for customers, a journey: its service time, its calls for each journey, its counts."""

    __slots__ = ("breaks", "calls", "errors", "name", "service")

    def __init__(self, name: str, service: Draw, errors: float, breaks: Draw) -> None:
        super().__init__()
        self.name = name
        self.service = service  # seconds of work for one request
        self.errors = errors  # the share of requests that fail by themselves
        self.breaks = breaks
        self.calls: list[tuple[VisitCall, ...]] = []  # by the journey's index

    def admit(self, visit: Visit, caller: Visit, lost: Lost, now: float) -> Fate:
        """Admit or refuse a visit."""
        raise NotImplementedError

    def release(self, visit: Visit) -> Visit | None:
        """End a visit. Returns the waiting visit that starts in its place, if there is one."""
        raise NotImplementedError

    def apply(self, state: ModuleStatus, now: float) -> list[Visit]:
        """Take over the module's new state. Returns the visits that this cuts off."""
        raise NotImplementedError

    @property
    def healthy(self) -> int:
        """The number of nodes in rotation."""
        return 0

    def responds(self, node_id: str) -> bool:  # noqa: ARG002
        """Whether the node belongs to this server, serves, and has room for a request."""
        return False


class JourneyServer(Server):
    """A journey's customers, outside of all modules, with the counts of their requests."""

    __slots__ = ()

    def release(self, visit: Visit) -> None:
        """End a customer's visit; nothing waits for its place."""

    def count_work(self, good: bool, seconds: float) -> None:
        """Count the visit as the customer's request, since a customer has no caller."""
        self.count(good, seconds)


class NodeQueue:
    """An instance: the visits it works on, in order of start, and those that wait."""

    __slots__ = ("id", "serving", "waiting", "working")

    def __init__(self, name: str) -> None:
        self.id = name
        self.serving = False
        self.working: dict[Visit, None] = {}
        self.waiting: deque[Visit] = deque()


class PoolServer(Server):
    """Instances behind a load balancer that goes round robin over the nodes in rotation.

    Round robin is the default of an Application Load Balancer. With no healthy target it fails open to all; with no
    target at all it answers 503 (Elastic Load Balancing, Application Load Balancers guide: "Routing algorithms",
    "Health checks for your target groups", "Troubleshoot your Application Load Balancers").
    A host that is not serving does not answer its callers.
    """

    __slots__ = ("in_rotation", "nodes", "queue", "slots", "targets", "turn")

    def __init__(self, name: str, service: Draw, errors: float, breaks: Draw, instances: Instances) -> None:
        super().__init__(name, service, errors, breaks)
        self.slots = instances.slots
        self.queue = instances.queue
        self.nodes: dict[str, NodeQueue] = {}
        self.targets: list[NodeQueue] = []
        self.in_rotation = 0
        self.turn = 0

    def admit(self, visit: Visit, caller: Visit, lost: Lost, now: float) -> Fate:  # noqa: ARG002
        """Send the visit to the next node: it takes a free slot or a place in the queue, or gets 503."""
        targets = self.targets
        if not targets:
            return REFUSED
        turn = self.turn
        if turn >= len(targets):
            turn = 0
        self.turn = turn + 1
        node = targets[turn]
        if not node.serving or (lost and (caller.place, node.id) in lost):
            return SILENT
        if len(node.working) < self.slots:
            visit.node = node
            node.working[visit] = None
            return STARTED
        if len(node.waiting) < self.queue:
            visit.node = node
            node.waiting.append(visit)
            return WAITING
        self.count_work(False, 0.0)
        return REFUSED

    def release(self, visit: Visit) -> Visit | None:
        """Give the slot to the visit that waited longest at that node."""
        node = visit.node
        if node is None:
            return None
        del node.working[visit]
        if not node.waiting:
            return None
        follower = node.waiting.popleft()
        node.working[follower] = None
        return follower

    def apply(self, state: ModuleStatus, now: float) -> list[Visit]:  # noqa: ARG002
        """Cut off all visits of nodes that are gone or stopped serving."""
        before = self.nodes
        self.nodes = {node.id: before.get(node.id) or NodeQueue(node.id) for node in state.nodes}
        for node in state.nodes:
            self.nodes[node.id].serving = node.serving
        rotation = [self.nodes[node.id] for node in state.nodes if node.in_rotation]
        self.targets = rotation or list(self.nodes.values())
        self.in_rotation = len(rotation)
        cut: list[Visit] = []
        for gone in before.values():
            if gone.id not in self.nodes or not gone.serving:
                cut += [*gone.working, *gone.waiting]
                gone.working.clear()
                gone.waiting.clear()
        return cut

    @property
    def healthy(self) -> int:
        """The number of nodes in rotation."""
        return self.in_rotation

    def responds(self, node_id: str) -> bool:
        """Whether the node belongs to this server, serves, and has room for a request."""
        node = self.nodes.get(node_id)
        return node is not None and node.serving and (len(node.working) < self.slots or len(node.waiting) < self.queue)


class FunctionServer(Server):
    """A Lambda function, which throttles requests beyond its concurrency at once with 429.

    Reserved concurrency is a ceiling, and 0 throttles everything; without it the account's limit counts (AWS Lambda
    Developer Guide, "Understanding Lambda function scaling").
    """

    __slots__ = ("account", "busy", "concurrency")

    def __init__(self, name: str, service: Draw, errors: float, breaks: Draw, account: int) -> None:
        super().__init__(name, service, errors, breaks)
        self.account = account
        self.concurrency = account
        self.busy = 0

    def admit(self, visit: Visit, caller: Visit, lost: Lost, now: float) -> Fate:  # noqa: ARG002
        """Take a free environment, or answer 429."""
        if lost and (caller.place, OUTSIDE) in lost:
            return SILENT
        if self.busy >= self.concurrency:
            self.throttled += 1
            return REFUSED
        self.busy += 1
        return STARTED

    def release(self, visit: Visit) -> None:  # noqa: ARG002
        """Free the visit's environment."""
        self.busy -= 1

    def apply(self, state: ModuleStatus, now: float) -> list[Visit]:  # noqa: ARG002
        """Set the ceiling; visits that run already go on."""
        self.concurrency = self.account if state.concurrency is None else state.concurrency
        return []


class Metered(Server):
    """A table or a stage: a request takes a token from a bucket, or is throttled at once.

    - API Gateway throttles by a token bucket (API Gateway Developer Guide, "Throttle requests to your REST APIs").
    - For DynamoDB the bucket holds `BURST_SECONDS` of capacity, so a throttle takes effect only when the saved capacity
      is used up.
    - Both start full. Without a rate (on-demand, no throttling) nothing is throttled.
    - AWS does not document what happens to saved capacity when a table's capacity is lowered. Here it is cut to what
      the new capacity could have saved.
    """

    __slots__ = ("at", "level", "rate", "size")

    def __init__(self, name: str, service: Draw, errors: float, breaks: Draw) -> None:
        super().__init__(name, service, errors, breaks)
        self.rate: float | None = None
        self.size = self.level = float("inf")
        self.at = 0.0

    def _refill(self, now: float) -> None:
        if self.rate is not None:
            self.level = min(self.size, self.level + (now - self.at) * self.rate)
            self.at = now

    def admit(self, visit: Visit, caller: Visit, lost: Lost, now: float) -> Fate:  # noqa: ARG002
        """Take a token, or throttle."""
        if lost and (caller.place, OUTSIDE) in lost:
            return SILENT
        self._refill(now)
        if self.level < 1.0:
            self.throttled += 1
            return REFUSED
        self.level -= 1.0
        return STARTED

    def release(self, visit: Visit) -> None:
        """Do nothing: tokens do not come back."""

    def apply(self, state: ModuleStatus, now: float) -> list[Visit]:
        """Set the rate and the size of the bucket."""
        self._refill(now)
        self.at = now
        if state.capacity is not None:
            self.rate, self.size = state.capacity, BURST_SECONDS * state.capacity
        elif state.rate is not None:
            self.rate, self.size = state.rate, state.rate if state.burst is None else state.burst
        else:
            self.rate, self.size = None, float("inf")
            self.level = self.size
        return []
