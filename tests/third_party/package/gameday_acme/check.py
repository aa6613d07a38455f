"""A check: functions that reserve no concurrency."""

from __future__ import annotations

from collections.abc import Iterator

from gameday.aws.answers.lambda_ import GET_FUNCTION_CONCURRENCY
from gameday.aws.kinds import FUNCTION
from gameday.checks.finding import BULKHEADS, Check, CheckContext, Finding

from gameday_acme.fault import PauseFunctions


def no_reserve(context: CheckContext) -> Iterator[Finding]:
    """Functions that share the concurrency of the account."""
    for function in context.inventory.resources(FUNCTION):
        answer = context.inventory.read(GET_FUNCTION_CONCURRENCY, FunctionName=function.name)
        if answer.get("ReservedConcurrentExecutions") is None:
            yield Finding(
                resource=f"function {function.name}",
                modules=(function.module,),
                what="it reserves no concurrency",
                fault=PauseFunctions(module=function.module),
                hypothesis=f"With {function.name} paused, customers go on.",
            )


NO_RESERVE = Check(
    "ACME101",
    "no-reserve",
    BULKHEADS,
    "another function may use up what the account has",
    no_reserve,
)
