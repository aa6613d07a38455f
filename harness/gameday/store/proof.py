"""The proof that a store keeps conditional writes: without them every run would get the lease.

Some servers that speak S3's protocol ignore `If-None-Match` or `If-Match`, and report success. So the first run that
uses a store writes a probe, and records the proof in the store for all later runs. The probe's writes follow each
other: it cannot show that the server keeps conditions between two writes at the same time.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from gameday import __version__
from gameday.errors import JournalError, Refused
from gameday.store.s3 import NEW, Objects, Stored

PROOF = "proof.json"
PROBES = "probes/"
"""The prefix of probes: the only objects that Gameday ever removes."""


@dataclass(frozen=True, slots=True)
class Proof:
    """The store kept all conditions of the probe."""

    at: datetime
    tool: str  # version of gameday
    nonce: str
    version: Literal[1] = 1  # of the probe: proof by a weaker one does not count


_PROOF = TypeAdapter(Proof)


def prove(objects: Objects) -> None:
    """Prove that a store keeps conditional writes, unless its proof is there.

    Raises Refused where it ignores a condition, JournalError where it does not answer.
    """
    stored = objects.get(PROOF)
    if stored and _is_proof(stored):
        return
    if violations := _probe(objects):
        raise Refused(
            [f"the store {violation}: two runs could hold the workload at once" for violation in violations],
            "name a bucket of Amazon S3, or of a server that keeps conditional writes;"
            " or leave `store` out and pass --local-journal",
            gd_code="GD-E213",
        )
    proof = Proof(datetime.now(UTC).replace(microsecond=0), __version__, secrets.token_hex(8))
    # If another run has written its proof since, that proof counts as well.
    objects.put(PROOF, _PROOF.dump_json(proof).decode(), stored.tag if stored else NEW)


def _is_proof(stored: Stored) -> bool:
    try:
        _PROOF.validate_json(stored.body)
    except ValidationError:
        return False
    return True


def _probe(objects: Objects) -> tuple[str, ...]:
    """Return what the store does wrong, a clause each; remove the probe afterwards."""
    key = f"{PROBES}{secrets.token_hex(16)}.json"
    try:
        return tuple(_violations(objects, key))
    finally:
        with suppress(JournalError):  # a probe that stays is a few bytes that nothing reads
            objects.remove(key)


def _violations(objects: Objects, key: str) -> Iterator[str]:
    if objects.put(key, _text(), NEW) is None:
        yield "refuses to write a new object under `If-None-Match: *`"
        return
    if objects.put(key, _text(), NEW) is not None:
        yield "ignores `If-None-Match: *`"
    before = objects.get(key)
    if before is None:
        yield "does not return an object that was just written"
        return
    if objects.put(key, _text(), before.tag) is None:
        yield "refuses to write under an `If-Match` that holds"
    elif objects.put(key, _text(), before.tag) is not None:
        yield "ignores a stale `If-Match`"


def _text() -> str:
    return f'{{"probe": "{secrets.token_hex(8)}"}}'
