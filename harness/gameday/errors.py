"""Every error a user can meet, each with its exit code.

GamedayError
├── InvalidInput (2)      a file, an option or an argument is wrong; nothing was touched
├── Refused (5)           the plan says why it does not inject; nothing was touched
├── JournalError (5)      what undo needs cannot be written or read, so nothing is injected
│   └── LeaseLost (5)     the workload may be another's by now, so nothing more is sent
├── Unplanned (70)        code of ours wanted to change what is not in the plan; it was stopped before it was sent
├── ApplyFailed (3)       an injection failed half way; what it had changed is undone
└── AwsError (3)          a call to AWS failed
    └── Unreachable (3)   no usable answer: no credentials, no route, time-out, lost reply, another shape

Anything else that reaches the door is a bug of ours (70).

Each class has a stable code (`gd_code`), and so has each case that people need to tell apart. `gameday errors CODE`
explains a code; `cli/error_codes.py` holds the explanations.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import zip_longest


class Exit(IntEnum):
    """The exit codes of every verb (the same in YAML suites, pytest and the command line)."""

    HELD = 0
    BROKEN = 1
    INVALID = 2
    UNKNOWN = 3
    STUCK = 4
    REFUSED = 5
    BUG = 70
    INTERRUPTED = 130


WORST_FIRST = (
    Exit.STUCK,
    Exit.INTERRUPTED,
    Exit.INVALID,
    Exit.BUG,
    Exit.BROKEN,
    Exit.UNKNOWN,
    Exit.REFUSED,
    Exit.HELD,
)


def worst(codes: Sequence[Exit]) -> Exit:
    """The exit code of several experiments: the worst of 4, 70, 1, 3, 5, 0; 130 and 2 end a suite by themselves."""
    return next((code for code in WORST_FIRST if code in codes), Exit.HELD)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why nothing is injected, or what a plan warns of: a stable code (`GD-P…`, `GD-W…`), a line, and what to do."""

    code: str  # empty where the reason comes from no guard
    text: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.text} [{self.code}]" if self.code else self.text


def reason_lines(reasons: Sequence[Reason], head: str) -> Iterator[str]:
    """Yield each reason after `head`, and its remedy; of neighbours with one remedy, the last shows it."""
    for reason, following in zip_longest(reasons, reasons[1:]):
        yield f"{head}: {reason}"
        if reason.remedy and not (following and following.remedy == reason.remedy):
            yield f"  → {reason.remedy}"


class GamedayError(Exception):
    """What went wrong, and what to do about it."""

    exit = Exit.BUG
    gd_code = "GD-E001"  # not `code`: that is what AWS answered, see AwsError

    def __init__(self, what: str, remedy: str = "", *, gd_code: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy
        self.gd_code = gd_code or self.gd_code

    def __str__(self) -> str:
        coded = f"{self.what} [{self.gd_code}]"
        return f"{coded}\n  → {self.remedy}" if self.remedy else coded


class InvalidInput(GamedayError):
    """A file, an option or an argument is wrong; nothing was touched."""

    exit = Exit.INVALID
    gd_code = "GD-E100"


class Refused(GamedayError):
    """Not injecting: one line for each reason."""

    exit = Exit.REFUSED
    gd_code = "GD-E200"

    def __init__(self, reasons: Sequence[str | Reason], remedy: str = "", *, gd_code: str = "") -> None:
        code = gd_code or self.gd_code
        self.reasons = tuple(Reason(code, reason) if isinstance(reason, str) else reason for reason in reasons)
        super().__init__("\n".join(reason_lines(self.reasons, "not injecting")), remedy, gd_code=gd_code)

    def __str__(self) -> str:
        return f"{self.what}\n  → {self.remedy}" if self.remedy else self.what  # each reason shows its code


class JournalError(GamedayError):
    """The journal cannot be written or read: nothing is injected without it."""

    exit = Exit.REFUSED
    gd_code = "GD-E300"


class LeaseLost(JournalError):
    """The workload was taken over, or the lease could not be renewed: nothing more may be injected."""

    gd_code = "GD-E310"


class Unplanned(GamedayError):
    """A call that may change something is not the plan's: a bug of a fault or of ours. Nothing was sent."""

    gd_code = "GD-E002"


class ApplyFailed(GamedayError):
    """A change could not be made; the undo of what was made is the caller's."""

    exit = Exit.UNKNOWN
    gd_code = "GD-E500"


class AwsError(GamedayError):
    """AWS answered a call with an error."""

    exit = Exit.UNKNOWN
    gd_code = "GD-E400"

    def __init__(
        self, service: str, operation: str, code: str, message: str, remedy: str = "", request_id: str | None = None
    ) -> None:
        super().__init__(f"{service}.{operation} failed: {code}: {message}", remedy)
        self.service = service
        self.operation = operation
        self.code = code
        self.message = message
        self.request_id = request_id  # None where there is none: no answer came, or the twin's

    def __str__(self) -> str:
        # Not in `what`, which stands in plans and refusals: those are compared, and every request has another id.
        return f"{super().__str__()}\n  (AWS request {self.request_id})" if self.request_id else super().__str__()


UNEXPECTED_ANSWER = "UnexpectedAnswer"
"""The code of our error for an answer of another shape, such as an empty one: AWS itself has no such code."""


class Unreachable(AwsError):
    """A call got no usable answer: it may have happened or not."""

    gd_code = "GD-E401"
