"""Every error a user can meet, each with its exit code.

GamedayError
├── InvalidInput (2)      a file, an option or an argument is wrong; Gameday changed nothing
├── Refused (5)           the plan gives reasons not to inject; Gameday changed nothing
├── JournalError (5)      Gameday cannot write or read what undo needs, so it injects nothing
│   ├── EntriesLost (5)   the journal has lost what a run must still undo
│   └── LeaseLost (5)     another run may have the workload by now, so Gameday sends nothing more
├── HistoryError (3)      Gameday cannot read or write the history of runs; no run or undo depends on it
├── Unplanned (70)        Gameday's code tried a change that is not in the plan, and the allow-list stopped it
├── ApplyFailed (3)       an injection failed half way; Gameday undoes what it had changed
└── AwsError (3)          a call to AWS failed
    └── Unreachable (3)   no usable answer: no credentials, no route, time-out, lost reply, another shape

Any other exception that reaches the command line is a bug of Gameday (70).

Each class has a stable code (`gd_code`), and so has each case that people need to tell apart. `gameday errors CODE`
explains a code; `cli/error_codes.py` holds the explanations.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import zip_longest

from gameday.text import printable


class Exit(IntEnum):
    """The exit codes of every command; YAML suites and pytest use the same."""

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
    """Return the exit code of several experiments: the first of `WORST_FIRST` that occurs."""
    return next((code for code in WORST_FIRST if code in codes), Exit.HELD)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why nothing is injected, or what a plan warns of: a stable code (`GD-P…`, `GD-W…`), a line, and what to do."""

    code: str  # empty where no guard gave the reason
    text: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.text} [{self.code}]" if self.code else self.text


def reason_lines(reasons: Sequence[Reason], head: str) -> Iterator[str]:
    """Yield each reason after `head`, and its remedy, a line each; of neighbours with one remedy, the last shows it."""
    for reason, following in zip_longest(reasons, reasons[1:]):
        yield printable(f"{head}: {reason}")
        if reason.remedy and not (following and following.remedy == reason.remedy):
            yield printable(f"  → {reason.remedy}")


def in_words(error: Exception) -> str:
    """Return what happened, in one line: an error of ours explains itself; the type names any other."""
    text = error.what if isinstance(error, GamedayError) else f"{type(error).__name__}: {error}"
    return " ".join(text.split())


class GamedayError(Exception):
    """An error with what happened (`what`), what to do about it (`remedy`), and a stable code (`gd_code`)."""

    exit = Exit.BUG
    gd_code = "GD-E001"  # not `code`: that name is for the code of an AWS answer, see AwsError

    def __init__(self, what: str, remedy: str = "", *, gd_code: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy
        self.gd_code = gd_code or self.gd_code

    def __str__(self) -> str:
        return self._with_remedy(printable(f"{self.what} [{self.gd_code}]"))

    def _with_remedy(self, shown: str) -> str:
        return f"{shown}\n  → {printable(self.remedy)}" if self.remedy else shown


class InvalidInput(GamedayError):
    """A file, an option or an argument is wrong; Gameday changed nothing."""

    exit = Exit.INVALID
    gd_code = "GD-E100"


class Refused(GamedayError):
    """Gameday does not inject; one line gives each reason."""

    exit = Exit.REFUSED
    gd_code = "GD-E200"

    def __init__(self, reasons: Sequence[str | Reason], remedy: str = "", *, gd_code: str = "") -> None:
        code = gd_code or self.gd_code
        self.reasons = tuple(Reason(code, reason) if isinstance(reason, str) else reason for reason in reasons)
        super().__init__("\n".join(reason_lines(self.reasons, "not injecting")), remedy, gd_code=gd_code)

    def __str__(self) -> str:
        return self._with_remedy(self.what)  # each reason is a line, and shows its code


class JournalError(GamedayError):
    """Gameday cannot write or read the journal, and injects nothing without it."""

    exit = Exit.REFUSED
    gd_code = "GD-E300"


class EntriesLost(JournalError):
    """The journal has lost what a run must still undo; a person must look at the account."""

    gd_code = "GD-E306"

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(
            what,
            remedy
            or "put the journal's files back from a copy, and run `gameday restore` again; or compare the account with "
            "the plan by hand. If nothing is left to undo, move the folder away",
        )


class LeaseLost(JournalError):
    """Another machine took the workload over, or the lease could not be renewed: the run may inject nothing more."""

    gd_code = "GD-E310"


class HistoryError(GamedayError):
    """Gameday cannot read or write the history of runs; no run or undo depends on it."""

    exit = Exit.UNKNOWN
    gd_code = "GD-E600"


class Unplanned(GamedayError):
    """A call that may change something is not in the plan: a bug of a fault or of Gameday. It was not sent."""

    gd_code = "GD-E002"


class ApplyFailed(GamedayError):
    """A change could not be made; the caller must undo the changes made before it."""

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
        self.request_id = request_id  # None where no answer came, and on the twin

    def __str__(self) -> str:
        # Not in `what`: plans and refusals contain it and are compared, and every request has another id.
        return (
            f"{super().__str__()}\n  (AWS request {printable(self.request_id)})"
            if self.request_id
            else super().__str__()
        )


UNEXPECTED_ANSWER = "UnexpectedAnswer"
"""The code of our error for an answer of another shape, such as an empty one: AWS itself has no such code."""


class Unreachable(AwsError):
    """A call got no usable answer: it may have happened or not."""

    gd_code = "GD-E401"
