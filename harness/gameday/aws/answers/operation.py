"""An AWS operation with the shape of its answer, which turns an answer of any other shape into an error of ours."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import Generic, TypeVar

from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict

from gameday.change import Call, Json, JsonLike
from gameday.errors import UNEXPECTED_ANSWER, Unreachable

A = TypeVar("A")

_BUILDING = Lock()
"""Reads in parallel build adapters at the same time, and `typing` evaluates forward references without a lock."""


@dataclass(frozen=True, eq=False)
class Operation(Generic[A]):
    """An operation: `service` as boto3 names its client, `name` as the client's method, `shape` of its answer."""

    service: str
    name: str
    shape: type[A]

    def call(self, **params: JsonLike) -> Call:
        """Return the call with these parameters."""
        return Call(service=self.service, operation=self.name, params=params)

    def typed(self, answer: Json) -> A:
        """Return an answer with the keys of the shape, and no others.

        Raises Unreachable (code UNEXPECTED_ANSWER) where a required key is missing or a value has the wrong type.
        Something between AWS and us answered then: the call may have happened or not.
        """
        try:
            return self._adapter.validate_python(answer)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            place = ".".join(map(str, first["loc"])) or "the answer"
            raise Unreachable(self.service, self.name, UNEXPECTED_ANSWER, f"{place}: {first['msg']}") from error

    @cached_property
    def _adapter(self) -> TypeAdapter[A]:
        with _BUILDING:
            return TypeAdapter(self.shape)


class Tag(TypedDict):
    """A tag, as most services answer with it."""

    Key: str
    Value: str


def tags_of(tags: list[Tag]) -> dict[str, str]:
    """Return tags as a mapping."""
    return {tag["Key"]: tag["Value"] for tag in tags}
