"""How a workload file writes metrics of CloudWatch: by name, by their parts, or several that are summed.

Sources: Amazon CloudWatch API Reference, "Metric" (MetricName: 1 to 255 characters; Namespace: the same, and no colon
at its start) and User Guide, "Amazon CloudWatch concepts", "Namespaces" (letters, digits and `.-_/#:`, so no spaces).
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from gameday.steady_state.kpi.written import Written
from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

NAMED = r"^[^:\s][^\s]*/[^/]+$"
"""Namespace/MetricName: the namespace may hold slashes itself, the metric's name holds none."""


class Metric(Written):
    """A metric of CloudWatch, by its namespace and its name."""

    namespace: str = Field(pattern=r"^[^:\s]\S*$", max_length=255, description="the namespace, like AWS/Lambda")
    metric: str = Field(min_length=1, max_length=255, description="its name, which may hold slashes and spaces")
    dimensions: dict[str, str] | None = Field(None, description="in place of the `dimensions` beside `cloudwatch`")

    @property
    def name(self) -> str:
        """The metric as Namespace/MetricName."""
        return f"{self.namespace}/{self.metric}"

    @property
    def written(self) -> str | dict[str, Any]:
        """The metric as a file writes it, in the shortest form."""
        if self.dimensions is None and "/" not in self.metric:
            return self.name
        return self.model_dump(exclude_none=True)


def metric_of(written: object) -> object:
    """Read a metric's parts from `Namespace/MetricName`; leave other forms as they are. Raises ValueError."""
    if not isinstance(written, str):
        return written
    if not re.match(NAMED, written):
        hint = ": a namespace has no spaces, so write `{namespace: …, metric: …}`" if "/" in written else ""
        msg = f"`{written}` is not Namespace/MetricName{hint}"
        raise ValueError(msg)
    namespace, _, metric = written.rpartition("/")
    return {"namespace": namespace, "metric": metric}


def _metrics(written: object) -> object:
    listed = written if isinstance(written, list | tuple) else [written]
    return tuple(metric_of(metric) for metric in listed)


def _written(metrics: tuple[Metric, ...]) -> object:
    written = [metric.written for metric in metrics]
    return written if len(written) > 1 else written[0]


_TEXT: dict[str, Any] = {"type": "string", "pattern": NAMED, "examples": ["AWS/Lambda/Errors"]}
_PARTS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "namespace": {"type": "string", "description": "the namespace, like AWS/Lambda"},
        "metric": {"type": "string", "description": "its name, which may hold slashes and spaces"},
        "dimensions": {"type": "object", "additionalProperties": {"type": "string"}},
    },
    "required": ["namespace", "metric"],
    "additionalProperties": False,
}
Metrics = Annotated[
    tuple[Metric, ...],
    Field(min_length=1),
    BeforeValidator(_metrics),
    PlainSerializer(_written),
    WithJsonSchema({"anyOf": [_TEXT, _PARTS, {"type": "array", "items": {"anyOf": [_TEXT, _PARTS]}, "minItems": 1}]}),
]
"""One metric, or several."""
