"""A fault: pause all functions of a module."""

from __future__ import annotations

from typing import ClassVar

from gameday.aws.kinds import FUNCTION
from gameday.change import PlannedFault, Setting
from gameday.faults.fault import Fault, FaultContext, effect, staged, unknown_places
from gameday.faults.lambda_ import CONCURRENCY
from gameday.faults.throttling.metrics import grows
from pydantic import Field


class PauseFunctions(Fault):
    """Pause the functions of a module: each refuses every invocation."""

    name: ClassVar[str] = "pause-functions"
    settings: ClassVar[tuple[Setting, ...]] = (CONCURRENCY,)
    undo: ClassVar[str] = "each function gets back the concurrency that it reserved, or reserves none again"
    effect: ClassVar[str] = "CloudWatch counts throttled invocations"
    example: ClassVar[str] = "pause-functions: {module: payments}"

    module: str = Field(description="the module whose functions are paused")

    def inject(self, context: FaultContext) -> PlannedFault:
        """The changes, resolved against the account; reads only. Raises AwsError."""
        found = [function for function in context.inventory.resources(FUNCTION) if function.module == self.module]
        refusals = unknown_places(context, self.module, None)
        if not found and not refusals:
            refusals.append(f"module {self.module} has no function to pause")
        changes = context.changes(CONCURRENCY, {function.name: 0 for function in found})
        return PlannedFault(
            fault=self.name,
            label=f"pause {', '.join(function.name for function in found)}",
            stages=staged([change.model_copy(update={"module": self.module}) for change in changes]),
            effect=effect(
                self.effect,
                tuple(
                    grows("AWS/Lambda", "Throttles", "Invocations", {"FunctionName": change.id}) for change in changes
                ),
                deadline=600.0,
            ),
            hits={self.module: 1.0} if found else {},
            refusals=tuple(refusals),
        )
