"""The setting of Lambda functions that `throttle` sets."""

from __future__ import annotations

from gameday.change import Call, Read, Setting, Shape

CONCURRENCY = Setting(
    name="function.concurrency",
    about="a function's reserved concurrency: how many invocations run at once; 0 throttles all, absent reserves none",
    shape=Shape.SCALAR,
    resource="function",
    read=Read(
        call=Call(service="lambda", operation="get_function_concurrency", params={"FunctionName": {"$": "id"}}),
        rows="[{value: ReservedConcurrentExecutions}]",
        plural=False,
    ),
    write=Call(
        service="lambda",
        operation="put_function_concurrency",
        params={"FunctionName": {"$": "id"}, "ReservedConcurrentExecutions": {"$": "value"}},
    ),
    clear=Call(service="lambda", operation="delete_function_concurrency", params={"FunctionName": {"$": "id"}}),
    settle=5.0,
    retry=("ResourceConflictException",),
    gone=("ResourceNotFoundException",),
)
