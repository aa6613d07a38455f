"""Objects in S3, written only on a condition: a team's journal and lease consist of them.

A write must be the first (`If-None-Match: *`) or follow the object that was read (`If-Match`). S3 refuses any other
with 412, or with 409 while two are under way. Reads see every finished write. Source: Amazon S3 User Guide,
"How to prevent object overwrites with conditional writes" and "Amazon S3 data consistency model".
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Protocol, TypeVar

from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential

from gameday.aws.account import Account, read
from gameday.aws.answers.operation import Operation
from gameday.aws.answers.s3 import DELETE_OBJECT, GET_OBJECT, LIST_OBJECTS, PUT_OBJECT
from gameday.change import JsonLike
from gameday.errors import AwsError, InvalidInput, JournalError, Unreachable
from gameday.files.workload import STORE

A = TypeVar("A")

log = logging.getLogger("gameday.store")

NEW = ""
"""The tag of an object that does not exist."""
_MOVED = ("PreconditionFailed", "412")
_MEANWHILE = ("ConditionalRequestConflict", "OperationAborted", "409")
_MISSING = ("NoSuchKey",)


def place_of(store: str) -> tuple[str, str]:
    """Return bucket and prefix of s3://bucket/prefix; the prefix is empty or ends in a slash. Raises InvalidInput."""
    if not STORE.fullmatch(store):
        raise InvalidInput(
            f"{store!r} is not a store",
            "write it like s3://bucket/prefix; a bucket's name has 3 to 63 characters",
            gd_code="GD-E115",
        )
    bucket, _, prefix = store.removeprefix("s3://").partition("/")
    return bucket, f"{prefix.strip('/')}/" if prefix.strip("/") else ""


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as it was read."""

    body: str
    tag: str  # changes with every write


class Objects(Protocol):
    """A linearizable store of small texts by key. Every method raises JournalError where it does not answer."""

    def get(self, key: str) -> Stored | None:
        """Return the object of a key, or None."""
        ...

    def put(self, key: str, body: str, tag: str) -> str | None:
        """Write if the object still has this tag (NEW: if there is no object); return the new tag, or None.

        No two writers use the same body, so a writer recognises its own write after a lost answer.
        """
        ...

    def remove(self, key: str) -> None:
        """Remove an object, if it exists."""
        ...

    def keys(self, prefix: str) -> list[str]:
        """Return the keys with this prefix, in order."""
        ...


@dataclass(frozen=True)
class S3Objects:
    """Objects under a prefix of a bucket, through an account."""

    account: Account
    region: str
    bucket: str
    prefix: str  # empty, or ending in a slash

    def get(self, key: str) -> Stored | None:
        """Return the object of a key, or None; raises JournalError."""
        try:
            answer = self._call(GET_OBJECT, Key=self.prefix + key)
        except AwsError as error:
            if error.code in _MISSING:
                return None
            raise self._trouble(error) from error
        return Stored(answer["Body"], answer["ETag"])

    def put(self, key: str, body: str, tag: str) -> str | None:
        """Write on a condition; return the new tag, or None. Raises JournalError."""
        condition = {"IfMatch": tag} if tag else {"IfNoneMatch": "*"}
        params = {"Key": self.prefix + key, "Body": body, "ContentType": "application/json", **condition}
        log.debug("write %s%s after %s", self.prefix, key, tag or "nothing")
        try:
            return self._repeated(params)
        except AwsError as error:
            if error.code not in (*_MOVED, *_MISSING, *_MEANWHILE) and not isinstance(error, Unreachable):
                raise self._trouble(error) from error
            # Our write may have arrived: if an answer is lost, botocore sends the write again.
            there = self.get(key)
            if there and there.body == body:
                return there.tag
            if isinstance(error, Unreachable):
                raise self._trouble(error) from error
            return None

    def remove(self, key: str) -> None:
        """Remove an object, if it exists; raises JournalError."""
        try:
            self._call(DELETE_OBJECT, Key=self.prefix + key)
        except AwsError as error:
            raise self._trouble(error) from error

    def keys(self, prefix: str) -> list[str]:
        """Return the keys with this prefix, in order; raises JournalError."""
        try:
            answer = read(self.account, self.region, LIST_OBJECTS, Bucket=self.bucket, Prefix=self.prefix + prefix)
        except AwsError as error:
            raise self._trouble(error) from error
        return sorted(found["Key"].removeprefix(self.prefix) for found in answer.get("Contents", []))

    def _repeated(self, params: dict[str, str]) -> str:
        """Write; try again after a conflict with a write under way, as S3 requires."""
        writing = Retrying(
            retry=retry_if_exception(lambda error: isinstance(error, AwsError) and error.code in _MEANWHILE),
            wait=wait_exponential(multiplier=0.05, max=0.4),
            stop=stop_after_attempt(5),
            reraise=True,
        )
        return writing(lambda: self._call(PUT_OBJECT, **params))["ETag"]

    def _call(self, operation: Operation[A], **params: JsonLike) -> A:
        return operation.typed(self.account.call(operation.call(Bucket=self.bucket, **params), self.region))

    def _trouble(self, error: AwsError) -> JournalError:
        return JournalError(
            f"Gameday cannot use the store s3://{self.bucket}/{self.prefix}: {error.what}",
            "name a bucket in the workload's `store` that this principal may list, read and write",
            gd_code="GD-E304",
        )
