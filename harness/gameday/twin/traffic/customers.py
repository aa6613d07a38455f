"""The data plane of the twin: customers' requests through modules, one by one, in virtual time.

`requests` moves requests along, `servers` admits them, `agenda` orders events, and `draws` makes random numbers.
Traffic knows no fault by name: everything follows from the `WorldState`.

- Customers arrive as a Poisson process, however earlier customers fared (an open loop). A customer who gets no answer
  within the journey's patience gives up, which is a failure; the work goes on.
- A visit occupies its slot (instance) or environment (function) from start to end, like a thread-per-request server. It
  takes its own service time first, then makes its calls in order. There is no network delay.
- A call's timeout is for the whole call, retries included. A throttle (429), a refusal (503), an error and a reset fail
  an attempt at once. Before retry n the caller waits a random time between 0 and min(20s, backoff · 2^(n-1)): the
  "full jitter" of M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
- A caller that gives up does not cancel the call: the callee works on in vain.
- Requests and answers are lost on a path in `WorldState.lost`, and at a host that is not serving. The caller waits for
  its timeout. Without a timeout it waits until TCP gives up after 127s, or without end for an answer that is slow.
  Each request looks up one pair: (the caller's node or OUTSIDE, the chosen node or OUTSIDE).
- Requests go over connections that are kept open, so a path in `WorldState.closed` still carries them.
- A node that disappears or stops serving cuts off its visits. Their callers see a reset, unless the path is lost too.

Bins: a request counts, tried and failed alike, in the second in which its caller got the answer or gave up. So the bad
count and the total of a ratio are always in the same bin.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from heapq import heappop
from math import floor

from gameday.errors import Refused
from gameday.files.twin_file import TwinFile
from gameday.twin.cloudwatch.store import MetricStore
from gameday.twin.state import OUTSIDE, WorldState
from gameday.twin.traffic import draws
from gameday.twin.traffic.agenda import Agenda
from gameday.twin.traffic.ground_truth import Truth
from gameday.twin.traffic.publish import Publication, Publisher
from gameday.twin.traffic.requests import RequestSimulation
from gameday.twin.traffic.servers import FunctionServer, JourneyServer, Metered, PoolServer, Server
from gameday.twin.traffic.visit import Visit, VisitCall

MOST_EVENTS = 100_000_000
"""Events of one twin. A request takes about three; twenty million are allowed (`files/twin_load.py`), and retries
during a fault may add half as many again."""


class Traffic:
    """Play a twin file's customers on the current state of the account.

    `seed`: a whole number ≥ 0. The same seed, states and instants give the same outcomes, for any steps of `advance`.
    `start`: seconds since the epoch. `publications`: what goes into `store`, second by second.
    """

    def __init__(
        self,
        twin: TwinFile,
        seed: int,
        start: float,
        store: MetricStore | None = None,
        publications: Sequence[Publication] = (),
    ) -> None:
        self._start = self._now = start
        self._events = 0
        self._second = floor(start)
        self._agenda = Agenda()
        self._play = RequestSimulation(self._agenda)
        self._modules = _modules(twin, seed)
        self._journeys = _journeys(twin, seed)
        self._bind(twin, seed)
        self._places = tuple(self._journeys.values())
        shares = [journey.share for journey in twin.customers.journeys.values()]
        self._next_customer = draws.arrivals(seed, twin.customers.rate, shares, start).__next__
        self._expect_customer()
        self.truth = Truth(self._journeys, self._modules, self._second)
        store = store or MetricStore()
        store.complete_until = self._second
        self._publisher = Publisher(store, publications, self._journeys, self._modules)

    def _bind(self, twin: TwinFile, seed: int) -> None:
        """Bind every call of each journey to its server; a customer makes one call, to the module that they enter."""
        names = tuple(self._journeys)
        for name, module in twin.modules.items():
            jitter = draws.uniform(seed, f"jitter/{name}")
            calls = [
                VisitCall(
                    self._modules[to.to], self._play.deadlines(to.timeout), to.retries, to.backoff, to.fallback, jitter
                )
                for to in module.calls
            ]
            self._modules[name].calls = [
                tuple(call for call, to in zip(calls, module.calls, strict=True) if not to.only or journey in to.only)
                for journey in names
            ]
        for name, journey in twin.customers.journeys.items():
            patience = self._play.deadlines(journey.patience)
            call = VisitCall(self._modules[journey.enters], patience, 0, 0.0, False, draws.uniform(seed, "jitter"))
            self._journeys[name].calls = [(call,)] * len(names)

    def apply(self, state: WorldState) -> None:
        """Use a new state of the account from now on; it must name every module of the twin file."""
        self._play.lost, self._closed = state.lost, state.closed
        modules = self._modules.items()
        self._play.cut(
            [visit for name, server in modules for visit in server.apply(state.modules[name], self._now)], self._now
        )

    def advance(self, until: float) -> None:
        """Play all events up to and including `until`, in seconds since the epoch."""
        heap = self._agenda.heap  # never empty: the next customer is always on it
        while heap[0][0] <= until:
            now, _, handler, argument = heappop(heap)
            if now >= self._second + 1:
                self._close_seconds(now)
            handler(now, argument)
            self._events += 1
            if self._events > MOST_EVENTS:
                raise _too_much(now - self._start)
        self._close_seconds(until)
        self._now = max(self._now, until)

    def responds(self, node_id: str) -> bool:
        """Whether a load balancer's health check of this node would succeed right now."""
        check = (OUTSIDE, node_id)  # it opens a new connection each time
        if check in self._play.lost or check in self._closed:
            return False
        return any(server.responds(node_id) for server in self._modules.values())

    def throttled(self, module: str) -> array[int]:
        """Return the number of requests that the module throttled, for each complete second since the start."""
        return self.truth.modules[module].throttled

    def _expect_customer(self) -> None:
        time, journey = self._next_customer()
        self._agenda.at(time, self._arrive, journey)

    def _arrive(self, now: float, journey: int) -> None:
        self._play.begin(Visit(self._places[journey], None, 0, journey, now), now)
        self._expect_customer()

    def _close_seconds(self, now: float) -> None:
        while now >= self._second + 1:
            self._publisher.close(self._second)
            self.truth.add(self._journeys, self._modules)
            for tally in (*self._places, *self._modules.values()):
                tally.clear()
            self._second += 1


def _too_much(seconds: float) -> Refused:
    return Refused(
        (f"the twin has simulated {MOST_EVENTS:,} events in {seconds:,.0f} s of virtual time, and plays no more",),
        "write fewer retries or a lower `customers.rate` in the twin file",
        gd_code="GD-E214",
    )


def _journeys(twin: TwinFile, seed: int) -> dict[str, JourneyServer]:
    nothing = draws.uniform(seed, "customers")
    return {name: JourneyServer(name, nothing, 0.0, nothing) for name in twin.customers.journeys}


def _modules(twin: TwinFile, seed: int) -> dict[str, Server]:
    servers: dict[str, Server] = {}
    for name, module in twin.modules.items():
        service = draws.lognormal(seed, f"service/{name}", module.latency.p50, module.latency.p95)
        breaks = draws.uniform(seed, f"errors/{name}")
        if module.instances:
            servers[name] = PoolServer(name, service, module.errors, breaks, module.instances)
        elif module.function:
            servers[name] = FunctionServer(name, service, module.errors, breaks, module.function.concurrency)
        else:
            servers[name] = Metered(name, service, module.errors, breaks)
    return servers
