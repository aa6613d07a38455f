"""Every report says the same thing in the same words."""

from __future__ import annotations

from dataclasses import replace

import pytest
from gameday.change import SettingChange
from gameday.events import Judged
from gameday.records.record import Record
from gameday.report import phrases
from gameday.steady_state.judging.judge import RecoveryJudgement, Verdict
from gameday.steady_state.kpi.kpi import Bound

from tests.report.sample import ACCOUNT, LAUNCH, broken, held, spread, stuck


@pytest.mark.parametrize(("seconds", "text"), [(-300, "−5m"), (-0.4, "0s"), (0, "0s"), (23, "+23s"), (161.2, "+2m41s")])
def test_moments_count_from_the_injection(seconds: float, text: str) -> None:
    assert phrases.offset(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "+0.0s"), (0.16, "+0.2s"), (-0.01, "+0.0s"), (-2.5, "−2.5s"), (59.96, "+1m00.0s"), (422.4, "+7m02.4s")],
)
def test_calls_stand_at_a_tenth_of_a_second(seconds: float, text: str) -> None:
    assert phrases.moment(seconds) == text


def test_a_verdict_names_where_it_was_reached() -> None:
    assert phrases.label("held", "twin") == "held (twin)"
    assert phrases.label("broken", "aws") == "broken (aws)"
    assert phrases.label("refused", "aws") == "refused"


def test_account_ids_keep_their_last_four_digits_alone() -> None:
    text = f"{ACCOUNT} arn:aws:iam::{ACCOUNT}:role/x arn:aws-cn:sns:cn-north-1:999988887777:topic"
    short = phrases.shorten(text, ACCOUNT)
    assert short == "…3333 arn:aws:iam::…3333:role/x arn:aws-cn:sns:cn-north-1:…7777:topic"
    assert phrases.shorten("vpc-111122223333", "") == "vpc-111122223333"


def test_recovery_is_shown_against_its_claim() -> None:
    assert phrases.recovery_words(held()) == "2m20s of 5m"
    assert phrases.recovery_words(broken()) == "not within 1m"
    assert phrases.recovery_words(spread()) == "not claimed"
    calm = rejudged(held(), RecoveryJudgement("orders", Verdict.HELD, False, None, None, None, None, None, False, ""))
    assert phrases.recovery_words(calm) == "not degraded"
    blind = rejudged(
        held(), RecoveryJudgement("orders", Verdict.UNKNOWN, False, None, None, None, None, None, False, "")
    )
    assert phrases.recovery_words(blind) == "unknown"


def test_run_cut_short_claims_no_recovery_without_measurement() -> None:
    record = held()
    assert record.judged
    assert record.plan.experiment.recovery
    undo = record.judged.phases.undo
    assert undo is not None
    late = RecoveryJudgement("orders", Verdict.UNKNOWN, True, undo - 18, None, None, 18.0, None, True, "")
    short = rejudged(record, late)
    assert short.judged
    assert phrases.recovery_words(short) == "unknown (not back by 18s)"
    cut = replace(short.judged, phases=replace(short.judged.phases, end=undo + 15))
    recovery = record.plan.experiment.recovery.model_copy(update={"from_": "undo"})
    experiment = record.plan.experiment.model_copy(update={"recovery": recovery})
    from_undo = replace(
        short,
        plan=record.plan.model_copy(update={"experiment": experiment}),
        events=tuple(cut if event is short.judged else event for event in short.events),
    )
    assert phrases.recovery_words(from_undo) == "unknown (not back by 15s)"


def test_recovery_not_watched_for_long_enough_is_unknown() -> None:
    row = RecoveryJudgement("orders", Verdict.UNKNOWN, True, 100.0, 160.0, 60.0, 50.0, 70.0, False, "")
    assert phrases.recovery_words(rejudged(held(), row)) == "unknown (1m of 5m)"


def test_recovery_from_impact_and_from_undo_are_kept_apart() -> None:
    row = RecoveryJudgement("orders", Verdict.HELD, True, 100.0, 160.0, 60.0, 50.0, 70.0, False, "")
    assert (phrases.since_impact(row), phrases.since_undo(row, 150.0)) == ("1m", "10s")
    assert phrases.since_undo(row, 500.0) == "before the undo"
    late = replace(row, recovered=None, took=None, censored=True)
    assert (phrases.since_impact(late), phrases.since_undo(late, 150.0)) == ("not back", "not back")


def test_modules_come_hit_first_and_contained_last() -> None:
    rows = {row.module: row for row in phrases.modules(spread())}
    assert list(rows) == ["recommendations", "search", "payments", "web", "catalog", "checkout"]
    assert [row.state for row in rows.values()] == ["hit", "spread", "unknown", "contained", "contained", "contained"]
    assert rows["search"].change == "+13.3 points (+12.9 to +13.7)"
    assert rows["payments"].detectable == "2.1 points"
    assert phrases.isolation_words(spread()) == "spread to search, 3 contained, 1 unknown"


def test_a_module_without_a_kpi_is_not_judged_and_says_why() -> None:
    row = phrases.modules(held())[-1]
    assert (row.module, row.state, row.words) == ("recommendations", "not judged", "it has no KPI")


def test_an_experiment_without_an_isolation_claim_says_so() -> None:
    record = rejudged(held())
    experiment = record.plan.experiment.model_copy(update={"isolation": None})
    record = replace(record, plan=record.plan.model_copy(update={"experiment": experiment}))
    assert phrases.isolation_words(record) == "not claimed"


def test_changes_name_both_values_and_their_undo() -> None:
    rows = [change.describe() for change in held().plan.planned_faults[0].changes]
    made, group, subnet, hit = rows[0], rows[1], rows[3], rows[-1]
    assert (made.before, made.after, made.undo) == (
        "does not exist",
        "created",
        "ec2.delete_network_acl: all resources with the run's tag",
    )
    assert (group.before, group.after) == ("without Launch, AZRebalance", "with Launch, AZRebalance")
    assert group.undo == "remove Launch, AZRebalance"
    assert (subnet.before, subnet.after, subnet.undo) == ("acl-0d7e5512", "{made.acl}", "write back acl-0d7e5512")
    assert hit.undo.startswith("cannot be undone: a terminated instance does not come back; healed when six")


def test_absent_and_zero_are_different_values() -> None:
    row = broken().plan.planned_faults[0].changes[0].describe()
    assert (row.before, row.after, row.undo) == ("absent", "0", "clear it again")


def test_what_was_removed_is_added_back() -> None:
    row = SettingChange(region="us-east-1", setting=LAUNCH, id="g", removes=("Launch",)).describe()
    assert (row.before, row.after, row.undo) == ("with Launch", "without Launch", "add back Launch")


def test_percentile_becomes_the_share_that_is_drawn() -> None:
    assert phrases.drawn(Bound.model_validate({"p95": "300ms"})) == "at least 95% within 300ms"
    assert phrases.drawn(Bound.model_validate({"at_least": "99%"})) == "at least 99%"


def test_a_run_that_was_not_judged_says_what_ended_it() -> None:
    record = replace(held(), events=tuple(event for event in held().events if not isinstance(event, Judged)))
    assert phrases.sentence(record) == "The run ended before Gameday could judge it."
    assert phrases.account_words(stuck(held())) == "stuck"


def rejudged(record: Record, *rows: RecoveryJudgement) -> Record:
    """The record with this recovery, and no module judged."""
    judged = record.judged
    assert judged
    changed = replace(judged, judgement=replace(judged.judgement, recovery=rows, modules=()))
    return replace(record, events=tuple(changed if event is judged else event for event in record.events))
