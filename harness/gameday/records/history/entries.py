"""What history keeps of a run that begins, of a record, and of a refusal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from gameday.errors import Exit
from gameday.plan.plan import Plan, RunRequest
from gameday.records.claim_identity import claim_identity
from gameday.records.history.kept_run import KeptMeasure, KeptRun
from gameday.records.origin import Origin
from gameday.records.record import Record
from gameday.records.suite import Refusal
from gameday.steady_state.kpi.claim import Verdict
from gameday.steady_state.kpi.kpi import Tier


def began(run: str, plan: Plan, origin: Origin, digests: dict[str, str], started: str, command: str) -> KeptRun:
    """Return what is kept of a run that begins; its verdict is unknown until it ends."""
    return KeptRun(
        claim=claim_identity(plan.experiment, plan.workload),
        experiment=plan.experiment.name,
        workload=plan.workload.name,
        run=run,
        state="begun",
        place=plan.place,
        account=plan.account,
        seed=plan.seed,
        started=started,
        ended=None,
        verdict="unknown",
        left="unknown",
        exit=None,
        about="the run has not ended",
        plan=plan.digest,
        release=origin.release,
        commit=origin.commit,
        is_dirty=origin.is_dirty,
        digests=digests,
        store=plan.workload.store,
        who=origin.who,
        principal=plan.principal,
        command=command,
    )


def of_record(record: Record) -> KeptRun:
    """Return what is kept of a run's record; it follows from the record alone."""
    died = any(event.type == "aborted" and event.why == "killed" for event in record.events)
    last = record.ended
    return KeptRun(
        claim=claim_identity(record.plan.experiment, record.plan.workload),
        experiment=record.name,
        workload=record.plan.workload.name,
        run=record.run,
        state="killed" if died else "ended",
        place=record.place,
        account=record.plan.account,
        seed=record.seed,
        started=record.started,
        ended=record.started if record.place == "twin" else _utc(record.end),
        verdict=record.outcome,
        left=last.account if last else "unknown",
        exit=last.exit if last else int(Exit.STUCK),
        about=record.judged.judgement.sentence if record.judged else "the run was not judged",
        plan=record.plan.digest,
        release=record.release,
        commit=record.commit,
        is_dirty=record.is_dirty,
        digests=record.digests,
        measures=tuple(_measures(record)),
        store=record.plan.workload.store,
        who=record.who,
        principal=record.principal,
        tool=record.tool,
        command=record.command,
    )


def of_refusal(refusal: Refusal, run: str, request: RunRequest, origin: Origin, started: str, command: str) -> KeptRun:
    """Return what is kept of a refusal: nothing was injected, so there is no measure."""
    return KeptRun(
        claim=claim_identity(request.experiment, request.workload),
        experiment=request.experiment.name,
        workload=request.workload.name,
        run=run,
        state="refused",
        place=request.place,
        account=request.workload.account,
        seed=request.seed,
        started=started,
        ended=started,
        verdict="refused",
        left="untouched",
        exit=int(Exit.REFUSED),
        about="; ".join(map(str, refusal.reasons)),
        plan=refusal.plan.digest if refusal.plan else None,
        release=origin.release,
        commit=origin.commit,
        is_dirty=origin.is_dirty,
        digests=dict(request.digests),
        store=request.workload.store,
        who=origin.who,
        principal=refusal.plan.principal if refusal.plan else None,
        command=command,
    )


def _measures(record: Record) -> Iterator[KeptMeasure]:
    if record.judged is None or record.judged.phases.took_effect is None:
        return
    judgement, kpis = record.judged.judgement, record.plan.workload.kpis
    for row in judgement.recovery:
        unhurt = not row.degraded and row.verdict is Verdict.HELD  # it never left its bound: back at once
        value, low, high = (0.0, 0.0, 0.0) if unhurt else (row.took, row.low, row.high)
        if value is not None or row.censored:
            yield KeptMeasure("recovery", row.kpi, row.verdict.value, value, low, high, kpis[row.kpi].interval)
    if (found := judgement.detection) is not None:
        yield KeptMeasure("detection", found.alarm, found.verdict.value, found.took, found.low, found.high, 1.0)
    for loss in judgement.losses:
        kpi = kpis[loss.kpi]
        is_claimed = loss.kpi in record.plan.experiment.steady_state and kpi.tier is Tier.BUSINESS
        if loss.lost is not None and is_claimed and kpi.kind != "gauge":
            yield KeptMeasure("loss", loss.kpi, None, loss.lost, loss.low, loss.high, 1.0)


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
