"""GD3xx: timeouts and retries that contradict each other, as the twin file declares them."""

from __future__ import annotations

from collections.abc import Iterator

from gameday.checks.finding import RETRIES, TIMEOUTS, Check, CheckContext, Finding
from gameday.files.twin_file import CallTo, TwinFile
from gameday.steady_state.kpi.units import show_duration

LONGEST_BACKOFF = 20.0
"""Seconds; what the twin's backoff grows to at most."""


def timed_calls(twin: TwinFile) -> Iterator[tuple[str, CallTo]]:
    """The caller and the call, of every call."""
    for name, module in twin.modules.items():
        for call in module.calls:
            yield name, call


def longest(twin: TwinFile, module: str, journey: str | None, only: tuple[str, ...] = ()) -> tuple[float, str]:
    """Seconds that a module may take for a request, and whom it waits for: its p95, and the longest of its timeouts.

    The longest and not the sum: one dependency in trouble at a time. Calls without a timeout are GD302's.
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
    """Callers, customers too, who give up before the one they call gives up on what it calls in turn."""
    if context.twin is None:
        return
    waiting = [
        (f"{caller} → {call.to}", caller, call.to, call.timeout, longest(context.twin, call.to, None, call.only))
        for caller, call in timed_calls(context.twin)
        if call.timeout
    ]
    waiting += [
        (
            f"customers who {name} → {one.enters}",
            one.enters,
            one.enters,
            one.patience,
            longest(context.twin, one.enters, name),
        )
        for name, one in context.twin.customers.journeys.items()
    ]
    for resource, watched, callee, timeout, (takes, whom) in waiting:
        if whom and timeout < takes:
            yield Finding(
                resource=resource,
                modules=(watched,),
                what=(
                    f"the caller gives up after {show_duration(timeout)}; {callee} may take {show_duration(takes)}, "
                    f"its calls of {whom} with their retries included"
                ),
                fault=context.fault_on(whom),
                hypothesis=f"With {whom} gone, {callee} answers before its callers give up.",
            )


def waits_for_ever(context: CheckContext) -> Iterator[Finding]:
    """Calls without a timeout."""
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
    """Calls whose timeout is over before their last retry is answered: the backoffs, and p95 for each attempt."""
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
                    f"{call.retries} retries may take {show_duration(needed)}, and the whole call ends after "
                    f"{show_duration(call.timeout)}: the last of them are never answered"
                ),
                fault=context.fault_on(call.to),
                hypothesis=f"With {call.to} gone, {caller}'s retries end before its timeout.",
            )


CALLER_GIVES_UP_FIRST = Check(
    "GD301",
    "caller-gives-up-first",
    TIMEOUTS,
    "work goes on for callers who have left, and their retries make more of it: the slow get slower",
    gives_up_first,
)
NO_TIMEOUT = Check(
    "GD302",
    "no-timeout",
    TIMEOUTS,
    "what waits holds its slot; when enough wait, the caller has none left for anybody else",
    waits_for_ever,
)
NO_TIME_FOR_RETRIES = Check(
    "GD303",
    "no-time-for-retries",
    RETRIES,
    "retries that cannot be answered add load to a dependency in trouble, and help nobody",
    no_time_for_retries,
)
