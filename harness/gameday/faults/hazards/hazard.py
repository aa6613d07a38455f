"""A row of the hazard table, as data: a documented state of a target, and what Gameday does with each fault there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What Gameday does with a fault on a target in some state."""

    WORKS = "works"  # it plans, injects and undoes
    WARNS = "warns"  # the same, and the plan says more than on a target in no special state
    REFUSES = "refuses"  # nothing is sent


@dataclass(frozen=True, slots=True)
class Answer:
    """The outcome of one fault, with the code and a part of the words that the plan says.

    A warning without a code is what the plan lists as lost for good. `open` says why today's outcome is not right.
    """

    outcome: Outcome
    code: str = ""
    words: str = ""
    open: str = ""


@dataclass(frozen=True, slots=True)
class TargetState:
    """A state of a kind of target, as AWS documents it, and the answer of each fault that meets that kind."""

    name: str
    about: str  # what AWS answers in that state, or what the state means
    source: str  # page and section of AWS's documents
    answers: Mapping[str, Answer]  # by fault
    values: tuple[str, ...] = ()  # of the enum in AWS's models: each of them is tried


WORKS = Answer(Outcome.WORKS)


def warns(code: str, words: str) -> Answer:
    """Return the answer of a fault that goes on, and warns."""
    return Answer(Outcome.WARNS, code, words)


def loses(words: str) -> Answer:
    """Return the answer of an irreversible fault that goes on: the plan lists what is lost."""
    return Answer(Outcome.WARNS, "", words)


def refuses(code: str, words: str) -> Answer:
    """Return the answer of a fault that the plan refuses."""
    return Answer(Outcome.REFUSES, code, words)


def still_open(answer: Answer, why: str) -> Answer:
    """Return an answer as it is today, with the reason for which it is not right."""
    return Answer(answer.outcome, answer.code, answer.words, why)


def throttled(answer: Answer) -> Mapping[str, Answer]:
    """Return the answers of a state that throttle alone meets."""
    return {"throttle": answer}
