"""The record of occurrences in S3: one machine claims, and only the claimer ends."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from gameday.change import Call
from gameday.schedule.book import Book, Kept, findings
from gameday.store.s3 import S3Objects
from moto import mock_aws

from tests.doubles import shop


@pytest.fixture
def book() -> Iterator[Book]:
    with mock_aws():
        aws = shop.aws()
        aws.call(Call(service="s3", operation="create_bucket", params={"Bucket": "ledger"}), "us-east-1")
        yield Book(S3Objects(aws, "us-east-1", "ledger", "team/"), "111122223333", "shop", "day")


def kept(number: int = 1, holder: str = "p1", state: str = "running", reason: str = "") -> Kept:
    return Kept.model_validate(
        {
            "id": f"2026120{number}T0930Z",
            "schedule": "s",
            "instant": 0.0,
            "state": state,
            "reason": reason,
            "who": f"me@{holder}",
            "holder": holder,
            "at": 1.0,
        }
    )


def test_claim_in_s3_succeeds_once(book):
    assert [book.claim(kept(holder=holder)) for holder in ("p1", "p2")] == [True, False]
    assert book.get("20261201T0930Z").holder == "p1"


def test_end_is_the_claimers_alone_and_the_last_word(book):
    book.claim(kept())
    assert not book.end(kept(holder="p2", state="done"))
    assert book.end(kept(state="done"))
    assert not book.end(kept(state="interrupted"))
    assert [each.state for each in book.newest(book.ids())] == ["done"]


def test_findings_name_what_has_no_end_since_the_last_good_day():
    known = [
        kept(1, state="interrupted", reason="its process died"),
        kept(2, state="done"),
        kept(3, state="skipped", reason="late by 2h"),
        kept(4, state="skipped", reason="freeze: x"),
        kept(5),
    ]
    assert [line.partition(":")[0] for line in findings(known)] == ["20261203T0930Z", "20261205T0930Z"]
