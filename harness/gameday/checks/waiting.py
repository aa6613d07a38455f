"""GD3xx: timeouts and retries in the twin file that contradict each other."""

from __future__ import annotations

from collections.abc import Iterator

from gameday.checks.finding import RETRIES, TIMEOUTS, Check, CheckContext, Finding
from gameday.files.twin_file import CallTo, TwinFile
from gameday.steady_state.kpi.units import show_duration

LONGEST_BACKOFF = 20.0
"""Seconds of the twin's longest backoff."""


def timed_calls(twin: TwinFile) -> Iterator[tuple[str, CallTo]]:
    """Yield every call with its caller."""
    for name, module in twin.modules.items():
        for call in module.calls:
            yield name, call


def longest(twin: TwinFile, module: str, journey: str | None, only: tuple[str, ...] = ()) -> tuple[float, str]:
    """Return the seconds that a module may take for a request, and the module that it waits for longest.

    The seconds are its own p95 and its longest timeout, not the sum of timeouts: we assume one dependency in trouble at
    a time. GD302 finds calls without a timeout.
    """
    own = twin.modules[module]
    journeys = {journey} if journey else set(only)
    waits = [
        (call.timeout, call.to)
        for call in own.calls
        if call.timeout and (not journeys or not call.only or journeys & set(call.only))
    ]
    slowest, whom = max(waits, default=(0.0, ""))
    return own.latency.p95 + slowest, whom


def gives_up_first(context: CheckContext) -> Iterator[Finding]:
    """Find callers and customers who give up before the module that they call gives up on its own calls."""
    if context.twin is None:
        return
    waiting = [
        (f"{caller} → {call.to}", caller, call.to, call.timeout, longest(context.twin, call.to, None, call.only))
        for caller, call in timed_calls(context.twin)
        if call.timeout
    ]
    waiting += [
        (
            f"customers who {name} → {journey.enters}",
            journey.enters,
            journey.enters,
            journey.patience,
            longest(context.twin, journey.enters, name),
        )
        for name, journey in context.twin.customers.journeys.items()
    ]
    for resource, watched, callee, timeout, (takes, whom) in waiting:
        if whom and timeout < takes:
            yield Finding(
                resource=resource,
                modules=(watched,),
                what=(
                    f"the caller gives up after {show_duration(timeout)}; {callee} may take {show_duration(takes)}, "
                    f"including its calls of {whom} and their retries"
                ),
                fault=context.fault_on(whom),
                hypothesis=f"With {whom} gone, {callee} answers before its callers give up.",
            )


def waits_for_ever(context: CheckContext) -> Iterator[Finding]:
    """Find calls without a timeout."""
    for caller, call in timed_calls(context.twin) if context.twin else ():
        if call.timeout is None:
            retries = f", and tries {call.retries + 1} times" if call.retries else ""
            yield Finding(
                resource=f"{caller} → {call.to}",
                modules=(caller,),
                what=f"{caller} waits for {call.to} as long as it takes{retries}",
                fault=context.fault_on(call.to),
                hypothesis=f"With {call.to} gone, {caller} goes on, or fails fast.",
            )


def no_time_for_retries(context: CheckContext) -> Iterator[Finding]:
    """Find calls whose timeout ends before their last retry can be answered: all backoffs, and p95 for each attempt."""
    for caller, call in timed_calls(context.twin) if context.twin else ():
        if context.twin is None or call.timeout is None or not call.retries:
            continue
        backoffs = sum(min(LONGEST_BACKOFF, call.backoff * 2**n) for n in range(call.retries))
        needed = backoffs + (call.retries + 1) * context.twin.modules[call.to].latency.p95
        if needed > call.timeout:
            yield Finding(
                resource=f"{caller} → {call.to}",
                modules=(caller,),
                what=(
                    f"{call.retries} retries may take {show_duration(needed)}, but the whole call ends after "
                    f"{show_duration(call.timeout)}: the last retries never get an answer"
                ),
                fault=context.fault_on(call.to),
                hypothesis=f"With {call.to} gone, {caller}'s retries end before its timeout.",
            )


CALLER_GIVES_UP_FIRST = Check(
    "GD301",
    "caller-gives-up-first",
    TIMEOUTS,
    "the module works on for callers who have left, and their retries add work: a slow module gets slower",
    gives_up_first,
)
NO_TIMEOUT = Check(
    "GD302",
    "no-timeout",
    TIMEOUTS,
    "each waiting call holds a slot; with enough of them the caller has no slot left for other requests",
    waits_for_ever,
)
NO_TIME_FOR_RETRIES = Check(
    "GD303",
    "no-time-for-retries",
    RETRIES,
    "retries without time for an answer only add load to a dependency in trouble",
    no_time_for_retries,
)
