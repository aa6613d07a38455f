"""Open a team's store: a session of its own, with the caller's credentials, that writes only to the store."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from gameday.aws.client import open_account
from gameday.change import Call
from gameday.engine.allowlist import AllowList
from gameday.steady_state.deadline import Hurries, never
from gameday.store.proof import PROBES
from gameday.store.s3 import S3Objects, place_of

WORKERS = 2
"""The run's thread and the heartbeat's."""


def region_of_buckets() -> str:
    """Return the region to look for a bucket in; S3 redirects to its region (Amazon S3 API Reference, "Redirects")."""
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"


class StoreAllowList(AllowList):
    """Let only these writes pass: objects under the store's prefix, and removals of probes."""

    def __init__(self, bucket: str, prefix: str) -> None:
        super().__init__()
        self._bucket, self._prefix = bucket, prefix

    def check(self, call: Call, region: str) -> None:
        """Raise Unplanned for any other write. It is not sent."""
        allowed = {"s3.put_object": self._prefix, "s3.delete_object": self._prefix + PROBES}.get(str(call))
        is_ours = call.params.get("Bucket") == self._bucket
        if allowed is None or not is_ours or not str(call.params.get("Key")).startswith(allowed):
            super().check(call, region)


@contextmanager
def open_store(store: str, region: str, hurries: Hurries = never) -> Iterator[S3Objects]:
    """Open the objects of s3://bucket/prefix. Raises InvalidInput where botocore opens no session."""
    bucket, prefix = place_of(store)
    aws = open_account(workers=WORKERS, hurries=hurries)
    yield S3Objects(aws.allowing(StoreAllowList(bucket, prefix)), region, bucket, prefix)
