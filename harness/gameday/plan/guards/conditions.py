"""What AWS demands of the targets, and what shows healing: both are read before anything is sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gameday.change import Call, Condition, Json, JsonLike
from gameday.change.placeholders import bind
from gameday.engine.calls import answers_of_each
from gameday.engine.patient_reads import PatientReads
from gameday.errors import GamedayError
from gameday.plan.guards.context import PlanContext
from gameday.plan.guards.guard import Objection


def conditions(context: PlanContext) -> Iterator[Objection]:
    """Refuse unless every condition of the changes holds; some conditions only warn."""
    faults = context.plan.planned_faults
    asked = {condition.model_dump_json(): condition for fault in faults for condition in fault.conditions}
    answers = _answers(context, [condition.read for condition in asked.values()])
    for condition in asked.values():
        yield from _objections(condition, answers[_key(condition.read)])


def healing(context: PlanContext) -> Iterator[Objection]:
    """Refuse an irreversible action on a system that is not whole: nothing could show that it has healed."""
    actions = [action for fault in context.plan.planned_faults for action in fault.irreversible_actions]
    times: dict[str, JsonLike] = {"since": context.now, "before": context.now, "now": context.now}
    asked = [bind(action.healed.call, {**times, "run": "none", "made": {}}) for action in actions]
    answers = _answers(context, asked)
    for action, call in zip(actions, asked, strict=True):
        try:
            answer = answers[_key(call)]
            if isinstance(answer, GamedayError):
                raise answer
            is_whole = action.was_whole(answer)
        except GamedayError as error:
            text = f"{action.about}: Gameday could not read whether {action.healed.about}: {error.what}"
            yield Objection(text, error.remedy)
        else:
            if not is_whole:
                text = f"{action.about}: its system is not whole now, so nothing could show that it heals"
                yield Objection(text, f"wait until this holds: {action.healed.about}")


def _objections(condition: Condition, answer: Json | GamedayError) -> Iterator[Objection]:
    try:
        if isinstance(answer, GamedayError):
            raise answer
        is_met = condition.is_met(answer)
    except GamedayError as error:
        text = f"{condition.subject}: Gameday could not read whether {condition.about}: {error.what}"
        yield Objection(text, error.remedy)
    else:
        if not is_met:
            yield Objection(condition.refusal, condition.remedy, refuses=not condition.warns)


def _answers(context: PlanContext, calls: Sequence[Call]) -> dict[str, Json | GamedayError]:
    """Return the answer or error of each call, by its key: each different call is sent once, all in parallel."""
    once = {_key(call): call for call in calls}
    sent = [(call, context.plan.region) for call in once.values()]
    return dict(
        zip(once, answers_of_each(PatientReads(context.account), sent, paged=True) if sent else [], strict=True)
    )


def _key(call: Call) -> str:
    return call.model_dump_json()
