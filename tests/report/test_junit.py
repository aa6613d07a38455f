"""JUnit: broken is a failure, unknown and stuck are errors, refused is skipped."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from gameday.errors import Exit, Reason
from gameday.events import Ended, Judged
from gameday.records.record import Record
from gameday.records.suite import Refusal, Suite
from gameday.report.junit import junit
from gameday.steady_state.judging.judge import Verdict

from tests.report.sample import ACCOUNT, broken, held, stuck, suite
from tests.report.test_html import hostile

NOW = "2026-09-22T09:30:00Z"


def cases(*entries: Record | Refusal) -> list[ET.Element]:
    return list(ET.fromstring(junit(Suite("day", NOW, entries))).iter("testcase"))


def kinds(case: ET.Element) -> list[str]:
    return [child.tag for child in case if child.tag != "properties"]


def ended(record: Record, code: Exit) -> Record:
    last = record.ended
    assert last
    return replace(
        record, events=tuple(replace(last, exit=int(code)) if event is last else event for event in record.events)
    )


def unknown(record: Record) -> Record:
    judged = record.judged
    assert judged
    changed = replace(judged, judgement=replace(judged.judgement, verdict=Verdict.UNKNOWN))
    events = tuple(changed if isinstance(event, Judged) else event for event in record.events)
    return ended(replace(record, events=events), Exit.UNKNOWN)


def test_a_suite_counts_its_cases() -> None:
    root = ET.fromstring(junit(suite()))
    assert (root.tag, root.get("tests"), root.get("failures"), root.get("errors"), root.get("skipped")) == (
        "testsuites",
        "4",
        "2",
        "0",
        "1",
    )
    inner = root.find("testsuite")
    assert inner is not None
    assert (inner.get("name"), inner.get("timestamp")) == ("storefront", NOW)


@pytest.mark.parametrize(
    ("record", "kind"),
    [
        (held(), []),
        (broken(), ["failure"]),
        (unknown(held()), ["error"]),
        (stuck(held()), ["error"]),
        (stuck(broken()), ["error"]),
        (ended(held(), Exit.INTERRUPTED), ["error"]),
        (ended(held(), Exit.BUG), ["error"]),
        (ended(held(), Exit.REFUSED), ["skipped"]),
        (replace(held(), events=tuple(event for event in held().events if not isinstance(event, Ended))), ["error"]),
        (Refusal("idle", (Reason("", "no traffic"),)), ["skipped"]),
    ],
    ids=[
        "held",
        "broken",
        "unknown",
        "stuck",
        "stuck and broken",
        "interrupted",
        "bug",
        "refused late",
        "died",
        "refused",
    ],
)
def test_each_outcome_has_its_place(record: Record | Refusal, kind: list[str]) -> None:
    (case,) = cases(record)
    assert kinds(case) == kind


def test_a_failure_explains_itself() -> None:
    (case,) = cases(broken())
    failure = case.find("failure")
    assert failure is not None
    assert failure.text
    assert (failure.get("message") or "").startswith("Orders fell to")
    assert "broken: orders during: " in failure.text
    assert "payments-errors" not in failure.text
    assert "repeat: gameday run" in failure.text


def test_a_conflict_is_named() -> None:
    (case,) = cases(stuck(held()))
    error = case.find("error")
    assert error is not None
    assert error.get("type") == "stuck"
    assert "conflict: change 7: was absent, is 5: somebody else changed it" in (error.text or "")


def test_properties_carry_what_a_dashboard_wants() -> None:
    (case,) = cases(held())
    found = {one.get("name"): one.get("value") for one in case.iter("property")}
    assert found["verdict"] == "held"
    assert found["place"] == "twin"
    assert found["recovery_seconds.checkout-capacity"] == "140.000"
    assert case.get("classname") == "storefront"
    assert float(case.get("time") or 0) == pytest.approx(784.1)


def test_hostile_text_still_parses_and_hides_account_ids() -> None:
    record = hostile(held())
    odd = replace(record, command=f"\x00\x1b\ud800\ufffe{ACCOUNT}")
    text = junit(
        Suite(
            "a\x00b",
            NOW,
            (
                ended(odd, Exit.BUG),
                Refusal("x\x08", (Reason("", "\x0c"), Reason("", f"arn:aws:iam::{ACCOUNT}:role/r"))),
            ),
        )
    )
    ET.fromstring(text)
    assert ACCOUNT not in text
